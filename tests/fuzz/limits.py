"""The proxy's limits, made small, so that a few hundred bytes reach them."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

LIMITS = {
    ("proxy.relay.proving", "HELD_MAX"): 400,
    ("proxy.relay.proving", "ALL_MAX"): 1600,
    ("proxy.wire.replies", "LONG"): 150,
    ("proxy.relay.shared", "BATCH_BYTES"): 500,
    ("proxy.relay.shared", "OWED_MAX"): 8,
    ("proxy.relay.shared", "UNSENT_MAX"): 100,
    ("proxy.relay.performer", "UNREAD_MAX"): 1500,
    ("proxy.relay.route", "UNREAD_MAX"): 1500,
}

_PLACES = [(import_module(module), name, LIMITS[module, name]) for module, name in LIMITS]


@contextmanager
def small(in_pieces: bool = True) -> Iterator[None]:
    """Limits that are soon reached; `in_pieces`: replies, too, are soon too long to come in one. (mock.patch
    would take longer than a whole scene does.)"""
    places = [place for place in _PLACES if in_pieces or place[1] != "LONG"]
    kept = [getattr(module, name) for module, name, _ in places]
    try:
        for module, name, limit in places:
            setattr(module, name, limit)
        yield
    finally:
        for (module, name, _), limit in zip(places, kept, strict=True):
            setattr(module, name, limit)
