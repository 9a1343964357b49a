"""The PROXY protocol, read strictly: what is written is read, whatever is cut off is waited for, and what is
not exactly a header is none."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.transport.proxied import BLOCK_MAX, LINE_MAX, BadHeader, Header, parse
from tests.limits.headers import LOCAL, PROXY, SIGNATURE, block, line, local_block, raw_block

BEHIND = b"*1\r\n$4\r\nPING\r\n"
ADDRESSES = st.ip_addresses().filter(lambda address: "%" not in str(address))
PORTS = st.integers(0, 65535)


def ends(source: str, port: int) -> str:
    return f"[{source}]:{port}" if ":" in source else f"{source}:{port}"


@given(ADDRESSES, PORTS, st.sampled_from((line, block)), st.binary(max_size=40))
def test_what_is_written_is_read_whatever_is_behind_it(
    address: ipaddress.IPv4Address, port: int, write: object, behind: bytes
) -> None:
    header = write(str(address), port)  # type: ignore[operator]
    source = str(address)
    assert parse(header + behind) == Header(len(header), source, ends(source, port))


@given(ADDRESSES, PORTS, st.binary(max_size=300))
def test_what_is_appended_to_version_2_is_passed_over(
    address: ipaddress.IPv4Address, port: int, appended: bytes
) -> None:
    header = block(str(address), port, appended)
    assert parse(header + BEHIND) == Header(len(header), str(address), ends(str(address), port))


WHOLE = [
    line("10.1.2.3", 40000),
    line("2001:db8::1", 65535),
    b"PROXY UNKNOWN\r\n",
    b"PROXY UNKNOWN ffff:f:f " + b"x" * 60 + b"\r\n",
    block("10.1.2.3", 0),
    block("2001:db8::1", 1, b"\x04\x00\x03abc"),
    local_block(),
    raw_block(LOCAL, 0x11, b"anything"),
    raw_block(PROXY, 0, b""),
    raw_block(PROXY, 0x31, b"/run/app.sock".ljust(108, b"\0") + bytes(108)),
    raw_block(PROXY, 0x11, bytes(BLOCK_MAX)),
]


@pytest.mark.parametrize("header", WHOLE)
def test_of_a_header_that_is_cut_off_the_rest_is_waited_for(header: bytes) -> None:
    assert all(parse(header[:size]) is None for size in range(len(header)))
    whole = parse(header + BEHIND)
    assert whole is not None and whole.size == len(header)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b"PROXY UNKNOWN 10.1.2.3 10.1.2.4 1 2\r\n", ""),
        (local_block(), ""),
        (raw_block(LOCAL, 0x11, bytes((10, 1, 2, 3)) * 2 + bytes(4)), ""),
        (raw_block(PROXY, 0, b"12345"), ""),
        (raw_block(PROXY, 0x31, b"/run/app.sock".ljust(108, b"\0") + bytes(108)), "/run/app.sock:0"),
        (raw_block(PROXY, 0x31, b"/a b\n".ljust(108, b"\0") + bytes(108)), ":0"),
        (line("2001:db8:0:0:0:0:0:1", 7), "[2001:db8::1]:7"),
    ],
)
def test_whom_a_header_names(header: bytes, name: str) -> None:
    whole = parse(header)
    assert whole is not None and whole.name == name
    assert whole.host == ("2001:db8::1" if "db8" in name else "")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (BEHIND, "begins with"),
        (b"\r\n\r\n\0\r\nQUIT?", "begins with"),
        (b"PROXY\r\n", "begins with"),
        (b"proxy TCP4 ", "begins with"),
        (b"PROXY \r\n", "the form"),
        (b"PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n", "the form"),
        (b"PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n", "the form"),
        (b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n", "the form"),
        (b"PROXY  TCP4 1.1.1.1 1.1.1.1 1 1\r\n", "the form"),
        (b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n", "CRLF"),
        (b"PROXY UNKNOWN\n", "CRLF"),
        (b"PROXY TCP4 01.1.1.1 1.1.1.1 1 1\r\n", "no address"),
        (b"PROXY TCP4 1.1.1 1.1.1.1 1 1\r\n", "no address"),
        (b"PROXY TCP4 ::1 ::1 1 1\r\n", "this family"),
        (b"PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n", "this family"),
        (b"PROXY TCP6 fe80::1%lo ::1 1 1\r\n", "this family"),
        (b"PROXY TCP4 1.1.1.1 h\xe9 1 1\r\n", "no address"),
        *(
            (b"PROXY TCP4 1.1.1.1 1.1.1.1 %s 1\r\n" % port, "no port")
            for port in (b"", b"-1", b"+1", b"01", b"65536", b"1_0", b"99999999999", b"1\t")
        ),
        (b"PROXY UNKNOWN " + b"x" * LINE_MAX, "longer than 107"),
        (b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1" + b" " * LINE_MAX + b"\r\n", "longer than 107"),
        (SIGNATURE + b"\x11\x11\0\0", "no version"),
        (SIGNATURE + b"\x22", "no version"),
        (raw_block(PROXY, 0x12, bytes(12)), "no family"),
        (raw_block(PROXY, 0x41, bytes(12)), "no family"),
        (raw_block(PROXY, 0x11, bytes(11)), "too few"),
        (raw_block(PROXY, 0x21, bytes(35)), "too few"),
        (raw_block(PROXY, 0x31, bytes(215)), "too few"),
        (SIGNATURE + b"\x21\x11\xff\xff", "longer than 4096"),
    ],
)
def test_what_is_not_exactly_a_header_is_none(data: bytes, why: str) -> None:
    with pytest.raises(BadHeader, match=why):
        parse(data)


def test_a_longest_line_is_read() -> None:
    address = ":".join(["ffff"] * 8)
    longest = f"PROXY UNKNOWN {address} {address} 65535 65535\r\n".encode()
    assert len(longest) == LINE_MAX
    assert parse(longest + BEHIND) == Header(LINE_MAX)


@given(
    st.sampled_from((b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21", b"")), st.binary(max_size=300)
)
def test_anything_is_a_header_or_the_beginning_of_one_or_refused(begins: bytes, data: bytes) -> None:
    try:
        header = parse(begins + data)
    except BadHeader as fault:
        assert "\n" not in str(fault)
    else:
        assert header is None or header.size <= len(begins + data)


@given(st.sampled_from(WHOLE), st.data())
def test_what_a_header_is_does_not_depend_on_how_it_comes(header: bytes, data: st.DataObject) -> None:
    """A byte of it is changed: then it is refused, waited for, or has the same end, however much is seen."""
    place = data.draw(st.integers(0, len(header) - 1))
    changed = header[:place] + bytes((data.draw(st.integers(0, 255)),)) + header[place + 1 :]
    told = [_told(changed[:size]) for size in range(len(changed) + 1)]
    decided = [each for each in told if each is not None]
    assert all(each == decided[0] for each in decided) or all(each is BadHeader for each in decided)


def _told(data: bytes) -> object:
    try:
        return parse(data)
    except BadHeader:
        return BadHeader
