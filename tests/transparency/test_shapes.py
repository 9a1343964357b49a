"""What is written of the commands' arguments is what the server says."""

from __future__ import annotations

from tests.transparency.shapes import WRITTEN, Shape, dump
from tests.transparency.twins import Twins


def test_what_is_written_is_what_7_0_says(twins: Twins) -> None:
    if twins.server.version == "7.0":
        assert dump(twins.server) == WRITTEN.read_text()


def test_every_command_of_the_server_is_said(twins: Twins, shapes: dict[str, Shape]) -> None:
    listed = {each[0].upper() for each in twins.eye(twins.server.port).ask("COMMAND")}
    assert listed - {shape.words[0] for shape in shapes.values()} <= {"HOST:"}
