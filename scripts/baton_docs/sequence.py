"""A switchover as a table: step by step, who says what to whom. ``pictures`` draws it.

Steps are named as in ``proxy/switchover/report.py``, verbs as in ``proxy/switchover/stage.py``. The tests
hold this table to both, and the commands in it to what two nodes really run during a switchover.
"""

from collections.abc import Sequence
from typing import Literal

from attrs import frozen

Who = Literal["clients", "Baton", "A", "B"]


@frozen
class Message:
    """One arrow. `sent` are the first words of the command that the node runs, where it is one."""

    source: Who
    target: Who
    text: str
    sent: str = ""


@frozen
class Step:
    """One step of the story: the verbs of the stage that it consists of, and what they send."""

    name: str
    verbs: Sequence[str]
    gist: str
    messages: Sequence[Message]
    held: bool = False
    """The gate is closed in it."""


def _to(target: Who, text: str, sent: str = "") -> Message:
    return Message("Baton", target, text, sent)


SEQUENCE: tuple[Step, ...] = (
    Step(
        "preflight",
        (),
        "may it begin?",
        (
            _to("A", "ROLE, INFO, CONFIG GET, ACL LIST …", "INFO"),
            _to("B", "the same", "INFO"),
        ),
    ),
    Step(
        "warm",
        ("warm",),
        "lanes to B, set up as the sessions are",
        (
            _to("B", "SCRIPT LOAD, for each script that came through", "SCRIPT LOAD"),
            _to("B", "AUTH, HELLO, SELECT, SUBSCRIBE … for each lane", "SELECT"),
        ),
    ),
    Step(
        "hold",
        ("close_gate", "drain"),
        "the gate closes",
        (
            Message("A", "Baton", "replies in flight"),
            Message("Baton", "clients", "replies in flight"),
            Message("clients", "Baton", "commands wait from now on"),
            _to("A", "CLIENT UNBLOCK id ERROR, for each BLPOP", "CLIENT UNBLOCK"),
        ),
        held=True,
    ),
    Step(
        "pause",
        ("pause",),
        "for those who bypass the proxy",
        (_to("A", "CLIENT PAUSE ms WRITE", "CLIENT PAUSE"),),
        held=True,
    ),
    Step(
        "converge",
        ("converge",),
        "B has every byte",
        (
            _to("B", "ROLE, until it has A's offset", "ROLE"),
            _to("A", "PING nonce, on each subscriber's lane", "PING"),
            _to("B", "PING nonce, on its warm lane", "PING"),
        ),
        held=True,
    ),
    Step(
        "promote",
        ("promote",),
        "the edge: from here on it is carried through",
        (
            _to("A", "CLIENT PAUSE fence WRITE", "CLIENT PAUSE"),
            _to("B", "REPLICAOF NO ONE, ROLE", "REPLICAOF NO ONE"),
        ),
        held=True,
    ),
    Step(
        "demote",
        ("demote",),
        "begins here, and clients do not wait for it",
        (
            _to("A", "REPLICAOF B, ROLE", "REPLICAOF"),
            _to("A", "CLIENT UNPAUSE", "CLIENT UNPAUSE"),
        ),
        held=True,
    ),
    Step(
        "swap",
        ("swap", "open_gate"),
        "sessions move, the gate opens",
        (
            _to("B", "MULTI queues and BLPOP again, then what waited", "MULTI"),
            Message("B", "Baton", "replies"),
            Message("Baton", "clients", "replies"),
        ),
        held=True,
    ),
    Step(
        "settle",
        ("settle", "strike"),
        "the roles are kept, old lanes close",
        (
            _to("B", "INFO: replicas in sync? CONFIG REWRITE", "CONFIG REWRITE"),
            _to("A", "ROLE, CONFIG REWRITE", "CONFIG REWRITE"),
        ),
    ),
)
