"""Every event that is told is in the vocabulary, and every one in it is told: read off the sources."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from proxy.telling import EVENTS, LEVELS
from tests.binaries import ROOT

NAME = re.compile(r"[+-][a-z]+(-[a-z]+)*")
OURS = {"time", "event", "level", "fault", "traceback"}
"""The keys of a line that nobody may give as a value."""
LIBRARIES = "proxy/admin/http/serving.py"
"""Names to Hypercorn the logger that it is to use."""


OURS_IT_IS = "from proxy.telling import tell\n"


@frozen
class Source:
    """What one module of proxy/ has to do with telling."""

    place: str
    tells: tuple[str, ...]
    """Every text in it that looks like an event's name, if it tells at all."""
    wrong: tuple[str, ...]
    """What is not as it should be."""


def read(path: Path, root: Path) -> Source:
    tree = ast.parse(path.read_text(), str(path))
    place = str(path.relative_to(root))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if _knows_tell(tree) else []
    telling = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "tell"]
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    names = {text for text in texts if isinstance(text, str) and NAME.fullmatch(text)} if telling else set()
    return Source(place, tuple(sorted(names)), tuple(_faults(place, tree, telling)))


def _knows_tell(tree: ast.AST) -> bool:
    """It has ours, and not a function of its own by that name."""
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return any(
        (node.module or "").startswith("proxy.telling") and alias.name == "tell"
        for node in froms
        for alias in node.names
    )


def _faults(place: str, tree: ast.AST, telling: list[ast.Call]) -> Iterator[str]:
    for call in telling:
        at = f"{place}:{call.lineno}"
        if len(call.args) != 1:
            yield f"{at} tells no name, or more than one"
        elif isinstance(call.args[0], ast.Constant) and call.args[0].value not in EVENTS:
            yield f"{at} tells {call.args[0].value!r}, which is not in the vocabulary"
        elif isinstance(call.args[0], ast.JoinedStr | ast.BinOp):
            yield f"{at} makes up a name, which nobody finds"
        for keyword in call.keywords:
            if keyword.arg in OURS:
                yield f"{at} gives {keyword.arg}, which every line has"
    if place.startswith("proxy/telling/"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and place != LIBRARIES:
            for alias in node.names:
                if alias.name == "logging":
                    yield f"{place}:{node.lineno} imports {alias.name}: tell() instead"
        if isinstance(node, ast.Name) and node.id == "print" and not place.startswith("proxy/terminal/"):
            yield f"{place}:{node.lineno} prints: tell() instead"


def sources(root: Path) -> list[Source]:
    paths = sorted((root / "proxy").rglob("*.py"))
    vocabulary = {root / "proxy/telling" / name for name in ("vocabulary.py", "steered.py")}
    return [read(path, root) for path in paths if path not in vocabulary]


def test_every_event_that_is_told_is_in_the_vocabulary() -> None:
    assert [wrong for source in sources(ROOT) for wrong in source.wrong] == []


def test_every_event_of_the_vocabulary_is_told() -> None:
    assert set(EVENTS) - {name for source in sources(ROOT) for name in source.tells} == set()


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_has_a_name_a_level_a_meaning_and_what_is_bad_has_an_advice(name: str) -> None:
    event = EVENTS[name]
    assert NAME.fullmatch(name)
    assert event.level in LEVELS
    assert event.meaning.endswith(".") and "\n" not in event.meaning + event.advice
    assert event.advice.endswith(".") if event.advice else event.level in ("debug", "info")
    assert event.level in ("debug", "info") or name.startswith("-")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('tell("+no-such")', "is not in the vocabulary"),
        ('tell(f"+{step}")', "makes up a name"),
        ('tell("+" + step)', "makes up a name"),
        ("tell()", "tells no name"),
        ('tell("+held", "more")', "or more than one"),
        ('tell("+held", event=1)', "gives event"),
        ("import logging", "imports logging"),
        ("def f():\n    import logging", "imports logging"),
        ("print(1)", "prints"),
    ],
)
def test_what_is_told_otherwise_is_found(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "proxy").mkdir()
    (tmp_path / "proxy" / "app.py").write_text(f"{OURS_IT_IS}{text}\n")
    [source] = sources(tmp_path)
    [wrong] = source.wrong
    assert wrong.startswith("proxy/app.py:") and why in wrong


def test_an_event_that_nobody_tells_is_found(tmp_path: Path) -> None:
    (tmp_path / "proxy").mkdir()
    (tmp_path / "proxy" / "app.py").write_text(
        OURS_IT_IS + 'tell("+held", why="+not-one of them")\nX = {1: "+left"}\n'
    )
    (tmp_path / "proxy" / "acl.py").write_text('RIGHTS = "+admin"\n')
    assert {name for source in sources(tmp_path) for name in source.tells} == {"+held", "+left"}
