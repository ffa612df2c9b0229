"""Misrouted requests: those of sessions that are at another bridge of the journal, where a load balancer does not
lead clients that poll back to theirs. They are refused like any of a session that there is not, and come to nothing;
so somebody has to be told."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from prometheus_client import Counter

__all__ = ["MisroutedRequests"]

logger = logging.getLogger("bridge.sockets")

NAME_LENGTH = 8
TROUBLE_FOR = timedelta(minutes=1)
SAID = (
    "{} polls of other bridges' clients came here within a minute: have the load balancer lead clients that poll back"
    " to their bridge (deploy/ has how), or let them use WebSockets alone"
)

STRAYS = Counter("bridge_polls_astray", "Requests of sessions that are at another bridge of the journal")


class MisroutedRequests:
    """Tells by the first letters of a session's id which bridge it is at."""

    def __init__(self) -> None:
        self.prefix = ""
        """What the ids of this bridge's sessions begin with; nothing where it is alone."""
        self._clock: Callable[[], datetime] | None = None
        self._noted: dict[str, list[datetime]] = {}
        """When requests came of sessions that seem to be at another bridge, by what those begin with."""
        self._astray: list[datetime] = []
        self._has_warned = False

    def share(self, node: str, clock: Callable[[], datetime]) -> None:
        """From now on there may be other bridges."""
        self.prefix, self._clock = node[:NAME_LENGTH], clock

    def note(self, sid: str) -> None:
        """A request came of a session that is not here."""
        noted = self._noted.get(sid[:NAME_LENGTH])
        if noted is not None and self._clock is not None:
            noted.append(self._clock())

    def see(self, others: Mapping[str, datetime]) -> None:
        """Which other bridges take clients, and when each was seen last. One that was seen since a request of one of
        its sessions came here had that session, or could have said why not."""
        if self._clock is None:
            return
        now = self._clock()
        by_prefix = {node[:NAME_LENGTH]: at for node, at in others.items()}
        waiting: dict[str, list[datetime]] = {}
        for prefix, seen_at in by_prefix.items():
            noted = self._noted.get(prefix, ())
            waiting[prefix] = [at for at in noted if at >= seen_at]
            astray = [at for at in noted if at < seen_at]
            STRAYS.inc(len(astray))
            self._astray += astray
        self._noted = waiting
        self._astray = [at for at in self._astray if at > now - TROUBLE_FOR]
        trouble = self.trouble()
        if trouble is not None and not self._has_warned:
            logger.warning("%s", trouble)
        self._has_warned = trouble is not None

    def trouble(self) -> str | None:
        """What somebody has to see to; None: nothing."""
        return SAID.format(len(self._astray)) if self._astray else None
