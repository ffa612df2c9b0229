"""Payments over REST: register one, and look up how it stands and how it came there."""

import hashlib
import json
import secrets
from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter
from pydantic import Field, StringConstraints

from bridge.http.dependencies import (
    GivenInvoiceOpener,
    GivenJournal,
    GivenPaymentExpiry,
    GivenPrincipal,
    GivenService,
    GivenWebhookReaders,
)
from bridge.http.openapi import IdempotencyKeyHeader, problem_responses
from bridge.http.payment_documents import (
    REQUEST_EXAMPLE,
    PaymentDocument,
    PaymentList,
    payment_document,
    payment_response,
)
from bridge.http.problems import wrong_field
from bridge.http.registration import is_for, opened_invoice, register, require_one_way, wanted_invoice
from bridge.journal import IdempotencyKey
from coordinator.ids import Id, is_id
from coordinator.invoices import Coin
from coordinator.models import FrozenModel
from coordinator.money import PositiveAmount, format_amount
from coordinator.payments import OPEN_STATUSES, Payment

__all__ = ["Currency", "PaymentRequest", "payment_router"]


Currency = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9._-]+$")]


class CoinRequest(FrozenModel):
    """What the buyer wants to pay with instead."""

    coin: Coin


class PaymentRequest(FrozenModel):
    """A payment: one that the marketplace and its provider agreed on, or one to be opened at the provider."""

    provider: Id = Field(description="The name of the provider, such as `shkeeper`.")
    external_id: Id | None = Field(
        None,
        description="The provider's id of a payment that exists there: SHKeeper's `external_id`. "
        "Left out, the bridge opens the invoice itself.",
    )
    coin: Coin | None = Field(
        None, description="What is to be paid with, such as `ETH-USDT`: needed where the bridge opens the invoice."
    )
    request_id: Id = Field(description="The purchase request that is paid.")
    buyer_id: Id
    seller_id: Id
    offer_id: Id | None = None
    amount: PositiveAmount
    currency: Currency = Field(description="The currency of the amount: SHKeeper's `fiat`.")


@post(
    "/",
    summary="Register a payment",
    description=(
        "Without an `externalId` the bridge opens an invoice at the provider and answers with where to pay. With one "
        "it registers a payment that exists there, so that its webhooks are counted; those that came before are "
        "applied at once. Asking again with the same `Idempotency-Key`, or for the same provider and `externalId`, "
        "answers 200 with the payment as it stands."
    ),
    responses={
        200: payment_response("Registered before; as it stands"),
        201: payment_response("Registered; if the bridge opens the invoice, it is open"),
        202: payment_response("Registered; the provider does not answer, so its invoice will be opened later"),
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
    opener: GivenInvoiceOpener,
    idempotency_key: IdempotencyKeyHeader = None,
) -> Response[PaymentDocument]:
    service.require_payments()
    if data.provider not in readers:
        known = ", ".join(sorted(readers))
        raise wrong_field("provider", f"there is no provider {data.provider!r}; known: {known}")
    require_one_way(data.provider, data.external_id, data.coin, opener)
    now, payment_id = journal.clock(), f"pay_{secrets.token_hex(12)}"
    payment = Payment(
        payment_id=payment_id,
        created_at=now,
        expires_at=None if payment_expiry is None else now + payment_expiry,
        external_id=data.external_id or payment_id,
        **data.model_dump(exclude={"external_id", "coin"}),
    )
    idempotency = idempotency_key and IdempotencyKey("payments", idempotency_key, _digest(data))
    status, record = await register(journal, opener, payment, data.coin, idempotency or None)
    return Response(payment_document(record), status_code=status)


@post(
    "/{payment_id:str}/invoices",
    summary="Let the buyer pay with another coin",
    description=(
        "Opens an invoice in another coin, or in one that was wanted before, and makes it the one to pay. What is "
        "paid to the address of another one counts too."
    ),
    responses={
        200: payment_response("The invoice is open"),
        202: payment_response("The provider does not answer, so the invoice will be opened later"),
        **problem_responses(
            {
                400: "A field is missing or wrong; the answer names it",
                401: "No token of a service",
                403: "The service may not register payments",
                404: "No such payment",
                409: "The payment is over, or the bridge did not open its invoice",
                503: "Not committed; send it again",
            }
        ),
    },
)
async def switch_coin(
    payment_id: str, data: CoinRequest, journal: GivenJournal, service: GivenService, opener: GivenInvoiceOpener
) -> Response[PaymentDocument]:
    service.require_payments()
    record = await journal.payment_record(payment_id) if is_id(payment_id) else None
    if record is None:
        raise NotFoundException(f"There is no payment {payment_id!r}.")
    if not record.invoices or not opener.opens_for(record.payment.provider):
        raise ClientException("The invoice of this payment was not opened by the bridge.", status_code=409)
    if record.payment.status not in OPEN_STATUSES:
        raise ClientException(f"This payment is {record.payment.status}.", status_code=409)
    wanted = await wanted_invoice(opener, record.payment, data.coin)
    # To SHKeeper another address for its webhooks means another invoice.
    callback_url = record.invoices[0].wanted.callback_url
    await journal.want_invoice(payment_id, wanted.model_copy(update={"callback_url": callback_url}))
    is_open, record = await opened_invoice(journal, opener, payment_id)
    return Response(payment_document(record), status_code=200 if is_open else 202)


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
    return PaymentList(payments=[payment_document(record) for record in records if is_for(principal, record)])


@get(
    "/{payment_id:str}",
    summary="A payment with its history",
    responses={200: payment_response("The payment"), **problem_responses({404: "No such payment"})},
)
async def get_payment(payment_id: str, journal: GivenJournal, principal: GivenPrincipal) -> PaymentDocument:
    record = await journal.payment_record(payment_id) if is_id(payment_id) else None
    # To whom it is none of their business, a payment does not exist.
    if record is None or not is_for(principal, record):
        raise NotFoundException(f"There is no payment {payment_id!r}.")
    return payment_document(record)


payment_router = Router(
    "/api/payments", route_handlers=[register_payment, switch_coin, list_payments, get_payment], tags=["Payments"]
)


def _digest(request: PaymentRequest) -> str:
    """Equal for requests that mean the same: `"49.9"` and `"49.90"` are one amount."""
    meaning: dict[str, Any] = request.model_dump(mode="json")
    meaning["amount"] = format_amount(request.amount.normalize())
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()
