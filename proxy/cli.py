"""The entry point of ``baton``, also as ``python -m proxy.cli``. What it can do is in ``terminal/``."""

import sys
from collections.abc import Sequence

from proxy.terminal.verbs import run


def main(argv: Sequence[str] | None = None) -> int:
    """Run what `argv` asks for, by default the process's own arguments; returns the exit status."""
    return run(sys.argv[1:] if argv is None else list(argv))


if __name__ == "__main__":
    sys.exit(main())
