"""A refund as REST tells it: what is to go back, how it stands, and, to whom that is no secret, where it goes."""

from pydantic import AwareDatetime, Field

from bridge.access import Principal
from bridge.journal import ListedRefund
from coordinator.models import FrozenModel
from coordinator.money import Figure
from coordinator.payments.observed.observations import RefundOf
from coordinator.payouts.own_parts import OwnPart
from coordinator.refunds.refunds import Refund
from coordinator.refunds.statuses import STATUSES

__all__ = ["RefundDocument", "RefundItem", "RefundList", "knows_address", "refund_document", "refund_item"]


class RefundItem(FrozenModel):
    """A refund as whoever may see its payment sees it."""

    refund_id: str
    of: RefundOf = Field(description="Whether the money came for the goods, or came too much.")
    seller_id: str | None = Field(description="Out of whose share it is; null if out of nobody's.")
    amount: Figure = Field(description="In the payment's currency.")
    currency: str
    coin: str = Field(description="In which it is sent.")
    coin_amount: Figure | None = Field(
        description="What it came to in the coin when the buyer said where to send it; null until then, and for a "
        "seller who is told of their part of it."
    )
    reason: str = Field(description="Why, for the buyer to read too.")
    # By its names: the document of the API cannot be told of the union of two enumerations.
    status: str = Field(
        description="`awaiting_address` until the buyer says where to send it, `cancelled` if it was withdrawn "
        "before; from then on the status of the payout that carries it.",
        json_schema_extra={"enum": list(STATUSES)},
    )
    tx_hash: str | None = Field(description="The transaction that carries it.")
    opened_at: AwareDatetime
    given_at: AwareDatetime | None = Field(description="When the buyer said where to send it.")


class RefundDocument(RefundItem):
    """A refund: what is to go back, who had it opened, how it stands and where it goes."""

    payment_id: str
    provider: str
    buyer_id: str
    opened_by: str
    cancelled_by: str | None
    payout_id: str | None = Field(description="The payout that carries it: `GET /api/payouts/{payoutId}`.")
    destination: str | None = Field(description="Null until it is given, and for whoever may not know it.")
    given_by: str | None = Field(description="Who gave the address; null for whoever may not know it.")
    updated_at: AwareDatetime


class RefundList(FrozenModel):
    """The refunds of a payment, oldest first."""

    refunds: list[RefundDocument]


def refund_item(refund: Refund, part: OwnPart) -> RefundItem:
    known = {name: value for name, value in refund if name in RefundItem.model_fields}
    return RefundItem(**known | _part_of(refund, part), status=refund.status.value)


def refund_document(listed: ListedRefund, part: OwnPart | None = None, *, with_address: bool) -> RefundDocument:
    """Without a part, for whoever is told of the whole payment."""
    refund = listed.refund
    known = {name: value for name, value in refund if name in RefundDocument.model_fields}
    if part is not None:
        known |= _part_of(refund, part)
    if not with_address:
        known |= {"destination": None, "given_by": None}
    return RefundDocument(**known, status=refund.status.value, updated_at=listed.updated_at)


def _part_of(refund: Refund, part: OwnPart) -> dict[str, object]:
    """The sums of a refund, as far as they are of somebody's part."""
    amount = part.out_of(refund.amount, refund.seller_id)
    return {"amount": amount} if amount == refund.amount else {"amount": amount, "coin_amount": None}


def knows_address(principal: Principal, refund: Refund) -> bool:
    """Whether somebody may know where a refund goes: its buyer, and finance ops."""
    return principal.may_see_payout(payee_id=refund.buyer_id)
