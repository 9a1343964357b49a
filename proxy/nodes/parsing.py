"""Redis's answers, made into facts. Pure; every function takes what hiredis made of a RESP2 reply."""

import hashlib
import re
from collections.abc import Iterable, Mapping

from proxy.nodes.link import Reply
from proxy.nodes.role import Role
from proxy.switchover.facts import Connection, Standing


def parse_info(reply: Reply) -> dict[str, str]:
    """Read INFO, whatever sections it has."""
    lines = reply.decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def parse_standing(address: str, role: Role, info: Mapping[str, str]) -> Standing:
    """Join ROLE with the sections "server" and "replication" of INFO; ValueError where a field is missing."""
    try:
        return Standing(
            address=address,
            run_id=info["run_id"],
            primary=role.is_primary,
            replid=info["master_replid"],
            replid2=info["master_replid2"],
            offset=int(info["master_repl_offset" if role.is_primary else "slave_repl_offset"]),
            second_offset=int(info["second_repl_offset"]),
            follows="" if role.is_primary else f"{role.primary_host}:{role.primary_port}",
            link_up=role.link == "connected",
        )
    except KeyError as missing:
        raise ValueError(f"INFO has no {missing.args[0]}") from None


def pairs(reply: Reply) -> dict[str, Reply]:
    """Read a flat array of names and values, which is how RESP2 writes a map."""
    return {name.decode(errors="replace"): value for name, value in zip(reply[::2], reply[1::2], strict=True)}


def parse_settings(reply: Reply) -> dict[str, str]:
    """Read CONFIG GET."""
    return {name: value.decode(errors="replace") for name, value in pairs(reply).items()}


def parse_acl(reply: Reply) -> dict[str, tuple[str, ...]]:
    """Read ACL LIST so that what means the same compares equal.

    The order of rules about commands has a meaning only between a category and what stands before or behind
    it. Up to 7.0 a server makes these rules up anew from what is allowed, plus and minus mixed, in the order
    of a hash table with a seed of its own. That of passwords, keys, channels and flags depends on how they
    were typed. "sanitize-payload" is the default, which some versions write down and others do not.
    """
    users = {}
    for line in reply:
        words, *selectors = line.decode(errors="replace").split(" (")
        _, name, *rules = words.split(" ")
        inner = [f"({' '.join(_in_order(each.removesuffix(')').split(' ')))})" for each in selectors]
        users[name] = (*_in_order(rules), *inner)
    return users


def _in_order(rules: Iterable[str]) -> list[str]:
    ordered: list[str] = []
    others: set[str] = set()
    run: list[str] = []
    for rule in rules:
        if rule[:1] not in ("+", "-"):
            others.add(rule)
        elif rule[1:2] == "@":
            ordered += [*sorted(run), rule]
            run = []
        else:
            run.append(rule)
    return [*sorted(others - {"sanitize-payload"}), *ordered, *sorted(run)]


def parse_modules(reply: Reply) -> dict[str, int]:
    """Read MODULE LIST."""
    modules = [pairs(module) for module in reply]
    return {module["name"].decode(errors="replace"): module["ver"] for module in modules}


def digest_functions(reply: Reply) -> str:
    """Sum up FUNCTION LIST WITHCODE. (FUNCTION DUMP would not do: its order is that of a hash table.)"""
    libraries = [pairs(library) for library in reply]
    parts = sorted((x["library_name"], x["engine"], x["library_code"]) for x in libraries)
    return hashlib.sha256(repr(parts).encode()).hexdigest() if parts else ""


def parse_absent(names: Iterable[str], reply: Reply) -> frozenset[str]:
    """Read COMMAND INFO: which of the commands asked for the server does not have."""
    return frozenset(name for name, entry in zip(names, reply, strict=True) if not entry)


CLIENT_LINE = re.compile(r"id=(\d+) addr=(\S+) .*?\bname=(\S*) .*?\bflags=(\S+) ")


def parse_connections(reply: Reply) -> tuple[Connection, ...]:
    """Read CLIENT LIST."""
    found = CLIENT_LINE.findall(reply.decode(errors="replace"))
    return tuple(Connection(int(number), addr, name, flags) for number, addr, name, flags in found)


def parse_client_ids(reply: Reply) -> dict[str, int]:
    """Read CLIENT LIST for the ids alone, by the address from which the node sees the connection."""
    found = re.findall(rb"^id=(\d+) addr=(\S+) ", reply, re.MULTILINE)
    return {addr.decode(): int(number) for number, addr in found}
