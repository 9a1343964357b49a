"""Secrets and certificates in files, taken over when the files change: Kubernetes replaces them beneath the
process, and so does who renews certificates.

Theory. Every `EVERY_S` the files are looked at, by stat and in a thread: symbolic links are followed, so that
the swap of a directory behind one shows as another file. Rules:

1. What has changed is read when it looked the same twice, `SETTLE_S` apart: so a file that is just being
   written is mostly left alone until it is done.
2. What cannot be used (empty, gone, not text, at odds with the other settings) is told once, and what was in
   force stays in force; it is looked at again until it is right.
3. What is right is in force for whoever comes from then on: who has logged in stays so, as with Redis, and
   connections that are there go on.
4. Only regular files are read again. What was handed over by a pipe is read once, at the start.
"""

import os
import stat
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import trio
from attrs import define, field

from proxy.operation.aside import Aside, Unanswered
from proxy.operation.certificates import Certificates
from proxy.operation.kept import Kept, KeptCertificate, KeptSecret, Unfit
from proxy.operation.trial import Trial
from proxy.operation.tuning import Tuning
from proxy.settings import PASSWORDS
from proxy.telling import tell

EVERY_S = 1.0
SETTLE_S = 0.25
FRESH_S = 1.0
"""The clock of a file system moves in steps: what was written so lately may be written again unseen."""

Look = tuple[object, ...]
"""What stat tells of files, or why it tells nothing; two of the same are the same content."""


def looks_of(files: Mapping[str, Sequence[Path]]) -> dict[str, tuple[Look, bool]]:
    """By the name of what is in them, and whether one was written just now."""
    now = time.time()
    looks = {name: [_look(path, now) for path in paths] for name, paths in files.items()}
    return {
        name: (tuple(look for look, _ in each), any(fresh for _, fresh in each))
        for name, each in looks.items()
    }


def _look(path: Path, now: float) -> tuple[Look, bool]:
    try:
        found = os.stat(path)
    except (OSError, ValueError) as fault:
        return ("gone", str(fault)), False
    if not stat.S_ISREG(found.st_mode):
        return ("special", found.st_dev, found.st_ino), False
    about = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return ("file", *about), now - found.st_ctime < FRESH_S


def _is_special(look: Look) -> bool:
    return any(isinstance(each, tuple) and each[0] == "special" for each in look)


@define(eq=False)
class Secrets:
    """Of one process."""

    tuning: Tuning
    aside: Aside
    certificates: Mapping[str, KeptCertificate] = field(factory=dict)
    _known: dict[str, Look] = field(factory=dict)
    """How the files of each looked when they were read."""
    _seen: dict[str, Look] = field(factory=dict)
    """How they looked the last time."""
    _wrong: dict[str, str] = field(factory=dict)
    """What is wrong, as was told."""

    def watch_over(self, certificates: Certificates) -> None:
        """These, too. To be called at the start, when all files have just been read."""
        legs = {leg: getattr(certificates, leg) for leg in ("clients", "nodes", "admin", "http")}
        self.certificates = {
            leg: KeptCertificate(leg, shown) for leg, shown in legs.items() if shown is not None
        }
        looks = looks_of({name: each.files for name, each in self._kept().items()})
        self._known = {name: look for name, (look, _) in looks.items() if _is_special(look)}  # see rule 4

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Trial(self.tuning.ground, EVERY_S).run)
            while True:
                try:
                    unsure = await self.look()
                except Exception:  # a bug of ours is no reason to leave the clients
                    tell("-fault", where="secrets", exc_info=True)
                    unsure = False
                await trio.sleep(SETTLE_S if unsure else EVERY_S)

    async def look(self) -> bool:
        """Look once, and take over what has changed; tells whether something is changing just now."""
        kept = self._kept()
        for gone in self._known.keys() - kept.keys():  # by a reload: it is in no file any more
            del self._known[gone]
            self._wrong.pop(gone, None)
        try:
            looks = await self.aside.read(
                partial(looks_of, {name: each.files for name, each in kept.items()})
            )
        except Unanswered as fault:
            for each in kept.values():
                self._tell_wrong(each, str(fault))
            return False
        unsure = False
        for name, (look, fresh) in looks.items():
            if self._known.get(name) == look and name not in self._wrong:
                continue
            if name in self._known and self._seen.get(name) != look:
                unsure = True
            else:
                await self._take(kept[name], look, fresh)
            self._seen[name] = look
        return unsure

    async def renew_certificates(self) -> list[str]:
        """At once; tells what has changed, line by line, and what could not be used."""
        lines = []
        for each in self.certificates.values():
            try:
                if await each.take(self.aside):
                    each.tell_reloaded(True)
                    lines.append(f"{each.setting}: the certificate has changed")
            except (Unfit, Unanswered) as fault:
                self._tell_wrong(each, str(fault))
                lines.append(f"{each.setting}: {fault}; the old one stays in force")
        return lines

    def _kept(self) -> dict[str, Kept]:
        settings = self.tuning.ground.settings
        files = {name: getattr(settings, by_file) for name, by_file in PASSWORDS.items()}
        secrets = {name: KeptSecret(name, path, self.tuning) for name, path in files.items() if path}
        return {**secrets, **self.certificates}

    async def _take(self, kept: Kept, look: Look, fresh: bool) -> None:
        try:
            changed = await kept.take(self.aside)
        except (Unfit, Unanswered) as fault:
            self._known.setdefault(kept.name, look)
            self._tell_wrong(kept, str(fault))
            return
        if fresh:
            self._known.setdefault(kept.name, ())
        else:
            self._known[kept.name] = look
        if self._wrong.pop(kept.name, None) is not None or changed:
            kept.tell_reloaded(changed)

    def _tell_wrong(self, kept: Kept, why: str) -> None:
        if self._wrong.get(kept.name) != why:
            self._wrong[kept.name] = why
            kept.tell_unfit(why)
