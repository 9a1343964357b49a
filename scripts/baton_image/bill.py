"""The image's bill of materials, in CycloneDX 1.6: what is really installed there.

It runs by itself in the image's build, with the image's own Python, and so knows the standard library alone::

    python -I bill.py OUTPUT --report REPORT --base IMAGE --base-packages STATUS

What Python has installed says so itself (the metadata of each package); the hash of the file that each came
in is in pip's report. What Debian has installed stands in the base image's `dpkg/status`. Where there is none
(when ./scripts/image performs the Dockerfile without the base image), the bill says that it is incomplete.
What a wheel has in it besides Python (hiredis its C library) is not listed by itself.
"""

import argparse
import json
import os
import platform
import re
import sys
import sysconfig
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

ITSELF = "redis-baton"

Entry = dict[str, Any]


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licences(said: Distribution) -> list[Entry]:
    """What a package says of its licence: an SPDX expression, or else its own words or classifiers."""

    def every(name: str) -> list[str]:
        return [str(text).strip() for text in said.metadata.get_all(name) or []]

    if expressions := every("License-Expression"):
        return [{"expression": expressions[0]}]
    classified = [
        text.rpartition(" :: ")[2] for text in every("Classifier") if text.startswith("License :: ")
    ]
    own = (every("License") or [""])[0]
    named = [own] if own and "\n" not in own and own != "UNKNOWN" else classified
    return [{"license": {"name": name}} for name in named]


def needed(said: Distribution) -> Iterator[str]:
    """The names that a package requires, but for its extras; which of them are there is seen later."""
    for text in said.requires or []:
        required, _, marker = text.partition(";")
        if "extra" not in marker:
            yield normal(re.split(r"[^\w.-]", required.strip(), maxsplit=1)[0])


def hashes_of(report: Path | None) -> dict[str, str]:
    """From pip's report: of each package that came from an index, the SHA-256 of its wheel."""
    if report is None:
        return {}
    installed = json.loads(report.read_text("utf-8"))["install"]
    return {
        normal(each["metadata"]["name"]): each["download_info"]["archive_info"]["hashes"]["sha256"]
        for each in installed
    }


def of_python(found: Iterable[Distribution], hashes: Mapping[str, str]) -> tuple[list[Entry], list[Entry]]:
    """The components that Python has installed, and which of them depends on which."""
    by_name = {normal(each.metadata["Name"]): each for each in found}
    refs = {name: f"pkg:pypi/{name}@{each.version}" for name, each in by_name.items()}
    components, dependencies = [], []
    for name, each in sorted(by_name.items()):
        component: Entry = {
            "type": "application" if name == ITSELF else "library",
            "bom-ref": refs[name],
            "name": each.metadata["Name"],
            "version": each.version,
            "purl": refs[name],
        }
        if said := licences(each):
            component["licenses"] = said
        if name in hashes:
            component["hashes"] = [{"alg": "SHA-256", "content": hashes[name]}]
        components.append(component)
        there = sorted({refs[other] for other in needed(each) if other in refs})
        dependencies.append({"ref": refs[name], "dependsOn": there})
    return components, dependencies


def of_debian(status: str, release: str) -> list[Entry]:
    """The packages that a `dpkg/status` calls installed. By `release`, 12, scanners find the advisories."""
    system = {
        "type": "operating-system",
        "bom-ref": f"debian@{release}",
        "name": "debian",
        "version": release,
    }
    components: list[Entry] = [system]
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", paragraph, re.MULTILINE))
        if not fields.get("Status", "").endswith(" ok installed"):
            continue
        name, version = fields["Package"], fields["Version"]
        where = f"arch={fields['Architecture']}&distro=debian-{release}"
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?{where}"
        components.append(
            {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        )
    return components


def interpreter() -> Entry:
    version = platform.python_version()
    purl = f"pkg:generic/python@{version}"
    return {"type": "platform", "bom-ref": purl, "name": "CPython", "version": version, "purl": purl}


def bill(found: Iterable[Distribution], hashes: Mapping[str, str], base: str, debian: list[Entry]) -> Entry:
    """The whole bill. `debian` is empty where what the base image has is not known."""
    components, dependencies = of_python(found, hashes)
    itself = next(each for each in components if each["type"] == "application")
    image = f"image:{ITSELF}@{itself['version']}"
    inside = [interpreter(), *components, *debian]
    first = {"ref": image, "dependsOn": [itself["bom-ref"], inside[0]["bom-ref"]]}
    when = float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([inside, base]))}",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when)),
            "component": {
                "type": "container",
                "bom-ref": image,
                "name": ITSELF,
                "version": itself["version"],
                "properties": [{"name": "baton:base", "value": base}],
            },
        },
        "components": inside,
        "dependencies": [first, *dependencies],
        "compositions": [{"aggregate": "complete" if debian else "incomplete", "assemblies": [image]}],
    }


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=Path)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--base", required=True)
    parser.add_argument("--base-packages", type=Path)
    given = parser.parse_args(arguments)
    found = [*distributions()]
    debian = []
    if given.base_packages is not None and given.base_packages.exists():
        release = platform.freedesktop_os_release()["VERSION_ID"]
        debian = of_debian(given.base_packages.read_text("utf-8"), release)
        below_base = Path(sys.base_prefix) / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
        found = [*distributions(path=[str(below_base)]), *found]
    made = bill(found, hashes_of(given.report), given.base, debian)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(made, indent=1) + "\n", "utf-8")
    print(f"{len(made['components'])} components")


if __name__ == "__main__":
    main(sys.argv[1:])
