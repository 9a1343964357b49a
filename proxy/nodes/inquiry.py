"""Asking a node for everything that preflight judges by, in one send.

What the control user may not ask, or an older server does not know, is kept as an error beside the facts: a
managed Redis forbids CONFIG, and that is no reason to know nothing.
"""

from collections.abc import Mapping

from proxy.nodes.errors import ReplyError
from proxy.nodes.link import Link, Reply, Request
from proxy.nodes.parsing import (
    digest_functions,
    parse_absent,
    parse_acl,
    parse_connections,
    parse_info,
    parse_modules,
    parse_settings,
)
from proxy.switchover.facts import NEEDS, SETTINGS, Need, NodeFacts

SEVEN = (7,)
"""From this version on a server tells what a user may do, and has functions."""
SINCE_NEW = ("ACL DRYRUN", "FUNCTION LIST")
NAMES = tuple(dict.fromkeys(need.words[0] for need in NEEDS))


def requests_for(user: str) -> dict[str, Request]:
    """Name every question; `user` is the one as which the control connections log in."""
    return {
        "INFO": ("INFO",),
        **{f"CONFIG GET {name}": ("CONFIG", "GET", name) for name in SETTINGS},
        "ACL LIST": ("ACL", "LIST"),
        "MODULE LIST": ("MODULE", "LIST"),
        "FUNCTION LIST": ("FUNCTION", "LIST", "WITHCODE"),
        "CLIENT LIST": ("CLIENT", "LIST"),
        "COMMAND INFO": ("COMMAND", "INFO", *NAMES),
        **{f"ACL DRYRUN {need}": ("ACL", "DRYRUN", user, *need.words) for need in NEEDS},
    }


async def inquire(link: Link, user: str, version: tuple[int, ...] = ()) -> NodeFacts:
    """Ask everything that a server of this version knows; raise only where not even INFO is answered."""
    requests = requests_for(user)
    # A command that is not known may still be forbidden, and the node's ACL LOG would tell of it each time.
    late = [name for name in requests if version and version < SEVEN and name.startswith(SINCE_NEW)]
    asked = {name: request for name, request in requests.items() if name not in late}
    answers = dict(zip(asked, await link.calls(list(asked.values())), strict=True))
    answers |= {name: ReplyError(f"{name} came with 7.0") for name in late}
    if isinstance(answers["INFO"], ReplyError):
        raise ReplyError(answers["INFO"].text, f"{link.address}: INFO")
    unread = {name: answer.text for name, answer in answers.items() if isinstance(answer, ReplyError)}
    read = {name: answer for name, answer in answers.items() if name not in unread}
    return NodeFacts(
        address=str(link.address),
        user=user,
        host=str(link.peer[0]),
        port=link.address.port,
        info=parse_info(read["INFO"]),
        config=_settings(read),
        acl=parse_acl(read.get("ACL LIST", [])),
        modules=parse_modules(read.get("MODULE LIST", [])),
        functions=digest_functions(read.get("FUNCTION LIST", [])),
        connections=parse_connections(read.get("CLIENT LIST", b"")),
        absent=parse_absent(NAMES, read["COMMAND INFO"]) if "COMMAND INFO" in read else frozenset(),
        denied={str(need): said for need in NEEDS if (said := _denial(need, read))},
        unread=unread,
    )


def _settings(read: Mapping[str, Reply]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for name in SETTINGS:
        settings |= parse_settings(read.get(f"CONFIG GET {name}", []))
    return settings


def _denial(need: Need, read: Mapping[str, Reply]) -> str:
    answer = read.get(f"ACL DRYRUN {need}", b"OK")
    return "" if answer == b"OK" else answer.decode(errors="replace")
