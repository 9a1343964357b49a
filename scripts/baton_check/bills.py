"""Is a bill of materials well-formed, and does it name what is locked?"""

import json
from importlib.metadata import distributions

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from scripts.baton_check.locks import Pin, here
from scripts.baton_image.bill import bill, normal


def faults(text: str, pins: list[Pin]) -> list[str]:
    """What is wrong with the text of a bill. It has to name all `pins`, each with a locked hash."""
    if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        return [f"not of CycloneDX 1.6: {str(fault.data).splitlines()[0]}"]
    told = json.loads(text)
    if told["specVersion"] != "1.6":  # the schema itself leaves it open
        return [f"not of CycloneDX 1.6: it is of {told['specVersion']}"]
    named = {
        (normal(each["name"]), each["version"]): {hashed["content"] for hashed in each.get("hashes", [])}
        for each in told["components"]
        if each.get("purl", "").startswith("pkg:pypi/")
    }
    wrong = []
    for pin in here(pins):
        hashes = named.get((pin.name, pin.version))
        if hashes is None:
            wrong.append(f"{pin.name} {pin.version} is locked, and not in it")
        elif not hashes or hashes - pin.hashes:
            wrong.append(f"{pin.name} {pin.version} came in another file than those that are locked")
    return wrong


def faults_here(pins: list[Pin]) -> list[str]:
    """What would be wrong with a bill of what is installed here."""
    hashes = {pin.name: min(pin.hashes) for pin in here(pins)}
    return faults(json.dumps(bill(distributions(), hashes, "none", [])), pins)
