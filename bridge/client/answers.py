"""What the bridge's answers mean: a result, or which error. No I/O."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.catalogue.publication import Fault
from bridge.client.errors import (
    ClientError,
    IdempotencyKeyReusedError,
    NotAllowedError,
    NotFoundError,
    OffsetGoneError,
    PaymentConflictError,
    PaymentOverError,
    PayoutRefusedError,
    RefundRefusedError,
    RequestRefusedError,
    TooLargeError,
)
from coordinator.models import FrozenModel
from coordinator.money import Amount
from coordinator.payments.payments import EscrowState, PaymentStatus
from coordinator.payouts.payouts import Verification
from coordinator.payouts.statuses import PayoutStatus
from coordinator.refunds.statuses import RefundStatus

__all__ = [
    "CheckedDestination",
    "EventPage",
    "InvoiceToPay",
    "PastEvent",
    "Problem",
    "RegisteredCheckout",
    "RegisteredPayment",
    "RequestedPayout",
    "RequestedRefund",
    "offsets_of",
    "payouts_of",
    "read_problem",
    "refunds_of",
    "refusal",
]

PROBLEM_MEDIA_TYPE = "application/problem+json"
_BY_CODE: Mapping[tuple[int, str | None], type[ClientError]] = {
    (409, "payment_over"): PaymentOverError,
    (409, "refund_refused"): RefundRefusedError,
    (409, "transaction_taken"): RefundRefusedError,
    (409, "other_address"): RefundRefusedError,
    (409, "other_refunds"): RefundRefusedError,
    (404, "not_found"): NotFoundError,
}


class InvoiceToPay(FrozenModel):
    """Where to pay with one coin. What the provider has not answered yet is None."""

    model_config = ConfigDict(extra="ignore")

    coin: str
    display_name: str | None = None
    address: str | None = None
    checkout_url: str | None = None
    """The provider's own page, on which it is paid instead of at an address."""
    coin_amount: Amount | None = None
    """How much of the coin is still to be paid; None while nothing is asked for."""
    whole_coin_amount: Amount | None = None
    """How much of the coin pays the whole sum."""
    asked: Amount | None = None
    """What `coin_amount` is in the payment's currency, the provider's fee included."""
    fee: Amount | None = None
    """The provider's fee in it."""
    quoted_until: datetime | None = None
    """Until when the price holds, which may be as long as the payment waits."""
    payment_uri: str | None = None
    """What a wallet opens, and a QR code shows."""


class RegisteredPayment(FrozenModel):
    """A payment with its current status: what was agreed, and what has happened to it. Amounts are in its
    `currency`."""

    # A later bridge may tell more.
    model_config = ConfigDict(extra="ignore")

    payment_id: str
    provider: str
    external_id: str
    request_id: str
    buyer_id: str
    seller_id: str
    offer_id: str | None
    amount: Amount
    currency: str
    status: PaymentStatus
    escrow_state: EscrowState
    received: Amount
    missing: Amount
    excess: Amount
    fee: Amount
    """What came on top of `received` for the gateway's fee."""
    missing_fee: Amount
    late: bool
    """Some of the money came after the deadline."""
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    return_url: str | None = None
    """The shop's own page, to which the payment's page leads back."""
    invoices: tuple[InvoiceToPay, ...] = ()
    """Where to pay, where the bridge opened the invoice itself: the first is the one to show."""


class RegisteredCheckout(FrozenModel):
    """A template checkout as it stands, and its one payment."""

    model_config = ConfigDict(extra="ignore")

    checkout_id: str
    status: Literal["pending", "confirmed", "failed"]
    reason: str | None
    """Why it failed, for the buyer to read."""
    payment: RegisteredPayment


class RequestedPayout(FrozenModel):
    """A payout with its current status: what was asked for, and what became of it. Amounts are of its `coin`."""

    model_config = ConfigDict(extra="ignore")

    payout_id: str
    provider: str
    payment_id: str
    seller_id: str
    coin: str
    amount: Amount
    fee: Amount | None
    destination: str
    chain: str | None
    """The chain on which it is followed; None if it goes over none that is."""
    status: PayoutStatus
    verification: Verification | None
    """What the chain says of it."""
    tx_hashes: tuple[str, ...]
    reasons: tuple[str, ...]
    """Why it failed, why nobody knows whether it was sent, or what the chain shows instead."""
    overdue: bool
    """It is not settled a day after it was asked for; a person should look."""
    created_at: datetime
    updated_at: datetime


class _Published(BaseModel):
    offsets: list[str]


def offsets_of(body: bytes, count: int) -> list[str]:
    """The places of `count` events in the journal, in order. Raises ValueError."""
    offsets = _Published.model_validate_json(body).offsets
    if len(offsets) != count:
        raise ValueError(f"expected {count} offsets, not {len(offsets)}")
    return offsets


class _Payouts(BaseModel):
    payouts: list[RequestedPayout]


def payouts_of(body: bytes, count: int) -> list[RequestedPayout]:
    """How `count` payouts stand, in the order in which they were asked for. Raises ValueError."""
    payouts = _Payouts.model_validate_json(body).payouts
    if len(payouts) != count:
        raise ValueError(f"expected {count} payouts, not {len(payouts)}")
    return payouts


class RequestedRefund(FrozenModel):
    """A refund with its current status. `amount` is in the payment's currency, `coin_amount` of the `coin` that is
    sent."""

    model_config = ConfigDict(extra="ignore")

    refund_id: str
    payment_id: str
    provider: str
    buyer_id: str
    of: Literal["goods", "excess"]
    """Whether the money came for the goods, or came too much."""
    seller_id: str | None
    """Out of whose share it is; None if out of nobody's."""
    amount: Amount
    currency: str
    coin: str
    coin_amount: Amount | None
    """What it came to when the buyer said where to send it; None until then."""
    reason: str
    status: RefundStatus | PayoutStatus
    """That of the payout that carries it, once the buyer has said where to send it."""
    destination: str | None
    payout_id: str | None
    tx_hash: str | None
    opened_by: str
    cancelled_by: str | None
    opened_at: datetime
    given_at: datetime | None
    """When the buyer said where to send it."""
    updated_at: datetime


class CheckedDestination(FrozenModel):
    """An address that a refund can be sent to, as it would be, and what would be sent there now."""

    model_config = ConfigDict(extra="ignore")

    destination: str
    coin: str
    coin_amount: Amount


class PastEvent(FrozenModel):
    """An event of the journal."""

    model_config = ConfigDict(extra="ignore")

    offset: str
    """Its place; whoever begins anew after it goes on with the next."""
    event: str
    """Its name, such as `payment-update`."""
    data: dict[str, Any]
    at: datetime
    """When the bridge wrote it down."""
    happened_at: datetime
    """When it happened, where its data say so; otherwise `at`."""


class EventPage(FrozenModel):
    """Some events in a row, and where to go on."""

    model_config = ConfigDict(extra="ignore")

    events: tuple[PastEvent, ...]
    next: str
    more: bool


class _Refunds(BaseModel):
    refunds: list[RequestedRefund]


def refunds_of(body: bytes) -> list[RequestedRefund]:
    """The refunds of a payment, oldest first. Raises ValueError."""
    return _Refunds.model_validate_json(body).refunds


class _FieldProblem(BaseModel):
    field: str
    message: str


class Problem(BaseModel):
    """A problem document (RFC 9457), as far as the client reads it."""

    title: str = ""
    detail: str
    errors: Annotated[list[_FieldProblem], Field(default_factory=list)]
    payment_id: str | None = Field(None, alias="paymentId")
    code: str | None = None

    @property
    def every_text(self) -> str:
        faults = (text for fault in self.errors for text in (fault.field, fault.message))
        return "\n".join((self.title, self.detail, self.payment_id or "", self.code or "", *faults))


def read_problem(response: httpx.Response, secret: str | None) -> Problem | None:
    """The problem document that was answered; None if it is something else, such as a proxy's page.

    One that repeats `secret` is none of the bridge's either.
    """
    if response.headers.get("content-type", "").partition(";")[0].strip() != PROBLEM_MEDIA_TYPE:
        return None
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return None
    return None if secret is not None and secret in problem.every_text else problem


def refusal(status: int, problem: Problem | None) -> ClientError | None:
    """The error that a refusal means; None if it means none that the bridge's answers are known for."""
    if status == 413:
        return TooLargeError("the request is larger than the bridge takes; publish less at once")
    if problem is None:
        return None
    faults = [Fault(fault.field, fault.message) for fault in problem.errors]
    if status == 400:
        return RequestRefusedError(problem.detail, faults)
    if status in (401, 403):
        return NotAllowedError(f"{problem.title}: {problem.detail}", status)
    if status == 410:
        return OffsetGoneError(problem.detail)
    if status == 409 and problem.payment_id is not None:
        return PaymentConflictError(problem.detail, problem.payment_id)
    if (kind := _BY_CODE.get((status, problem.code))) is not None:
        return kind(problem.detail)
    if status == 409 and faults:
        return PayoutRefusedError(problem.detail, faults)
    if status == 422:
        return IdempotencyKeyReusedError(problem.detail)
    return None
