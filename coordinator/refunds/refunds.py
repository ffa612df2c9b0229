"""Refunds: orders to send money of a payment back to its buyer, from when one is opened until it has arrived. Pure.

A refund is opened by a service or a person, which reserves its money. The buyer says where to send it; from then on a
payout with a status of its own carries it. If it comes to nothing its money is released, and another can be opened.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pydantic import AwareDatetime

from coordinator.errors import BridgeError
from coordinator.events import Event
from coordinator.ids import StoredId, derived_id
from coordinator.models import FrozenModel
from coordinator.money import ZERO, Amount, PositiveAmount, format_amount, in_scale_of
from coordinator.payments.facts.refunded import is_reversal
from coordinator.payments.observed.observations import RefundMoved, RefundOf, Release
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payouts.earnings import left_to_refund, not_there
from coordinator.payouts.named_transactions import brought_money, require_not_taken
from coordinator.payouts.observations import PayoutKnown, PayoutObservation, PayoutSent, PayoutSettled
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus
from coordinator.refunds.events import RefundOpened, RefundUpdated
from coordinator.refunds.statuses import AnyRefundStatus, RefundStatus

__all__ = [
    "ELSEWHERE",
    "REFUNDS_LIMIT",
    "OtherRefundsError",
    "Refund",
    "RefundOrder",
    "RefundRefusedError",
    "Sending",
    "Sent",
    "closes_payment",
    "followed",
    "given",
    "known_of",
    "moved",
    "open_refund",
    "opened_event",
    "payout_for",
    "require_seen",
    "sent_without",
    "updated_event",
    "withdrawn",
]


REFUNDS_LIMIT = 1_000
"""Of one payment, withdrawn ones included: more than any has, and whatever moves it reads and writes all of them."""
ELSEWHERE = "elsewhere"
"""Who sends what nobody here sends or follows."""

_WITHOUT_MONEY: tuple[str, ...] = (RefundStatus.CANCELLED, PayoutStatus.FAILED, PayoutStatus.RETURNED)
"""Of refunds whose money has not left, or is back: another can be opened for it."""


class RefundRefusedError(BridgeError):
    """A refund cannot be opened, withdrawn or sent so; the message says why."""


class OtherRefundsError(BridgeError):
    """Others of the payment are there that whoever opens one may not have seen."""

    def __init__(self, others: Collection["Refund"]) -> None:
        described = "; ".join(
            f"{one.opened_by} opened {one.refund_id} at {one.opened_at:%Y-%m-%d %H:%M} UTC, of"
            f" {format_amount(one.amount)} {one.currency} ({one.status}): {one.reason}"
            for one in others
        )
        super().__init__(f"{described}. If this one is to go back as well, open it beside what is there (`besides`)")
        self.refund_ids = tuple(one.refund_id for one in others)


class Refund(FrozenModel):
    """An order to send money back for a payment."""

    refund_id: str
    payment_id: str
    provider: str
    buyer_id: str
    seller_id: str | None
    """Out of whose share it is; None if out of nobody's, as what came too much is."""
    of: RefundOf
    amount: PositiveAmount
    currency: str
    coin: str
    """In which it is sent."""
    reason: str
    opened_by: str
    opened_through: str | None = None
    """The service that opened it; None where services have no names, or where a person did in the console."""
    opened_at: AwareDatetime
    cancelled_by: str | None = None
    payout_id: StoredId | None = None
    """What carries it, since the buyer gave an address."""
    destination: str | None = None
    coin_amount: Amount | None = None
    """What the amount came to when the address was given."""
    given_by: str | None = None
    given_at: AwareDatetime | None = None
    payout_status: PayoutStatus | None = None
    tx_hash: str | None = None

    @property
    def status(self) -> AnyRefundStatus:
        if self.payout_status is not None:
            return self.payout_status
        return RefundStatus.AWAITING_ADDRESS if self.cancelled_by is None else RefundStatus.CANCELLED

    @property
    def awaits_address(self) -> bool:
        return self.status is RefundStatus.AWAITING_ADDRESS

    @property
    def is_open(self) -> bool:
        """Whether its money has not come back to the buyer, and may yet."""
        return self.release is Release.UNDER_WAY

    @property
    def release(self) -> Release:
        """How far its money has left the escrow."""
        if self.status is PayoutStatus.COMPLETED:
            return Release.DONE
        return Release.FAILED if self.status in _WITHOUT_MONEY else Release.UNDER_WAY


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """A refund as somebody wants it opened."""

    of: RefundOf
    seller_id: str | None
    amount: Decimal
    coin: str
    reason: str
    by: str
    through: str | None = None
    """The service, where a service orders it."""
    besides: tuple[str, ...] | None = None
    """Which others of the payment whoever orders it has seen; None if they do not say."""


def open_refund(
    payment: Payment, order: RefundOrder, payouts: Collection[Payout], *, ordinal: int, now: datetime
) -> Refund:
    """Opens a refund, if so much of what came is still there. `ordinal` is how many refunds of the payment there were
    before. Raises RefundRefusedError."""
    if order.of is RefundOf.GOODS and order.seller_id is not None and order.seller_id not in payment.seller_ids:
        raise RefundRefusedError(f"payment {payment.payment_id} is not for the seller {order.seller_id}")
    _require_left(payment, order.of, order.seller_id, order.amount, payouts)
    return Refund(
        # The same refund, wanted again of a journal that has forgotten it, has the same name.
        refund_id=derived_id("back", payment.provider, payment.external_id, ordinal),
        payment_id=payment.payment_id,
        provider=payment.provider,
        buyer_id=payment.buyer_id,
        seller_id=order.seller_id,
        of=order.of,
        amount=in_scale_of(payment.amount, order.amount),
        currency=payment.currency,
        coin=order.coin,
        reason=order.reason,
        opened_by=order.by,
        opened_through=order.through,
        opened_at=now,
    )


def require_seen(others: Collection[Refund], besides: Collection[str] | None) -> None:
    """Whoever opens a refund has to have seen the `others` of its payment that take money: those `besides` which it
    is opened, or none that is open still, if they do not say. Raises OtherRefundsError."""
    unseen = [
        one
        for one in others
        if (one.is_open if besides is None else one.release is not Release.FAILED and one.refund_id not in besides)
    ]
    if unseen:
        raise OtherRefundsError(unseen)


def closes_payment(payment: Payment, of: RefundOf) -> bool:
    """Whether opening a refund cancels the payment for good: the money that came for its goods then goes away, so
    that what comes later must not complete it."""
    return (
        of is RefundOf.GOODS
        and payment.status not in (PaymentStatus.COMPLETED, PaymentStatus.REFUNDED)
        and not payment.facts.withdrawn
    )


def withdrawn(refund: Refund, by: str) -> Refund:
    """Withdraws a refund that no address was given for. Raises RefundRefusedError."""
    if refund.payout_id is not None:
        raise RefundRefusedError("The buyer has said where to send it; it cannot be withdrawn any more.")
    if refund.cancelled_by is not None:
        raise RefundRefusedError("This refund is withdrawn already.")
    return refund.model_copy(update={"cancelled_by": by})


@dataclass(frozen=True, slots=True)
class Sending:
    """Where and how a refund is sent, each part checked by its provider."""

    destination: str
    coin_amount: Decimal
    chain: str | None = None
    """The chain on which it is followed, if on one."""
    doubts: tuple[str, ...] = ()
    """Why somebody has to approve it, whatever the limits say."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How a refund was sent without the bridge, each part checked as far as it can be."""

    provider: str
    """Who sent it: the marketplace's own wallet over a chain that is followed, or somebody `ELSEWHERE`."""
    coin: str
    coin_amount: Decimal
    destination: str
    tx_hash: str
    chain: str | None = None
    """The chain on which it is followed; None if on none, so that it is taken at the word of whoever tells of it."""
    for_several: bool = False
    """Whether its transaction is said to be for others too."""
    other_address: bool = False
    """Whether the buyer is said to have given this address, whatever others they gave before."""


def sent_without(
    refund: Refund,
    payment: Payment,
    sent: Sent,
    known: Collection[Payout],
    paid: Collection[Payment],
    *,
    now: datetime,
) -> Payout:
    """The payout that carries a refund which was sent without the bridge. `known` are those that are known by its
    transaction, of whatever payment, and `paid` the other payments that are. Raises RefundRefusedError and
    TransactionTakenError."""
    # Where a chain shows what a transaction does, that counts; but told of twice it is hardly two refunds.
    if sent.chain is not None:
        known, paid = [one for one in known if one.refund_id and one.payment_id == payment.payment_id], ()
    elif brought_money(payment, sent.tx_hash):
        raise RefundRefusedError(f"{sent.tx_hash} is what the buyer paid with; name the one that sent it back")
    elif is_reversal(payment.facts.refunds, sent.tx_hash):
        raise RefundRefusedError(f"{payment.provider} has told of {sent.tx_hash} by itself; it is counted already")
    if not sent.for_several:
        require_not_taken(sent.tx_hash, known, paid)
    sending = Sending(sent.destination, sent.coin_amount, sent.chain)
    return payout_for(refund, payment, sending, now=now).model_copy(update={"provider": sent.provider})


def known_of(sent: Sent, *, by: str) -> tuple[PayoutObservation, ...]:
    """What is known of its payout. What no chain can show is as somebody says."""
    reported = (PayoutKnown(), PayoutSent(tx_hashes=(sent.tx_hash,)))
    return (
        reported
        if sent.chain
        else (*reported, PayoutSettled(reason=f"{by} says that it was sent without the bridge"))
    )


def payout_for(refund: Refund, payment: Payment, sending: Sending, *, now: datetime) -> Payout:
    """The payout that carries a refund: one and no other."""
    return Payout(
        payout_id=derived_id("out", refund.refund_id, sending.destination),
        provider=refund.provider,
        payment_id=refund.payment_id,
        seller_id=refund.seller_id or payment.seller_id,
        refund_id=refund.refund_id,
        buyer_id=refund.buyer_id,
        destination=sending.destination,
        coin=refund.coin,
        amount=sending.coin_amount,
        worth=refund.amount,
        worth_currency=refund.currency,
        asked_by=refund.opened_by,
        asked_through=refund.opened_through,
        created_at=now,
        chain=sending.chain,
    )


def given(refund: Refund, payment: Payment, payout: Payout, *, by: str) -> Refund:
    """The refund once the buyer has said where to send it, carried by a payout. Raises RefundRefusedError."""
    if refund.payout_id is not None:
        raise RefundRefusedError("An address was given for this refund already; it cannot be changed.")
    if refund.cancelled_by is not None:
        raise RefundRefusedError("This refund was withdrawn; ask whoever opened it.")
    # Its money is reserved; but a chain may have taken back what had come.
    if not_there(payment, refund.of) is not None:
        raise RefundRefusedError("Its money is not there any more; ask whoever opened it.")
    return refund.model_copy(
        update={
            "payout_id": payout.payout_id,
            "destination": payout.destination,
            "coin_amount": payout.amount,
            "given_by": by,
            "given_at": payout.created_at,
            "payout_status": payout.status,
        }
    )


def followed(refund: Refund, payout: Payout) -> Refund:
    """The refund as its payout stands."""
    return refund.model_copy(update={"payout_status": payout.status, "tx_hash": payout.tx_hash})


def moved(refund: Refund, step: int) -> RefundMoved:
    """What a refund's payment has to know of it."""
    return RefundMoved(
        refund_id=refund.refund_id,
        of=refund.of,
        seller_id=refund.seller_id,
        amount=refund.amount,
        release=refund.release,
        step=step,
        carried_by=refund.tx_hash,
    )


def opened_event(refund: Refund, payment: Payment) -> Event:
    """That a refund was opened."""
    return RefundOpened(
        refund_id=refund.refund_id,
        payment_id=refund.payment_id,
        status=RefundStatus.AWAITING_ADDRESS,
        amount=refund.amount,
        currency=refund.currency,
    ).to(**_target(payment))


def updated_event(refund: Refund, payment: Payment) -> Event:
    """That a refund has moved."""
    return RefundUpdated(
        refund_id=refund.refund_id,
        payment_id=refund.payment_id,
        status=refund.status,
        amount=refund.amount,
        currency=refund.currency,
        tx_hash=refund.tx_hash,
        payout_id=refund.payout_id,
    ).to(**_target(payment))


def _target(payment: Payment) -> dict[str, str]:
    room = {"checkoutId": payment.checkout.checkout_id} if payment.checkout else {"requestId": payment.request_id}
    return {**room, "buyerId": payment.buyer_id}


def _require_left(
    payment: Payment, of: RefundOf, seller_id: str | None, amount: Decimal, payouts: Collection[Payout]
) -> None:
    left = in_scale_of(payment.amount, left_to_refund(payment, of, seller_id, payouts))
    if amount > left or left == ZERO:
        what = "what came too much" if of is RefundOf.EXCESS else "what came for the goods"
        whose = "" if seller_id is None else f" of {seller_id}"
        raise RefundRefusedError(
            f"of {what}{whose} for payment {payment.payment_id} {format_amount(left)} {payment.currency} can go back,"
            f" and this is {format_amount(amount)}"
        )
