"""``baton config``: a file of settings checked, and what is in force shown, without a proxy running."""

from typing import Any

import click

from proxy.config import Mistake, SettingsError, read
from proxy.settings import PASSWORDS, SETTINGS, Setting, Settings
from proxy.terminal.exits import DONE, USAGE
from proxy.terminal.serving import given, settings_flags
from proxy.terminal.writing import Cell, say, show_json, show_table, styled

HIDDEN = "(kept secret)"


@click.group("config")
def config_verb() -> None:
    """Check a file of settings; show what is in force."""


@config_verb.command("check")
@click.argument("file", metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")
def check_verb(file: str, as_json: bool) -> int:
    """Every mistake at once that `baton serve --config FILE` would find here, the environment's too.

    Each in a line on stderr, with its place and what would be right. Exit status: 0 if there is none, else 2.
    """
    reading = read({"config": file})
    if not reading.mistakes and _names_certificates(reading.settings):
        from proxy.app import mistakes_in_certificates  # who has none need not wait for it

        reading.mistakes.extend(mistakes_in_certificates(reading.settings))
    if as_json:
        show_json({"ok": not reading.mistakes, "mistakes": list(map(_told, reading.mistakes))})
        return USAGE if reading.mistakes else DONE
    if reading.mistakes:
        raise SettingsError(*reading.mistakes)
    say(f"{file}: all is well")
    return DONE


def _names_certificates(settings: Settings) -> bool:
    return any(getattr(settings, name) for name in SETTINGS if name.endswith("tls_certificate_file")) or bool(
        settings.nodes_tls_ca_file
    )


def _told(mistake: Mistake) -> dict[str, str]:
    return {"place": mistake.place, "text": mistake.text}


def _show(as_json: bool, **flags: Any) -> int:
    reading = read(given(flags))
    if reading.mistakes:
        raise SettingsError(*reading.mistakes)
    rows = []
    for name, setting in SETTINGS.items():
        value = setting.text(getattr(reading.settings, name))
        origin = reading.given[name].place if name in reading.given else "default"
        if name in PASSWORDS:
            if name not in reading.given:
                continue
            value = HIDDEN
        rows.append((_name(name, setting), value, origin))
    if as_json:
        show_json({name: {"value": value, "from": origin} for name, value, origin in rows})
        return DONE
    cells: list[tuple[Cell, ...]] = [
        (name, value, styled(origin, "dim" if origin == "default" else "")) for name, value, origin in rows
    ]
    show_table(("setting", "value", "from"), cells)
    return DONE


def _name(name: str, setting: Setting) -> str:
    """As CONFIG GET has it; what is not in a file goes by its variable."""
    return f"{setting.table}.{setting.key}" if setting.key else setting.env


config_verb.add_command(
    click.Command(
        "show",
        callback=_show,
        params=[
            *settings_flags(),
            click.Option(
                ["--json", "as_json"], is_flag=True, help="One JSON object on stdout, and nothing else."
            ),
        ],
        help="The settings with which `baton serve` would start here, with the same flags, and where each"
        " comes from. Passwords and tokens are not shown. What a running one has: CONFIG GET at its console.",
    )
)
