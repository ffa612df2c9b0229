"""Payouts over REST: have one or several sent, look up how they stand, and settle one that nobody can tell about."""

from typing import Annotated

from litestar import Router, get, post
from litestar.di import Provide
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath, JSONBody, QueryParameter
from pydantic import Field

from bridge.compression import COMPRESSED
from bridge.http.documents.payouts import PayoutDocument, PayoutList, known_payout, payout_document
from bridge.http.documents.unreadable import page_of, split_unreadable
from bridge.http.front.bodies import LISTS_LIMIT_BYTES
from bridge.http.front.dependencies import (
    GivenChains,
    GivenJournal,
    GivenPayoutRules,
    GivenPayoutSender,
    GivenPrincipal,
    GivenService,
)
from bridge.http.front.idempotency import idempotency_of
from bridge.http.front.openapi import IdempotencyKeyHeader, problem_responses
from bridge.http.front.own_pages import GivenOwnPage, only_one, own_payouts_page
from bridge.http.payments.routes import TxHash
from bridge.http.payouts.allowed_destinations import allow_destination, disallow_destination, list_destinations
from bridge.http.payouts.orders import PayoutRequest, ordered_payouts
from bridge.http.payouts.resolution import Resolution, resolution_refusals
from bridge.journal import observation_key
from bridge.workers.payouts.findings import Findings
from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.payments.observed.transfers import chain_hash
from coordinator.payouts.observations import PayoutSent
from coordinator.payouts.statuses import UNSETTLED_STATUSES

__all__ = ["payout_router"]


class ServiceResolution(Resolution):
    """What a person found out about a payout, as a service tells it."""

    found_by: Id = Field(description="Who found it out; it is kept in the payout's history.")


class PayoutTransaction(FrozenModel):
    """The transaction that carries a payout."""

    tx_hash: TxHash


REQUEST_EXAMPLE = {
    "payouts": [
        {
            "paymentId": "pay_65f1c0ffee0123456789abcd",
            "coin": "ETH-USDT",
            "amount": "48.90",
            "destination": "0x6f2Fa34BC0ee4C9B53c1D9e6c2C7e2a1d1a1b2c3",
        }
    ]
}


@post(
    "/",
    status_code=202,
    summary="Have payouts sent",
    request_max_body_size=LISTS_LIMIT_BYTES,
    description=(
        "Takes payouts for completed payments whose escrow is funded, and has each sent once; follow them with "
        "`GET /api/payouts/{payoutId}` or over the sockets. A payment is paid out once unless `another` is true. "
        "One that is above a limit, counts at a price that may be wrong, sets the network a fee out of proportion, "
        "or goes where its seller may not be paid yet, is taken and `awaiting_approval`: "
        "nothing of it is sent until somebody else approves it. "
        "With an `Idempotency-Key` a repeat gets the first answer's payouts as they stand."
    ),
    responses=problem_responses(
        {
            400: "A field is missing or wrong; the answer names it",
            401: "No token of a service",
            403: "The service may not have payouts sent",
            409: "A payment is not completed, or paid out already; nothing is taken",
            422: "The `Idempotency-Key` was used for another request",
            503: "Not known to be stored; send it again, with the same key",
        }
    ),
)
async def send_payouts(
    data: Annotated[PayoutRequest, Body(examples=[Example(value=REQUEST_EXAMPLE)])],
    journal: GivenJournal,
    service: GivenService,
    sender: GivenPayoutSender,
    chains: GivenChains,
    payout_rules: GivenPayoutRules,
    idempotency_key: IdempotencyKeyHeader = None,
) -> PayoutList:
    service.require_payouts()
    unsaid = {"asked_by"} if data.asked_by is None else None
    idempotency = idempotency_of(service.scope("payouts"), idempotency_key, data, unsaid=unsaid)
    # What was taken once is not looked at again: by now its coin may not be offered any more.
    payout_ids = None if idempotency is None else await journal.payouts.made_with(idempotency)
    if payout_ids is None:
        ordered = await ordered_payouts(data, service, journal, sender, chains, payout_rules)
        registered = await journal.payouts.register(
            ordered.payouts,
            idempotency,
            rules=payout_rules,
            another=data.another,
            known=ordered.known,
            doubts=ordered.doubts,
            payment_hashes=ordered.payment_hashes,
        )
        payout_ids = registered.payout_ids
    records, holds = await journal.payouts.records(payout_ids), await journal.console.payout_holds()
    now = journal.clock()
    return PayoutList(payouts=[payout_document(record, now, in_full=True, holds=holds) for record in records])


@get(
    "/",
    summary="The payouts of a payment, or to a seller",
    middleware=COMPRESSED,
    description=(
        "Those of a payment, all of them, oldest first; or a seller's own by page and filter, newest first. A seller "
        "lists their own, services that have payouts sent or read, and staff, those to anybody."
    ),
    responses=problem_responses(
        {400: "Something is wrong; the answer names it", 401: "No good token", 403: "They are somebody else's"}
    ),
)
async def list_payouts(
    journal: GivenJournal,
    principal: GivenPrincipal,
    own_page: GivenOwnPage,
    payment_id: Annotated[str | None, QueryParameter(name="paymentId")] = None,
    seller_id: Annotated[str | None, QueryParameter(name="sellerId")] = None,
) -> PayoutList:
    named, identifier = only_one(paymentId=payment_id, sellerId=seller_id)
    in_full, holds = principal.has_payouts_sent, await journal.console.payout_holds()
    if named == "paymentId":
        records, unreadable = split_unreadable(await journal.payouts.of_payment(identifier))
        seen = [record for record in records if principal.may_see_payout(payee_id=record.payout.payee_id)]
        return PayoutList(
            payouts=[payout_document(record, journal.clock(), in_full=in_full, holds=holds) for record in seen],
            # Whom they pay cannot be told.
            unreadable=unreadable if principal.has_payouts_sent else [],
        )
    principal.require_payouts_of(identifier)
    wanted, after, limit = own_page
    found = await journal.own.payouts(identifier, wanted, after, limit + 1)
    page = page_of(found, limit)
    return PayoutList(
        payouts=[payout_document(record, journal.clock(), in_full=in_full, holds=holds) for record in page.read],
        next=page.next,
        unreadable=page.unreadable,
    )


@get(
    "/{payout_id:str}",
    summary="A payout with its history",
    responses=problem_responses({401: "No good token", 404: "No such payout"}),
)
async def get_payout(payout_id: FromPath[str], journal: GivenJournal, principal: GivenPrincipal) -> PayoutDocument:
    record = await known_payout(journal, payout_id)
    if not principal.may_see_payout(payee_id=record.payout.payee_id):
        raise NotFoundException(f"There is no payout {payout_id!r}.")
    holds = await journal.console.payout_holds()
    return payout_document(record, journal.clock(), in_full=principal.has_payouts_sent, holds=holds)


@post(
    "/{payout_id:str}/transaction",
    status_code=202,
    summary="Say which transaction carries a payout",
    description=(
        "For a payout over a chain that is followed: its own wallet's transaction, or another one after the first "
        "was replaced or did not pay what was asked for. The chain decides whether it does."
    ),
    responses=problem_responses(
        {
            400: "A field is missing or wrong; the answer names it",
            401: "No token of a service",
            403: "The service may not have payouts sent",
            404: "No such payout",
            409: "The payout is settled, or goes over no chain that is followed",
            503: "Not known to be stored; send it again, with the same key",
        }
    ),
)
async def name_transaction(
    payout_id: FromPath[str],
    data: JSONBody[PayoutTransaction],
    journal: GivenJournal,
    service: GivenService,
) -> PayoutDocument:
    service.require_payouts()
    payout = (await known_payout(journal, payout_id)).payout
    if payout.chain is None:
        raise ClientException("This payout goes over no chain that is followed.", status_code=409)
    sent = PayoutSent(tx_hashes=(chain_hash(data.tx_hash),))
    recorded = await journal.payouts.record_observation(
        payout_id, observation_key(sent), sent, only_if=UNSETTLED_STATUSES
    )
    if recorded.payout.is_settled:
        raise ClientException(f"This payout is {recorded.payout.status}.", status_code=409)
    holds = await journal.console.payout_holds()
    return payout_document(await known_payout(journal, payout_id), journal.clock(), in_full=True, holds=holds)


@post(
    "/{payout_id:str}/resolution",
    status_code=200,
    summary="Say what became of a payout that nobody can tell about",
    description=(
        "For a payout that is `ambiguous`, `mismatch`, `dropped` or overdue, or was unclear once, or that nobody was "
        "asked to send yet and somebody has sent by hand (`sent`, `arrived`; it is sent no more): a person looked "
        "at the chain and at the provider's books, or asked the seller. The provider and the chain are asked first, "
        "and what they know counts. Said to be `not-sent`, it fails, and another can be made for its payment; `sent` "
        "names the transaction that carries it, which is checked where its chain is followed; `arrived` completes it "
        "whatever the chain says; `returned` says by which transaction it came back, also of one that had completed. "
        "Who said so is on record, and how they found out (`note`), which all of it needs but what was `sent` over "
        "a chain that is followed."
    ),
    responses=problem_responses(
        {
            400: "A field is missing or wrong; the answer names it",
            401: "No token of a service",
            403: "The service may not have payouts sent",
            404: "No such payout",
            409: "There is nothing for a person to say, or the provider cannot be asked first",
            503: "Not known to be stored; send it again, with the same key",
        }
    ),
)
async def resolve_payout(
    payout_id: FromPath[str],
    data: JSONBody[ServiceResolution],
    journal: GivenJournal,
    service: GivenService,
    sender: GivenPayoutSender,
    chains: GivenChains,
) -> PayoutDocument:
    service.require_payouts()
    payout = (await known_payout(journal, payout_id)).payout
    with resolution_refusals():
        await Findings(journal, sender, chains).settle(
            payout,
            data.outcome,
            data.tx_hash,
            by=data.found_by,
            through=service.own_name,
            note=data.note,
            for_several=data.for_several,
        )
    holds = await journal.console.payout_holds()
    return payout_document(await known_payout(journal, payout_id), journal.clock(), in_full=True, holds=holds)


payout_router = Router(
    "/api/payouts",
    route_handlers=[
        send_payouts,
        list_payouts,
        get_payout,
        name_transaction,
        resolve_payout,
        list_destinations,
        allow_destination,
        disallow_destination,
    ],
    dependencies={"own_page": Provide(own_payouts_page)},
    tags=["Payouts"],
)
