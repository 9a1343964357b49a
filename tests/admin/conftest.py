"""A console on a free port, with a recorder behind it."""

import pytest
import trio

from proxy.admin.console import serve_console
from tests.admin.recorder import Recorder


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def port(nursery: trio.Nursery, recorder: Recorder) -> int:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(serve_console, listeners, recorder)
    number: int = listeners[0].socket.getsockname()[1]
    return number
