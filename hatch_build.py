"""Compiles the one module of the hot path to C. Where that cannot be done, the same module runs as Python.

With BATON_PURE=1 in the environment nothing is compiled. An editable install has what was compiled beside its
source, where it hides it: scripts/setup makes it anew when the source has changed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULE = Path("proxy/wire/counting.py")


class Compile(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        self.folder = tempfile.TemporaryDirectory()  # goes with the process, when the wheel is made
        built = [] if os.environ.get("BATON_PURE") else self._compile(root, Path(self.folder.name))
        if version == "editable":
            for stale in (root / MODULE.parent).glob("*.so"):
                stale.unlink()
            for file in built:
                shutil.copy(file, root / MODULE.parent)
        elif built:
            build_data["force_include"] |= {str(file): str(MODULE.parent / file.name) for file in built}
        if built:
            build_data["pure_python"] = False
            build_data["infer_tag"] = True

    def _compile(self, root: Path, folder: Path) -> list[Path]:
        ignore = shutil.ignore_patterns("*.so", "__pycache__")
        shutil.copytree(root / "proxy" / "wire", folder / "proxy" / "wire", ignore=ignore)
        shutil.copy(root / "proxy" / "__init__.py", folder / "proxy")
        mypyc = [sys.executable, "-m", "mypyc", str(MODULE)]
        done = subprocess.run(mypyc, cwd=folder, capture_output=True, text=True, timeout=600)
        if done.returncode:
            self.app.display_warning(f"{MODULE} stays Python:\n{(done.stdout + done.stderr)[-500:]}")
            return []
        return sorted((folder / MODULE.parent).glob("*.so"))
