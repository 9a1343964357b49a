"""Certificates, and a proxy that listens with TLS and without before one server, for many tests."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.binaries import find_main
from tests.encryption import SPEAKS_TLS
from tests.servers import RedisServer
from tests.tls.authority import Authority, Papers
from tests.tls.legs import Face, start_face

VERSIONS = {version: path for version, path in find_main().items() if version == SPEAKS_TLS}


@pytest.fixture(params=list(VERSIONS))
def redis_binary(request: pytest.FixtureRequest) -> Path:
    return VERSIONS[request.param]


@pytest.fixture
def lanes() -> str:
    """Where nothing depends on the mode of the lanes."""
    return "shared"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs what is good."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def papers(authority: Authority) -> Papers:
    """A certificate for localhost and 127.0.0.1."""
    return authority.issue()


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority, of the same name, which nobody trusts."""
    return Authority(tmp_path_factory.mktemp("strange"))


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server without TLS."""
    with ExitStack() as started:
        server = RedisServer.start(VERSIONS[SPEAKS_TLS], tmp_path_factory.mktemp("node"))
        started.callback(server.end)
        yield server


@pytest.fixture(scope="session")
def face(node: RedisServer, papers: Papers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    """A proxy that listens with TLS beside without; it asks clients for no certificate."""
    with ExitStack() as started:
        yield start_face(started, node, tmp_path_factory.mktemp("face"), papers)


@pytest.fixture(scope="session")
def strict(
    node: RedisServer, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Face]:
    """One that wants certificates of clients, and gives them half a second to shake hands."""
    with ExitStack() as started:
        papers = authority.issue(called="strict")
        environment = {"BATON_PROXY_TLS_CA_FILE": str(authority.ca), "BATON_LIMITS_HANDSHAKE_MS": "500"}
        yield start_face(started, node, tmp_path_factory.mktemp("strict"), papers, environment)
