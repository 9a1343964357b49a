"""The table of the verbs, and how a mistake is told: one line on stderr."""

import difflib
import importlib
import io
import os
import sys
from collections.abc import Iterable

import click

from proxy.config import SettingsError
from proxy.release import VERSION
from proxy.terminal.exits import DONE, FAILED, INTERRUPTED, USAGE, Failure

VERBS = {
    "serve": ("serving", "Serve clients, until SIGTERM or SIGINT."),
    "switchover": ("switching", "Move the primary, and see it happen."),
    "check": ("checking", "May a switchover begin? Touches nothing."),
    "status": ("asking", "How things stand."),
    "nodes": ("asking", "The nodes: role, link, lag."),
    "clients": ("listing", "The clients; close one."),
    "hold": ("gating", "Close the gate by hand, for so long at most."),
    "release": ("gating", "Open it again."),
    "history": ("asking", "What became of the last switchovers."),
    "watch": ("watching", "A live view, drawn anew each second."),
    "demo": ("demonstrating", "See a primary replaced under load, on this machine."),
    "config": ("setting", "Check a file of settings; show what is in force."),
    "completion": ("completing", "What makes a shell complete all this."),
}
"""By name, the module of each verb, and what it does."""


class Verbs(click.Group):
    """A group of commands that are imported when they are asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"proxy.terminal.{VERBS[name][0]}")
        command = getattr(module, f"{name}_verb")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in VERBS.items()])


EPILOG = """Exit status: 0 done, 1 failed, 2 a mistake on the command line or in the settings, 3 refused, 4
called off, 5 another switchover is under way, 130 interrupted."""


@click.group(
    "baton",
    cls=Verbs,
    epilog=EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(VERSION, prog_name="baton", message="%(prog)s %(version)s")
@click.pass_context
def baton(context: click.Context) -> None:
    """A proxy before Redis that hands its clients from one primary to the next."""
    if context.invoked_subcommand is None:
        raise click.UsageError("no command; baton --help tells them")


def run(argv: list[str]) -> int:
    """Run what `argv` asks for; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an arrow must not fail where only ASCII can be written
            stream.reconfigure(errors="replace")
    try:
        status = int(baton.main(argv, prog_name="baton", standalone_mode=False) or DONE)
        sys.stdout.flush()  # here, where it is known what to do if nobody reads it
        return status
    except click.ClickException as mistake:
        return _tell([_said(mistake)], USAGE)
    except SettingsError as wrong:
        return _tell(wrong.mistakes, USAGE)
    except Failure as failure:
        return _tell([str(failure)], failure.status)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # whoever read what was written has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _tell(mistakes: Iterable[str], status: int) -> int:
    for mistake in mistakes:
        print("baton:", " ".join(mistake.split()), file=sys.stderr)
    return status


def _said(mistake: click.ClickException) -> str:
    """In the manner of the house: the place first, what is wrong, what would be right."""
    match mistake:
        case click.NoSuchOption(option_name=option, possibilities=close):
            meant = f"did you mean {close[0]}?" if close else f"{_path(mistake.ctx)} --help tells them"
            return f"{option}: unknown option; {meant}"
        case click.exceptions.NoSuchCommand(command_name=name, ctx=context):
            known = _verbs_of(context)
            close = difflib.get_close_matches(name, known, 1)
            meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            return f"{name}: no such command; {meant}"
        case click.BadOptionUsage(option_name=option):
            return f"{option}: wants a value"
        case click.BadParameter(param=click.Parameter() as parameter, message=said) if said:
            return f"{_place(parameter)}: {_small(said)}"
    return _small(mistake.format_message())


def _place(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return (parameter.metavar or str(parameter.name).upper()).strip("[]")


def _small(said: str) -> str:
    """A sentence as a part of a line."""
    return (said[:1].lower() + said[1:] if said[1:2].islower() else said).removesuffix(".")


def _path(context: click.Context | None) -> str:
    return context.command_path if context is not None else "baton"


def _verbs_of(context: click.Context | None) -> list[str]:
    if context is None or not isinstance(context.command, click.Group):
        return []
    return context.command.list_commands(context)
