"""Payments and payouts as lines of the console's lists, and what needs a person."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, Field

from bridge.journal import Action, ListedPayment, ListedPayout
from bridge.workers.chains.followers import ChainFollowers
from coordinator.attention.alerts import Alert, AlertState, mark_of
from coordinator.attention.items import BY_URGENCY, LISTED_WHILE_SO, Attention, AttentionKind, Remedy
from coordinator.attention.payments import ADDRESS_EXPECTED_WITHIN
from coordinator.attention.severities import Severities
from coordinator.books.entries import sold
from coordinator.models import FrozenModel
from coordinator.money import Figure, in_scale_of, quotient, rounded
from coordinator.payments.parts.shown import shown
from coordinator.payments.payments import EscrowState, PaymentStatus
from coordinator.payments.problems.problems import ProblemKind, problems_of
from coordinator.payouts.approval import is_revocable, is_withdrawable
from coordinator.payouts.fees_taken import network_fee_unknown, network_fees
from coordinator.payouts.payouts import Verification
from coordinator.payouts.statuses import PayoutStatus

__all__ = [
    "ActionItem",
    "AttentionItem",
    "ExplorerLinks",
    "PaymentRow",
    "PayoutRow",
    "TransferRow",
    "action_item",
    "attention_item",
    "explorer_links",
    "payment_row",
    "payout_row",
    "transfer_rows",
]

ExplorerLinks = Callable[[str | None, str | None], str | None]
"""Where a transaction can be looked at, by its chain and its hash; None if that is not known."""


class PayoutRow(FrozenModel):
    """A payout with its current status."""

    payout_id: str
    task_id: str | None = Field(description="The provider's task, once it has named one.")
    payment_id: str
    seller_id: str
    refund_id: str | None = Field(description="The refund that it carries; null for one to a seller.")
    buyer_id: str | None = Field(description="Whom it pays, if it carries a refund.")
    provider: str
    chain: str | None
    coin: str
    amount: Figure
    worth: Figure | None = Field(description="What the amount counts for, against earnings and limits.")
    worth_currency: str | None
    destination: str
    status: PayoutStatus
    asked_by: str | None = Field(description="The person, or the service where no person was named.")
    asked_through: str | None = Field(description="The service that asked for it, where services are named.")
    approval_reasons: list[str] = Field(description="Why it has to be approved; nothing where it need not be.")
    approved_by: str | None
    verification: Verification | None
    confirmations: int | None
    required_confirmations: int | None
    tx_hashes: list[str]
    explorer_url: str | None = Field(description="Of the transaction that carries it, where its chain is followed.")
    reasons: list[str]
    network_fee: Figure | None = Field(description="What the network took for sending it; null while nobody says.")
    network_fee_coin: str | None
    network_fee_unknown: str | None = Field(description="Why nobody says; null while that is still to be found out.")
    overdue: bool
    revocable: bool = Field(description="Nobody was asked to send it yet, so that it can be rejected.")
    withdrawable: bool = Field(
        description="Whoever asked for it can withdraw it: nobody was asked to send it yet, or a wallet of the "
        "marketplace's own is to send it, and nothing of that was seen."
    )
    created_at: AwareDatetime
    completed_at: AwareDatetime | None
    updated_at: AwareDatetime


class PaymentRow(FrozenModel):
    """A payment with its current status."""

    payment_id: str
    provider: str
    external_id: str
    request_id: str
    checkout_id: str | None
    buyer_id: str
    seller_id: str
    amount: Figure
    currency: str
    status: PaymentStatus
    escrow_state: EscrowState
    sold: Figure = Field(
        description="What of `amount` is a sale, once it is completed: not what is for purchase requests that were "
        "cancelled before."
    )
    received: Figure = Field(description="Without the gateway's fee; what came too much is part of it.")
    missing: Figure
    excess: Figure
    refunded: Figure = Field(description="What has gone back to the buyer.")
    fee: Figure = Field(description="What came on top for the gateway's fee.")
    missing_fee: Figure
    late: bool
    problems: list[ProblemKind | Literal[AttentionKind.WITHOUT_ADDRESS]] = Field(
        description="What is wrong with it, and waits for a person; also that its buyer sees no address to pay at."
    )
    confirmations: int | None
    required_confirmations: int | None
    tx_hashes: list[str] = Field(
        description="Of what came, confirmed before unconfirmed; each is a row of transfers."
    )
    created_at: AwareDatetime
    completed_at: AwareDatetime | None
    updated_at: AwareDatetime
    expires_at: AwareDatetime | None = Field(
        description="Until when it waits: as agreed, or longer if a person had it wait."
    )


class TransferRow(FrozenModel):
    """A transfer that came for a payment."""

    payment_id: str
    provider: str
    external_id: str
    seller_id: str
    tx_hash: str
    coin: str
    coin_amount: Figure
    currency: str
    value: Figure | None = Field(description="What it counts for; null while nobody says so.")
    fee: Figure | None = Field(description="How much of that is the gateway's fee, where it says so.")
    rate: Figure | None = Field(description="What one of the coin counts for.")
    confirmed: bool = Field(description="Whether it counts.")
    occurred_at: AwareDatetime | None = Field(description="When the provider saw it, if it says so.")
    status: PaymentStatus = Field(description="The payment's.")
    completed_at: AwareDatetime | None = Field(description="The payment's.")


class AttentionItem(FrozenModel):
    """One thing that does not go on by itself."""

    # By its name: the document of the API cannot be told of the union of two enumerations.
    kind: str = Field(description="What is wrong.", json_schema_extra={"enum": [kind.value for kind in BY_URGENCY]})
    id: str = Field(description="The same for as long as it is on the list.")
    title: str
    detail: str
    advice: str = Field(description="What a person can do about it.")
    mark: str = Field(description="Another one once it says something else; for `seen`.")
    since: AwareDatetime
    payout_id: str | None
    payment_id: str | None
    refund_id: str | None
    webhook_id: str | None
    tx_hash: str | None
    place: str | None = Field(
        description="Which transfer of the transaction it is, where that carries several that are nobody's."
    )
    explorer_url: str | None
    actions: list[Remedy]
    severity: Literal["critical", "warning", "notice"]
    state: Literal["open", "snoozed", "closed"]
    stays_listed: bool = Field(
        description="Whether it can be neither snoozed nor closed (409) for as long as it is so."
    )
    assigned_to: str | None = Field(description="Who sees to it.")
    snoozed_until: AwareDatetime | None
    closed_by: str | None
    close_note: str | None = Field(description="Why it was closed.")


class ActionItem(FrozenModel):
    """What somebody did."""

    action_id: str
    at: AwareDatetime
    by: str
    action: Literal[
        "replay",
        "recheck",
        "resolution",
        "approval",
        "rejection",
        "payout-withdrawal",
        "acceptance",
        "cancellation",
        "waiting",
        "transaction",
        "settlement",
        "refund",
        "refund-withdrawal",
        "hold",
        "resume",
        "dismiss",
        "assignment",
        "note",
        "snooze",
        "closure",
        "reopening",
        "destination-added",
        "destination-removed",
        "access",
        "wallet-movement",
        "endpoint-registered",
        "endpoint-changed",
        "endpoint-enabled",
        "endpoint-disabled",
        "endpoint-removed",
        "endpoint-secret",
        "endpoint-test",
        "endpoint-replay",
    ]
    subject: str = Field(
        description="The webhook, payout, payment, seller's list or item of the list that it was done to."
    )
    outcome: str


def explorer_links(chains: ChainFollowers) -> ExplorerLinks:
    """The links of the chains that are followed."""

    def link(chain: str | None, tx_hash: str | None) -> str | None:
        known = None if chain is None else chains.chains.get(chain)
        return None if known is None or tx_hash is None else known.explorer_link(tx_hash)

    return link


def payout_row(listed: ListedPayout, now: datetime, link: ExplorerLinks) -> PayoutRow:
    payout, awaited = listed.payout, listed.payout.awaited
    fee = next(iter(network_fees(payout)), None)  # one wallet sends it, and pays in one coin
    return PayoutRow(
        payout_id=payout.payout_id,
        task_id=payout.facts.task_id,
        payment_id=payout.payment_id,
        seller_id=payout.seller_id,
        refund_id=payout.refund_id,
        buyer_id=payout.buyer_id,
        provider=payout.provider,
        chain=payout.chain,
        coin=payout.coin,
        amount=payout.amount,
        worth=payout.worth,
        worth_currency=payout.worth_currency,
        destination=payout.destination,
        status=payout.status,
        asked_by=payout.asked_by,
        asked_through=payout.asked_through,
        approval_reasons=list(payout.approval_reasons),
        approved_by=payout.facts.approved and payout.facts.approved.by,
        verification=payout.verification,
        confirmations=awaited and awaited.confirmations,
        required_confirmations=awaited and awaited.required_confirmations,
        tx_hashes=list(payout.facts.tx_hashes),
        explorer_url=link(payout.chain, payout.tx_hash),
        reasons=list(payout.reasons),
        network_fee=fee and fee.amount,
        network_fee_coin=fee and fee.coin,
        network_fee_unknown=network_fee_unknown(payout),
        overdue=payout.is_overdue(now),
        revocable=is_revocable(payout),
        withdrawable=is_withdrawable(payout),
        created_at=payout.created_at,
        completed_at=listed.completed_at,
        updated_at=listed.updated_at,
    )


def payment_row(listed: ListedPayment, now: datetime) -> PaymentRow:
    payment, awaited = listed.payment, listed.payment.awaited
    transfers = (*payment.confirmed, *payment.in_flight)

    def agreed(amount: Decimal) -> Decimal:
        return in_scale_of(payment.amount, amount)

    return PaymentRow(
        payment_id=payment.payment_id,
        provider=payment.provider,
        external_id=payment.external_id,
        request_id=payment.request_id,
        checkout_id=payment.checkout and payment.checkout.checkout_id,
        buyer_id=payment.buyer_id,
        seller_id=payment.seller_id,
        amount=payment.amount,
        currency=payment.currency,
        status=payment.status,
        escrow_state=payment.escrow_state,
        sold=agreed(sold(payment)),
        **shown(payment)._asdict(),
        refunded=agreed(payment.refunded),
        problems=[*_lacks_address(listed, now), *(problem.kind for problem in problems_of(payment))],
        late=payment.late,
        confirmations=awaited and awaited.confirmations,
        required_confirmations=awaited and awaited.required_confirmations,
        tx_hashes=list(dict.fromkeys(one.tx_hash for one in transfers)),
        created_at=payment.created_at,
        completed_at=listed.completed_at,
        updated_at=listed.updated_at,
        expires_at=payment.deadline,
    )


def _lacks_address(listed: ListedPayment, now: datetime) -> list[Literal[AttentionKind.WITHOUT_ADDRESS]]:
    since = listed.unopened_since
    return [] if since is None or since >= now - ADDRESS_EXPECTED_WITHIN else [AttentionKind.WITHOUT_ADDRESS]


# More than any coin or currency has.
RATE_DECIMALS = 10


def transfer_rows(listed: ListedPayment) -> list[TransferRow]:
    """The transfers of a payment, those that count first."""
    payment = listed.payment
    counting = [(one, True) for one in payment.confirmed]
    return [
        TransferRow(
            payment_id=payment.payment_id,
            provider=payment.provider,
            external_id=payment.external_id,
            seller_id=payment.seller_id,
            tx_hash=one.tx_hash,
            coin=one.asset,
            coin_amount=one.amount,
            currency=payment.currency,
            value=value if value is None else in_scale_of(payment.amount, value),
            fee=one.fee if one.fee is None else in_scale_of(payment.amount, one.fee),
            rate=rounded(quotient(value, one.amount), RATE_DECIMALS) if value is not None and one.amount else None,
            confirmed=counts,
            occurred_at=one.occurred_at,
            status=payment.status,
            completed_at=listed.completed_at,
        )
        for one, counts in (*counting, *((one, False) for one in payment.in_flight))
        # What is paid in the very token that was agreed counts for itself.
        for value in (one.amount if payment.direct is not None and one.value is None else one.value,)
    ]


def attention_item(
    attention: Attention, link: ExplorerLinks, alert: Alert, severities: Severities, now: datetime
) -> AttentionItem:
    return AttentionItem(
        kind=attention.kind.value,
        id=attention.key,
        title=attention.title,
        detail=attention.detail,
        advice=attention.advice,
        mark=mark_of(attention),
        since=attention.since,
        payout_id=attention.payout_id,
        payment_id=attention.payment_id,
        refund_id=attention.refund_id,
        webhook_id=attention.webhook_id,
        tx_hash=attention.tx_hash,
        place=attention.place,
        explorer_url=link(attention.chain, attention.tx_hash),
        actions=list(attention.remedies),
        severity=severities.of(attention.kind).value,
        state=_state(alert, now),
        stays_listed=attention.kind in LISTED_WHILE_SO,
        assigned_to=alert.assigned_to,
        snoozed_until=alert.snoozed_until,
        closed_by=None if alert.closing is None else alert.closing.by,
        close_note=None if alert.closing is None else alert.closing.note,
    )


def _state(alert: Alert, now: datetime) -> Literal["open", "snoozed", "closed"]:
    """Of what needs a person now, whatever was written down of its end."""
    match alert.state(now):
        case AlertState.SNOOZED:
            return "snoozed"
        case AlertState.CLOSED:
            return "closed"
        case _:
            return "open"


def action_item(action: Action) -> ActionItem:
    return ActionItem.model_validate(
        {
            "action_id": str(action.action_id),
            "at": action.at,
            "by": action.by,
            "action": action.action,
            "subject": action.subject,
            "outcome": action.outcome,
        }
    )
