"""The bill of materials: what Debian and Python say is written down, and what is wrong with one is found."""

import json
import re
from importlib.metadata import distributions
from typing import Any

import pytest

from scripts.baton_check.bills import faults, faults_here
from scripts.baton_check.locks import Pin, read
from scripts.baton_image.bill import bill, of_debian
from tests.binaries import ROOT

STATUS = """\
Package: libssl3
Status: install ok installed
Architecture: amd64
Version: 3.0.17-1~deb12u2
Description: Secure Sockets Layer toolkit - shared libraries
 Version: 1 of the text

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: libstdc++6
Status: hold ok installed
Architecture: amd64
Version: 1:12.2.0-14+deb12u1
"""


@pytest.fixture
def pins() -> list[Pin]:
    return read((ROOT / "requirements/baton.txt").read_text())[0]


def made(pins: list[Pin], debian: str = "") -> dict[str, Any]:
    hashes = {pin.name: min(pin.hashes) for pin in pins}
    return bill(distributions(), hashes, "some:1", of_debian(debian, "12") if debian else [])


def test_what_is_installed_here_makes_a_bill_that_is_well_formed(pins: list[Pin]) -> None:
    assert faults_here(pins) == []


def test_what_debian_has_installed_is_named_so_that_scanners_find_it() -> None:
    system, first, second = of_debian(STATUS, "12")
    assert (system["name"], system["version"]) == ("debian", "12")
    assert first["purl"] == "pkg:deb/debian/libssl3@3.0.17-1~deb12u2?arch=amd64&distro=debian-12"
    assert second["purl"] == (
        "pkg:deb/debian/libstdc%2B%2B6@1%3A12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12"
    )


def test_with_what_debian_has_it_is_complete_and_without_it_says_that_it_is_not(pins: list[Pin]) -> None:
    whole, part = made(pins, STATUS), made(pins)
    assert whole["compositions"][0]["aggregate"] == "complete"
    assert part["compositions"][0]["aggregate"] == "incomplete"
    assert faults(json.dumps(whole), pins) == []


def test_it_tells_who_needs_whom(pins: list[Pin]) -> None:
    told = {re.sub(r".*/|@.*", "", each["ref"]): each["dependsOn"] for each in made(pins)["dependencies"]}
    assert {re.sub(r".*/|@.*", "", ref) for ref in told["wsproto"]} == {"h11"}
    assert any(ref.startswith("pkg:pypi/trio@") for ref in told["redis-baton"])


def test_the_same_things_make_the_same_bill(pins: list[Pin], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert made(pins) == made(pins)
    assert made(pins)["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    assert made(pins)["serialNumber"] != made(pins, STATUS)["serialNumber"]


@pytest.mark.parametrize(
    ("key", "instead"),
    [("specVersion", "9"), ("serialNumber", "seven"), ("components", [{"name": "no type"}]), ("surprise", 1)],
)
def test_a_bill_against_the_schema_is_found(pins: list[Pin], key: str, instead: object) -> None:
    [sentence] = faults(json.dumps({**made(pins), key: instead}), pins)
    assert sentence.startswith("not of CycloneDX 1.6: ")


def test_a_bill_that_lacks_something_locked_or_has_it_from_elsewhere_is_found(pins: list[Pin]) -> None:
    told = made(pins)
    told["components"] = [each for each in told["components"] if each["name"] != "trio"]
    for each in told["components"]:
        if each["name"] == "attrs":
            each["hashes"][0]["content"] = "0" * 64
        if each["name"] == "h11":
            del each["hashes"]
    told["dependencies"] = []
    assert [sentence.split(" ")[0] for sentence in faults(json.dumps(told), pins)] == ["attrs", "h11", "trio"]
