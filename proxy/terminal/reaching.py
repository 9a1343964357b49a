"""The connection to a running baton: its admin port, in RESP, by redis-py.

Where that is, its password, and whether it speaks TLS, are told as for ``baton serve``: flags beat
environment beats file, so that beside a running proxy, in its container, nothing need be said. Mistakes in
other settings do not matter here.
"""

import contextlib
import functools
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any, Final

import click
from attrs import field, frozen

from proxy.config import SettingsError, read
from proxy.nodes.address import Address
from proxy.terminal.exits import KINDS, Failure, Unreachable, Wrong
from proxy.terminal.securing import Tls
from proxy.transport.faults import words_of

ANSWER_S = 15.0
"""For what is asked quickly; CHECK asks every node and has limits of its own below this."""
KEEPALIVE: Final = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}
"""A switchover may take long; a machine that has vanished meanwhile is noticed in 25 s."""
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_PASSWORD = "give it by BATON_ADMIN_PASSWORD, BATON_ADMIN_PASSWORD_FILE or --password-file FILE"


@frozen
class Place:
    """Where a baton is to be asked, and with what password."""

    address: Address
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    """How it is known to be the right one; None: it speaks no TLS."""

    def ask(self, *words: str | int, within_s: float | None = ANSWER_S) -> Any:
        """One answer, over a connection of its own. Maps are dictionaries.

        Raises Failure: Unreachable if there is none, Wrong where the console does not understand, else with
        the exit status of what it answers.
        """
        with self.connected(within_s) as baton:
            return baton.execute_command(*words)

    @contextlib.contextmanager
    def connected(self, within_s: float | None = ANSWER_S) -> Iterator[Any]:
        """A client of it, whose errors become Failures."""
        client = self.client(within_s)
        try:
            with self.failing():
                yield client
        finally:
            client.close()

    def client(self, within_s: float | None) -> Any:
        """A redis-py client, connected when it is asked for something, and again if the connection broke."""
        import redis  # here: a tenth of a second that `baton serve` need not wait
        from redis.backoff import NoBackoff
        from redis.maint_notifications import MaintNotificationsConfig
        from redis.retry import Retry

        client: Any = redis.Redis(
            host=self.address.host,
            port=self.address.port,
            password=self.password,
            protocol=3,
            socket_timeout=within_s,
            socket_connect_timeout=ANSWER_S if within_s is None else min(within_s, ANSWER_S),
            socket_keepalive=True,
            socket_keepalive_options=KEEPALIVE,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
            decode_responses=True,
            encoding_errors="backslashreplace",
            **(self.tls.options() if self.tls else {}),
        )
        del client.response_callbacks["INFO"]  # it splits a text at its commas
        return client

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """What redis-py raises is raised as Failures."""
        import redis

        try:
            yield
        except redis.AuthenticationError as error:
            raise self._unwelcome(str(error)) from None
        except (redis.ConnectionError, redis.TimeoutError) as error:
            where = "--admin or BATON_ADMIN tells where it is"
            why = words_of(fault) if (fault := _in_tls(error)) else _why(error)
            if self.tls is None and "closed by server" in why:
                where = "if it speaks TLS: --tls, or --tls-ca-file FILE"
            raise Unreachable(f"cannot reach baton at {self.address}: {why}; {where}") from None
        except redis.ResponseError as error:
            raise self._failure(str(error)) from None
        except redis.RedisError as error:
            raise Wrong(f"what answers at {self.address} is no baton: {error}") from None

    def _unwelcome(self, text: str) -> Failure:
        if "without any password" in text:
            return Failure(f"{self.address} wants no password, and one was given")
        if self.password is None:
            return Failure(f"{self.address} wants a password; {_PASSWORD}")
        return Failure(f"{self.address} does not accept this password; {_PASSWORD}")

    def _failure(self, text: str) -> Failure:
        kind, _, why = text.partition(" ")
        if kind in KINDS:
            return Failure(why, KINDS[kind])
        if kind in ("NOAUTH", "WRONGPASS"):
            return self._unwelcome(text)
        if "unknown command" in text:
            return Wrong(
                f"{self.address} does not know this; is it the admin port of a baton like this one? ({why})"
            )
        return Wrong(why if kind == "ERR" else text)


def _in_tls(error: Exception) -> ssl.SSLError | None:
    """The fault of TLS behind it, if that was it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    return cause


def _why(error: Exception) -> str:
    """In the system's own words, without redis-py's."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(error).rstrip(".")


def reaching(verb: Callable[..., int]) -> Callable[..., int]:
    """Give a verb ``--admin`` and ``--password-file``; it is called with the `place`.

    What is said before a verb of a verb, as in ``clients --admin HOST:PORT kill 7``, holds for that, too.
    """

    @click.option(
        "--admin", metavar="HOST:PORT", help="Where the console listens. [BATON_ADMIN; 127.0.0.1:7379]"
    )
    @click.option(
        "--password-file",
        metavar="FILE",
        help="A file with the console's password. [BATON_ADMIN_PASSWORD_FILE, or BATON_ADMIN_PASSWORD]",
    )
    @click.option(
        "--tls", is_flag=True, help="It speaks TLS; its certificate is checked by the system's CAs."
    )
    @click.option(
        "--tls-ca-file",
        metavar="FILE",
        help="It speaks TLS, and one of these has signed its certificate, PEM. [BATON_CONSOLE_TLS_CA_FILE]",
    )
    @click.option(
        "--tls-certificate-file",
        metavar="FILE",
        help="The certificate to show it, PEM. [BATON_CONSOLE_TLS_CERTIFICATE_FILE]",
    )
    @click.option(
        "--tls-key-file",
        metavar="FILE",
        help="The key of that, if it is not in the same file. [BATON_CONSOLE_TLS_KEY_FILE]",
    )
    @click.option("--config", metavar="FILE", help="A file of settings that tells all this. [BATON_CONFIG]")
    @functools.wraps(verb)
    def at_its_place(*context: Any, **arguments: Any) -> int:
        said = {name: arguments.pop(name) for name in _SAID}
        here = click.get_current_context()
        here.obj = (here.obj or {}) | {name: value for name, value in said.items() if value}
        return verb(*context, place=found_by(**here.obj), **arguments)

    return at_its_place


_SAID = (
    "admin",
    "password_file",
    "config",
    "tls",
    *(f"tls_{name}_file" for name in ("ca", "certificate", "key")),
)


def found_by(
    admin: str | None = None, password_file: str | None = None, config: str | None = None, **tls: Any
) -> Place:
    """Where the flags, the environment and the file of settings say it is. Raises SettingsError."""
    flags = {"admin": admin, "admin_password_file": password_file, "config": config}
    reading = read({name: text for name, text in flags.items() if text is not None})
    ours = {"admin", "admin_password", "admin_password_file", "admin_tls_certificate_file"}
    wrong = [
        str(mistake).replace("--admin-password-file", "--password-file")
        for mistake in reading.mistakes
        if mistake.names & ours and not mistake.together  # how they fit is for who listens there
    ]
    if wrong:
        raise SettingsError(*wrong)
    address = reading.settings.admin
    if address.port == 0:
        raise SettingsError(f"{reading.given['admin'].place}: {address}: port 0 is no place to reach")
    host = _ANYWHERE.get(address.host, address.host)
    shows = reading.settings.admin_tls_certificate_file
    return Place(Address(host, address.port), reading.settings.admin_password, Tls.found_by(shows, **tls))
