"""What one client may have of the server."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from bridge.sockets.rate_limit import RateLimit

__all__ = ["UNLIMITED", "Bounds", "Limits"]

UNLIMITED = RateLimit(math.inf, math.inf)


class Bounds(NamedTuple):
    """Those of one client as it stands, a stranger or not."""

    backlog_bytes: int
    """What may wait for it."""
    message_bytes: int
    """What it may send as one message."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for each client."""

    backlog_bytes: int = 4_000_000
    """What may wait for a client that does not read."""
    stranger_backlog_bytes: int = 8_192
    """The same, before it is connected to a namespace: it has been told nothing but refusals."""
    stranger_message_bytes: int = 131_072
    """What one message may have before that: a token, and room to spare."""
    connect_timeout_seconds: float = 45
    """Until when it has to connect to a namespace."""
    rooms: int = 1_000
    """A console of finance ops watches a few hundred; without a limit, one client could fill the memory."""
    messages: RateLimit = UNLIMITED
    joins: RateLimit = UNLIMITED
    connections: RateLimit = UNLIMITED
    """Those of one address, unless it is this machine's own."""
