"""Connection limits: how many there may be, in all and from one address, and who is turned away.

Some places are kept for what matters most: whoever comes when all others are taken is let in as far as the head of a
request, and answered if it is a webhook or asks after the bridge's health. No I/O.
"""

import logging
import time
from collections import Counter as Counts
from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import Counter, Gauge

from bridge.door.proxies import trusts
from bridge.sockets.addresses import network_of
from bridge.sockets.limits import UNLIMITED
from bridge.sockets.rate_limit import RateLimit, RateLimits
from bridge.sockets.throttled_log import ThrottledLog

__all__ = [
    "CONNECTIONS_OF_CLIENT",
    "PROBES_PER_ADDRESS",
    "REFUSED",
    "AcceptedConnection",
    "ConnectionLimits",
    "Stand",
]

logger = logging.getLogger("bridge.door")

REFUSED = Counter("bridge_door_refused", "Connections and requests that no route has read, by why", ["reason"])
CONNECTIONS = Gauge("bridge_door_connections", "Connections to the port, WebSockets among them")

FULL, ADDRESS, RATE = "full", "address", "rate"
# For each client of the sockets that may come from an address: a page asks for its parts on several at once.
CONNECTIONS_OF_CLIENT = 10
# Whoever looks after the bridge asks one thing at a time.
PROBES_PER_ADDRESS = 2


class AcceptedConnection:
    """One connection, from when it is let in until it is gone; or a session that polls."""

    __slots__ = ("_connection_limits", "is_last", "is_probing", "is_seated", "network")

    def __init__(
        self,
        connection_limits: "ConnectionLimits",
        network: str | None,
        *,
        is_last: bool = False,
        is_seated: bool = False,
    ) -> None:
        self._connection_limits: ConnectionLimits | None = connection_limits
        self.network = network
        self.is_seated = is_seated
        """Whether it is a session, which takes no connection's place."""
        self.is_last = is_last
        """Whether it has one of the places that are kept."""
        self.is_probing = False
        """Whether it has that for asking after the bridge's health."""

    def leave(self) -> None:
        """It is gone, or as good as. May be said again."""
        connection_limits, self._connection_limits = self._connection_limits, None
        if connection_limits is not None:
            connection_limits.left(self)


class Stand(NamedTuple):
    """How full it is."""

    connections: int
    places: int
    turned_away: int
    """Within about a minute."""


class ConnectionLimits:
    """Lets connections in, and counts them."""

    def __init__(
        self,
        *,
        places: int,
        reserved_places: int,
        per_address: int,
        clients: RateLimit = UNLIMITED,
        trusted: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`reserved_places` come on top of `places`; `clients` is how fast clients of the sockets may come from one
        address. `trusted` are addresses and networks, separated by commas, each of which may have as many as there
        are: proxies, behind which everybody is. So may this machine itself."""
        self.places = places
        self._reserved_places = reserved_places
        self.per_address = min(per_address, max(1, places // 4))
        self._clock = clock
        self._arrivals = RateLimits(
            RateLimit(CONNECTIONS_OF_CLIENT * clients.per_second, CONNECTIONS_OF_CLIENT * clients.burst)
        )
        self._counts: Counts[str] = Counts()
        self._probing: Counts[str | None] = Counts()
        """By address, how many have places that are kept, and ask after the bridge's health."""
        self._connections = self._sessions = 0
        self._turned_away = ThrottledLog(logger, "turning connections away", clock)
        self._bodies = ThrottledLog(logger, "ending connections whose heads and bodies do not come whole", clock)
        self._requests = ThrottledLog(logger, "refusing requests", clock)
        self._busy_address = ""
        self._network = _networks_of(trusted)
        self._at_close: list[Callable[[], object]] = []

    def show(self) -> None:
        """From now on the figures are those of these."""
        CONNECTIONS.set_function(lambda: self._connections)

    def at_close(self, answer: Callable[[], object]) -> None:
        """Has this called when nobody is let in any more: whoever waits for what may come had better be answered."""
        self._at_close.append(answer)

    def close(self) -> None:
        """Nobody is let in any more."""
        for answer in self._at_close:
            answer()

    def may_come(self, address: str) -> bool:
        """Whether another connection may be made from an address, before anything else is done about it."""
        network = self._network(address)
        if network is None or not self._arrivals.wait_seconds(network, self._clock()):
            return True
        self._turn_away(
            RATE,
            f"{network} opens more than {self._arrivals.rate_limit.per_second:g} connections a second"
            f" ({CONNECTIONS_OF_CLIENT} times connections_per_second; trusted_proxies, if it is a proxy)",
        )
        return False

    def enter(self, address: str, make_room: Callable[[], bool]) -> AcceptedConnection | None:
        """Lets a connection in, or returns None. `make_room` has one leave that asks nothing; it returns whether
        there was one. Whoever has just come is spared as long as there are places that are kept."""
        network = self._network(address)
        if not self._may_have_more(network):
            return None
        if self._connections >= self.places + self._reserved_places and not make_room():
            self._turn_away(FULL, self._all_taken)
            return None
        is_last = self._connections >= self.places
        self._connections += 1
        self._count(network)
        return AcceptedConnection(self, network, is_last=is_last)

    def seat(self, address: str, counted_as: str | None, make_room: Callable[[], bool]) -> AcceptedConnection | None:
        """As `Places` has it: as many sessions as places, and those of one address count with its connections."""
        network = counted_as or self._network(address)
        if not self._may_have_more(network):
            return None
        if self._sessions >= self.places and not make_room():
            self._turn_away(FULL, self._all_taken)
            return None
        self._sessions += 1
        self._count(network)
        return AcceptedConnection(self, network, is_seated=True)

    def _may_have_more(self, network: str | None) -> bool:
        if network is None or self._counts[network] < self.per_address:
            return True
        self._turn_away(
            ADDRESS,
            f"{network} has {self.per_address} connections and sessions that poll, which is all that one address may"
            " have (connections_per_address; trusted_proxies, if it is a proxy)",
        )
        return False

    def _count(self, network: str | None) -> None:
        if network is not None:
            self._counts[network] += 1

    def find_place(self, accepted: AcceptedConnection, make_room: Callable[[], bool]) -> bool:
        """Gives one of the other places to who was let in to one that is kept; returns whether there is one. If not,
        it is turned away."""
        while accepted.is_last and self._connections > self.places and make_room():
            pass  # also of those that are kept
        accepted.is_last = accepted.is_last and self._connections > self.places
        if accepted.is_last:
            self._turn_away(FULL, self._all_taken)
        return not accepted.is_last

    def may_probe(self, accepted: AcceptedConnection) -> bool:
        """Whether it may keep its place for asking after the bridge's health. Of the places that are kept half are
        for that, however many ask: the others are for webhooks."""
        if accepted.is_last and not accepted.is_probing:
            of_address = self._probing[accepted.network] if accepted.network is not None else 0
            most = max(1, self._reserved_places // 2)
            if of_address >= PROBES_PER_ADDRESS or self._probing.total() >= most:
                return False
            accepted.is_probing = True
            self._probing[accepted.network] += 1
        return True

    def made_room(self) -> None:
        """Somebody else had to leave for one that was let in."""
        self._turned_away.log(self._all_taken)

    def gave_up_body(self, why: str) -> None:
        """One had to leave that had sent something, and not all of it."""
        self._bodies.log(why)

    def has_asked_too_much(self, network: str) -> None:
        """A request was refused, since its address has had more of the loop than its share."""
        self._busy_address = network
        self._requests.log(f"{network} has had more than its share of the bridge's time (loop_share_per_address)")

    def left(self, accepted: AcceptedConnection) -> None:
        """For the connection itself to say."""
        if accepted.is_seated:
            self._sessions -= 1
        else:
            self._connections -= 1
        network = accepted.network
        if accepted.is_probing:
            self._probing[network] -= 1
            self._probing += Counts[str | None]()  # without those that have none
        if network is not None:
            self._counts[network] -= 1
            if not self._counts[network]:
                del self._counts[network]

    @property
    def _all_taken(self) -> str:
        return f"all {self.places} places are taken (max_connections, or the system's limit on open files)"

    def _turn_away(self, reason: str, why: str) -> None:
        REFUSED.labels(reason).inc()
        self._turned_away.log(why)

    @property
    def stand(self) -> Stand:
        return Stand(self._connections, self.places, self._turned_away.lately)

    def trouble(self) -> str | None:
        """What an operator should know: that connections are turned away, or ended."""
        connections, places, turned_away = self.stand
        troubles = []
        if turned_away:
            troubles.append(
                f"{turned_away} connections were turned away within a minute; {connections} of {places} places are"
                " taken, and webhooks and health are still answered"
            )
        if self._bodies.lately:
            troubles.append(
                f"{self._bodies.lately} connections whose heads and bodies did not come whole were ended within a"
                " minute, since those of their address, or all together, held too much"
            )
        if self._requests.lately:
            troubles.append(
                f"{self._requests.lately} requests were refused within a minute, since their addresses ask for too"
                f" much (loop_share_per_address), the last of {self._busy_address}"
            )
        return "; ".join(troubles) or None


def _networks_of(trusted: str) -> Callable[[str], str | None]:
    """Whom an address counts as; None for one that may have as many connections as there are."""
    is_trusted = trusts(trusted)
    return lambda address: None if is_trusted(address) else network_of(address)
