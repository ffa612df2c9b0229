"""What one client may have of the server."""

import math
from dataclasses import dataclass

from bridge.sockets.rate_limit import RateLimit

__all__ = ["Limits"]

UNLIMITED = RateLimit(math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for each client."""

    backlog_bytes: int = 4_000_000
    """What may wait for a client that does not read."""
    stranger_backlog_bytes: int = 8_192
    """The same, before it is connected to a namespace: it has been told nothing but refusals."""
    connect_timeout_seconds: float = 45
    """Until when it has to connect to a namespace."""
    rooms: int = 1_000
    """A console of finance ops watches a few hundred; without a limit, one client could fill the memory."""
    messages: RateLimit = UNLIMITED
    joins: RateLimit = UNLIMITED
    connections: RateLimit = UNLIMITED
    """Those of one address, unless it is this machine's own."""
