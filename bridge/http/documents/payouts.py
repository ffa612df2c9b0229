"""A payout as REST tells it: what was asked for, how it stands, and how it came there."""

from collections.abc import Sequence
from datetime import datetime

from litestar.exceptions import NotFoundException
from pydantic import AwareDatetime, Field

from bridge.http.documents.payments import SightingItem, sighting_item
from bridge.http.documents.unreadable import UNREADABLE_DESCRIPTION, UnreadableItem
from bridge.http.front.pages import NEXT_DESCRIPTION
from bridge.journal import Journal, PayoutRecord
from coordinator.ids import is_id
from coordinator.models import FrozenModel
from coordinator.money import Figure
from coordinator.payouts.fees_taken import network_fee_unknown, network_fees
from coordinator.payouts.holds import PayoutHold
from coordinator.payouts.payouts import Payout, Verification
from coordinator.payouts.statuses import PayoutStatus

__all__ = ["PayoutDocument", "PayoutList", "known_payout", "payout_document"]


class PayoutHistoryItem(FrozenModel):
    """One step in a payout's life, and where the payout stood after it."""

    at: AwareDatetime
    observation: str
    status: PayoutStatus
    reason: str | None = None


class ApprovalItem(FrozenModel):
    """Whether a payout needs, or needed, a second person, and what they said."""

    asked_by: str | None = Field(description="The person who asked for it, or the service where none was named.")
    asked_through: str | None = Field(description="The service that asked for it, where services are named.")
    reasons: list[str] = Field(
        description="Why it has to be approved, without what was approved before; nothing where it need not be."
    )
    approved_by: str | None
    rejected_by: str | None
    decided_at: AwareDatetime | None


class NetworkFeeItem(FrozenModel):
    """What the network took for sending a payout."""

    wallet: str = Field(description="Out of which it took that, as the books call it.")
    coin: str
    amount: Figure


class HeldItem(FrozenModel):
    """That no payout is sent at the moment."""

    since: AwareDatetime
    by: str | None = Field(description="Who holds them. Null for its seller.")
    note: str | None = Field(description="Why, if they said so. Null for its seller.")


class PayoutDocument(FrozenModel):
    """A payout: what was asked for, how it stands, and how it came there."""

    payout_id: str
    external_id: str | None = Field(
        description="The provider's name for it: SHKeeper's `external_id`. Null until it is asked for, and where it "
        "ended without coming into the provider's books and another payout has the name now."
    )
    provider: str
    payment_id: str
    seller_id: str
    refund_id: str | None = Field(description="The refund that it carries; null for one to a seller.")
    buyer_id: str | None = Field(description="Whom it pays, if it carries a refund.")
    coin: str
    amount: Figure
    fee: Figure | None
    worth: Figure | None = Field(
        description="What the amount counts for in the payment's currency, against what its seller has earned."
    )
    worth_currency: str | None = Field(description="The payment's currency.")
    destination: str
    chain: str | None = Field(description="The chain on which it is followed; null if it goes over none that is.")
    sender: str | None = Field(description="The wallet that sends it, if it was told by that.")
    status: PayoutStatus
    verification: Verification | None = Field(
        description="What the chain says of it: only what is `verified` completes. Null without a chain."
    )
    confirmations: int | None = Field(description="Of the transfer that has the fewest; null while none awaits any.")
    required_confirmations: int | None = Field(description="How many make it final.")
    excess: Figure = Field(description="What its transactions paid above the amount.")
    task_id: str | None = Field(description="The provider's task, once it has named one.")
    tx_hashes: list[str]
    sightings: list[SightingItem] = Field(description="What the chain shows of it.")
    held: HeldItem | None = Field(
        description="That all payouts are held, so that nobody is asked to send it until they are resumed. Null "
        "where they are not, and once the provider was asked or it is settled."
    )
    overdue: bool = Field(
        description="It is not settled a day after it was asked for, or when its provider said it would be: a person "
        "should look."
    )
    reasons: list[str] = Field(
        description="Why it failed, why nobody knows whether it was sent, or what the chain shows instead."
    )
    network_fees: list[NetworkFeeItem] = Field(
        description="What the network took for sending it, as its chain says; nothing while that is not known, and "
        "for its seller."
    )
    network_fee_unknown: str | None = Field(description="Why nobody says what the network took. Null for its seller.")
    approval: ApprovalItem | None = Field(
        description="Who asked for it, why it has to be approved, and who decided. Null for its seller."
    )
    created_at: AwareDatetime
    updated_at: AwareDatetime
    history: list[PayoutHistoryItem]


class PayoutList(FrozenModel):
    """Payouts, oldest first; or a page of a seller's own, newest first."""

    payouts: list[PayoutDocument]
    next: str | None = Field(None, description=NEXT_DESCRIPTION)
    unreadable: list[UnreadableItem] = Field(default_factory=list, description=UNREADABLE_DESCRIPTION)


async def known_payout(journal: Journal, payout_id: str) -> PayoutRecord:
    """Raises NotFoundException if there is no such payout."""
    records = await journal.payouts.records([payout_id]) if is_id(payout_id) else []
    if not records:
        raise NotFoundException(f"There is no payout {payout_id!r}.")
    return records[0]


def payout_document(
    record: PayoutRecord, now: datetime, *, in_full: bool, holds: Sequence[PayoutHold]
) -> PayoutDocument:
    """`in_full` is for whoever has payouts sent: how much may leave unseen is not their sellers' business."""
    payout, awaited = record.payout, record.payout.awaited
    return PayoutDocument(
        **payout.model_dump(exclude={"facts", "batch_id", "asked_by", "asked_through"}),
        external_id=payout.external_id,
        approval=_approval(payout) if in_full else None,
        network_fees=[NetworkFeeItem(**dict(one)) for one in network_fees(payout)] if in_full else [],
        network_fee_unknown=network_fee_unknown(payout) if in_full else None,
        status=payout.status,
        verification=payout.verification,
        confirmations=awaited and awaited.confirmations,
        required_confirmations=awaited and awaited.required_confirmations,
        excess=payout.excess,
        task_id=payout.facts.task_id,
        tx_hashes=list(payout.facts.tx_hashes),
        sightings=[sighting_item(sighting) for sighting in payout.facts.sightings],
        held=_held(payout, holds, in_full=in_full),
        overdue=payout.is_overdue(now),
        reasons=list(payout.reasons),
        updated_at=record.updated_at,
        history=[
            PayoutHistoryItem(
                at=entry.at,
                observation=entry.observation.kind,
                status=PayoutStatus(entry.status),
                reason=getattr(entry.observation, "reason", None),
            )
            for entry in record.history
        ],
    )


def _held(payout: Payout, holds: Sequence[PayoutHold], *, in_full: bool) -> HeldItem | None:
    if not holds or payout.is_settled or not payout.is_unasked:
        return None
    hold = holds[0]
    return HeldItem(since=hold.held_at, by=hold.held_by if in_full else None, note=hold.note if in_full else None)


def _approval(payout: Payout) -> ApprovalItem:
    facts = payout.facts
    decided = None if payout.awaits_approval else facts.rejected or facts.approved
    return ApprovalItem(
        asked_by=payout.asked_by,
        asked_through=payout.asked_through,
        reasons=list(payout.approval_reasons),
        approved_by=facts.approved and facts.approved.by,
        rejected_by=facts.rejected and facts.rejected.by,
        decided_at=decided and decided.at,
    )
