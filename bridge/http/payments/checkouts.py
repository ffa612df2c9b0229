"""Template checkouts over REST: one payment for several purchase requests."""

from typing import Annotated, Literal

from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath
from pydantic import Field

from bridge.access import ANYBODY, Principal
from bridge.http.documents.own_shares import ShareItem
from bridge.http.documents.payments import PaymentDocument, payment_document
from bridge.http.front.bodies import LISTS_LIMIT_BYTES
from bridge.http.front.dependencies import (
    GivenChains,
    GivenGrants,
    GivenInvoiceOpener,
    GivenJournal,
    GivenPaymentExpiry,
    GivenPaymentTerms,
    GivenPrincipal,
    GivenService,
    GivenWebhookReaders,
)
from bridge.http.front.idempotency import idempotency_of
from bridge.http.front.openapi import IdempotencyKeyHeader, problem_responses
from bridge.http.front.problems import wrong_field
from bridge.http.payments.registration import WayToPay, agreed_way, is_for, register, unsaid, with_rooms_of
from bridge.http.payments.routes import Currency
from bridge.journal import PaymentRecord
from coordinator.ids import NewId, is_id, new_id
from coordinator.models import FrozenModel
from coordinator.money import PositiveAmount, total
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.deciding.decisions import CHECKOUT_FAILURES
from coordinator.payments.payments import Payment, PaymentStatus

__all__ = ["checkout_router"]

SHARES_LIMIT = 100


class ShareRequest(FrozenModel):
    """What the payment pays for one purchase request."""

    request_id: NewId
    seller_id: NewId
    offer_id: NewId | None = None
    amount: PositiveAmount


class CheckoutRequest(WayToPay):
    """A template checkout: who pays for which purchase requests, and how much for each."""

    checkout_id: NewId | None = Field(
        None, description="Of the marketplace's choice. Left out, the bridge makes it up."
    )
    buyer_id: NewId
    currency: Currency = Field(description="The currency of the amounts: SHKeeper's `fiat`, or the chain's token.")
    shares: list[ShareRequest] = Field(min_length=1, max_length=SHARES_LIMIT)


class CheckoutDocument(FrozenModel):
    """A template checkout, and its one payment."""

    checkout_id: str
    status: Literal["pending", "confirmed", "failed"]
    reason: str | None = Field(description="Why it failed, for the buyer to read.")
    shares: list[ShareItem] = Field(description="All, or a seller's own, to whom the others' are no business.")
    payment: PaymentDocument


REQUEST_EXAMPLE = {
    "checkoutId": "checkout-12",
    "provider": "shkeeper",
    "coin": "ETH-USDT",
    "buyerId": "buyer-5",
    "currency": "USD",
    "shares": [
        {"requestId": "request-77", "sellerId": "seller-9", "offerId": "offer-3", "amount": "49.90"},
        {"requestId": "request-78", "sellerId": "seller-4", "offerId": "offer-8", "amount": "20.00"},
    ],
}


@post(
    "/",
    summary="Register a template checkout",
    request_max_body_size=LISTS_LIMIT_BYTES,
    description=(
        "One payment of the sum of the shares. As with a payment, the bridge opens the invoice unless an "
        "`externalId` is given. Asking again for the same `checkoutId`, or with the same `Idempotency-Key`, answers "
        "200 with it as it stands."
    ),
    responses=problem_responses(
        {
            400: "A field is missing or wrong; the answer names it",
            401: "No token of a service",
            403: "The service may not register payments",
            409: "The `checkoutId` is registered with other fields",
            422: "The `Idempotency-Key` was used for another request",
            503: "Not known to be stored; send it again, with the same key",
        }
    ),
)
async def register_checkout(
    data: Annotated[CheckoutRequest, Body(examples=[Example(value=REQUEST_EXAMPLE)])],
    journal: GivenJournal,
    service: GivenService,
    readers: GivenWebhookReaders,
    payment_expiry: GivenPaymentExpiry,
    payment_terms: GivenPaymentTerms,
    opener: GivenInvoiceOpener,
    chains: GivenChains,
    idempotency_key: IdempotencyKeyHeader = None,
) -> Response[CheckoutDocument]:
    service.require_payments()
    amount = total(share.amount for share in data.shares)
    amounts = {f"shares.{number}.amount": share.amount for number, share in enumerate(data.shares)}
    direct = agreed_way(
        data, amounts=amounts, currency=data.currency, providers=readers, opener=opener, chains=chains
    )
    if len({share.request_id for share in data.shares}) < len(data.shares):
        raise wrong_field("shares", "a purchase request is named twice")
    first, now = data.shares[0], journal.clock()
    payment_id = new_id("pay", now)
    payment = Payment(
        payment_id=payment_id,
        provider=data.provider,
        external_id=data.external_id or payment_id,
        request_id=first.request_id,
        buyer_id=data.buyer_id,
        seller_id=first.seller_id,
        offer_id=first.offer_id,
        amount=amount,
        currency=data.currency,
        direct=direct,
        return_url=data.return_url,
        created_at=now,
        expires_at=None if payment_expiry is None else now + payment_expiry,
        terms=payment_terms if direct is None else payment_terms.exact(),
        checkout=Checkout(
            checkout_id=data.checkout_id or new_id("checkout", now),
            shares=tuple(Share(**dict(share)) for share in data.shares),
        ),
    )
    idempotency = idempotency_of(service.scope("checkouts"), idempotency_key, data, unsaid=unsaid(data))
    status, record = await register(journal, opener, payment, data.coin, idempotency, service=service)
    return Response(_document(record), status_code=status)


@get(
    "/{checkout_id:str}",
    summary="A template checkout with its payment",
    responses=problem_responses({401: "No good token", 404: "No such checkout"}),
)
async def get_checkout(
    checkout_id: FromPath[str], journal: GivenJournal, principal: GivenPrincipal, grants: GivenGrants
) -> CheckoutDocument:
    record = await journal.checkout_record(checkout_id) if is_id(checkout_id) else None
    principal = await with_rooms_of(principal, record, grants)
    if record is None or not is_for(principal, record):
        raise NotFoundException(f"There is no template checkout {checkout_id!r}.")
    return _document(record, principal)


checkout_router = Router(
    "/api/template-checkouts", route_handlers=[register_checkout, get_checkout], tags=["Payments"]
)


def _document(record: PaymentRecord, principal: Principal = ANYBODY) -> CheckoutDocument:
    payment = record.payment
    if payment.checkout is None:
        raise LookupError(f"payment {payment.payment_id} is of no checkout")
    document = payment_document(record, seen_by=principal)
    reason = CHECKOUT_FAILURES.get(document.status)
    confirmed = document.status is PaymentStatus.COMPLETED
    return CheckoutDocument(
        checkout_id=payment.checkout.checkout_id,
        status="confirmed" if confirmed else "failed" if reason else "pending",
        reason=reason,
        shares=document.shares,
        payment=document,
    )
