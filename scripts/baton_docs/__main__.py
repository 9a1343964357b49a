"""``./scripts/docs``: see --help."""

import argparse
import os
import subprocess
import sys

from scripts.baton_docs.parts import ROOT, renew, stale

QUIET = {"NO_MKDOCS_2_WARNING": "1"}
"""What the theme has to say of MkDocs' future is no business of a build."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./scripts/docs",
        description="Build the site of the documentation into .venv/site. A link that leads nowhere, or a"
        " part that is not as the code has it, is an error.",
    )
    parser.add_argument("--renew", action="store_true", help="first write anew what is made from the code")
    parser.add_argument(
        "--serve", metavar="HOST:PORT", nargs="?", const="127.0.0.1:8000", help="show the site there"
    )
    arguments = parser.parse_args()
    if arguments.renew:
        for path in renew():
            print(f"docs: {path.relative_to(ROOT)} is written anew")
    elif old := list(stale()):
        print("docs: not as the code has it; --renew writes it:", file=sys.stderr)
        print("\n".join(f"  {path.relative_to(ROOT)}" for path in old), file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "mkdocs"]
    if arguments.serve:
        command += ["serve", "--strict", "--dev-addr", arguments.serve]
    else:
        command += ["build", "--strict"]
    status = subprocess.run(command, cwd=ROOT, env=os.environ | QUIET).returncode
    if status == 0 and not arguments.serve:
        print("docs: .venv/site/index.html")
    return status


if __name__ == "__main__":
    sys.exit(main())
