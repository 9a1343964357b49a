"""No reply belongs to another client, and a client of the proxy notices nothing."""

from collections.abc import Iterator

from tests.chaos.history import Answer, Fault, Final, History, Noticed


def check(history: History, final: Final) -> Iterator[Fault]:
    for answer in history.of(Answer):
        if answer.got != answer.wanted:
            what = (
                f"{answer.span.client} asked {answer.question}, wanted {answer.wanted!r}, got {answer.got!r}"
            )
            yield Fault("not its own answer", what)
    for event in history.of(Noticed):
        yield Fault("noticed", f"{event.span.client} at {event.span.begun:.6f}: {event.what}")
