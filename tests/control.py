"""The mode ``--control-user``: the proxy logs in to the nodes as exactly the user of the README.

Every server knows that user from its start, by the README's own line for its version; whatever starts a
proxy without saying as whom, starts it as that user. When a server ends, its ACL LOG must hold no denial of
his, and no connection that bears the proxy's name may be another user's: the default user is the clients'.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import redis

from tests.docs.pages import acl_lines

NAME, PASSWORD = "baton", "PASSWORD"
"""As the README has them."""


@attrs.define
class Mode:
    """Of this run of the tests."""

    on: bool = False


MODE = Mode()


def rules(version: str) -> list[str]:
    """What the user may, from ``on`` to the last rule, as the README tells for this version."""
    lines = acl_lines()
    assert len(lines) == 2, "one from 7.0 on, one for 6.2"
    words = shlex.split(lines[version == "6.2"])
    assert words[:3] == ["ACL", "SETUSER", NAME]
    return words[3:]


def config_lines(version: str) -> tuple[str, ...]:
    """Of redis.conf."""
    return (f"user {NAME} {' '.join(rules(version))}",) if MODE.on else ()


def environment(command: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Of a proxy, whose own words have precedence."""
    says = "--nodes-user" in command or not {
        "BATON_NODES_USER",
        "BATON_NODES_PASSWORD",
        "BATON_NODES_PASSWORD_FILE",
    }.isdisjoint(given)
    if not MODE.on or says or "--nodes-password-file" in command or "--config" in command:
        return {}
    return {"BATON_NODES_USER": NAME, "BATON_NODES_PASSWORD": PASSWORD}


def settings() -> dict[str, Any]:
    """Of a proxy that is made within the test."""
    return {"user": NAME, "password": PASSWORD} if MODE.on else {}


def faults(eye: redis.Redis) -> list[str]:
    """What a server has to say against the proxy, as the test's own eye is told; nothing if it cannot say."""
    try:
        denials: Any = eye.acl_log()
        listed: Any = eye.client_list()
    except redis.RedisError:
        return []
    denied = [
        f"{NAME} was denied {each['object']} ({each['reason']})"
        for each in denials
        if each["username"] == NAME
    ]
    strangers = [
        f"{each['name']} is {each['user']}"
        for each in listed
        if str(each.get("name", "")).startswith("baton:") and each.get("user") != NAME
    ]
    return [*denied, *strangers]
