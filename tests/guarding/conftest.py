"""A console and HTTP on free ports with recorders behind them; certificates; one version of the servers."""

from collections.abc import Iterator

import pytest
import trio

from proxy.admin.console.serving import serve_console
from proxy.telling import Told, listen
from proxy.transport.contexts import Served
from tests.admin.recorder import Recorder
from tests.binaries import each_in_turn, find_main
from tests.tls.authority import Authority, Papers

PASSWORD, LOOKING = "pomegranate-seed ü", "fig-leaf"


@pytest.fixture
def lanes() -> str:
    """Nothing here depends on the mode of the lanes."""
    return "shared"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def papers(authority: Authority) -> Papers:
    return authority.issue()


@pytest.fixture
def told() -> Iterator[list[Told]]:
    events: list[Told] = []
    stop = listen(events.append)
    yield events
    stop()


@pytest.fixture
def recorder() -> Recorder:
    """The console has a password for operators and another one for viewers."""
    return Recorder(admin_password=PASSWORD, admin_viewer_password=LOOKING)


async def console(nursery: trio.Nursery, recorder: Recorder, certificate: Served | None = None) -> int:
    """The port of a console."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(serve_console, listeners, recorder, certificate)
    number: int = listeners[0].socket.getsockname()[1]
    return number


@pytest.fixture
async def port(nursery: trio.Nursery, recorder: Recorder) -> int:
    return await console(nursery, recorder)


# What is tried here is Baton; how the servers' versions differ is tried in test_control_user.
redis_binary = each_in_turn(dict([*find_main().items()][:1]))
