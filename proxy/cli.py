"""The command line: ``baton serve``. A mistake is one line on stderr and exit status 2."""

import argparse
import difflib
import logging
import sys
from collections.abc import Sequence
from typing import NoReturn

import trio

from proxy.config import Settings, SettingsError, load
from proxy.release import VERSION
from proxy.settings import NODES, SETTINGS

USAGE_ERROR = 2


class _Mistake(Exception):
    """Something on the command line; the text names it first."""


class _Parser(argparse.ArgumentParser):
    """argparse, saying in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        raise _Mistake(message.removeprefix("argument "))


def main(argv: Sequence[str] | None = None) -> int:
    """Run what `argv` asks for, by default the process's own arguments; returns the exit status."""
    try:
        return _run(sys.argv[1:] if argv is None else list(argv))
    except (_Mistake, SettingsError) as error:
        print("baton:", " ".join(str(error).split()), file=sys.stderr)
        return USAGE_ERROR
    except SystemExit as end:  # argparse has printed the help or the version
        return int(end.code or 0)


def _run(argv: list[str]) -> int:
    parser = _parser()
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        raise _Mistake(f"{unknown[0]}: unknown argument{_meant(unknown[0])}")
    if arguments.verb is None:
        raise _Mistake("no command; baton --help tells them")
    given = {name: value for name, value in vars(arguments).items() if value is not None and name != "verb"}
    settings = load(given)
    set_up_log()
    _serve(settings)
    return 0


def _parser() -> _Parser:
    parser = _Parser(
        prog="baton",
        description="A proxy before Redis that hands its clients from one primary to the next.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"baton {VERSION}")
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", title="commands")
    serve = verbs.add_parser(
        "serve",
        help="serve clients, until SIGTERM or SIGINT",
        description="Serve clients, until SIGTERM or SIGINT.",
        epilog="Flags beat environment beats file. The annotated configs/baton.toml has every setting.",
        allow_abbrev=False,
    )
    serve.add_argument("--config", metavar="FILE", help="A file of settings, TOML. [BATON_CONFIG]")
    for name, setting in SETTINGS.items():
        if setting.flag:
            several = setting.kind is NODES
            default = getattr(Settings(), name)
            shown = f"{setting.env}; {default}" if default else setting.env
            serve.add_argument(
                setting.flag,
                dest=name,
                metavar="HOST:PORT" if several else setting.kind.what,
                action="append" if several else "store",
                help=f"{setting.doc} [{shown}]".replace("%", "%%"),
            )
    return parser


def _meant(word: str) -> str:
    flags = ["--config", *(setting.flag for setting in SETTINGS.values() if setting.flag)]
    close = difflib.get_close_matches(word.partition("=")[0], flags, 1)
    return f"; did you mean {close[0]}?" if close else ""


def set_up_log() -> None:
    """One plain line a fact, to stderr: ``HH:MM:SS.mmm  text``."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d  %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def _serve(settings: Settings) -> None:
    from proxy.app import serve  # here, so that a mistake in the settings is told without loading all of it

    trio.run(serve, settings)


if __name__ == "__main__":
    sys.exit(main())
