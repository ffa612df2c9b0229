"""A payment as REST tells it: how it stands, where to pay, and how it came there."""

from collections.abc import Mapping

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from pydantic import AwareDatetime, Field

from bridge.access import ANYBODY, Principal
from bridge.http.documents.disputes import DisputeItem, dispute_items
from bridge.http.documents.own_shares import ShareItem, part_for, share_items
from bridge.http.documents.payment_examples import RESPONSE_EXAMPLE
from bridge.http.documents.refunds import RefundItem, refund_item
from bridge.http.documents.unreadable import UNREADABLE_DESCRIPTION, UnreadableItem
from bridge.http.front.pages import NEXT_DESCRIPTION
from bridge.journal import HistoryEntry, PaymentRecord
from coordinator.models import FrozenModel
from coordinator.money import ZERO, Figure
from coordinator.payments.agreed.agreements import DirectPayment
from coordinator.payments.agreed.invoices import Invoice
from coordinator.payments.deciding.quotes import ToPay, to_pay, whole_coin_amount
from coordinator.payments.observed.observations import RefundOf, Sighting, Stage, Transfer
from coordinator.payments.observed.transfers import Cause
from coordinator.payments.payments import EscrowState, Payment, PaymentStatus
from coordinator.payouts.own_parts import OwnPart
from providers import known

__all__ = [
    "PaymentDocument",
    "PaymentList",
    "SightingItem",
    "payment_document",
    "payment_response",
    "shown_status",
    "sighting_item",
]


class HistoryItem(FrozenModel):
    """One step in a payment's life, and where the payment stood after it."""

    at: AwareDatetime
    observation: str = Field(description="What was seen; `registered` is the first.")
    effect: str = Field(description="`applied`, `unchanged`, `other-currency` or `not-counted`.")
    status: PaymentStatus
    escrow_state: EscrowState
    received: Figure
    tx_hash: str | None = None


class TransferItem(FrozenModel):
    """One movement of money towards the payment."""

    tx_hash: str = Field(description="Of what went over no chain, the provider's name for it.")
    asset: str
    amount: Figure
    value: Figure | None = Field(description="What it counts for in the payment's currency.")
    confirmed: bool
    occurred_at: AwareDatetime | None


class InvoiceItem(FrozenModel):
    """Where to pay with one coin. Where and how much is null until the provider has opened the invoice."""

    coin: str
    display_name: str | None
    network: str | None = Field(
        description="What people call the network that the coin is sent over: what is sent over another is lost. "
        "Null where that is not known, or there is none."
    )
    address: str | None
    checkout_url: str | None = Field(
        description="The provider's own page, on which it is paid instead of at an address."
    )
    coin_amount: Figure | None = Field(
        description="How much of the coin is still to be paid, rounded up to the coin's decimals; null while nothing "
        "is asked for, and where a part was paid of what can only be paid whole, as over Lightning."
    )
    whole_coin_amount: Figure | None = Field(description="How much of the coin pays the whole sum.")
    exchange_rate: Figure | None = Field(description="What one coin is worth in the payment's currency.")
    asked: Figure | None = Field(
        description="What `coinAmount` is in the payment's currency: what is missing, and the provider's fee."
    )
    fee: Figure | None = Field(description="The provider's fee in `asked`; null where the provider does not say.")
    payment_uri: str | None = Field(
        description="What a wallet opens, and a QR code shows, to pay `coinAmount`; null where that is."
    )
    quoted_until: AwareDatetime | None = Field(
        description="Until when the price holds; where its provider never changes it, as long as the payment waits "
        "(`expiresAt`). Ask for a new one then, if the payment is still open. Null until the invoice "
        "is open, and where the price is never changed and the payment never expires."
    )
    refusal: str | None = Field(
        description="Why the provider did not open the invoice when it was asked last, for a person to read; it is "
        "asked again now and then. Null while it just does not answer, and once the invoice is open."
    )


class DirectItem(FrozenModel):
    """Where to pay on a chain, without a gateway."""

    chain: str
    recipient: str
    payer: str | None
    payment_uri: str | None = Field(description="What a wallet opens, and a QR code shows.")


class SightingItem(FrozenModel):
    """A transfer on the chain, as it stands there."""

    tx_hash: str
    asset: str
    amount: Figure
    stage: Stage = Field(description="`reorganised`, `dropped` and `failed` came to nothing; `final` stays.")
    confirmations: int
    required_confirmations: int | None
    block_number: int | None
    block_hash: str | None = Field(description="The block that holds it, or held it; null where none is known to.")
    reason: str | None = Field(description="Why it came to nothing, or is not final yet, for a person to read.")
    cause: Cause | None = Field(description="Why it came to nothing, for a page to say in its own words.")
    sender: str | None = Field(
        description="Who sent it, as far as that is known; of a transaction that came to nothing, who signed it."
    )


class RefundableItem(FrozenModel):
    """Money of a payment that can go back to its buyer."""

    of: RefundOf = Field(description="Whether it came for the goods, or came too much.")
    seller_id: str | None = Field(description="Out of whose share it is; null if out of nobody's.")
    amount: Figure


class EscrowItem(FrozenModel):
    """Where all the money of a payment is, to the last digit. `held`, `released`, `refunded`, `fee` and `excess` come
    to `received` with `overdrawn`, at every moment."""

    received: Figure = Field(
        description="All that came: `received` of the payment and its `fee`, which are shown rounded there."
    )
    held: Figure = Field(description="What came for the goods, and has arrived at nobody else yet.")
    under_way: Figure = Field(description="What of `held` and `excess` is to leave by payouts and refunds.")
    released: Figure = Field(description="What has arrived at sellers.")
    refunded: Figure = Field(description="What has arrived at the buyer.")
    fee: Figure = Field(description="What came for the gateway's fee.")
    excess: Figure = Field(description="What came too much, and has not gone back.")
    overdrawn: Figure = Field(
        description="What went out beyond what came: of a payment that was accepted with less, or by a payout that "
        "was sent after it was found to have failed. Nothing, but for that."
    )


class PaymentDocument(FrozenModel):
    """A payment: what was agreed, how it stands, and how it came there."""

    payment_id: str
    provider: str
    external_id: str
    request_id: str
    buyer_id: str
    seller_id: str
    offer_id: str | None
    checkout_id: str | None = Field(
        description="The template checkout that it pays. Its other ids are those of the first share then."
    )
    whole: bool = Field(
        description="Whether this is all of the payment. Not for one of several sellers of a template checkout: "
        "every sum, state and step is that of their own part then; what came too much, the transfers and what the "
        "buyer's wallet is asked for are left out."
    )
    amount: Figure
    currency: str
    shares: list[ShareItem] = Field(
        description="What it pays for: one purchase request, or those of its template checkout, of which a seller "
        "sees their own."
    )
    direct: DirectItem | None = Field(description="Where to pay, where the payment goes over a chain to a wallet.")
    status: PaymentStatus
    escrow_state: EscrowState
    received: Figure = Field(
        description="What has come, without the gateway's fee. What came too much (`excess`) is part of it."
    )
    missing: Figure = Field(description="What is still to be paid for the goods; 0 once it is completed.")
    excess: Figure = Field(description="What came above amount and fee.")
    fee: Figure = Field(description="What has come on top of `received` for the gateway's fee.")
    missing_fee: Figure = Field(description="What is still to be paid on top of `missing` for that fee.")
    refunded: Figure = Field(description="What has gone back to the buyer.")
    refundable: list[RefundableItem] = Field(description="What can go back to the buyer; see `POST /api/refunds`.")
    escrow: EscrowItem
    late: bool = Field(description="Some of the money came after the deadline.")
    confirmations: int | None = Field(
        description="How many blocks confirm the transfer on the chain that has the fewest of them; null while no "
        "block holds one that is not final."
    )
    required_confirmations: int | None = Field(description="How many make it final.")
    transfers: list[TransferItem]
    sightings: list[SightingItem] = Field(description="What a chain shows of it, where it goes over one.")
    created_at: AwareDatetime
    updated_at: AwareDatetime
    expires_at: AwareDatetime | None = Field(
        description="Until when it waits for its money: as agreed, or longer if a person had it wait."
    )
    return_url: str | None = Field(description="The shop's own page, to which the payment's page leads back.")
    invoices: list[InvoiceItem] = Field(
        description="Where to pay, where the bridge itself opened the invoice: the first is the one to show; what is "
        "paid to another counts too."
    )
    refunds: list[RefundItem] = Field(description="Oldest first, those that were withdrawn included.")
    disputes: list[DisputeItem]
    history: list[HistoryItem]


class PaymentList(FrozenModel):
    """The payments for one purchase request, oldest first; or a page of somebody's own, newest first."""

    payments: list[PaymentDocument]
    next: str | None = Field(None, description=NEXT_DESCRIPTION)
    unreadable: list[UnreadableItem] = Field(default_factory=list, description=UNREADABLE_DESCRIPTION)


NOT_AS_THEY_ARE = (
    *("facts", "terms", "checkout", "direct", "expires_at"),
    *("request_id", "seller_id", "offer_id", "amount"),
)
"""What of a payment the document does not have, or says in other words."""


def payment_response(description: str) -> ResponseSpec:
    return ResponseSpec(
        PaymentDocument,
        description=description,
        generate_examples=False,
        examples=[Example(value=RESPONSE_EXAMPLE)],
    )


def shown_status(record: PaymentRecord, *, seen_by: Principal) -> PaymentStatus:
    """The status in which the document shows a payment, or the part of one of its sellers."""
    return part_for(seen_by, record.payment).figures(record.payouts).status


def payment_document(record: PaymentRecord, *, seen_by: Principal = ANYBODY) -> PaymentDocument:
    """Of a template checkout with several sellers each is told of their own part alone, in every figure and state."""
    payment = record.payment
    part = part_for(seen_by, payment)
    figures = part.figures(record.payouts)
    registered = HistoryItem(
        at=payment.created_at,
        observation="registered",
        effect="applied",
        status=PaymentStatus.PENDING,
        escrow_state=EscrowState.NONE,
        received=ZERO,
    )
    history = [_history_item(part, *step) for step in part.steps(record.history)]
    return PaymentDocument(
        **{name: value for name, value in payment if name not in NOT_AS_THEY_ARE},
        request_id=part.first.request_id,
        seller_id=part.first.seller_id,
        offer_id=part.first.offer_id,
        amount=part.amount,
        whole=part.is_whole,
        checkout_id=payment.checkout and payment.checkout.checkout_id,
        shares=share_items(part),
        status=figures.status,
        escrow_state=figures.escrow_state,
        received=figures.received,
        missing=figures.missing,
        excess=figures.excess,
        fee=figures.fee,
        missing_fee=figures.missing_fee,
        refunded=figures.refunded,
        refundable=[RefundableItem(**pool._asdict()) for pool in figures.refundable],
        escrow=EscrowItem(**figures.escrow._asdict()),
        late=payment.late,
        confirmations=payment.awaited and payment.awaited.confirmations,
        required_confirmations=payment.awaited and payment.awaited.required_confirmations,
        direct=payment.direct and _direct_item(part, payment.direct),
        transfers=_transfer_items(part, payment) if part.is_whole else [],
        sightings=[sighting_item(sighting) for sighting in payment.facts.sightings] if part.is_whole else [],
        updated_at=record.updated_at if part.is_whole else max([payment.created_at, *(one.at for one in history)]),
        expires_at=payment.deadline,
        invoices=[_invoice_item(part, payment, invoice, record.refusals) for invoice in record.invoices],
        refunds=[refund_item(one, part) for one in record.refunds if not part.hides(one.of, one.seller_id)],
        disputes=dispute_items(payment, part),
        history=[registered, *history],
    )


def sighting_item(sighting: Sighting) -> SightingItem:
    return SightingItem(
        tx_hash=sighting.transfer.tx_hash,
        asset=sighting.transfer.asset,
        amount=sighting.transfer.amount,
        **{name: value for name, value in sighting if name not in ("transfer", "view")},
    )


def _direct_item(part: OwnPart, direct: DirectPayment) -> DirectItem:
    # What a wallet opens names the whole sum.
    return DirectItem(**{**dict(direct), "payment_uri": direct.payment_uri if part.is_whole else None})


def _invoice_item(part: OwnPart, payment: Payment, invoice: Invoice, refusals: Mapping[str, str]) -> InvoiceItem:
    opened, coin = invoice.opened, invoice.wanted.coin
    whole = opened if part.is_whole else None
    now = ToPay() if whole is None else to_pay(payment, whole, coin)
    return InvoiceItem(
        coin=coin,
        display_name=opened and opened.display_name,
        network=None if (provider := known.named(payment.provider)) is None else provider.network_of(coin),
        address=opened and opened.address,
        checkout_url=whole and whole.checkout_url,
        coin_amount=now.coin_amount,
        whole_coin_amount=whole and whole_coin_amount(whole, payment.amount),
        exchange_rate=opened and opened.exchange_rate,
        asked=None if now.asked is None else part.in_scale(now.asked),
        fee=None if now.fee is None else part.in_scale(now.fee),
        payment_uri=now.payment_uri,
        quoted_until=opened and (opened.quoted_until or payment.deadline),
        refusal=refusals.get(coin),
    )


def _transfer_items(part: OwnPart, payment: Payment) -> list[TransferItem]:
    return [
        *(_transfer_item(part, transfer, confirmed=True) for transfer in payment.confirmed),
        *(_transfer_item(part, transfer, confirmed=False) for transfer in payment.in_flight),
    ]


def _transfer_item(part: OwnPart, transfer: Transfer, *, confirmed: bool) -> TransferItem:
    return TransferItem(
        tx_hash=transfer.tx_hash,
        asset=transfer.asset,
        amount=transfer.amount,
        value=None if transfer.value is None else part.in_scale(transfer.value),
        confirmed=confirmed,
        occurred_at=transfer.occurred_at,
    )


def _history_item(
    part: OwnPart, entry: HistoryEntry, status: PaymentStatus, escrow_state: EscrowState
) -> HistoryItem:
    return HistoryItem(
        at=entry.at,
        observation=entry.observation.kind,
        effect=entry.effect,
        status=status,
        escrow_state=escrow_state,
        received=part.of(entry.received),
        tx_hash=entry.observation.tx_hash,
    )
