"""The licences of all that is locked: each must stand in a list, with the reason why it may be taken.

What a package says of itself is believed: an SPDX expression, or else the older fields, whose words a table
translates. A package that says nothing, or nothing that is known, is a fault until somebody has looked.
"""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from scripts.baton_check.locks import Pin, here, not_installed, read

SHIPPED = {
    "MIT": "permissive: keep the notice",
    "MIT-0": "permissive: nothing to keep",
    "BSD-2-Clause": "permissive: keep the notice",
    "BSD-3-Clause": "permissive: keep the notice, do not advertise with the names",
    "Apache-2.0": "permissive, with a grant of patents: keep the notice",
    "ISC": "permissive: keep the notice",
    "PSF-2.0": "permissive: Python's own",
}
"""What may be in the image."""

WORKED_WITH = {
    **SHIPPED,
    "MPL-2.0": "copyleft file by file: used as it is, by the tests and the documentation, and not handed on",
}
"""What may be in .venv beside it."""

WORDS = {
    "mit": "MIT",
    "mit license": "MIT",
    "the mit license (mit)": "MIT",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "mpl-2.0": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mit or apache-2.0": "MIT OR Apache-2.0",
    "psfl": "PSF-2.0",
    "isc": "ISC",
    "isc license (iscl)": "ISC",
}
"""What stands in the older fields, in small letters, and its SPDX expression."""

LOOKED_UP = {
    "atheris": ("Apache-2.0", "the LICENSE in its wheel"),
    "colorama": ("BSD-3-Clause", "the LICENSE.txt in its wheel; the metadata say BSD and not which"),
    "jinja2": ("BSD-3-Clause", "the LICENSE.txt in its wheel; the metadata say BSD and not which"),
}
"""Packages whose metadata do not tell: the licence, and where it was found."""


def said(found: Distribution) -> str:
    """A package's licence as an SPDX expression, or "" where its metadata tell none that is known."""

    def field(name: str) -> str:
        return str((found.metadata.get_all(name) or [""])[0]).strip()

    if expression := field("License-Expression"):
        return expression
    own = field("License").lower()
    texts = [own, own.partition("\n")[0].strip()]
    classified = found.metadata.get_all("Classifier") or []
    texts += [text.rpartition(" :: ")[2].lower() for text in classified if text.startswith("License :: ")]
    return next((WORDS[text] for text in texts if text in WORDS), "")


def accepted(expression: str, allowed: dict[str, str]) -> bool:
    """Whether an SPDX expression can be met: of what OR joins one suffices, of what AND joins all must do."""
    if "(" in expression or " WITH " in expression:
        return False  # rare: to be looked up, and written down
    return any(
        all(part.strip() in allowed for part in re.split(r"\bAND\b", choice))
        for choice in re.split(r"\bOR\b", expression)
    )


def objections(pins: list[Pin], allowed: dict[str, str]) -> Iterator[str]:
    """Yield a sentence for each package, of those that are to be installed here, that may not be taken."""
    yield from (missing := [*not_installed(pins)])
    absent = {text.partition(":")[0] for text in missing}
    for pin in here(pins):
        if pin.name in absent:
            continue
        expression = LOOKED_UP.get(pin.name, ("", ""))[0] or said(distribution(pin.name))
        if not expression:
            yield f"{pin.name}: no licence that is known; look it up, and note it in LOOKED_UP"
        elif not accepted(expression, allowed):
            yield f"{pin.name}: {expression} is not in the list"


def faults(root: Path) -> list[str]:
    """All packages of the project at `root` whose licence is not allowed where they go."""
    found = []
    for name, allowed in (("baton", SHIPPED), ("dev", WORKED_WITH)):
        pins, _ = read((root / "requirements" / f"{name}.txt").read_text("utf-8"))
        found += [f"requirements/{name}.txt: {each}" for each in objections(pins, allowed)]
    return found
