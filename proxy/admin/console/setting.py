"""Commands about the settings, as Redis has them in CONFIG."""

from proxy.admin.console.command import Command, Form
from proxy.admin.console.encoding import Line, Reply
from proxy.admin.console.syntax import Given, Usage
from proxy.admin.console.visitor import Visitor
from proxy.config import SettingsError

GROUP = "setting"
OK = Line("OK")
LEVEL = "log.level"


async def _get(visitor: Visitor, given: Given) -> Reply:
    return dict(visitor.operator.settings(given.text("pattern") or ""))


async def _set(visitor: Visitor, given: Given) -> Reply:
    _change(visitor, given.text("name") or "", given.text("value") or "")
    return OK


async def _reload(visitor: Visitor, given: Given) -> Reply:
    try:
        return [Line(line) for line in await visitor.operator.reload_settings()]
    except SettingsError as wrong:
        raise Usage(f"nothing was changed: {wrong}") from None


async def _level(visitor: Visitor, given: Given) -> Reply:
    wanted = given.text("debug|info|warning|error")
    if wanted is None:
        return Line(visitor.operator.settings(LEVEL)[LEVEL])
    _change(visitor, LEVEL, wanted)
    return OK


def _change(visitor: Visitor, name: str, value: str) -> None:
    try:
        visitor.operator.change_setting(name, value)
    except ValueError as wrong:
        raise Usage(str(wrong)) from None


COMMANDS = {
    "CONFIG": Command(
        group=GROUP,
        meaning="The settings, and changing them while the proxy runs.",
        forms=[
            Form("CONFIG GET pattern", "The settings whose names match, as switchover.*; no secrets.", _get),
            Form(
                "CONFIG SET name value",
                "Change one that may change while running, until the end.",
                _set,
                acts=True,
            ),
            Form(
                "CONFIG RELOAD",
                "Read file and environment again; tells what changed, or wants a restart.",
                _reload,
                acts=True,
            ),
        ],
        more=["A mistake in the file, and RELOAD changes nothing at all."],
        example="redis-cli -p 7379 CONFIG SET switchover.budget_ms 2000",
    ),
    "LOG": Command(
        group=GROUP,
        meaning="What is logged.",
        forms=[
            Form(
                "LOG LEVEL [debug|info|warning|error]",
                "The level, or a new one, until the end.",
                _level,
                acts=True,
                asks_bare=True,
            )
        ],
    ),
}
