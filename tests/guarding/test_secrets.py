"""Secrets in files that change beneath the process: taken over, told without the secret, or mended."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
import trio

from proxy.operation import aside as aside_module
from tests.baton import BatonProcess
from tests.console import ask, events
from tests.servers import Pair, direct_client
from tests.tls.authority import Authority, trusting
from tests.waiting import wait_until

Start = Callable[..., BatonProcess]
OLD, NEW, LAST = "pomegranate-seed", "apricot-stone", "cherry-stalk"


@attrs.define
class Mounted:
    """Files as Kubernetes mounts a secret: links into ..data, which is swapped for another folder."""

    folder: Path
    _count: int = 0

    def put(self, **contents: str) -> None:
        self._count += 1
        version = self.folder / f"..version-{self._count}"
        version.mkdir(parents=True)
        for name, text in contents.items():
            (version / name).write_text(text)
        fresh = self.folder / "..data_tmp"
        fresh.symlink_to(version.name)
        fresh.replace(self.folder / "..data")
        for name in contents:
            link = self.folder / name
            if not link.is_symlink():
                link.symlink_to(f"..data/{name}")

    def __truediv__(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path / "mounted")


def lets_in(proxy: BatonProcess, password: str, user: str | None = None) -> bool:
    with direct_client(proxy.admin_port, password=password, username=user, protocol=2) as console:
        try:
            return bool(console.ping())
        except Exception:
            return False


def told_of(proxy: BatonProcess, event: str, count: int = 1) -> dict[str, object]:
    wait_until(lambda: len(events(proxy, event)) >= count, lambda: f"{event}: {proxy.log()}")
    return events(proxy, event)[count - 1]


@pytest.fixture
def guarded(pair: Pair, baton: Start, mounted: Mounted) -> BatonProcess:
    """The console has a password and a viewer's, in files."""
    mounted.put(operator=f"{OLD}\n", viewer="looker")
    return baton(
        *pair,
        "--admin-password-file",
        mounted / "operator",
        environment={"BATON_ADMIN_VIEWER_PASSWORD_FILE": mounted / "viewer"},
    )


def test_a_swapped_secret_is_in_force_for_whoever_comes_and_told_without_it(
    guarded: BatonProcess, mounted: Mounted
) -> None:
    with direct_client(guarded.admin_port, password=OLD, protocol=2) as before:
        assert before.ping()
        mounted.put(operator=NEW, viewer="looker")
        told = told_of(guarded, "+secret-reloaded")
        assert (told["setting"], told["changed"]) == ("admin.password_file", True)
        assert lets_in(guarded, NEW) and not lets_in(guarded, OLD)
        assert before.ping()  # as with Redis
    assert lets_in(guarded, "looker", "viewer")
    assert len(events(guarded, "+secret-reloaded")) == 1
    assert OLD not in guarded.log() and NEW not in guarded.log()


def into_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def into_a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


WRONG: list[tuple[str, Callable[[Path], object], str]] = [
    ("empty", lambda path: path.write_text(""), "is empty"),
    ("gone", Path.unlink, "No such file"),
    ("not text", lambda path: path.write_bytes(b"\xff\xfe"), "is not UTF-8 text"),
    ("a folder", into_a_folder, "is no regular file"),
    ("a FIFO", into_a_fifo, "is no regular file"),
    ("the viewer's", lambda path: path.write_text("looker"), "is the operator's password"),
]


@pytest.mark.parametrize(("spoil", "why"), [each[1:] for each in WRONG], ids=[each[0] for each in WRONG])
def test_what_cannot_be_used_is_told_once_and_mended_later(
    pair: Pair, baton: Start, tmp_path: Path, spoil: Callable[[Path], object], why: str
) -> None:
    file = tmp_path / "operator"
    file.write_text(OLD)
    environment = {"BATON_ADMIN_PASSWORD_FILE": str(file), "BATON_ADMIN_VIEWER_PASSWORD": "looker"}
    proxy = baton(*pair, environment=environment)
    spoil(file)
    told = told_of(proxy, "-secret-not-reloaded")
    assert why in str(told["why"]) and "looker" not in proxy.log()
    assert lets_in(proxy, OLD)
    if file.is_dir():
        shutil.rmtree(file)
    file.unlink(missing_ok=True)
    file.write_text(NEW)
    assert told_of(proxy, "+secret-reloaded")["changed"] is True
    assert lets_in(proxy, NEW) and not lets_in(proxy, OLD)
    assert len(events(proxy, "-secret-not-reloaded")) == 1


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Path]:
    """A secret file that turns into a FIFO to which nobody writes."""
    path = tmp_path / "secret"
    path.write_text(OLD)
    yield path


def test_a_reload_that_gets_no_answer_from_a_file_stops_nobody(pair: Pair, baton: Start, fifo: Path) -> None:
    proxy = baton(*pair, environment={"BATON_HTTP_TOKEN_FILE": str(fifo)})
    client = proxy.client()
    fifo.unlink()
    os.mkfifo(fifo)
    os.kill(proxy.pid, signal.SIGHUP)
    for number in range(200):  # while it is being read
        assert client.incr("n") == number + 1
    assert proxy.admin("PING") is True
    told = told_of(proxy, "-not-reloaded")
    assert f"within {aside_module.READ_WITHIN_S:g} s" in str(told["why"])
    assert client.incr("n") == 201
    assert [each["outcome"] for each in events(proxy, "-steered")] == ["refused"]
    assert proxy.terminate() == 0  # though a thread still waits


def test_a_new_password_for_the_nodes_is_tried_and_told_until_they_agree(
    pair: Pair, baton: Start, mounted: Mounted
) -> None:
    for node in pair:
        node.command("ACL", "SETUSER", "carrier", "on", f">{OLD}", "~*", "&*", "+@all")
    mounted.put(nodes=OLD)
    proxy = baton(*pair, "--nodes-user", "carrier", "--nodes-password-file", mounted / "nodes")
    client = proxy.client()
    assert client.set("fruit", "fig")
    mounted.put(nodes=NEW)  # ahead of the nodes
    told = told_of(proxy, "-login-refused", 2)
    assert "AUTH as carrier: WRONGPASS" in str(told["why"])
    assert {each["node"] for each in events(proxy, "-login-refused")} == {node.address for node in pair}
    assert client.get("fruit") == "fig"
    assert ask(proxy, "INFO", "route")["gate"] == "open"  # the control connections go on
    for node in pair:
        node.command("ACL", "SETUSER", "carrier", "resetpass", f">{NEW}")
    told_of(proxy, "+login-accepted", 2)
    assert proxy.switchover()["outcome"] == "done"
    for node in pair:  # and the other way round: the nodes first
        node.command("ACL", "SETUSER", "carrier", "resetpass", f">{LAST}")
    mounted.put(nodes=LAST)
    told_of(proxy, "+login-accepted", 4)
    assert proxy.switchover()["outcome"] == "done"
    assert client.get("fruit") == "fig"
    assert len(events(proxy, "-login-refused")) == 2
    assert not any(secret in proxy.log() for secret in (OLD, NEW, LAST))


def test_certificates_are_renewed_and_a_wrong_one_is_not(
    pair: Pair, baton: Start, authority: Authority, tmp_path: Path
) -> None:
    mine = Authority(tmp_path / "tls")
    first = mine.issue(called="http")
    environment = {
        "BATON_HTTP": "127.0.0.1:0",
        "BATON_HTTP_TLS_CERTIFICATE_FILE": str(first.certificate),
        "BATON_HTTP_TLS_KEY_FILE": str(first.key),
    }
    proxy = baton(*pair, environment=environment)
    serial = serial_shown(proxy.http_port, first.ca)
    key = first.key.read_bytes()
    mine.issue(called="http")
    told = told_of(proxy, "+certificate-reloaded")
    assert told["setting"] == "http.tls_certificate_file"
    renewed = serial_shown(proxy.http_port, first.ca)
    assert renewed != serial
    first.key.write_bytes(key)  # of the one before
    told = told_of(proxy, "-certificate-not-reloaded")
    assert "is not that of the certificate" in str(told["why"])
    assert serial_shown(proxy.http_port, first.ca) == renewed
    assert "the old one stays in force" in str(ask(proxy, "CONFIG", "RELOAD"))
    mine.issue(called="http")
    told_of(proxy, "+certificate-reloaded", 2)
    assert serial_shown(proxy.http_port, first.ca) not in (serial, renewed)


def serial_shown(port: int, ca: Path) -> str:
    """Of the certificate."""

    async def shake() -> str:
        stream = await trio.open_ssl_over_tcp_stream("localhost", port, ssl_context=trusting(ca))
        async with stream:
            await stream.do_handshake()
            return str(stream.getpeercert()["serialNumber"])

    return trio.run(shake)


def test_a_reload_renews_certificates_at_once(pair: Pair, baton: Start, tmp_path: Path) -> None:
    mine = Authority(tmp_path / "tls")
    first = mine.issue(called="http")
    environment = {
        "BATON_HTTP": "127.0.0.1:0",
        "BATON_HTTP_TLS_CERTIFICATE_FILE": str(first.certificate),
        "BATON_HTTP_TLS_KEY_FILE": str(first.key),
    }
    proxy = baton(*pair, environment=environment)
    assert ask(proxy, "CONFIG", "RELOAD") == []
    mine.issue(called="http")
    assert ask(proxy, "CONFIG", "RELOAD") == ["http.tls_certificate_file: the certificate has changed"]
