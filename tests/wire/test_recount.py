"""The second count of commands agrees with what the cutter makes of them."""

import pytest
from hypothesis import given

from proxy.wire.encoding import command
from proxy.wire.recount import holds
from tests.wire.streams import commands_of, requests

GET, STARRED = command("GET", "a"), command("GET", b"\r\n*")


@given(requests)
def test_what_the_cutter_counts_holds(stream: list[bytes]) -> None:
    data = b"".join(stream)
    frames, fault, whole = commands_of([data])
    assert fault or not whole or holds(data, len(frames))


@pytest.mark.parametrize("data", [GET, GET * 2, STARRED, STARRED + GET], ids=repr)
@pytest.mark.parametrize("off", [1, -1])
def test_one_less_does_not_hold_nor_one_more_unless_a_value_has_an_asterisk(data: bytes, off: int) -> None:
    right = len(commands_of([data])[0])
    assert holds(data, right)
    assert not holds(data, right + off) or (off > 0 and data.count(b"*") > right)


@pytest.mark.parametrize("data", [GET[:-1], GET + b"*1\r\n", b"*x\r\n"])
def test_half_a_command_and_none_hold_for_no_other_number(data: bytes) -> None:
    assert not holds(data, 0) and not holds(data, 5)
