"""Writing commands and replies."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.encoding import command, error, nil
from tests.wire.streams import commands_of, replies_of


@given(st.lists(st.binary(max_size=9) | st.integers() | st.text(max_size=9), min_size=1, max_size=9))
def test_a_command_is_read_back_word_by_word(words: list[bytes | str | int]) -> None:
    [(_, _, found)], _, _ = commands_of([command(*words)])
    assert found == [word if isinstance(word, bytes) else str(word).encode() for word in words]


@given(st.text())
def test_an_error_is_one_line_whatever_it_says(text: str) -> None:
    assert replies_of([error(text)])[1:] == (b"", "", True)
    assert len(replies_of([error(text)])[0]) == 1


def test_there_is_a_nil_in_either_protocol() -> None:
    assert (nil(2), nil(3)) == (b"*-1\r\n", b"_\r\n")
