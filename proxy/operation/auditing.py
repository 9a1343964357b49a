"""The audit: for whatever changes something, an event when it is asked for, and another when it has ended.

Rules:

1. Both have the same `request`, a number of this process, and tell who asked: by which face, from where, in
   which role, with whose certificate.
2. The first is told before anything is done; the second whatever becomes of it, a fault of ours included.
3. What is refused before it begins, since whoever asked may not, is one event: ``-denied``.
4. They are written at every level of the log: :class:`proxy.telling.Event` has ``always``.
5. No secret is in them: who asks for something leaves out what may be one. And nobody can write a line of
   his own into the log: an event is one line, whatever its values hold.
"""

import contextlib
import itertools
from collections.abc import Iterator
from time import perf_counter as clock
from typing import Any

from attrs import asdict, frozen

from proxy.config import SettingsError
from proxy.switchover.errors import SwitchoverError
from proxy.telling import tell

_numbers = itertools.count(1)


@frozen(kw_only=True)
class Asker:
    """Who asks for something. What is empty is not told."""

    face: str
    """console, http or signal."""
    peer: str = ""
    role: str = ""
    subject: str = ""
    """Of the certificate that was shown."""

    def told(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value}


@contextlib.contextmanager
def audited(asker: Asker, command: str, *hidden: str) -> Iterator[None]:
    """Around the doing of it. `hidden`: texts that are not told, if an error quotes them."""
    told: dict[str, Any] = {"request": next(_numbers), **asker.told(), "command": command}
    tell("+asked", **told)
    began = clock()
    try:
        yield
    except BaseException as fault:
        why = str(fault) if isinstance(fault, Exception) else "the proxy is leaving"
        for text in filter(None, hidden):
            why = why.replace(text, "…")
        tell("-steered", **told, outcome=_outcome(fault), why=why, ms=1000 * (clock() - began))
        raise
    tell("+steered", **told, outcome="done", ms=1000 * (clock() - began))


def denied(asker: Asker, command: str, why: str) -> None:
    """Somebody asked for what he may not have."""
    tell("-denied", **asker.told(), command=command, why=why)


def _outcome(fault: BaseException) -> str:
    if isinstance(fault, SwitchoverError):
        return {"REFUSED": "refused", "CALLEDOFF": "called off", "BUSY": "busy"}.get(fault.kind, "failed")
    if isinstance(fault, ValueError | SettingsError):  # what was asked for is wrong, and nothing was done
        return "refused"
    return "failed" if isinstance(fault, Exception) else "cut off"
