"""MONITOR's lines about the proxy's own doings and the test's: passed over, see ``differences``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import define, field

from tests.transparency.differences import monitor_filter

EYE = "eye-of-the-test"
INTRODUCED = re.compile(rb'\[\d+ ([^]]*)\] "CLIENT" "SETNAME" "(?:baton:|%s)' % EYE.encode())


@define
class Overhearing:
    """Who is no client, as far as it is known: by name where they are connected already, and by how they
    introduce themselves where they connect later."""

    own: set[bytes]
    switched: bool = False
    shared: bool = False
    _pattern: re.Pattern[bytes] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._pattern = monitor_filter(self.own, self.switched, self.shared)

    def passed_over(self, data: bytearray) -> bytearray:
        """The data without what is passed over."""
        if b'] "' not in data:
            return data
        introduced = set(INTRODUCED.findall(data)) - self.own
        if introduced:
            self.own |= introduced
            self._pattern = monitor_filter(self.own, self.switched, self.shared)
        return bytearray(self._pattern.sub(b"", data))


def own_addresses(lines: Iterable[str]) -> set[bytes]:
    """Of the lines of CLIENT LIST, the addresses of those who are no clients of a conversation."""
    said = (dict(word.partition("=")[::2] for word in line.split(" ")) for line in lines)
    return {each["addr"].encode() for each in said if not is_stranger(each["name"], each["flags"])}


def is_stranger(name: str, flags: str) -> bool:
    """Neither a replica, nor the primary, nor the proxy itself, nor the test."""
    return not (name == EYE or name.startswith("baton:") or flags in ("S", "M"))
