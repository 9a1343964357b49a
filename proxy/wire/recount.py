"""The second count of commands, by other means than the first, before they go down a lane of many clients."""

from proxy.wire.requests import BadRequest, RequestCutter


def holds(data: bytes, count: int) -> bool:
    """These bytes are so many whole commands. Each begins with an asterisk, and at the beginning of a line;
    only where a value has such, too, or a command is written inline, they must be cut."""
    if data.count(b"*") == count or data.count(b"\r\n*") + 1 == count:
        return True
    cutter = RequestCutter()
    try:
        return sum(1 for _ in cutter.feed(data)) == count and cutter.at_boundary
    except BadRequest:
        return False
