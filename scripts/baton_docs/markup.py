"""Markdown, as far as tables need it."""

import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def cell(text: str) -> str:
    """Text of the code within a table: one line, no bars, nothing that Markdown takes for HTML or for stress.

    What stands between backticks is left as it is.
    """
    parts = re.split(r"(`[^`]*`)", " ".join(text.replace("``", "`").split()))
    return "".join(part if part[:1] == "`" else _plain(part) for part in parts).replace("|", "\\|")


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*")


def code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def text(lines: Iterable[str]) -> str:
    """Lines as they are."""
    return "\n".join(["```text", *lines, "```"])
