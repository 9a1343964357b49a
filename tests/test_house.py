"""The map of proxy/ is law: who may know whom, how big a room is, what nothing is called.

The rules are read off the sources, imports inside functions and under TYPE_CHECKING included: an arrow is an
arrow. Every check takes the folder that holds proxy/ and returns sentences, so that each can be seen to fail.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.binaries import ROOT

INNER = {"wire", "session", "switchover", "nodes"}
SOCKETS = {"select", "selectors", "socket", "ssl"}
CLOCKS_AND_LOGS = {"asyncio", "datetime", "logging", "time"}

# Each room, and what of proxy/ it may import: a room, or one module of a room.
MAY_IMPORT: dict[str, set[str]] = {
    "wire": {"wire"},
    "session": {"session", "wire"},
    "switchover": {"switchover"},
    "telling": {"telling"},
    "transport": {"transport"},
    "nodes": {"nodes", "telling", "transport", "wire", "switchover.facts"},
    "relay": {"relay", "telling", "transport", *INNER},
    "release": {"release"},
    "kinds": {"kinds", "nodes.address"},
    "settings": {"settings", "kinds", "nodes.address"},
    "config": {"config", "settings", "kinds", "relay", *INNER},
    "operation": {
        "operation",
        "config",
        "kinds",
        "relay",
        "release",
        "settings",
        "telling",
        "transport",
        *INNER,
    },
    "admin": {
        "admin",
        "config",
        "operation",
        "release",
        "settings",
        "telling",
        "switchover.errors",
        "transport",
        "wire",
        "nodes.address",
    },
    "app": {
        "app",
        "admin",
        "config",
        "operation",
        "relay",
        "release",
        "settings",
        "telling",
        "transport",
        *INNER,
    },
    "terminal": {
        "terminal",
        "app",
        "config",
        "kinds",
        "nodes.address",
        "release",
        "settings",
        "telling",
        "transport",
    },
    "cli": {"cli", "terminal"},
    "": set(),
}

# Each room that is barred from parts of the standard library, or from trio.
MAY_NOT_IMPORT: dict[str, set[str]] = {
    "wire": {"trio", *SOCKETS, *CLOCKS_AND_LOGS},
    "session": {"trio", *SOCKETS, *CLOCKS_AND_LOGS},
    "switchover": {*SOCKETS, *CLOCKS_AND_LOGS},
    "release": SOCKETS,
    "kinds": SOCKETS,
    "settings": SOCKETS,
    "config": SOCKETS,
}

MAX_LINES = 300
VAGUE_WORDS = {"base", "bases", "helper", "helpers", "manager", "managers", "util", "utils"}


def modules(root: Path) -> dict[str, Path]:
    """Return every module of proxy/ by its dotted name."""
    found = {}
    for path in sorted((root / "proxy").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module: str) -> str:
    """Return "wire" for proxy.wire.frames, "app" for proxy.app, "" for proxy itself."""
    return (module + "..").split(".")[1]


def imports_of(module: str, path: Path, known: dict[str, Path]) -> Iterator[tuple[int, str]]:
    """Yield the line and the full name of whatever a module imports."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, node.module] if node.module else above)
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                yield node.lineno, whole if whole in known else source


def objection(room: str, imported: str) -> str:
    """Return why a room may not import this, or "" where it may."""
    if room not in MAY_IMPORT:
        return f"but the room {room!r} is not on the map"
    if imported.split(".")[0] != "proxy":
        barred = imported.split(".")[0] in MAY_NOT_IMPORT.get(room, set())
        return f"but {room} is to know neither sockets nor clocks nor logs" if barred else ""
    allowed = any(f"{imported}.".startswith(f"proxy.{target}.") for target in MAY_IMPORT[room])
    return "" if allowed else f"but {room or 'proxy'} may know only {sorted(MAY_IMPORT[room])}"


def wrong_imports(root: Path) -> list[str]:
    known = modules(root)
    return [
        f"{path.relative_to(root)}:{line} imports {imported}, {why}"
        for module, path in known.items()
        for line, imported in imports_of(module, path, known)
        if (why := objection(room_of(module), imported))
    ]


def overgrown_modules(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)} has {lines} lines: beyond {MAX_LINES} redesign the room, do not squeeze"
        for path in modules(root).values()
        if (lines := len(path.read_text().splitlines())) > MAX_LINES
    ]


def vague_names(root: Path) -> list[str]:
    """Find modules, classes and functions named after no duty, whole or as a part of the name."""
    found = []
    for module, path in modules(root).items():
        names = [(1, module.rpartition(".")[2])]
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                names.append((node.lineno, node.name))
        for line, name in names:
            words = {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)}
            if words & VAGUE_WORDS:
                found.append(f"{path.relative_to(root)}:{line} {name}: say what it does")
    return found


def code_in_the_map(root: Path) -> list[str]:
    body = ast.parse((root / "proxy" / "__init__.py").read_text()).body
    is_text = len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    return [] if is_text else ["proxy/__init__.py is the glossary and the map: a docstring and no code"]


@pytest.mark.parametrize("check", [wrong_imports, overgrown_modules, vague_names, code_in_the_map])
def test_the_house_is_in_order(check: Callable[[Path], list[str]]) -> None:
    wrong = check(ROOT)
    assert not wrong, "\n".join(wrong)


GOOD_HOUSE = {
    "proxy/__init__.py": '"""The map."""\n',
    "proxy/wire/__init__.py": "import hiredis\n",
    "proxy/wire/frames.py": "from proxy.wire import scan\nfrom . import scan as again\nimport struct\n",
    "proxy/wire/scan.py": "",
    "proxy/session/machine.py": "import proxy.wire.frames\nfrom proxy.wire.frames import Frame\n",
    "proxy/switchover/facts.py": "",
    "proxy/switchover/story.py": "import trio\nfrom proxy.switchover.facts import Fact\n",
    "proxy/nodes/node.py": "import socket\nfrom proxy.switchover import facts\nimport proxy.wire\n",
    "proxy/relay/reactor.py": "import select, trio, time\nfrom proxy.switchover.story import Verbs\n",
    "proxy/operation/steering.py": "from proxy.relay import reactor\n",
    "proxy/admin/console.py": "from proxy.operation import steering\n",
    "proxy/app.py": "from proxy.admin.console.serving import Console\nimport socket\n",
    "proxy/config.py": "import tomllib\nfrom proxy.nodes.node import Address\n",
    "proxy/terminal/serve.py": "from proxy import app, config\n",
    "proxy/cli.py": "from proxy.terminal import serve\n",
}


def build(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_good_house_has_nothing_to_object_to(tmp_path: Path) -> None:
    house = build(tmp_path, GOOD_HOUSE)
    for check in (wrong_imports, overgrown_modules, vague_names, code_in_the_map):
        assert check(house) == []


@pytest.mark.parametrize(
    ("file", "line", "imported"),
    [
        ("proxy/wire/scan.py", "import trio", "trio"),
        ("proxy/wire/scan.py", "import trio.lowlevel", "trio.lowlevel"),
        ("proxy/wire/scan.py", "from time import monotonic", "time"),
        ("proxy/wire/scan.py", "from ..session import machine", "proxy.session.machine"),
        ("proxy/wire/scan.py", "from proxy.session.machine import Session", "proxy.session.machine"),
        ("proxy/wire/scan.py", "def f():\n    import logging", "logging"),
        ("proxy/wire/scan.py", "import proxy", "proxy"),
        ("proxy/session/machine.py", "import select", "select"),
        ("proxy/session/machine.py", "from proxy import nodes", "proxy"),
        ("proxy/session/machine.py", "from proxy.switchover.facts import Fact", "proxy.switchover.facts"),
        ("proxy/switchover/story.py", "import socket", "socket"),
        ("proxy/switchover/story.py", "import time", "time"),
        ("proxy/switchover/story.py", "from proxy.nodes import node", "proxy.nodes.node"),
        ("proxy/switchover/story.py", "import proxy.relay.reactor", "proxy.relay.reactor"),
        ("proxy/switchover/story.py", "from proxy.wire.frames import Frame", "proxy.wire.frames"),
        ("proxy/nodes/node.py", "from proxy.switchover.story import Story", "proxy.switchover.story"),
        ("proxy/nodes/node.py", "from proxy import switchover", "proxy"),
        ("proxy/nodes/node.py", "from proxy.relay.reactor import Lane", "proxy.relay.reactor"),
        ("proxy/relay/reactor.py", "from proxy.admin import console", "proxy.admin.console"),
        ("proxy/relay/reactor.py", "import proxy.config", "proxy.config"),
        ("proxy/config.py", "import socket", "socket"),
        ("proxy/config.py", "from proxy.app import run", "proxy.app"),
        ("proxy/admin/console.py", "from proxy.cli import main", "proxy.cli"),
        ("proxy/__init__.py", "from proxy.app import run", "proxy.app"),
        ("proxy/attic.py", "import json", "json"),
    ],
)
def test_an_import_against_the_map_is_found(tmp_path: Path, file: str, line: str, imported: str) -> None:
    house = build(tmp_path, GOOD_HOUSE | {file: f'"""Words."""\n{line}\n'})
    [sentence] = wrong_imports(house)
    assert sentence.startswith(f"{file}:{2 + line.count(chr(10))} imports {imported}, but ")


def test_an_overgrown_module_is_found(tmp_path: Path) -> None:
    house = build(tmp_path, GOOD_HOUSE | {"proxy/app.py": "x = 1\n" * 301})
    [sentence] = overgrown_modules(house)
    assert "proxy/app.py has 301 lines" in sentence and "redesign the room" in sentence


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("proxy/relay/utils.py", ""),
        ("proxy/relay/lane_helpers.py", ""),
        ("proxy/relay/base/lane.py", ""),
        ("proxy/relay/lane.py", "class LaneManager: ..."),
        ("proxy/relay/lane.py", "class BaseLane: ..."),
        ("proxy/relay/lane.py", "async def open_helper(): ..."),
    ],
)
def test_a_name_without_a_duty_is_found(tmp_path: Path, file: str, text: str) -> None:
    house = build(tmp_path, GOOD_HOUSE | {file: text, str(Path(file).with_name("__init__.py")): ""})
    assert len(vague_names(house)) == 1


def test_code_in_the_map_is_found(tmp_path: Path) -> None:
    assert code_in_the_map(build(tmp_path, {"proxy/__init__.py": '"""The map."""\nx = 1\n'}))
