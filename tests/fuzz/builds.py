"""The two builds of proxy/wire/counting.py, wherever they are: a fuzzer guides itself by the Python one."""

from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from proxy.wire import counting
from tests.wire.builds import PYTHON, SOURCE


def _compiled() -> Any:
    for file in sorted(SOURCE.parent.glob("counting.*.so")):
        name = "proxy.wire.counting"
        spec = spec_from_file_location(name, file, loader=ExtensionFileLoader(name, str(file)))
        assert spec is not None and spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    return None


COMPILED: Any = counting if counting.COMPILED else _compiled()
BUILDS: dict[str, Any] = {"python": PYTHON if counting.COMPILED else counting}
if COMPILED is not None:
    BUILDS["compiled"] = COMPILED
