"""The files of the page, without a browser: all are there, in the wheel too, asking for nothing elsewhere."""

import re

import httpx
from hatchling.builders.wheel import WheelBuilder

from proxy.admin.http.files import PAGE
from proxy.telling import EVENTS
from tests.binaries import ROOT

FILES = sorted(entry.name for entry in PAGE.iterdir())
MARKUP = r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function"
"""What would make code or markup of a text."""
SVG = "http://www.w3.org/2000/svg"
"""The name of a language; nothing is fetched there."""


def texts() -> dict[str, str]:
    return {name: (PAGE / name).read_text() for name in FILES}


async def test_every_file_is_served_and_kept_until_it_changes(client: httpx.AsyncClient) -> None:
    for name in FILES:
        path = "/" if name == "index.html" else f"/{name}"
        answer = await client.get(path)
        assert answer.content == (PAGE / name).read_bytes()
        again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304 and again.content == b""
        assert (await client.get(path, headers={"If-None-Match": '"old"'})).status_code == 200


def test_nothing_points_elsewhere() -> None:
    for name, text in texts().items():
        assert "//" not in re.sub(r"(^|\s)//\s", " ", text.replace(SVG, ""), flags=re.M), name
        assert "@import" not in text and "url(" not in text.replace("url(#", ""), name


def test_what_the_policy_forbids_is_not_there() -> None:
    for name, text in texts().items():
        if name.endswith(".html"):
            assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", text), name
        if name.endswith(".js"):
            assert not re.search(MARKUP, text), name


def test_the_token_is_kept_for_a_tab_only_and_in_one_place() -> None:
    for name, text in texts().items():
        kept = r"localStorage|indexedDB|cookie" + ("" if name == "token.js" else "|sessionStorage")
        assert not re.search(kept, text), name


def test_what_the_files_name_is_there() -> None:
    for name, text in texts().items():
        for other in re.findall(r'(?:href|src)="/([\w.]+)"|from "\./([\w.]+)"', text):
            assert "".join(other) in FILES, f"{name} names {other}"


def test_the_page_stays_small() -> None:
    assert sum(len(text.encode()) for text in texts().values()) < 60_000
    for name, text in texts().items():
        assert len(text.splitlines()) <= 300, name


def test_the_wheel_has_the_page() -> None:
    packed = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {f"proxy/admin/http/page/{name}" for name in FILES} <= packed


def test_the_events_that_the_page_waits_for_are_events() -> None:
    known = set(re.findall(r'"([+-][a-z-]+)"', "".join(texts().values())))
    assert len(known) > 5 and known <= set(EVENTS) - {"-"}
