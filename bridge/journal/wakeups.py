"""Wakeups: whoever does some work is woken as soon as there is news for it, whichever bridge has committed that.

Work that one bridge does at a time goes by the names of its leases. Nothing depends on being woken: whoever works
also looks now and then.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta

__all__ = [
    "ACTIVITIES",
    "ALERTS",
    "DEADLINES",
    "DUE_SOON",
    "LEASES",
    "NETWORK_FEES",
    "OPENING_INVOICES",
    "SENDING_EVENTS",
    "SENDING_PAYOUTS",
    "Moved",
    "Moves",
    "Wakeups",
    "asking_chain",
    "following_chain",
]

LEASES = "leases"
"""That there may be a lease to take."""
ALERTS = "alerts"
"""Telling people of what needs them."""
ACTIVITIES = "activities"
"""Who is online and who types."""
DEADLINES = "deadlines"
"""Applying the deadlines of payments."""
DUE_SOON = timedelta(seconds=10)
"""Whoever applies them is woken for what is due within it; later ones they find in time by looking."""
SENDING_PAYOUTS = "payouts"
"""Asking providers to send money."""
SENDING_EVENTS = "endpoints"
"""Sending events to the endpoints that services have registered."""
NETWORK_FEES = "network-fees"
"""Finding out what the network took for payouts."""
OPENING_INVOICES = "invoices"
"""Asking providers for invoices that nobody waits for any more."""


def following_chain(chain: str) -> str:
    """Following a chain, and writing down what it shows."""
    return f"chain {chain}"


def asking_chain(chain: str) -> str:
    """That somebody waits for the answer of a chain."""
    return f"ask {chain}"


class Wakeups:
    """What to wait for, of each kind of work."""

    def __init__(self) -> None:
        self._events: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def of(self, work: str) -> asyncio.Event:
        """Set when there is news for some work; whoever does it clears it before it looks."""
        return self._events[work]

    def ring(self, works: Iterable[str]) -> None:
        """There is news for these."""
        for work in works:
            self._events[work].set()

    def ring_all(self) -> None:
        """There may be news for any."""
        self.ring(list(self._events))


Moved = Callable[[Collection[str] | None], object]
"""Is given sessions that another bridge has taken over; None when it may have been any."""


class Moves:
    """That sessions are another bridge's by now, and who is told."""

    def __init__(self) -> None:
        self._moved: Moved = lambda _session_ids: None

    def follow(self, moved: Moved) -> None:
        """From now on this one is told."""
        self._moved = moved

    def notify(self, session_ids: Collection[str] | None) -> None:
        self._moved(session_ids)
