"""Performing the steps of a Dockerfile below a folder, which stands for the root of the image."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from attrs import frozen

from scripts.baton_image.dockerfile import DockerfileError, Instruction, Stage, context_of, read

OWN_PATHS = ("/opt/baton", "/src", "/usr/share/baton")
"""What the steps make in the image. Here they lie below the folder; other paths are the machine's own."""

BILL = "usr/share/baton/baton.cdx.json"
"""Where the Dockerfile puts the bill of materials; here it lies beside ``image.json`` too."""

STEP_LIMIT_S = 600


def build(root: Path, folder: Path) -> None:
    """Build the image of the repository at `root` in `folder`, which must not be there yet.

    What is run later is told in ``folder/image.json``. Raises DockerfileError where a step fails.
    """
    if folder.exists():
        raise DockerfileError(f"{folder} is there already")
    stages = read(root / "Dockerfile")
    run_so = told(stages[-1])  # first, for building takes its time
    for stage in stages[:-1]:
        _say(f"FROM {stage.image}: left out; it is the Python of this machine, {sys.version.split()[0]}")
        _Builder(root, folder, dict(os.environ)).perform(stage)
    _finish(stages[-1], folder)
    if (folder / BILL).exists():
        shutil.copy(folder / BILL, folder)
    (folder / "image.json").write_text(json.dumps(run_so, indent=2) + "\n")


def told(stage: Stage) -> dict[str, object]:
    """What the last stage says of how the image is run, in the words of `docker inspect`."""

    def last(name: str) -> Instruction:
        found = stage.said(name)
        if not found:
            raise DockerfileError(f"the last stage has no {name}")
        return found[-1]

    return {
        "User": last("USER").text,
        "Env": stage.pairs("ENV"),
        "Labels": stage.pairs("LABEL"),
        "Entrypoint": last("ENTRYPOINT").words,
        "Cmd": last("CMD").words,
        "StopSignal": last("STOPSIGNAL").text,
        "Healthcheck": last("HEALTHCHECK").words,
    }


def below(folder: Path, text: str) -> str:
    """`text` with the image's own paths as they are below `folder`."""
    for path in OWN_PATHS:
        text = re.sub(rf"(?<![\w/]){path}\b", f"{folder}{path}", text)
    return text


@frozen
class _Builder:
    root: Path
    folder: Path
    environment: dict[str, str]

    def perform(self, stage: Stage) -> None:
        where = self.folder
        where.mkdir(parents=True)
        for each in stage.instructions:
            match each.name:
                case "WORKDIR":
                    where = Path(below(self.folder, each.text))
                    where.mkdir(parents=True)
                case "COPY":
                    self._copy(each, where)
                case "RUN" if "apt-get" in each.text:
                    _say(f"RUN {each.text.split('&&')[1].strip()}: left out; the machine's own are used")
                case "RUN" if "dpkg" in each.text:
                    _say(f"RUN {each.text}: left out; there is no base image, and the bill says so")
                case "RUN":
                    self._run(each, where)
                case _:
                    raise DockerfileError(f"{each.name} is not understood in the stage {stage.name}")

    def _copy(self, instruction: Instruction, where: Path) -> None:
        *names, to = instruction.words
        let_in, left_out = context_of(self.root / ".dockerignore")
        for name in names:
            if name not in let_in:
                raise DockerfileError(f"COPY {name}: .dockerignore leaves it out")
            source = self.root / name
            if source.is_dir():
                shutil.copytree(source, where / to, ignore=shutil.ignore_patterns(*left_out))
            else:
                shutil.copy(source, where / to)

    def _run(self, instruction: Instruction, where: Path) -> None:
        _say(f"RUN {instruction.text}")
        bin_of_python = str(Path(sys.base_prefix) / "bin")
        path = {"PATH": f"{bin_of_python}{os.pathsep}{self.environment['PATH']}"}
        done = subprocess.run(
            ["sh", "-c", below(self.folder, re.sub(r"^python ", "python3 ", instruction.text))],
            cwd=where,
            env={name: text for name, text in self.environment.items() if name != "VIRTUAL_ENV"} | path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=STEP_LIMIT_S,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).strip().splitlines() or [f"status {done.returncode}"]
            raise DockerfileError(f"RUN {instruction.text}: {said[-1]}")


def _finish(stage: Stage, folder: Path) -> None:
    """Keep what the last stage copies of those before; a venv cannot be moved, so it stays where it is."""
    if stage.said("RUN"):
        raise DockerfileError("the last stage runs something: that cannot be seen here")
    kept = []
    for each in stage.said("COPY"):
        source, source_path, to = each.words
        if not source.startswith("--from=") or source_path != to:
            raise DockerfileError(
                f"COPY {each.text}: the last stage only copies from another, to the same path"
            )
        kept.append(Path(below(folder, to)))
    for path in OWN_PATHS:
        if folder / path[1:] not in kept and (folder / path[1:]).exists():
            shutil.rmtree(folder / path[1:])


def _say(text: str) -> None:
    print(f"image: {text}", flush=True)
