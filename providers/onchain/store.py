"""What a follower needs of whoever keeps its records: where it was, who waits for what, one commit for each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from providers.onchain.blocks.transfers import ChainTransfer
from providers.onchain.matching.matching import Subject, Watched
from providers.onchain.matching.position import Following, Sighted

__all__ = ["Alarm", "Assigned", "ChainStep", "ChainStore", "RecordedTransfer"]


@dataclass(frozen=True, slots=True)
class Assigned:
    """A transfer to somebody who waits for money, and what it is for, or why that cannot be told."""

    transfer: ChainTransfer
    mined_at: datetime
    subject: Subject | None
    reason: str | None = None
    chain: str | None = None
    """Where it came, if that is another chain than the one that is followed."""


@dataclass(frozen=True, slots=True)
class RecordedTransfer:
    """A transfer that was written down before."""

    tx_hash: str
    transfer_id: str
    symbol: str
    recipient: str
    subject: Subject | None
    """What it is for; None if that was not known."""
    mined_at: datetime | None = None
    """When its block was made, by whoever told of it."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What a person has to know of a block."""

    kind: Literal["taken-back", "contradicted", "unread"]
    """Whether the chain took back what was final, two endpoints say different things of it, or from it on blocks were
    read by one endpoint alone."""
    block_number: int
    message: str


@dataclass(frozen=True, slots=True)
class ChainStep:
    """What is committed at once: how far the chain is followed, and what that shows."""

    following: Following
    sighted: tuple[Sighted, ...] = ()
    transfers: tuple[Assigned, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    agreed_blocks: tuple[int, ...] = ()
    """Those about which nobody contradicts anybody any more."""
    forgotten: tuple[str, ...] = ()
    """Transfers that were written down and of which nobody tells any more, by their ids."""


class ChainStore(Protocol):
    """Keeps a follower's records. What `record` has returned from is on disk, all of it; what it raised at is not."""

    async def following(self, chain: str) -> Following | None:
        """Where the chain is followed to; None if it never was."""

    async def watched(self, chain: str) -> Sequence[Watched]:
        """Everything that waits for a transfer on the chain."""

    async def news(self, chain: str) -> Sequence[Watched]:
        """Whoever has come since this, or everything that waits, was asked for last, and whose claims are new; and
        the payouts that wait, as they stand now: their transactions come from elsewhere."""

    async def waiting_at(self, chain: str, recipients: Sequence[str]) -> Sequence[Watched]:
        """What waits for transfers to these addresses, as it stands now."""

    async def recorded(self, chain: str, tx_hashes: Sequence[str]) -> Sequence[RecordedTransfer]:
        """The transfers of these transactions that were written down before, in whatever block."""

    async def final_since(self, chain: str, block_number: int) -> Sequence[tuple[Subject, str]]:
        """What completed by a transfer in this block or a later one, and the transaction."""

    async def record(self, chain: str, step: ChainStep) -> None:
        """Commits a step."""
