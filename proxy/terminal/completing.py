"""``baton completion``: the script by which a shell completes verbs, options and their values."""

import click
from click.shell_completion import get_completion_class

from proxy.terminal.exits import DONE

VARIABLE = "_BATON_COMPLETE"
"""By which the shell asks, as click has it."""
WHERE = {
    "bash": "baton completion bash > ~/.local/share/bash-completion/completions/baton",
    "zsh": 'baton completion zsh > "${fpath[1]}/_baton"',
    "fish": "baton completion fish > ~/.config/fish/completions/baton.fish",
}


@click.command("completion", epilog="\b\n" + "\n".join(WHERE.values()))
@click.argument("shell", type=click.Choice(list(WHERE)))
@click.pass_context
def completion_verb(context: click.Context, shell: str) -> int:
    """Print what makes SHELL complete all this; it is to be kept where the shell looks for it:"""
    script = get_completion_class(shell)
    assert script is not None
    root = context.find_root().command
    click.echo(_source(script(root, {}, "baton", VARIABLE)))
    return DONE


def _source(script: click.shell_completion.ShellComplete) -> str:
    """Without the look at the bash that happens to be on this machine's PATH: it need not be that which reads
    the script."""
    return script.source_template % script.source_vars()
