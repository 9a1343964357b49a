"""The advisories: a pretended registry tells of them, and not to be told anything is never a yes."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from attrs import define, field

from scripts.baton_check import advisories
from scripts.baton_check.__main__ import HOLDS, UNKNOWN, WRONG, main, told
from scripts.baton_check.advisories import Answer, ask, look_up
from scripts.baton_check.locks import NAMES, Pin, read
from tests.binaries import ROOT

[PIN] = read(f"alpha==1.0 \\\n    --hash=sha256:{'a' * 64}\n    # via redis-baton (pyproject.toml)\n")[0]
ADVISORY = {
    "id": "PYSEC-1",
    "aliases": ["CVE-1"],
    "fixed_in": ["1.1"],
    "summary": "it leaks",
    "withdrawn": None,
}


def page(version: str = "1.0", *found: dict[str, Any], **info: Any) -> dict[str, Any]:
    return {"info": {"version": version, **info}, "vulnerabilities": [*found]}


def lock(name: str) -> list[Pin]:
    return read((ROOT / f"requirements/{name}.txt").read_text())[0]


@define
class Registry:
    """Answers with the JSON of its pages, 404 for all others, and `broken` for everything."""

    address: str
    pages: dict[str, Any] = field(factory=dict)
    broken: bytes = b""
    every: Any = None
    shown: list[str] = field(factory=list)
    """The Authorization headers that came."""


@pytest.fixture
def registry() -> Iterator[Registry]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.shown.append(self.headers.get("Authorization", ""))
            found = there.pages.get(self.path, there.every)
            body = there.broken or json.dumps(found).encode()
            self.send_response(200 if found or there.broken else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        there = Registry(f"http://127.0.0.1:{server.server_port}/pypi")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield there
        finally:
            server.shutdown()
            thread.join()


def test_an_advisory_against_what_is_locked_is_told(registry: Registry) -> None:
    registry.pages["/pypi/alpha/1.0/json"] = page("1.0", ADVISORY)
    assert ask(PIN, registry.address) == Answer(("PYSEC-1 CVE-1, mended in 1.1: it leaks",))


def test_one_that_was_withdrawn_is_not(registry: Registry) -> None:
    registry.pages["/pypi/alpha/1.0/json"] = page("1.0", {**ADVISORY, "withdrawn": "2026-01-01"})
    assert ask(PIN, registry.address) == Answer()


def test_one_that_was_accepted_with_a_reason_is_not(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.pages["/pypi/alpha/1.0/json"] = page("1.0", ADVISORY)
    monkeypatch.setitem(advisories.ACCEPTED, "CVE-1", "only on other systems")
    assert ask(PIN, registry.address) == Answer()


def test_a_release_that_its_authors_took_back_is_told(registry: Registry) -> None:
    registry.pages["/pypi/alpha/1.0/json"] = page("1.0", yanked=True, yanked_reason="broken")
    assert ask(PIN, registry.address) == Answer(("was withdrawn by its authors: broken",))


def test_where_only_the_newest_is_told_of_it_serves_if_it_is_locked(registry: Registry) -> None:
    registry.pages["/pypi/alpha/json"] = page("1.0", ADVISORY)
    assert len(ask(PIN, registry.address).wrong) == 1
    registry.pages["/pypi/alpha/json"] = page("1.1")
    assert "newest version alone" in ask(PIN, registry.address).unknown


@pytest.mark.parametrize("broken", [b"<html>", b"[]", b'{"info": {}}', b'{"vulnerabilities": [{}]}'])
def test_an_answer_that_is_none_is_not_a_yes(registry: Registry, broken: bytes) -> None:
    registry.broken = broken
    assert ask(PIN, registry.address).unknown


def test_nobody_there_is_not_a_yes() -> None:
    assert "refused" in look_up([PIN], "http://127.0.0.1:1/pypi")["alpha 1.0"].unknown


def test_a_password_in_the_address_is_shown_to_the_registry_and_to_nobody_else(registry: Registry) -> None:
    address = registry.address.replace("//", "//me:secret@")
    assert ask(PIN, address).unknown
    assert registry.shown == ["Basic bWU6c2VjcmV0"] * 2
    assert "secret" not in ask(PIN, "http://me:secret@127.0.0.1:1/pypi").unknown


def test_the_check_says_what_it_found_and_ends_accordingly(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    found, beside = PIN, read(f"beta==2 \\\n    --hash=sha256:{'b' * 64}\n")[0][0]
    registry.pages["/pypi/alpha/1.0/json"] = page()
    assert told([found], registry.address) == HOLDS
    assert told([found, beside], registry.address) == UNKNOWN
    assert "NOT KNOWN of beta 2: the registry has no JSON of it" in capsys.readouterr().out
    registry.pages["/pypi/alpha/1.0/json"] = page("1.0", ADVISORY)
    assert told([found, beside], registry.address) == WRONG
    assert "alpha 1.0: PYSEC-1 CVE-1, mended in 1.1: it leaks" in capsys.readouterr().out


def test_the_whole_check_asks_of_every_package(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.every = page()
    assert main(["--registry", registry.address]) == HOLDS
    locked = {(pin.name, pin.version) for name in NAMES for pin in lock(name)}
    assert f"none against the {len(locked)} packages" in capsys.readouterr().out


def test_offline_it_says_that_nobody_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--offline"]) == HOLDS
    assert "NOT ASKED FOR" in capsys.readouterr().out
