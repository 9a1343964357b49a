"""What a setting is: where it may be written, what it looks like, and its meaning."""

from typing import Any

from attrs import frozen

from proxy.kinds import PLACE, Kind


@frozen
class Setting:
    """Where one setting may be written, and its meaning in plain text."""

    table: str
    key: str | None  # None: not in a file
    env: str
    flag: str | None
    kind: Kind
    doc: str
    live: bool = False
    """It may be changed while the proxy runs."""

    @property
    def in_file(self) -> str:
        return f"[{self.table}] {self.key}"

    def text(self, value: Any) -> str:
        """A value as it could be set again; empty where there is none."""
        absent = value is None and self.kind is not PLACE
        return "" if absent else self.kind.to_text(value)


def setting(
    where: str, kind: Kind, doc: str, env: str = "", flag: str | None = None, live: bool = False
) -> Setting:
    """Declare one; `where` is ``table.key``, or a table alone for what may stand in no file."""
    table, _, key = where.partition(".")
    env = "BATON_" + (env or f"{table}_{key}".upper())
    return Setting(table, key or None, env, flag, kind, " ".join(doc.split()), live)
