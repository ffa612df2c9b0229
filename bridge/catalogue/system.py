"""How the bridge itself is doing, told to whoever watches it. The product's own."""

from typing import ClassVar, Literal

from pydantic import Field

from bridge.catalogue.chat import Moment
from coordinator import rooms
from coordinator.events import AudienceRule, Payload
from coordinator.models import FrozenModel

__all__ = ["ChainHealth", "JournalHealth", "Latency", "NodeHealth", "NodeStatus", "ProviderHealth", "SystemStatus"]


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


class NodeStatus(FrozenModel):
    """How a bridge says of itself that it is doing."""

    name: str = Field(description="The machine's, and the port.")
    version: str
    started_at: Moment
    connections: int
    turned_away: int
    events_per_second: float
    deliveries_per_second: float
    memory_mb: float
    is_stopping: bool = Field(description="Whether it leaves its clients to the others.")


class NodeHealth(NodeStatus):
    """How one of the bridges that share the journal is doing, as it said last."""

    seen_at: Moment = Field(description="When it said so; every two seconds or so, unless it is gone.")
    is_this: bool = Field(description="Whether it is the one that tells this.")
    is_gone: bool = Field(description="Whether it has said nothing for eight seconds: it is gone, or cut off.")
    differing: list[str] = Field(description="The settings in which it differs from the one that tells this.")
    work: list[str] = Field(description="What one of them does at a time, and it does.")


class SystemStatus(Payload):
    """How the bridge is doing that the watcher is connected to: once a second to whoever watches in the room `ops`.
    `nodes` has the others. It is not journaled."""

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
    nodes: list[NodeHealth] = Field(
        description="Each of the bridges that share the journal; none where it is not shared."
    )
    memory_mb: float
    at: Moment
