"""What a container would be: another uid, no rights, no file system that can be written, alone as process 1.

By `unshare` and `setpriv`, which root may use. Elsewhere the command runs as it is, and `CONFINED` is false.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import attrs

from tests.waiting import wait_until

ENTER = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc"]

SCRIPT = r"""
user=$1 python=$2 closed=$3; shift 3
if [ "$closed" ]; then # the machine's Python lies in a folder that others may not enter
    mount --bind "$python" /mnt
    mount -t tmpfs -o mode=755 tmpfs "$closed"
    mkdir -p "$python"
    mount --bind /mnt "$python"
    mount -o remount,bind,ro "$closed"
fi
mount -o remount,bind,ro /
exec setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all -- "$@"
"""


def confined(user: str, command: Sequence[str]) -> list[str]:
    """The command, confined; it becomes the user `user`, a number."""
    python = Path(sys.base_prefix)
    closed = [str(each) for each in reversed(python.parents) if not each.stat().st_mode & 0o001]
    return [*ENTER, SCRIPT, "confined", user, str(python), (closed or [""])[0], *command]


def _can_confine() -> bool:
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv", "mount"))):
        return False
    return subprocess.run(confined("10001", ["true"]), capture_output=True, timeout=20).returncode == 0


CONFINED = _can_confine()


@attrs.define(eq=False)
class Process:
    """A command as process 1 of its own, or as it is."""

    outer: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls, user: str, command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]
    ) -> "Process":
        whole = confined(user, command) if CONFINED else list(command)
        return cls(
            subprocess.Popen(
                whole, env=dict(environment), cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        )

    @property
    def pid(self) -> int:
        """Of the command itself, as it is seen from outside."""
        if not CONFINED:
            return self.outer.pid
        children = Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children")
        wait_until(lambda: children.read_text().split(), "unshare has made its child")
        return int(children.read_text().split()[0])

    def end(self) -> None:
        if self.outer.poll() is None:
            os.kill(self.pid, signal.SIGKILL)  # unshare ends with what it started
        self.outer.wait()
