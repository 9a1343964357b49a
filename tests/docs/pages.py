"""The pages that people read, and what stands in them."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.binaries import ROOT

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *sorted(DOCS.glob("*.md"))]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> Iterator[str]:
    """Yield the fenced blocks of one language, wherever they are indented to."""
    fence = re.compile(rf"^( *)```{language}\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
    for indent, body in fence.findall(page.read_text()):
        yield re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the fragments under which a forge offers the page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def acl_lines() -> list[str]:
    """Return the README's ACL SETUSER lines: from 7.0 on, and for 6.2."""
    return re.findall(r"^ *(ACL SETUSER .*)$", README.read_text(), re.MULTILINE)
