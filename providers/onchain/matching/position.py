"""Positions: where a chain is followed to, with all that is awaited and doubted there, as the journal keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from coordinator.payments.observed.observations import Sighting, Stage
from providers.onchain.blocks.canonical import BlockId, Canonical
from providers.onchain.blocks.transfers import ChainTransfer
from providers.onchain.matching.followed_tokens import FollowedToken
from providers.onchain.matching.matching import Subject
from providers.onchain.matching.untraced import Ranges

__all__ = ["CountedByOne", "Doubt", "Finality", "Following", "Paying", "Sighted", "SingleSource"]

# Where the chain itself says what is final, as many hashes are kept to notice reorganisations with.
HASHES_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Finality:
    """What makes a transfer final: so many blocks, its own included, or else the chain's word."""

    confirmations: int | None
    finalized: int = 0
    """The newest block that the chain calls finalized, where `confirmations` is None."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Transfers that are not final however deep they are, by their ids, and why."""
    undone: Mapping[str, str] = field(default_factory=dict)
    """Those that left too little where they went once their transaction was over, and why."""

    @property
    def depth(self) -> int:
        """How far back a reorganisation is looked for."""
        return HASHES_LIMIT if self.confirmations is None else self.confirmations + 1

    def safe(self, head: int) -> int:
        """The newest block that is final when the chain has this head."""
        return self.finalized if self.confirmations is None else head - self.confirmations + 1


@dataclass(frozen=True, slots=True)
class Paying:
    """A transfer that pays a payment, or carries a payout."""

    subject: Subject
    transfer: ChainTransfer
    mined_at: datetime
    """When its block was made."""


@dataclass(frozen=True, slots=True)
class Sighted:
    """What is to be told of a payment or a payout."""

    subject: Subject
    sighting: Sighting
    sender: str | None = None
    """Who sent it, where it is to be asked about."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A transfer of which an endpoint said something else than the one that told of it. It stays until they agree."""

    transfer_id: str
    block_number: int
    contradiction: str | None = None
    """Both answers, once it is certain that they contradict each other."""


@dataclass(frozen=True, slots=True)
class SingleSource:
    """A transaction that comes to nothing for whoever waits, by the word of one endpoint while no other answered."""

    subject: Subject
    tx_hash: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class CountedByOne:
    """Money that has counted by the word of one endpoint while no other one answered."""

    sighted: Sighted
    recipient: str | None = None
    """Whom it is to, as far as that is known."""
    reported_by: str | None = None
    """The host of the endpoint that reported all of it; None if several reported parts of it, or it is not known."""

    @property
    def transfer_id(self) -> str:
        return self.sighted.sighting.transfer.transfer_id


@dataclass(frozen=True, slots=True)
class Following:
    """Where a chain is followed to, and the transfers on it that are not final yet."""

    next_number: int = 0
    """The block to go on with."""
    view: int = 0
    canonical: Canonical = field(default_factory=Canonical)
    awaited: tuple[Sighted, ...] = ()
    """Those that a block of the chain holds and that may still be taken back."""
    final_number: int = -1
    """The newest block that was final at any time."""
    checked_number: int = -1
    """The newest block that was read a second time."""
    doubts: tuple[Doubt, ...] = ()
    contradicted_number: int | None = None
    """The first block that was another one at another endpoint, as long as those after it are so too."""
    tokens: tuple[FollowedToken, ...] = ()
    """Up to where each was read; none where a bridge wrote it that did not keep that."""
    landmarks: tuple[BlockId, ...] = ()
    """A few of the blocks below the newest, by which it is found how far the chain went back."""
    in_ranges: tuple[int, int] | None = None
    """The first and the last of the blocks that are to be read in ranges once they are deep."""
    untraced: Ranges = ()
    """The blocks that were followed without what contracts send in them, while somebody waited for that."""
    single_source: tuple[SingleSource, ...] = ()
    """What comes to nothing by the word of one endpoint, and is to be looked into until two have said so."""
    counted_by_one: tuple[CountedByOne, ...] = ()
    """What has counted by the word of one endpoint, and is to be asked about until another one has said what it
    has."""
    finality_apart_at: int | None = None
    """The block that an endpoint calls finalized which stands still or is on a fork, where a person was called
    because it stops money."""
    stands_at: int | None = None
    """The block that was to be followed next, where a person was called because endpoints show different chains."""

    @property
    def known(self) -> tuple[BlockId, ...]:
        """All blocks whose hashes are remembered, the lowest first."""
        return (*self.landmarks, *self.canonical.blocks)

    def known_up_to(self, number: int) -> BlockId | None:
        """The highest of them that is no higher than this."""
        return next((one for one in reversed(self.known) if one.number <= number), None)
