"""HTTP on a free port, with a recorder behind it, in the test's own trio loop."""

from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
import trio

from proxy.admin.http.serving import serve_http
from proxy.nodes.address import Address
from proxy.telling import Told, listen
from tests.http.recorder import TOKEN, Recorder, listening


@pytest.fixture
def told() -> Iterator[list[Told]]:
    """Every event that is told from now on."""
    events: list[Told] = []
    stop = listen(events.append)
    yield events
    stop()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def port_of(told: list[Told]) -> Callable[[], int]:
    """The port on which HTTP was last said to be served."""
    return lambda: [Address.parse(event["address"]).port for event in told if event["event"] == "+http"][-1]


@pytest.fixture
async def port(nursery: trio.Nursery, recorder: Recorder, port_of: Callable[[], int]) -> int:
    await nursery.start(serve_http, await listening(), recorder)
    return port_of()


@pytest.fixture
async def client(port: int) -> AsyncIterator[httpx.AsyncClient]:
    """It bears the token."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10) as client:
        yield client
