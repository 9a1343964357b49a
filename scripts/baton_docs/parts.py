"""What is made from the code: parts of pages, between two markers, and pictures.

In a page it looks so::

    <!-- written from the code: settings -->
    …
    <!-- as far as here -->
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.baton_docs import faces, pictures, tables

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PARTS: Mapping[str, Callable[[], str]] = {
    "alerts": tables.alerts,
    "command-line": faces.command_line,
    "console": faces.console,
    "endpoints": faces.endpoints,
    "errors": tables.errors,
    "events": tables.events,
    "metrics": tables.metrics,
    "problems": faces.problems,
    "settings": tables.settings,
}
"""By the name in the marker. What is given has no newline at its end."""
PICTURES: Mapping[str, Callable[[], str]] = {
    "life-of-a-command.svg": pictures.command,
    "life-of-a-switchover.svg": pictures.switchover,
}
PART = re.compile(
    r"^<!-- written from the code: (?P<name>[\w-]+) -->\n.*?^<!-- as far as here -->$",
    re.DOTALL | re.MULTILINE,
)


def renewed(text: str) -> str:
    """The page with all its parts as the code has them now. A name that is not known is a KeyError."""
    return PART.sub(_part, text)


def _part(found: re.Match[str]) -> str:
    name = found["name"]
    return f"<!-- written from the code: {name} -->\n\n{PARTS[name]()}\n\n<!-- as far as here -->"


def stale() -> dict[Path, str]:
    """What should be written where, of all that is not as the code has it."""
    fresh = {page: renewed(page.read_text()) for page in sorted(DOCS.glob("*.md"))}
    fresh |= {DOCS / name: draw() for name, draw in PICTURES.items()}
    return {path: text for path, text in fresh.items() if not path.exists() or path.read_text() != text}


def renew() -> list[Path]:
    """Write all that is stale, and tell what that was."""
    written = stale()
    for path, text in written.items():
        path.write_text(text)
    return list(written)
