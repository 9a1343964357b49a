"""Is there an advisory against anything that is locked? The package registry is asked, which hands on OSV's.

The address is the one that pip uses, and stands in no file here. For each package the registry's JSON of that
very version is asked (``NAME/VERSION/json``, its ``vulnerabilities``). Some mirrors have only the newest's:
where the lock has the newest, this serves as well. Of which nothing could be learned, that is told.
"""

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from attrs import frozen
from pip._internal.models.index import PyPI

from scripts.baton_check.locks import Pin

ACCEPTED: dict[str, str] = {}
"""Advisories that do not concern Baton: the identifier, and why."""

LIMIT_S = 20
LIMIT_BYTES = 64 << 20
AT_ONCE = 8


@frozen
class Answer:
    """What was learned of one package."""

    wrong: tuple[str, ...] = ()
    unknown: str = ""
    """Why nothing was learned; "" where something was."""


def registry() -> str:
    """The address below which the JSON of packages lies: of the index that pip is set to use."""
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60)
    index = (os.environ.get("PIP_INDEX_URL") or done.stdout).strip().rstrip("/")
    return f"{index.removesuffix('/simple')}/pypi" if index else PyPI.pypi_url


def request(address: str) -> Request:
    """A request for it. Who one is may stand in it: that goes into a header, and so into no message."""
    parts = urlsplit(address)
    who, _, host = parts.netloc.rpartition("@")
    asked = Request(parts._replace(netloc=host).geturl(), headers={"Accept": "application/json"})
    if who:
        asked.add_unredirected_header("Authorization", f"Basic {b64encode(unquote(who).encode()).decode()}")
    return asked


def fetch(address: str) -> Any:
    """Return what a JSON document says, None where there is no such. Raises OSError, ValueError."""
    try:
        with urlopen(request(address), timeout=LIMIT_S) as answer:
            return json.loads(answer.read(LIMIT_BYTES))
    except HTTPError as fault:
        if fault.code == 404:
            return None
        raise


def ask(pin: Pin, at: str) -> Answer:
    """Ask a registry what is known against one package."""
    try:
        told = fetch(f"{at}/{pin.name}/{pin.version}/json")
        if told is None:
            told = fetch(f"{at}/{pin.name}/json")
            if told is None:
                return Answer(unknown="the registry has no JSON of it")
            if told["info"]["version"] != pin.version:
                return Answer(unknown="the registry tells of its newest version alone, and that is another")
        found = [each for each in told["vulnerabilities"] if not each.get("withdrawn")]
        yanked, why = told["info"].get("yanked"), told["info"].get("yanked_reason")
    except (OSError, ValueError, KeyError, TypeError) as fault:
        return Answer(unknown=f"{type(fault).__name__}: {fault}")
    wrong = [_sentence(each) for each in found if not {each["id"], *each.get("aliases", [])} & set(ACCEPTED)]
    return Answer((*wrong, *([f"was withdrawn by its authors: {why}"] if yanked else [])))


def _sentence(advisory: dict[str, Any]) -> str:
    names = " ".join([advisory["id"], *advisory.get("aliases", [])])
    mended = ", ".join(advisory.get("fixed_in") or []) or "nothing yet"
    return f"{names}, mended in {mended}: {advisory.get('summary') or advisory.get('details', '')[:100]}"


def look_up(pins: Iterable[Pin], at: str) -> dict[str, Answer]:
    """What a registry knows against each of these packages, by name and version."""
    each = {f"{pin.name} {pin.version}": pin for pin in pins}
    with ThreadPoolExecutor(AT_ONCE) as crew:
        return dict(zip(each, crew.map(lambda pin: ask(pin, at), each.values()), strict=True))
