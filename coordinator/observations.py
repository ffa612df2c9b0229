"""What a provider can have seen of a payment, in words no provider owns.

A provider turns its own messages into these; `coordinator.payments` decides what they change.
"""

from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from coordinator.models import FrozenModel
from coordinator.money import Amount

__all__ = [
    "SETBACKS",
    "DeadlinePassed",
    "Ending",
    "EscrowReleased",
    "InvoiceEnded",
    "InvoiceSnapshot",
    "Observation",
    "Release",
    "Sighting",
    "Stage",
    "Standing",
    "TransactionHinted",
    "Transfer",
    "TransferSeen",
    "TransferSighted",
    "with_sighting",
]


class Standing(IntEnum):
    """How much of the amount an invoice has received. It only ever grows."""

    NOTHING = 0
    PARTIAL = 1
    PAID = 2
    OVERPAID = 3


class Transfer(FrozenModel):
    """One movement of money on a chain towards an invoice."""

    transfer_id: str
    """The transaction's hash, as the provider writes it; the second of several in one transaction has `#1` behind it,
    and so on."""
    asset: str
    """What moved, in the provider's word for it, such as `ETH-USDT`."""
    amount: Amount
    """How much of the asset moved."""
    value: Amount | None = None
    """What that counts for in the payment's currency; unknown before confirmation."""
    occurred_at: AwareDatetime | None = None
    """When the provider saw it, if it says so."""

    @property
    def tx_hash(self) -> str:
        return self.transfer_id.partition("#")[0]


class Stage(StrEnum):
    """How far a transfer on a chain has come."""

    SEEN = "seen"
    """It was sent, and no block holds it yet."""
    MINED = "mined"
    FINAL = "final"
    """So deep in the chain that it is not taken back."""
    REORGANISED = "reorganised"
    """The block that held it is not part of the chain any more."""
    DROPPED = "dropped"
    """It never came into a block, and will not: replaced by another transaction, or forgotten."""
    FAILED = "failed"
    """Its transaction failed, or does not pay what was asked for."""


class Sighting(FrozenModel):
    """A transfer on a chain, as its follower sees it at one moment. Only what is final is not taken back."""

    transfer: Transfer
    stage: Stage
    view: int = Field(ge=0)
    """Counts the follower's steps along its chain. Of two sightings of one transfer the later view is right."""
    confirmations: int = Field(0, ge=0)
    """How many blocks confirm it, its own included."""
    required_confirmations: int | None = None
    """How many make it final; None where the chain itself says what is."""
    block_number: int | None = None
    reason: str | None = None
    """Why it came to nothing, for a person to read."""


SETBACKS = (Stage.REORGANISED, Stage.DROPPED, Stage.FAILED)
"""What takes something back that was seen before, or shows that it never was."""


def with_sighting(known: Sequence[Sighting], more: Sighting) -> tuple[Sighting, ...]:
    """All of them, in order of their ids; of two of one transfer the final one, or else the later view."""
    by_id = {sighting.transfer.transfer_id: sighting for sighting in known}
    other = by_id.get(more.transfer.transfer_id, more)
    by_id[more.transfer.transfer_id] = max(other, more, key=_outranks)
    return tuple(by_id[transfer_id] for transfer_id in sorted(by_id))


def _outranks(sighting: Sighting) -> tuple[bool, int, str]:
    return sighting.stage is Stage.FINAL, sighting.view, sighting.model_dump_json()


class _Observation(FrozenModel):
    @property
    def tx_hash(self) -> str | None:
        """The transaction that made the provider speak, if it was one."""
        return None


class TransferSeen(_Observation):
    """A transfer was seen that is not yet confirmed."""

    kind: Literal["transfer-seen"] = "transfer-seen"
    transfer: Transfer

    @property
    def tx_hash(self) -> str | None:
        return self.transfer.tx_hash


class InvoiceSnapshot(_Observation):
    """How a whole invoice stands, with every confirmed transfer so far.

    Transfers only accumulate, so of two snapshots the one with more transfers is the later, whatever the order
    in which they arrive.
    """

    kind: Literal["invoice-snapshot"] = "invoice-snapshot"
    standing: Standing
    currency: str
    received: Amount
    transfers: tuple[Transfer, ...]
    caused_by: str | None = None
    """`transfer_id` of the transfer that made the provider speak."""

    @property
    def tx_hash(self) -> str | None:
        return self.caused_by


class Ending(StrEnum):
    """How a payment can end other than by being paid or running out of time."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class InvoiceEnded(_Observation):
    """The provider gave the invoice up, withdrew it, or sent the money back."""

    kind: Literal["invoice-ended"] = "invoice-ended"
    ending: Ending


class DeadlinePassed(_Observation):
    """The time to pay ran out."""

    kind: Literal["deadline-passed"] = "deadline-passed"
    deadline: AwareDatetime


class Release(IntEnum):
    """How far a payout has released a payment's escrow. It only ever grows."""

    UNDER_WAY = 1
    FAILED = 2
    DONE = 3


class EscrowReleased(_Observation):
    """A payout takes the money out of escrow, or tried to."""

    kind: Literal["escrow-released"] = "escrow-released"
    payout_id: str
    seller_id: str
    release: Release


class TransferSighted(_Observation):
    """A transfer was seen on a chain, came deeper into it, or vanished from it."""

    kind: Literal["transfer-sighted"] = "transfer-sighted"
    sighting: Sighting

    @property
    def tx_hash(self) -> str | None:
        return self.sighting.transfer.tx_hash


class TransactionHinted(_Observation):
    """The buyer says which transaction pays. Anybody can say that of any transaction, so it proves nothing."""

    kind: Literal["transaction-hinted"] = "transaction-hinted"
    hinted: str

    @property
    def tx_hash(self) -> str | None:
        return self.hinted


Observation = Annotated[
    TransferSeen
    | InvoiceSnapshot
    | InvoiceEnded
    | DeadlinePassed
    | EscrowReleased
    | TransferSighted
    | TransactionHinted,
    Field(discriminator="kind"),
]
