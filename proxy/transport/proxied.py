"""The PROXY protocol, versions 1 and 2: what a load balancer says of a client before the client's own bytes.

As its specification has it (haproxy.org, proxy-protocol.txt), and strictly: a header names who is let in and
who is told to whom, so what is not exactly one is none. Rules:

1. It says where it ends before all of it is there, so nothing of what the client sends is taken for it.
2. Its length has a limit, and a size is believed only within that.
3. LOCAL (a check of the balancer's own) and UNKNOWN name nobody: the connection is the balancer's.
4. What is appended in version 2 (TLVs) is passed over.
"""

import ipaddress
import re
import struct

from attrs import frozen

from proxy.transport.naming import named

LINE_MAX = 107
"""Bytes of version 1, its CRLF included, as the specification has it."""
BLOCK_MAX = 4096
"""Bytes behind the first sixteen of version 2. Addresses take 12, 36 or 216; TLVs may hold a certificate's
names, and none needs as much as this."""

_LINE, _BLOCK = b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n"
_FIRST = 16
"""Bytes of version 2 that are always there."""
_PORT = re.compile(rb"0|[1-9][0-9]{0,4}")
_UNSPECIFIED, _TCP4, _TCP6, _UNIX = 0x00, 0x11, 0x21, 0x31
_ADDRESSES = {
    _TCP4: struct.Struct("!4s4sHH"),
    _TCP6: struct.Struct("!16s16sHH"),
    _UNIX: struct.Struct("108s108s"),
}
_LOCAL, _PROXY = 0x20, 0x21


class BadHeader(Exception):
    """It is no PROXY header; the text says why, on one line."""


@frozen
class Header:
    """One whole header."""

    size: int
    """Bytes, all of it."""
    host: str = ""
    """The client's address, in its shortest form; empty where none is named."""
    name: str = ""
    """The client's end, as CLIENT LIST writes it."""


def parse(data: bytes) -> Header | None:
    """The header with which these bytes begin; None where more must come first. Raises BadHeader as soon as
    it cannot become one."""
    if data.startswith(_LINE):
        return _line(data)
    if data.startswith(_BLOCK):
        return _block(data)
    if _LINE.startswith(data) or _BLOCK.startswith(data):
        return None
    raise BadHeader(f"it begins with {data[:12]!r}")


def _line(data: bytes) -> Header | None:
    """Version 1."""
    end = data.find(b"\n", 0, LINE_MAX)
    if end < 0:
        if len(data) >= LINE_MAX:
            raise BadHeader(f"its line is longer than {LINE_MAX} bytes")
        return None
    size = end + 1
    line = data[:end]
    if not line.endswith(b"\r"):
        raise BadHeader("its line does not end with CRLF")
    words = line[:-1].split(b" ")
    if words[1] == b"UNKNOWN":  # whatever follows is to be ignored
        return Header(size)
    if words[1] not in (b"TCP4", b"TCP6") or len(words) != 6:
        raise BadHeader("it has not the form PROXY TCP4|TCP6 FROM TO PORT PORT")
    hosts = [_host(word, 4 if words[1] == b"TCP4" else 6) for word in words[2:4]]
    ports = [_port(word) for word in words[4:]]
    return Header(size, hosts[0], named((hosts[0], ports[0])))


def _host(word: bytes, version: int) -> str:
    try:
        address = ipaddress.ip_address(word.decode("ascii"))
    except ValueError:
        raise BadHeader(f"{word[:48]!r} is no address") from None
    if address.version != version or "%" in str(address):
        raise BadHeader(f"{word[:48]!r} is no address of this family")
    return str(address)


def _port(word: bytes) -> int:
    if not _PORT.fullmatch(word) or int(word) > 65535:
        raise BadHeader(f"{word[:48]!r} is no port")
    return int(word)


def _block(data: bytes) -> Header | None:
    """Version 2."""
    if len(data) > len(_BLOCK) and data[12] not in (_LOCAL, _PROXY):
        raise BadHeader(f"0x{data[12]:02x} is no version and command that is known")
    if len(data) < _FIRST:
        return None
    family, length = data[13], int.from_bytes(data[14:16], "big")
    if length > BLOCK_MAX:
        raise BadHeader(f"it is longer than {BLOCK_MAX} bytes")
    local = data[12] == _LOCAL
    form = None if local else _ADDRESSES.get(family)
    if not (local or form or family == _UNSPECIFIED):
        raise BadHeader(f"0x{family:02x} is no family and protocol of a stream")
    if form is not None and length < form.size:
        raise BadHeader(f"{length} bytes are too few for its addresses")
    size = _FIRST + length
    if len(data) < size:
        return None
    if form is None:
        return Header(size)
    if family == _UNIX:
        path = form.unpack_from(data, _FIRST)[0].split(b"\0")[0].decode("utf-8", "backslashreplace")
        return Header(size, "", named(path if path.isprintable() and " " not in path else ""))
    source, _, port, _ = form.unpack_from(data, _FIRST)
    host = str(ipaddress.ip_address(source))
    return Header(size, host, named((host, port)))
