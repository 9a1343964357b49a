"""What the proxy tells of itself: one function, one vocabulary, one line an event.

``tell("+held", switchover=3, budget_ms=500)``. The sign: ``+`` something began or came about, ``-`` something
was lost, refused, undone or failed. What each name means stands in ``vocabulary``, and how bad it is. Whoever
wants to count or to pass on what happens listens; how it is written down is in ``writing``.

No secrets in an event: no password, no token, no key or value of a client.
"""

from proxy.telling.publishing import Told, level, listen, set_level, tell
from proxy.telling.vocabulary import EVENTS, LEVELS, Event
from proxy.telling.writing import set_up

__all__ = ["EVENTS", "LEVELS", "Event", "Told", "level", "listen", "set_level", "set_up", "tell"]
