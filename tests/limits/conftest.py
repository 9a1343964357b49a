"""One node, a proxy with limits that can be reached, and an innocent client beside who does not."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import encryption
from tests.baton import BatonProcess
from tests.binaries import each_in_turn, find_main
from tests.limits.innocent import Innocent
from tests.limits.visitors import Visitors
from tests.servers import RedisServer

redis_binary = each_in_turn(dict([*find_main().items()][:1]))


@pytest.fixture(autouse=True)
def _plain() -> None:
    if encryption.is_on():
        pytest.skip("here each test says itself where TLS is spoken")


@pytest.fixture
def lanes() -> str:
    """One mode is enough where no lane is concerned."""
    return "shared"


Limited = Callable[..., BatonProcess]
Beside = Callable[[BatonProcess], Innocent]


@pytest.fixture
def node(redis_server: Callable[..., RedisServer]) -> RedisServer:
    return redis_server()


@pytest.fixture
def limited(node: RedisServer, baton: Callable[..., BatonProcess]) -> Limited:
    """A factory: flags, and settings by the names of their fields."""

    def start(*arguments: str, **settings: object) -> BatonProcess:
        environment = {
            f"BATON_{'' if name.startswith('proxy_') else 'LIMITS_'}{name.upper()}": str(value)
            for name, value in settings.items()
        }
        return baton(node, *arguments, environment=environment)

    return start


@pytest.fixture
def beside() -> Iterator[Beside]:
    """A factory: each call sends somebody who counts all the time; if he notices anything, the test fails."""
    with ExitStack() as going:

        def begin(proxy: BatonProcess) -> Innocent:
            innocent = Innocent.beside(proxy.port)
            going.callback(innocent.end)
            return innocent

        yield begin


@pytest.fixture
def unix_path(tmp_path: Path) -> Path:
    """Short enough for a Unix socket."""
    return tmp_path / "s"


@pytest.fixture
def visitors() -> Iterator[Visitors]:
    made = Visitors()
    yield made
    made.close()
