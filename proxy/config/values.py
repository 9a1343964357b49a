"""What reading the settings comes to: values with their places, and mistakes."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from proxy.settings import Settings

TOLD_MAX = 1000
"""Characters of a mistake; a value may be as long as its file."""


@frozen
class Mistake:
    """What is wrong, and where. Which settings are thereby not known, so that nothing follows from them."""

    place: str
    text: str
    names: frozenset[str] = frozenset()
    together: bool = False
    """Each setting is right by itself, but not beside the others."""

    def __str__(self) -> str:
        """One line, with nothing in it that a terminal would obey."""
        told = f"{self.place}: {self.text}"
        if len(told) > TOLD_MAX:
            told = f"{told[:TOLD_MAX]}…"
        return told if told.isprintable() else "".join(map(_visible, told))


def _visible(letter: str) -> str:
    return (
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode("ascii")
    )


class SettingsError(Exception):
    """Settings that cannot be used: each mistake in one line, which names its place first."""

    def __init__(self, *mistakes: Mistake | str) -> None:
        super().__init__(*mistakes)
        self.mistakes = tuple(map(str, mistakes))

    def __str__(self) -> str:
        return "; ".join(self.mistakes)


@frozen
class Given:
    """A value, and who gave it."""

    place: str
    value: Any = field(repr=False)


@frozen
class Reading:
    """What all places together say. What is a mistake is not given."""

    file: str | None
    given: Mapping[str, Given]
    mistakes: list[Mistake] = field(factory=list)

    @property
    def settings(self) -> Settings:
        return Settings(**{name: each.value for name, each in self.given.items()})
