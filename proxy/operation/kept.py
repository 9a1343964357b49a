"""What is kept in files and may change: a secret, a certificate with its key."""

import hashlib
from abc import ABC, abstractmethod
from functools import partial
from pathlib import Path

from attrs import define

from proxy.config import Given, Mistake, SettingsError
from proxy.config.secrets import read_secret
from proxy.operation.aside import Aside
from proxy.operation.tuning import NAMES, Tuning
from proxy.settings import PASSWORDS
from proxy.telling import tell
from proxy.transport.contexts import CertificateFault, Shown


class Unfit(Exception):
    """What is in the files cannot be used; the text names the file."""


class Kept(ABC):
    """One of them."""

    name: str

    @property
    @abstractmethod
    def files(self) -> tuple[Path, ...]: ...

    @property
    @abstractmethod
    def setting(self) -> str:
        """The one that names its file."""

    @abstractmethod
    def tell_reloaded(self, changed: bool) -> None: ...

    @abstractmethod
    def tell_unfit(self, why: str) -> None: ...

    @abstractmethod
    async def take(self, aside: Aside) -> bool:
        """Read it and put it in force; tells whether it is another one. Raises Unfit, and Unanswered."""


@define(eq=False)
class KeptSecret(Kept):
    """A password or a token."""

    name: str
    path: Path
    tuning: Tuning

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    @property
    def setting(self) -> str:
        return NAMES[PASSWORDS[self.name]]

    def tell_reloaded(self, changed: bool) -> None:
        tell("+secret-reloaded", setting=self.setting, file=self.path, changed=changed)

    def tell_unfit(self, why: str) -> None:
        tell("-secret-not-reloaded", setting=self.setting, file=self.path, why=why)

    async def take(self, aside: Aside) -> bool:
        try:
            return self.tuning.take_secret(self.name, await aside.read(partial(_read, self.path)))
        except SettingsError as wrong:
            raise Unfit(str(wrong)) from None


def _read(path: Path) -> str:
    wrong: list[Mistake] = []
    if path.exists() and not path.is_file():
        raise Unfit(f"{path}: is no regular file")
    read = read_secret("", Given("", path), wrong)
    if read is None:
        raise Unfit("; ".join(mistake.text for mistake in wrong))
    return str(read.value)


@define(eq=False)
class KeptCertificate(Kept):
    """What one leg shows, and whom it believes."""

    name: str
    shown: Shown
    _digest: str = ""
    """Of what the files held when they were read last."""

    @property
    def files(self) -> tuple[Path, ...]:
        return self.shown.files

    @property
    def setting(self) -> str:
        table = {"clients": "proxy"}.get(self.name, self.name)
        return f"{table}.tls_{'certificate' if self.shown.certificate else 'ca'}_file"

    def tell_reloaded(self, changed: bool) -> None:
        tell("+certificate-reloaded", setting=self.setting, file=self.files[0], changed=changed)
        for text in self.shown.warnings:
            tell("-certificate-old", why=text)

    def tell_unfit(self, why: str) -> None:
        tell("-certificate-not-reloaded", setting=self.setting, file=self.files[0], why=why)

    async def take(self, aside: Aside) -> bool:
        try:
            return await aside.read(self._renew)
        except CertificateFault as fault:
            raise Unfit(str(fault)) from None

    def _renew(self) -> bool:
        digest = hashlib.sha256()
        for path in self.files:
            if path.exists() and not path.is_file():
                raise Unfit(f"{path}: is no regular file")
            try:
                digest.update(path.read_bytes())
            except OSError as fault:
                raise Unfit(f"{path}: {fault.strerror}") from None
        before, now = self._digest, digest.hexdigest()
        if now == before:
            return False
        self.shown.renew()
        self._digest = now
        return bool(before)
