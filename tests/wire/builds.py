"""The builds of proxy/wire/counting.py: as Python always, and as C where it has been compiled."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

from proxy.wire import counting
from tests.binaries import ROOT

SOURCE = ROOT / "proxy" / "wire" / "counting.py"


def _plain() -> Any:
    """The source run as it is, even where a compiled module hides it."""
    spec = spec_from_loader("counting_as_python", SourceFileLoader("counting_as_python", str(SOURCE)))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PYTHON: Any = _plain()
BUILDS: dict[str, Any] = {"python": PYTHON} | ({"compiled": counting} if counting.COMPILED else {})
COMPILED_FILE = Path(counting.__file__)
