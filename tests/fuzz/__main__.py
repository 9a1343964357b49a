"""Fuzz one target, guided by what code an input reaches: ``python -m tests.fuzz TARGET``.

What is found that reaches something new is kept in ``--found``, for the next time. An input at which the code
fails is written to a file, whose name is told, and ends it: it belongs into the corpus, beside the mend.
"""

import argparse
import math
import sys
import tempfile
import time
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from random import Random
from typing import Any

HOT = "proxy.wire.counting"
"""The one module that may be compiled: there, nobody could see which way an input goes."""
LENGTH_MAX = 4096
TOLD_EVERY = 10_000


class AsPython(MetaPathFinder):
    """Finds the source of what is compiled."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != HOT:
            return None
        source = str(Path(next(iter(path))) / "counting.py")
        return spec_from_file_location(name, source, loader=SourceFileLoader(name, source))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=0, help="0 is without end")
    parser.add_argument("--seed", type=int, default=0, help="0 is another one each time")
    parser.add_argument("--inputs", type=int, default=-1, help="how many; -1 is without end")
    parser.add_argument("--found", type=Path, help="a folder for what reaches something new")
    parser.add_argument(
        "--crash", type=Path, default=Path(tempfile.gettempdir()), help="a folder for what fails"
    )
    parser.add_argument("--blind", action="store_true", help="by chance alone, which is quicker")
    given = parser.parse_args()
    if given.blind:
        throw_blindly(given.target, given.seconds, given.seed, given.inputs)
    else:
        throw_guided(given)


def throw_blindly(name: str, seconds: float, seed: int, inputs: int) -> None:
    """Until the time is over, or so many are thrown. What fails is told, and ends it."""
    from tests.fuzz.blind import maker
    from tests.fuzz.targets import target

    make, throw = maker(name), target(name).throw
    random = Random(seed or None)
    end, thrown = time.monotonic() + (seconds or math.inf), 0
    try:
        while thrown != inputs and time.monotonic() < end:
            data = make(random)
            throw(data)
            thrown += 1
            if thrown % TOLD_EVERY == 0:
                print(f"{name}: {thrown}", flush=True)
    except BaseException:
        print(f"{name}: {data!r}", file=sys.stderr)
        raise
    finally:
        print(f"{name}: {thrown} inputs", flush=True)


def throw_guided(given: argparse.Namespace) -> None:
    import atheris  # type: ignore[import-untyped]

    sys.meta_path.insert(0, AsPython())
    with atheris.instrument_imports(include=["proxy"]):
        from tests.fuzz.targets import CORPUS, target

        thrown = target(given.target)
    given.crash.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        words = Path(folder, "words")
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in thrown.WORDS))
        found = given.found or Path(folder, "found")
        found.mkdir(parents=True, exist_ok=True)
        options = [
            *(f"-max_total_time={given.seconds}", f"-seed={given.seed}", f"-runs={given.inputs}"),
            *(
                f"-dict={words}",
                f"-max_len={LENGTH_MAX}",
                "-timeout=20",
                "-rss_limit_mb=2048",
                "-print_final_stats=1",
            ),
            f"-artifact_prefix={given.crash}/{given.target}-",
        ]
        atheris.Setup([sys.argv[0], *options, str(found), str(CORPUS / given.target)], thrown.throw)
        atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()
