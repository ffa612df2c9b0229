"""What may be had of the front door before a route has answered."""

from dataclasses import dataclass

__all__ = ["DoorLimits"]


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """Bounds for each connection but where another is said, and how long each of its steps may take."""

    head_bytes: int = 65_536
    """Of a request's line and headers together. The longest honest ones hold a token with hundreds of grants."""
    target_bytes: int = 16_384
    headers: int = 100
    held_bytes: int = 32_000_000
    """Of heads and bodies that have not come whole, on all connections together. Of the address that holds most the
    one goes that has taken longest."""
    held_bytes_per_address: int = 8_000_000
    """The same of one address. Four that fill theirs have filled what there is for all."""
    body_bytes: int = 1_000_000
    """Of any request; what a route takes may be less."""
    head_seconds: float = 10
    """From the connection, or the first byte, to the end of the head."""
    body_seconds: float = 30
    """From the head to the end of the body."""
    idle_seconds: float = 75
    """From an answer to the next request."""
    answer_seconds: float = 60
    """How long what was answered may wait for a client that does not read it."""
    linger_seconds: float = 2
    """For what is still on its way in when a connection is closed. A client that is still writing when it is closed
    outright never reads why."""
