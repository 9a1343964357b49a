"""The body of /metrics, in slices: between two of them everybody else has a turn.

Theory. A scrape must not be felt by a command. In one go the text would take some milliseconds, in which no
command of anybody is forwarded; a thread would be worse, since Python gives a thread five milliseconds before
it takes the interpreter away from it. So it is rendered piece by piece, and as soon as
:data:`SLICE_SECONDS` are over the task stands back and lets the reactor have its turn. Most of it is the same
from one scrape to the next, and what is the same is not written again.
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from functools import lru_cache
from itertools import islice
from time import perf_counter as clock

import trio
from attrs import frozen
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics import exposition as openmetrics

from proxy.admin.metrics.families import FAMILIES, Family, Samples
from proxy.admin.operator import Operator
from proxy.operation.counted import Counted, Distribution

SLICE_SECONDS = 0.000_2
"""A slice is over with the piece in which this time is; the longest takes a tenth of a millisecond."""
AT_ONCE = 20
"""Samples of a piece; a histogram is one."""
SEND_BYTES = 32 * 1024
"""What is given out at once: each send costs as much as a slice."""
PIECES_KEPT = 128
"""A scrape has some fifty, half a kilobyte each."""
HEAD_LINES = 2
"""HELP and TYPE."""
END = b"# EOF\n"
"""Behind the last family of OpenMetrics."""


@frozen
class OneFamily:
    """What prometheus-client calls a collector."""

    metric: Metric

    def collect(self) -> list[Metric]:
        return [self.metric]


Encode = Callable[[OneFamily], bytes]


def content_type(accept: str = "") -> str:
    """What the body is, for whoever sends this ``Accept`` header."""
    return _choose(accept)[1]


async def render(operator: Operator, accept: str = "") -> AsyncGenerator[bytes, None]:
    """Every family, in the text format, or in OpenMetrics' if `accept` asks for that."""
    counted = await operator.counted()
    await trio.lowlevel.checkpoint()
    encode, kind = _choose(accept)
    pieces: list[bytes] = []
    began = clock()
    for piece in _pieces(counted, encode):
        pieces.append(piece)
        if clock() - began > SLICE_SECONDS:
            await trio.lowlevel.checkpoint()
            if sum(map(len, pieces)) > SEND_BYTES:
                yield b"".join(pieces)
                pieces.clear()
            began = clock()
    await trio.lowlevel.checkpoint()
    if kind == openmetrics.CONTENT_TYPE_LATEST:
        pieces.append(END)
    yield b"".join(pieces)


def _pieces(counted: Counted, encode: Encode) -> Iterator[bytes]:
    """Each family, in pieces if it is long."""
    for family in FAMILIES:
        samples = iter(family.samples(counted))
        size = 1 if family.kind == "histogram" else AT_ONCE
        yield _written(family, tuple(islice(samples, size)), encode, True)
        while some := tuple(islice(samples, size)):
            yield _written(family, some, encode, False)


@lru_cache(PIECES_KEPT)
def _written(family: Family, samples: Samples, encode: Encode, first: bool) -> bytes:
    """A piece. prometheus-client writes the head above each, which is wanted above the first."""
    text = encode(OneFamily(metric_of(family, samples))).removesuffix(END)
    return text if first else text.split(b"\n", HEAD_LINES)[HEAD_LINES]


def _choose(accept: str) -> tuple[Encode, str]:
    """The text format is for all who do not ask for OpenMetrics. Nothing of what they say is given back."""
    if "application/openmetrics-text" in accept:
        return openmetrics.generate_latest, openmetrics.CONTENT_TYPE_LATEST
    return generate_latest, CONTENT_TYPE_PLAIN_0_0_4


def metric_of(family: Family, samples: Samples) -> Metric:
    """A family with some of its values, as prometheus-client has it."""
    metric: CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
    if family.kind == "histogram":
        metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, value in samples:
            assert isinstance(value, Distribution)
            metric.add_metric(labels, buckets_of(value), value.seconds)
        return metric
    made = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = made(family.name, family.help, labels=family.labels)
    for labels, value in samples:
        assert not isinstance(value, Distribution)
        metric.add_metric(labels, value)
    return metric


def buckets_of(distribution: Distribution) -> list[tuple[str, float]]:
    """Each with all that is in those before it."""
    so_far, buckets = 0, []
    for bound, count in zip((*distribution.bounds, None), distribution.counts, strict=True):
        so_far += count
        buckets.append(("+Inf" if bound is None else str(float(bound)), float(so_far)))
    return buckets
