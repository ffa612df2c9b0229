"""Chain status: how a chain is followed: as whoever follows it says it to the other bridges, and what that amounts
to. Pure."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict

from bridge.journal import Lease
from coordinator.models import FrozenModel
from providers.onchain.chains import Chain
from providers.onchain.nodes.staleness import staleness

__all__ = ["ChainReport", "ChainStatus", "chain_status"]

NOBODY = "no bridge follows it at the moment"


class ChainReport(FrozenModel):
    """What the follower of a chain says of it. One of another version of the bridge may say more."""

    model_config = ConfigDict(extra="ignore")

    head: int = 0
    head_at: datetime | None = None
    finalized_at: datetime | None = None
    followed: int | None = None
    blocks_behind: int | None = None
    watched: int = 0
    good_endpoints: int = 0
    problem: str | None = None
    """Why it is not followed."""
    waiting: str | None = None
    """What money waits for."""
    asked_at: datetime | None = None
    """When it began to ask it the last time that it has finished with."""


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """How far a chain is followed."""

    chain: Chain
    head: int
    head_at: datetime | None
    """When that block was made; None before it was asked for the first time."""
    followed: int | None
    """The newest block that was followed; None before it was asked for the first time."""
    blocks_behind: int | None
    """None before it was asked for the first time, and while the newest block lies below those that were followed."""
    problem: str | None
    followed_by: str | None
    """The bridge that follows it, of several that share a journal; None where one works alone, or none does."""
    watched: int
    """How many payments and payouts are waited for."""
    good_endpoints: int
    asked_at: datetime | None

    @property
    def in_short(self) -> str:
        """For readiness."""
        if self.blocks_behind is not None:
            far = f"{self.blocks_behind} blocks behind {self.head}"
        elif self.followed is not None:
            far = f"at block {self.head}, below {self.followed}, which was followed"
        else:
            far = "not asked yet"
        return far if self.followed_by is None else f"{far}, followed by {self.followed_by}"


def chain_status(
    chain: Chain, word: ChainReport, now: datetime, *, lease: Lease | None, is_shared: bool, unfollowed: str | None
) -> ChainStatus:
    """How a chain is followed by whoever has its lease, where a journal is shared, by what was said of it last;
    `unfollowed` is what waits on it and is not followed."""
    is_held = lease is not None and now < lease.expires_at
    problem = (
        (_nobody(lease, now) if is_shared and not is_held else None)
        or word.problem
        or staleness(chain, word.head_at, word.finalized_at, now)
        or word.waiting
        or unfollowed
    )
    return ChainStatus(
        chain=chain,
        head=word.head,
        head_at=word.head_at,
        followed=word.followed,
        blocks_behind=word.blocks_behind,
        problem=problem,
        followed_by=lease.node if lease is not None and is_held else None,
        watched=word.watched,
        good_endpoints=word.good_endpoints,
        asked_at=word.asked_at,
    )


def _nobody(lease: Lease | None, now: datetime) -> str:
    if lease is None:
        return NOBODY
    seconds = (now - lease.expires_at).total_seconds()
    return f"{NOBODY}: {lease.node} should have said {seconds:.0f} s ago that it still does"
