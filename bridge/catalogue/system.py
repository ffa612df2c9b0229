"""How the bridge itself is doing, told to whoever watches it. The product's own."""

from typing import ClassVar, Literal

from pydantic import Field

from bridge.catalogue.chat import Moment
from coordinator import rooms
from coordinator.events import AudienceRule, Payload
from coordinator.models import FrozenModel

__all__ = ["ChainHealth", "JournalHealth", "Latency", "ProviderHealth", "SystemStatus"]


class Latency(FrozenModel):
    """How long something took in the last minute, in milliseconds."""

    p50: float
    p99: float


class JournalHealth(FrozenModel):
    """How the journal is doing. The offsets are numbers here, for counting only."""

    newest_offset: int
    dispatched_offset: int
    lag: int = Field(description="Events that are committed and not handed to the sockets yet.")
    commit_ms: Latency | None = Field(description="Null if nothing was committed.")


class ProviderHealth(FrozenModel):
    """How a provider is doing."""

    name: str
    status: Literal["ok", "degraded", "failed"]
    message: str


class ChainHealth(FrozenModel):
    """How far a chain is followed."""

    name: str
    head: int
    blocks_behind: int | None
    problem: str | None


class SystemStatus(Payload):
    """How the bridge is doing: once a second to whoever watches in the room `ops`. It is not journaled."""

    event_name: ClassVar[str] = "system-status"
    audience_rule: ClassVar[AudienceRule] = AudienceRule(fixed_rooms=(rooms.OPS,))

    version: str
    started_at: Moment
    connections: int
    turned_away: int = Field(
        description="Connections that were turned away in about the last minute, because too many are open."
    )
    events_per_second: float
    deliveries_per_second: float
    fanout_ms: Latency | None = Field(
        description="From the commit of an event until it was written to all who receive it; null if there was none."
    )
    journal: JournalHealth
    providers: list[ProviderHealth]
    chains: list[ChainHealth]
    memory_mb: float
    at: Moment
