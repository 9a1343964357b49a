"""PROXY headers as a load balancer writes them, put together by other means than they are read."""

import ipaddress
import socket
import struct

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
LOCAL, PROXY = 0x20, 0x21
STREAMS = {4: 0x11, 6: 0x21}


def line(source: str, port: int, to: str = "", to_port: int = 6379) -> bytes:
    """Version 1."""
    version = ipaddress.ip_address(source).version
    to = to or ("127.0.0.1" if version == 4 else "::1")
    return f"PROXY TCP{version} {source} {to} {port} {to_port}\r\n".encode()


def block(source: str, port: int, behind: bytes = b"") -> bytes:
    """Version 2; `behind` are TLVs."""
    version = ipaddress.ip_address(source).version
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, "127.0.0.1" if version == 4 else "::1")
    return raw_block(PROXY, STREAMS[version], ends + struct.pack("!HH", port, 6379) + behind)


def raw_block(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE + bytes((command, family)) + struct.pack("!H", len(body)) + body


def local_block() -> bytes:
    """A check of the balancer's own."""
    return raw_block(LOCAL, 0, b"")
