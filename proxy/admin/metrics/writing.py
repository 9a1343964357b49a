"""The families as a table of Markdown, for the documentation."""

from collections.abc import Iterable

from proxy.admin.metrics.families import FAMILIES, Family


def as_table(families: Iterable[Family] = FAMILIES) -> str:
    """One row each, in the order of the table in ``families``."""
    lines = ["| metric | kind | labels | what it tells |", "| --- | --- | --- | --- |"]
    lines += [f"| `{each.name}` | {each.kind} | {_labels(each)} | {each.help} |" for each in families]
    return "\n".join(lines) + "\n"


def _labels(family: Family) -> str:
    if not family.labels:
        return ""
    names = ", ".join(f"`{label}`" for label in family.labels)
    return f"{names}: {family.of}" if family.of else names
