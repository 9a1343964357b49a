"""Reading a Dockerfile: its instructions, stage by stage, and nothing that is not understood.

Only what Baton's own Dockerfile uses is known. An instruction beyond that is an error and not skipped: what
is built here and what an engine builds must not drift apart.
"""

import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field, frozen

__all__ = ["DockerfileError", "Instruction", "Stage", "context_of", "read"]

KNOWN = {"RUN", "COPY", "WORKDIR", "ENV", "LABEL", "USER", "EXPOSE", "STOPSIGNAL"}
KNOWN |= {"HEALTHCHECK", "ENTRYPOINT", "CMD"}
EXEC_FORM = {"ENTRYPOINT", "CMD", "HEALTHCHECK"}


class DockerfileError(Exception):
    """The Dockerfile has something that is not understood, or a step of it failed; the text is one line."""


@frozen
class Instruction:
    """One of them: ``RUN``, and what stands behind it."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Of an exec form the words themselves, of the others what a shell would cut."""
        if self.name not in EXEC_FORM:
            return shlex.split(self.text)
        start = self.text.find("[")
        try:
            words = json.loads(self.text[start:]) if start >= 0 else None
        except ValueError:
            words = None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise DockerfileError(f"{self.name} is not in exec form: a shell would stand before baton")
        return words


@define
class Stage:
    """From one FROM to the next."""

    image: str
    name: str
    instructions: list[Instruction] = field(factory=list)

    def said(self, name: str) -> Sequence[Instruction]:
        return [each for each in self.instructions if each.name == name]

    def pairs(self, name: str) -> dict[str, str]:
        """What ENV or LABEL set."""
        pairs = (word.partition("=") for each in self.said(name) for word in each.words)
        return {key: value for key, _, value in pairs}


def read(path: Path) -> list[Stage]:
    """The stages of a Dockerfile. Raises DockerfileError."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text("utf-8"), flags=re.MULTILINE)
    stages: list[Stage] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if not line.strip():
            continue
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            image, _, as_name = rest.strip().partition(" AS ")
            stages.append(Stage(image, as_name))
        elif name not in KNOWN or not stages:
            raise DockerfileError(f"{name} is not understood here")
        else:
            stages[-1].instructions.append(Instruction(name, rest.strip()))
    if not stages:
        raise DockerfileError("there is no FROM")
    return stages


def context_of(path: Path) -> tuple[set[str], list[str]]:
    """Of a .dockerignore that lets in only what it names: these names, and what is left out below them."""
    first, *rest = [line for line in path.read_text("utf-8").splitlines() if line and line[0] != "#"] or [""]
    if first != "*":
        raise DockerfileError(".dockerignore must begin with *, and then name what is let in")
    let_in = {line[1:] for line in rest if line.startswith("!")}
    left_out = [line.removeprefix("**/") for line in rest if line.startswith("**/")]
    if len(let_in) + len(left_out) != len(rest):
        raise DockerfileError(".dockerignore: only !name and **/pattern are understood")
    return let_in, left_out
