"""Payments over REST: register one, and look up how it stands and how it came there."""

import hashlib
import json
import secrets
from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body, HeaderParameter, QueryParameter
from pydantic import AwareDatetime, Field, StringConstraints

from bridge.access import Principal
from bridge.http.dependencies import (
    GivenJournal,
    GivenPaymentExpiry,
    GivenPrincipal,
    GivenService,
    GivenWebhookReaders,
)
from bridge.http.openapi import problem_responses
from bridge.http.problems import wrong_field
from bridge.journal import HistoryEntry, IdempotencyKey, PaymentRecord
from coordinator.ids import Id, is_id
from coordinator.models import FrozenModel
from coordinator.money import ZERO, Amount, PositiveAmount, format_amount
from coordinator.observations import Transfer
from coordinator.payments import EscrowState, Payment, PaymentStatus

__all__ = ["PaymentDocument", "PaymentList", "PaymentRequest", "payment_router"]


class PaymentRequest(FrozenModel):
    """A payment to be registered, as the marketplace and its provider agreed on it."""

    provider: Id = Field(description="The name of the provider, such as `shkeeper`.")
    external_id: Id = Field(description="The provider's id of the payment: SHKeeper's `external_id`.")
    request_id: Id = Field(description="The purchase request that is paid.")
    buyer_id: Id
    seller_id: Id
    offer_id: Id | None = None
    amount: PositiveAmount
    currency: Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9._-]+$")] = Field(
        description="The currency of the amount: SHKeeper's `fiat`."
    )


class HistoryItem(FrozenModel):
    """One step in a payment's life, and where the payment stood after it."""

    at: AwareDatetime
    observation: str = Field(description="What was seen; `registered` is the first.")
    effect: str = Field(description="`applied`, `unchanged` or `other-currency`.")
    status: PaymentStatus
    escrow_state: EscrowState
    received: Amount
    tx_hash: str | None = None


class TransferItem(FrozenModel):
    """One movement of money towards the payment."""

    tx_hash: str
    asset: str
    amount: Amount
    value: Amount | None = Field(description="What it counts for in the payment's currency.")
    confirmed: bool
    occurred_at: AwareDatetime | None


class PaymentDocument(FrozenModel):
    """A payment: what was agreed, how it stands, and how it came there."""

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
    late: bool = Field(description="Some of the money came after the deadline.")
    transfers: list[TransferItem]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    expires_at: AwareDatetime | None
    history: list[HistoryItem]


class PaymentList(FrozenModel):
    """The payments for one purchase request, oldest first."""

    payments: list[PaymentDocument]


REQUEST_EXAMPLE = {
    "provider": "shkeeper",
    "externalId": "order-1001",
    "requestId": "request-77",
    "buyerId": "buyer-5",
    "sellerId": "seller-9",
    "offerId": "offer-3",
    "amount": "49.90",
    "currency": "USD",
}
RESPONSE_EXAMPLE = {
    "paymentId": "pay_65f1c0ffee0123456789abcd",
    **REQUEST_EXAMPLE,
    "status": "partially_paid",
    "escrowState": "none",
    "received": "19.96",
    "missing": "29.94",
    "excess": "0",
    "late": False,
    "transfers": [
        {
            "txHash": "0x518ad4b1f1c0a37e3a2f7c1f0f2d7d6b8c9e0a1b2c3d4e5f60718293a4b5c6d7",
            "asset": "ETH-USDT",
            "amount": "19.96",
            "value": "19.96",
            "confirmed": True,
            "occurredAt": "2026-01-31T15:45:38Z",
        }
    ],
    "createdAt": "2026-01-31T15:40:00Z",
    "updatedAt": "2026-01-31T15:45:40Z",
    "expiresAt": "2026-02-01T15:40:00Z",
    "history": [
        {
            "at": "2026-01-31T15:40:00Z",
            "observation": "registered",
            "effect": "applied",
            "status": "pending",
            "escrowState": "none",
            "received": "0",
            "txHash": None,
        },
        {
            "at": "2026-01-31T15:45:40Z",
            "observation": "invoice-snapshot",
            "effect": "applied",
            "status": "partially_paid",
            "escrowState": "none",
            "received": "19.96",
            "txHash": "0x518ad4b1f1c0a37e3a2f7c1f0f2d7d6b8c9e0a1b2c3d4e5f60718293a4b5c6d7",
        },
    ],
}


def _payment_response(description: str) -> ResponseSpec:
    return ResponseSpec(
        PaymentDocument,
        description=description,
        generate_examples=False,
        examples=[Example(value=RESPONSE_EXAMPLE)],
    )


@post(
    "/",
    summary="Register a payment",
    description=(
        "Registers a payment that exists at the provider, so that its webhooks are counted; those that came "
        "before are applied at once. Asking again with the same `Idempotency-Key`, or for the same provider and "
        "`externalId`, answers 200 with the payment as it stands."
    ),
    responses={
        200: _payment_response("Registered before; as it stands"),
        201: _payment_response("Registered"),
        **problem_responses(
            {
                400: "A field is missing or wrong; the answer names it",
                401: "No token of a service",
                403: "The service may not register payments",
                409: "The `externalId` is registered with other fields",
                422: "The `Idempotency-Key` was used for another request",
                503: "Not committed; send it again",
            }
        ),
    },
)
async def register_payment(
    data: Annotated[PaymentRequest, Body(examples=[Example(value=REQUEST_EXAMPLE)])],
    journal: GivenJournal,
    service: GivenService,
    readers: GivenWebhookReaders,
    payment_expiry: GivenPaymentExpiry,
    idempotency_key: Annotated[
        str | None,
        HeaderParameter(
            header="Idempotency-Key", min_length=1, max_length=200, description="Any text of the caller's choice."
        ),
    ] = None,
) -> Response[PaymentDocument]:
    service.require_payments()
    if data.provider not in readers:
        known = ", ".join(sorted(readers))
        raise wrong_field("provider", f"there is no provider {data.provider!r}; known: {known}")
    now = journal.clock()
    payment = Payment(
        payment_id=f"pay_{secrets.token_hex(12)}",
        created_at=now,
        expires_at=None if payment_expiry is None else now + payment_expiry,
        **dict(data),
    )
    idempotency = idempotency_key and IdempotencyKey("payments", idempotency_key, _digest(data))
    registered = await journal.register_payment(payment, idempotency or None)
    record = await journal.payment_record(registered.payment.payment_id)
    if record is None:
        raise LookupError(f"payment {registered.payment.payment_id} vanished after its commit")
    return Response(_document(record), status_code=201 if registered.is_new else 200)


@get(
    "/",
    summary="The payments of a purchase request",
    responses=problem_responses({400: "`requestId` is missing"}),
)
async def list_payments(
    request_id: Annotated[str, QueryParameter(name="requestId")],
    journal: GivenJournal,
    principal: GivenPrincipal,
) -> PaymentList:
    if not is_id(request_id):
        raise wrong_field("requestId", "expected the id of a purchase request")
    records = await journal.request_records(request_id)
    return PaymentList(payments=[_document(record) for record in records if _is_for(principal, record)])


@get(
    "/{payment_id:str}",
    summary="A payment with its history",
    responses={200: _payment_response("The payment"), **problem_responses({404: "No such payment"})},
)
async def get_payment(payment_id: str, journal: GivenJournal, principal: GivenPrincipal) -> PaymentDocument:
    record = await journal.payment_record(payment_id) if is_id(payment_id) else None
    # To whom it is none of their business, a payment does not exist.
    if record is None or not _is_for(principal, record):
        raise NotFoundException(f"There is no payment {payment_id!r}.")
    return _document(record)


payment_router = Router(
    "/api/payments", route_handlers=[register_payment, list_payments, get_payment], tags=["Payments"]
)


def _is_for(principal: Principal, record: PaymentRecord) -> bool:
    payment = record.payment
    return principal.may_see_payment(
        request_id=payment.request_id, buyer_id=payment.buyer_id, seller_id=payment.seller_id
    )


def _digest(request: PaymentRequest) -> str:
    """Equal for requests that mean the same: `"49.9"` and `"49.90"` are one amount."""
    meaning: dict[str, Any] = request.model_dump(mode="json")
    meaning["amount"] = format_amount(request.amount.normalize())
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def _document(record: PaymentRecord) -> PaymentDocument:
    payment = record.payment
    registered = HistoryItem(
        at=payment.created_at,
        observation="registered",
        effect="applied",
        status=PaymentStatus.PENDING,
        escrow_state=EscrowState.NONE,
        received=ZERO,
    )
    return PaymentDocument(
        **{name: value for name, value in payment if name != "facts"},
        status=payment.status,
        escrow_state=payment.escrow_state,
        received=payment.facts.received,
        missing=payment.missing,
        excess=payment.facts.excess,
        late=payment.late,
        transfers=[
            *(_transfer_item(transfer, confirmed=True) for transfer in payment.facts.confirmed),
            *(_transfer_item(transfer, confirmed=False) for transfer in payment.in_flight),
        ],
        updated_at=record.updated_at,
        history=[registered, *(_history_item(entry) for entry in record.history)],
    )


def _transfer_item(transfer: Transfer, *, confirmed: bool) -> TransferItem:
    return TransferItem(
        tx_hash=transfer.transfer_id,
        asset=transfer.asset,
        amount=transfer.amount,
        value=transfer.value,
        confirmed=confirmed,
        occurred_at=transfer.occurred_at,
    )


def _history_item(entry: HistoryEntry) -> HistoryItem:
    return HistoryItem(
        at=entry.at,
        observation=entry.observation.kind,
        effect=entry.effect,
        status=PaymentStatus(entry.status),
        escrow_state=EscrowState(entry.escrow_state),
        received=entry.received,
        tx_hash=entry.observation.tx_hash,
    )
