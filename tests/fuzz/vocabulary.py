"""What a fuzzer may put in: one word a line, in a file for each target, written as Python writes bytes."""

from pathlib import Path

FOLDER = Path(__file__).parent / "words"


def words(name: str) -> tuple[bytes, ...]:
    """Those for this target."""
    lines = (FOLDER / name).read_text("ascii").splitlines()
    return tuple(line.encode().decode("unicode_escape").encode("latin-1") for line in lines)
