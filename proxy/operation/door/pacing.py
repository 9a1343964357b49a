"""How fast clients are let in: a bucket of tokens, one for each, that fills as time goes by."""

from attrs import define


@define
class Pace:
    """It holds what one second brings, so that a rare stampede of so many is let in at once."""

    _tokens: float = float("inf")
    """More than it can hold: full at first, whatever the rate."""
    _at: float = 0.0

    def may_come(self, now: float, rate: float) -> int:
        """How many may be let in now, in seconds of any clock; `rate` is in clients a second."""
        self._tokens = min(rate, self._tokens + (now - self._at) * rate)
        self._at = now
        return int(self._tokens)

    def came(self) -> None:
        """One was let in."""
        self._tokens -= 1
