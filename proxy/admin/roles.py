"""Who may steer, and who may only look: the two roles, and the brake on who guesses at secrets.

Rules:

1. Secrets are compared as bytes, by :func:`hmac.compare_digest`, and each attempt costs one comparison for
   each secret there is: neither the answer nor the time that it takes tells which part was wrong.
2. Who has been wrong `FREE` times waits before his next attempt is even looked at, twice as long each time,
   `LONGEST_S` at most. The wait is his address's, so more connections do not help; and it is so short that
   nobody can lock out the operator, not even from the operator's own address.
3. What is remembered of addresses is bounded in number and in time.
"""

import enum
import hmac
import ipaddress
import time
from collections import OrderedDict

import trio
from attrs import define, field

FREE = 3
"""Wrong attempts of an address that cost nothing: people mistype."""
FIRST_S = 0.1
LONGEST_S = 1.0
FORGET_S = 60.0
"""Seconds without a wrong attempt, after which an address is as good as new."""
ADDRESSES_MAX = 1024
WAITING_MAX = 32
"""Attempts that wait at once, unless their face has a limit of its own."""
_NETWORK_V6 = 64
"""Bits: whoever has one address of such a network has all of them."""


class Role(enum.Enum):
    """What somebody may do."""

    OPERATOR = "operator"
    VIEWER = "viewer"


def same(said: bytes, secret: str | None) -> bool:
    """Is it the secret? Not where there is none. See rule 1."""
    wanted = (secret or "").encode("utf-8", "surrogateescape")
    return hmac.compare_digest(said, wanted) and bool(secret)


@define(eq=False)
class Brake:
    """One face's."""

    most: int = WAITING_MAX
    _wrong: OrderedDict[str, tuple[int, float]] = field(factory=OrderedDict)
    """By network, how often it was wrong, and when last; in the order of that."""
    _waiting: int = 0

    def failed(self, host: str) -> None:
        """It was wrong once more."""
        network = _network(host)
        count, _ = self._recent(network)
        self._wrong[network] = (count + 1, time.monotonic())
        self._wrong.move_to_end(network)
        if len(self._wrong) > ADDRESSES_MAX:
            self._wrong.popitem(last=False)

    def seconds(self, host: str) -> float:
        """How long its next attempt must wait."""
        count, _ = self._recent(_network(host))
        return 0.0 if count < FREE else float(min(LONGEST_S, FIRST_S * 2 ** min(count - FREE, 16)))

    async def wait(self, host: str) -> bool:
        """Let it wait, where it must; False, and no wait, if too many do already."""
        if seconds := self.seconds(host):
            if self._waiting >= self.most:
                return False
            self._waiting += 1
            try:
                await trio.sleep(seconds)
            finally:
                self._waiting -= 1
        return True

    def _recent(self, network: str) -> tuple[int, float]:
        count, at = self._wrong.get(network, (0, 0.0))
        return (0, 0.0) if time.monotonic() - at > FORGET_S else (count, at)


def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4 or address.ipv4_mapped:
        return host
    return str(ipaddress.ip_network((address, _NETWORK_V6), strict=False))
