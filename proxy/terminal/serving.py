"""``baton serve``: flags of every setting, made from the declarations."""

from functools import partial
from typing import Any

import click

from proxy.config import load
from proxy.kinds import NODES
from proxy.settings import SETTINGS, Settings


def settings_flags() -> list[click.Parameter]:
    """One for each setting that has a flag; the values stay texts, which ``config`` reads."""
    options: list[click.Parameter] = [
        click.Option(["--config"], metavar="FILE", help="A file of settings, TOML. [BATON_CONFIG]")
    ]
    for name, setting in SETTINGS.items():
        if setting.flag:
            several = setting.kind is NODES
            default = getattr(Settings(), name)
            shown = f"{setting.env}; {setting.text(default)}" if default else setting.env
            options.append(
                click.Option(
                    [setting.flag, name],
                    metavar="HOST:PORT" if several else setting.kind.what,
                    multiple=several,
                    help=f"{setting.doc} [{shown}]",
                )
            )
    return options


def given(flags: dict[str, Any]) -> dict[str, str | list[str]]:
    """What was really said, as ``config`` wants it."""
    texts = {name: list(value) if isinstance(value, tuple) else value for name, value in flags.items()}
    return {name: value for name, value in texts.items() if value not in (None, [])}


def _serve(**flags: Any) -> int:
    settings = load(given(flags))
    # Only now, so that a mistake in the settings is told without loading all of it.
    import trio

    from proxy.app import serve
    from proxy.telling import set_up

    set_up(settings.log_level, settings.log_format)
    trio.run(serve, settings, partial(load, given(flags)))
    return 0


serve_verb = click.Command(
    "serve",
    callback=_serve,
    params=settings_flags(),
    help="Serve clients, until SIGTERM or SIGINT.",
    epilog="Flags beat environment beats file. The annotated configs/baton.toml has every setting.",
)
