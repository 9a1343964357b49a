"""What has a form, made up by hypothesis: it is understood as it was meant, or told to be wrong."""

import ipaddress
import json
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.admin.console.commands import COMMANDS, understand
from proxy.admin.console.syntax import Usage
from proxy.config import read
from proxy.settings import SETTINGS
from proxy.transport.proxied import BLOCK_MAX, Header
from tests.fuzz.targets import http
from tests.fuzz.targets.proxied import outcome

ports = st.integers(0, 65535)
words = st.text(max_size=12) | st.sampled_from(
    ("127.0.0.1:6379", "[::1]:1", "5", "-1", "on", "TO", "BUDGET", "")
)


@given(st.data(), st.booleans(), ports, st.binary(max_size=20))
def test_a_proxy_header_names_who_is_named(data: st.DataObject, new: bool, port: int, behind: bytes) -> None:
    version: Literal[4, 6] = 6 if new else 4
    source, goal = (data.draw(st.ip_addresses(v=version)) for _ in range(2))
    line = f"PROXY TCP{version} {source} {goal} {port} 6379\r\n".encode()
    ends = source.packed + goal.packed + port.to_bytes(2, "big") + (6379).to_bytes(2, "big")
    tail = data.draw(st.binary(max_size=50))
    family = b"\x11" if version == 4 else b"\x21"
    block = b"\r\n\r\n\0\r\nQUIT\n\x21" + family + len(ends + tail).to_bytes(2, "big") + ends + tail
    for header in (line, block):
        found = outcome(header + behind)
        assert isinstance(found, Header) and found.size == len(header)
        assert ipaddress.ip_address(found.host) == source and found.name.endswith(f":{port}")
        cut = data.draw(st.integers(0, len(header) - 1))
        assert outcome(header[:cut]) is None


@given(
    st.binary(max_size=16).map(lambda end: b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + end),
    st.integers(BLOCK_MAX + 1, 65535),
)
def test_a_header_that_claims_much_is_none(begun: bytes, claim: int) -> None:
    assert isinstance(outcome(begun[:14] + claim.to_bytes(2, "big")), str)


values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(SETTINGS)), values)
def test_any_value_of_a_setting_is_taken_or_told_to_be_wrong(name: str, value: Any) -> None:
    kind = SETTINGS[name].kind
    try:
        kind.check(value)
    except ValueError as fault:
        assert str(fault)
    if isinstance(value, str):
        try:
            kind.check(kind.from_text(value))
        except ValueError as fault:
            assert str(fault)


@given(st.dictionaries(st.sampled_from(sorted(SETTINGS)), words, max_size=4))
def test_any_flags_make_settings_or_mistakes(flags: dict[str, str]) -> None:
    reading = read(flags, {})
    assert reading.mistakes or reading.settings
    assert all(str(mistake).isprintable() for mistake in reading.mistakes)


@given(st.sampled_from(sorted(COMMANDS)), st.lists(words, max_size=5))
def test_any_words_behind_a_command_are_understood_or_told_to_be_wrong(name: str, said: list[str]) -> None:
    try:
        form, given_words = understand(name, said)
    except Usage as usage:
        assert str(usage)
    else:
        assert form.syntax.text and given_words.values is not None


@settings(max_examples=30)
@given(st.sampled_from(("switchover", "hold", "release", "cancel")), values)
def test_any_body_is_answered(path: str, value: Any) -> None:
    body = json.dumps(value).encode()
    head = f"POST /v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\n"
    http.throw(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
