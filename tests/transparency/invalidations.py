"""What CLIENT TRACKING tells from a switchover on, compared as sets (see ``differences.INVALIDATED``)."""

from __future__ import annotations

from collections import Counter

from attrs import define, field

from tests.transparency.differences import INVALIDATED


@define
class Invalidations:
    """What one client was told since the switchover began, on each side."""

    due: bool
    """It tracks, and must be told to forget all."""
    may: int
    """It may be told so as often: once for each who redirects to it, or for itself."""
    straight: Counter[bytes] = field(factory=Counter)
    proxied: Counter[bytes] = field(factory=Counter)

    def without(self, data: bytes, proxied: bool) -> bytes:
        """The data of one side without what was told, which is kept in mind."""
        told = self.proxied if proxied else self.straight
        told.update(found[0] for found in INVALIDATED.finditer(data))
        return INVALIDATED.sub(b"", data)

    def fault(self, over: bool) -> str:
        """What was told that must not be; or, where the switchover is over, what was not; empty for
        nothing."""
        for told, times in (self.proxied - self.straight).items():
            if not is_all(told) or times > self.may:
                return f"also got {told!r}"
        if over and self.due and not any(map(is_all, self.proxied)):
            return "was not told to forget all that it had cached"
        return ""


def is_all(told: bytes) -> bool:
    """The word to forget everything."""
    return told.endswith((b"_\r\n", b"$-1\r\n", b"*-1\r\n"))
