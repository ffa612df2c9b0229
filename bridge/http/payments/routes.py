"""Payments over REST: register one, and look up how it stands and how it came there."""

import re
from typing import Annotated, Self

from litestar import Response, Router, get, post
from litestar.di import Provide
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath, JSONBody, QueryParameter
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from bridge.compression import COMPRESSED
from bridge.http.documents.payment_examples import REQUEST_EXAMPLE
from bridge.http.documents.payments import (
    PaymentDocument,
    PaymentList,
    payment_document,
    payment_response,
    shown_status,
)
from bridge.http.documents.unreadable import page_of, split_unreadable
from bridge.http.front.callers import with_rooms
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
from bridge.http.front.notes import Note
from bridge.http.front.openapi import IdempotencyKeyHeader, problem_responses
from bridge.http.front.own_pages import GivenOwnPage, only_one, own_payments_page
from bridge.http.payments.price_renewal import renew_price
from bridge.http.payments.registration import WayToPay, agreed_way, is_for, register, switch, unsaid, with_rooms_of
from bridge.journal import Party
from coordinator import rooms
from coordinator.ids import Id, NewId, is_id, new_id
from coordinator.models import FrozenModel
from coordinator.money import PositiveAmount
from coordinator.payments.agreed.invoices import Coin
from coordinator.payments.observed.observations import TransactionHinted
from coordinator.payments.observed.transfers import chain_hash, hash_expected
from coordinator.payments.payments import OPEN_STATUSES, Payment
from coordinator.payments.problems.rulings import RulingRefusedError, require_nameable

__all__ = ["TX_HASH", "Currency", "PaymentRequest", "TransferPlace", "TxHash", "payment_router"]

# What an observation's key has room for; a call within so many others is nobody's payment.
PLACE_LIMIT = 38
TX_HASH = r"0x[0-9a-fA-F]{64}"


def _tx_hash(value: str) -> str:
    if not re.fullmatch(TX_HASH, value):
        raise ValueError("the hash of a transaction is 0x and 64 hexadecimal digits")
    expected = hash_expected(value)
    if expected is not None:
        raise ValueError(f"expected {expected}")
    return value


TxHash = Annotated[str, AfterValidator(_tx_hash), WithJsonSchema({"type": "string", "pattern": f"^{TX_HASH}$"})]
TransferPlace = Annotated[str, StringConstraints(max_length=PLACE_LIMIT, pattern=r"^([0-9]{1,9}|call(\.[0-9]+)*)$")]


Currency = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9._-]+$")]


class CoinRequest(FrozenModel):
    """What the buyer wants to pay with instead."""

    coin: Coin
    fresh: bool = Field(False, description="Ask the provider for a new price even while the present one holds.")


class TransactionHint(FrozenModel):
    """The transaction that the buyer's wallet says it has sent, or that a person has found to pay."""

    tx_hash: TxHash
    found_by: Id | None = Field(
        None,
        description="Who has looked at the transaction and found that it pays this payment. A buyer's word alone "
        "takes nothing that fits another payment at the same address as well.",
    )
    place: TransferPlace | None = Field(
        None,
        description="Which of the transaction's transfers alone, as `GET /api/chains/troubles` has it: the log index "
        "of a token's. Only with `foundBy`; without it all to the payment's address that are nobody's.",
    )

    @model_validator(mode="after")
    def _is_of_a_person(self) -> Self:
        if self.place is not None and self.found_by is None:
            raise ValueError("place goes with foundBy: a person tells one transfer of a transaction from the others")
        return self


class Cancellation(FrozenModel):
    """That a payment is to be cancelled, and why."""

    note: Note | None = Field(None, description="Why, for a person to read.")


class PaymentRequest(WayToPay):
    """A payment: one that the marketplace and its provider agreed on, one to be opened at the provider, or one that
    goes over a chain to a wallet."""

    request_id: NewId = Field(description="The purchase request that is paid.")
    buyer_id: NewId
    seller_id: NewId
    offer_id: NewId | None = None
    amount: PositiveAmount
    currency: Currency = Field(description="The currency of the amount: SHKeeper's `fiat`, or the chain's token.")


@post(
    "/",
    summary="Register a payment",
    description=(
        "Without an `externalId` the bridge opens an invoice at the provider and answers with where to pay. With one "
        "it registers a payment that exists there, so that its webhooks are counted; those that came before are "
        "applied at once. With the provider `onchain` it waits for a transfer of the token to the recipient. Asking "
        "again with the same `Idempotency-Key`, or for the same provider and `externalId`, "
        "answers 200 with the payment as it stands."
    ),
    responses={
        200: payment_response("Registered before; its current state"),
        201: payment_response("Registered; if the bridge opens the invoice, it is open"),
        202: payment_response("Registered; the provider does not answer, so its invoice will be opened later"),
        **problem_responses(
            {
                400: "A field is missing or wrong, or the provider refuses the payment; nothing is registered",
                401: "No token of a service",
                403: "The service may not register payments",
                409: "The `externalId` is registered with other fields",
                422: "The `Idempotency-Key` was used for another request",
                503: "Not known to be stored; send it again, with the same key",
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
    payment_terms: GivenPaymentTerms,
    opener: GivenInvoiceOpener,
    chains: GivenChains,
    idempotency_key: IdempotencyKeyHeader = None,
) -> Response[PaymentDocument]:
    service.require_payments()
    direct = agreed_way(
        data, amounts={"amount": data.amount}, currency=data.currency, providers=readers, opener=opener, chains=chains
    )
    now = journal.clock()
    payment_id = new_id("pay", now)
    payment = Payment(
        payment_id=payment_id,
        created_at=now,
        expires_at=None if payment_expiry is None else now + payment_expiry,
        terms=payment_terms if direct is None else payment_terms.exact(),
        external_id=data.external_id or payment_id,
        direct=direct,
        **data.model_dump(exclude={"external_id", "coin", "chain", "recipient", "payer"}),
    )
    idempotency = idempotency_of(service.scope("payments"), idempotency_key, data, unsaid=unsaid(data))
    status, record = await register(journal, opener, payment, data.coin, idempotency, service=service)
    return Response(payment_document(record), status_code=status)


@post(
    "/{payment_id:str}/invoices",
    summary="Let the buyer pay with another coin",
    description=(
        "Opens an invoice in another coin, or in one that was wanted before, and makes it the one to pay. The "
        "provider is asked for its price again, unless the coin is the present one and its price still holds "
        "(`quotedUntil`). "
        "What is paid to an earlier address counts too."
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
                503: "Not known to be stored; send it again, with the same key",
            }
        ),
    },
)
async def switch_coin(
    payment_id: FromPath[str],
    data: JSONBody[CoinRequest],
    journal: GivenJournal,
    service: GivenService,
    opener: GivenInvoiceOpener,
) -> Response[PaymentDocument]:
    service.require_payments()
    record = await journal.payment_record(payment_id) if is_id(payment_id) else None
    if record is None:
        raise NotFoundException(f"There is no payment {payment_id!r}.")
    if not record.invoices or not opener.opens_for(record.payment.provider):
        raise ClientException("The invoice of this payment was not opened by the bridge.", status_code=409)
    if record.payment.status not in OPEN_STATUSES:
        raise ClientException(f"This payment is {record.payment.status}.", status_code=409)
    is_open, record = await switch(journal, opener, record, data.coin, fresh=data.fresh)
    return Response(payment_document(record), status_code=200 if is_open else 202)


@post(
    "/{payment_id:str}/transaction",
    status_code=202,
    summary="Say which transaction pays",
    description=(
        "For a payment over a chain: the hash that the buyer's wallet gave, so that the payment is followed from the "
        "moment it is sent, and found where the address alone does not tell. It is a hint and proves nothing: only "
        "what the chain shows counts. A transfer that fits nothing is given to its payment the same way."
    ),
    responses={
        202: payment_response("The transaction is looked at"),
        **problem_responses(
            {
                400: "A field is missing or wrong; the answer names it",
                401: "No token of a service",
                403: "The service may not register payments",
                404: "No such payment",
                409: "The payment goes over no chain, or too many transactions were named for it",
                503: "Not known to be stored; send it again, with the same key",
            }
        ),
    },
)
async def hint_transaction(
    payment_id: FromPath[str],
    data: JSONBody[TransactionHint],
    journal: GivenJournal,
    service: GivenService,
) -> PaymentDocument:
    service.require_payments()
    record = await journal.payment_record(payment_id) if is_id(payment_id) else None
    if record is None:
        raise NotFoundException(f"There is no payment {payment_id!r}.")
    payment, tx_hash = record.payment, chain_hash(data.tx_hash)
    try:
        require_nameable(payment, tx_hash)
    except RulingRefusedError as error:
        raise ClientException(str(error), status_code=409) from None
    await journal.record_observation(
        provider=payment.provider,
        external_id=payment.external_id,
        key=_key_of(payment_id[:40], tx_hash, data),
        observation=TransactionHinted(hinted=tx_hash, found_by=data.found_by, place=data.place),
    )
    hinted = await journal.payment_record(payment_id)
    return payment_document(hinted or record)


def _key_of(payment: str, tx_hash: str, data: TransactionHint) -> str:
    if data.place is not None:
        return f"given:{payment}:{tx_hash[:42]}#{data.place}"
    return f"hint:{payment}:{tx_hash}{':found' if data.found_by else ''}"


@post(
    "/{payment_id:str}/cancellation",
    status_code=200,
    summary="Cancel a payment for good",
    description=(
        "For a sale that does not come about: the buyer is not asked for money any more, and what comes all the same "
        "completes nothing but waits for a person. For one that is not completed or refunded; one that is cancelled "
        "already stays so."
    ),
    responses={
        200: payment_response("It is cancelled"),
        **problem_responses(
            {
                400: "A field is missing or wrong; the answer names it",
                401: "No token of a service",
                403: "The service may not register payments",
                404: "No such payment",
                409: "The payment is completed or refunded",
                503: "Not known to be stored; send it again, with the same key",
            }
        ),
    },
)
async def cancel_payment(
    payment_id: FromPath[str],
    data: Annotated[Cancellation, Body(examples=[Example(value={"note": "The buyer changed their mind"})])],
    journal: GivenJournal,
    service: GivenService,
) -> PaymentDocument:
    service.require_payments()
    if not is_id(payment_id) or await journal.payment_record(payment_id) is None:
        raise NotFoundException(f"There is no payment {payment_id!r}.")
    try:
        await journal.rulings.cancel(payment_id, by=service.display_name, note=data.note or "")
    except RulingRefusedError as error:
        raise ClientException(str(error), status_code=409, extra={"code": "payment_over"}) from None
    record = await journal.payment_record(payment_id)
    if record is None:
        raise LookupError(f"payment {payment_id} vanished after its commit")
    return payment_document(record)


@get(
    "/",
    summary="The payments of a purchase request, of a seller or of a buyer",
    middleware=COMPRESSED,
    description=(
        "Those of a purchase request, all of them, oldest first; or somebody's own by page and filter, newest first: "
        "of a seller those that pay them, also by a share of a template checkout. A user lists their own, services "
        "that register payments or read, and staff, those of anybody."
    ),
    responses=problem_responses({400: "Something is wrong; the answer names it", 403: "They are somebody else's"}),
)
async def list_payments(
    journal: GivenJournal,
    principal: GivenPrincipal,
    grants: GivenGrants,
    own_page: GivenOwnPage,
    request_id: Annotated[str | None, QueryParameter(name="requestId")] = None,
    seller_id: Annotated[str | None, QueryParameter(name="sellerId")] = None,
    buyer_id: Annotated[str | None, QueryParameter(name="buyerId")] = None,
) -> PaymentList:
    named, identifier = only_one(requestId=request_id, sellerId=seller_id, buyerId=buyer_id)
    if named == "requestId":
        records, unreadable = split_unreadable(await journal.request_records(identifier))
        principal = await with_rooms(principal, [rooms.request(identifier)], grants)
        return PaymentList(
            payments=[payment_document(record, seen_by=principal) for record in records if is_for(principal, record)],
            # Whose they are cannot be told.
            unreadable=unreadable if principal.may_see_strangers_money else [],
        )
    principal.require_payments_of(identifier)
    party, (wanted, after, limit) = Party.SELLER if named == "sellerId" else Party.BUYER, own_page
    found = await journal.own.payments(
        party, identifier, wanted, after, limit + 1, lambda record: shown_status(record, seen_by=principal)
    )
    page = page_of(found, limit)
    return PaymentList(
        payments=[payment_document(record, seen_by=principal) for record in page.read],
        next=page.next,
        unreadable=page.unreadable,
    )


@get(
    "/{payment_id:str}",
    summary="A payment with its history",
    responses={200: payment_response("The payment"), **problem_responses({404: "No such payment"})},
)
async def get_payment(
    payment_id: FromPath[str], journal: GivenJournal, principal: GivenPrincipal, grants: GivenGrants
) -> PaymentDocument:
    record = await journal.payment_record(payment_id) if is_id(payment_id) else None
    principal = await with_rooms_of(principal, record, grants)
    # To whom it is none of their business, a payment does not exist.
    if record is None or not is_for(principal, record):
        raise NotFoundException(f"There is no payment {payment_id!r}.")
    return payment_document(record, seen_by=principal)


payment_router = Router(
    "/api/payments",
    route_handlers=[
        register_payment,
        switch_coin,
        renew_price,
        hint_transaction,
        cancel_payment,
        list_payments,
        get_payment,
    ],
    dependencies={"own_page": Provide(own_payments_page)},
    tags=["Payments"],
)
