"""A console on a free port, with a recorder behind it; and, where servers are wanted, one version of them."""

import pytest
import trio

from proxy.admin.console.serving import serve_console
from tests.admin.recorder import Recorder
from tests.binaries import each_in_turn, find_main

# The console speaks to the operator, not to the nodes: how versions and modes differ is not seen.
redis_binary = each_in_turn(dict([*find_main().items()][:1]))


@pytest.fixture
def lanes() -> str:
    return "shared"


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def port(nursery: trio.Nursery, recorder: Recorder) -> int:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(serve_console, listeners, recorder)
    number: int = listeners[0].socket.getsockname()[1]
    return number
