"""Writing commands and replies."""

OK = b"+OK\r\n"


def command(*words: bytes | str | int) -> bytes:
    """A command as an array of bulk strings, ready to be sent."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


def error(text: str) -> bytes:
    """An error reply; the text begins with its kind, as in ``ERR no such thing``."""
    return b"-%s\r\n" % text.encode().replace(b"\r", b" ").replace(b"\n", b" ")


def nil(protocol: int) -> bytes:
    """What a command that gives an array, such as EXEC or BLPOP, answers where there is none."""
    return b"_\r\n" if protocol == 3 else b"*-1\r\n"
