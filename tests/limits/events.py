"""What a proxy's log tells, taken apart."""

import shlex

from tests.baton import BatonProcess


def told_of(proxy: BatonProcess, event: str) -> list[dict[str, str]]:
    """Each event of this name, by the names of its values."""
    found = []
    for line in proxy.log().splitlines():
        words = line.split("  ", 2)
        if len(words) > 1 and words[1].split()[0] == event:
            values = line.split(event, 1)[1]
            found.append(dict(pair.split("=", 1) for pair in shlex.split(values) if "=" in pair))
    return found
