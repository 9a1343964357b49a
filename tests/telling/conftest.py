"""The log of this process, put back as it was."""

import io
import logging
from collections.abc import Iterator

import pytest
from attrs import evolve

from proxy.telling import publishing


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root, teller = logging.getLogger(), publishing._teller
    handlers, level, kept = root.handlers[:], root.level, evolve(teller)
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    teller.write, teller.listeners, teller.rank = kept.write, kept.listeners, kept.rank


@pytest.fixture
def stream() -> io.StringIO:
    """Where the log is written."""
    return io.StringIO()
