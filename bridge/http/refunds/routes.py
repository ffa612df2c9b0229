"""Refunds over REST: open one, look up how it stands, say where to send it, and withdraw it."""

from typing import Annotated

from litestar import Response, Router, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath, QueryParameter
from pydantic import Field

from bridge.access import Principal
from bridge.http.documents.own_shares import part_for
from bridge.http.documents.refunds import RefundDocument, RefundList, knows_address, refund_document
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
from bridge.http.front.notes import Note
from bridge.http.front.openapi import IdempotencyKeyHeader, problem_responses
from bridge.http.front.problems import no_such, wrong_field
from bridge.http.front.staff import GivenOpsAccess
from bridge.http.payments.registration import is_for
from bridge.http.payouts.orders import Destination
from bridge.http.refunds.orders import SEEN, RefundWanted, ordered_refund, read_sending
from bridge.journal import Journal, ListedRefund, PaymentRecord
from coordinator.ids import Id, is_id
from coordinator.models import FrozenModel
from coordinator.money import Amount
from coordinator.payouts.own_parts import OwnPart
from coordinator.refunds.refunds import RefundRefusedError
from coordinator.refunds.statuses import RefundStatus

__all__ = ["RefundRequest", "Withdrawal", "listed_refund", "refund_router"]

NOBODY_ASKED = "its address was given on the payment's page, where nobody is asked who they are"


class RefundRequest(RefundWanted):
    """Money of a payment that is to go back to its buyer."""

    payment_id: Id
    asked_by: Id | None = Field(
        None,
        description="The person who wants it, if it is one: they cannot approve it, where that is needed. Otherwise "
        "the service counts as who asks.",
    )


class Withdrawal(FrozenModel):
    """That a refund is to be withdrawn, and why."""

    note: Note | None = Field(None, description="Why, for the record.")


class RefundDestination(FrozenModel):
    """Where a refund is to be sent."""

    destination: Destination = Field(description="The buyer's address in the refund's coin.")


class CheckedDestination(FrozenModel):
    """An address that can be taken, as it would be, and what would be sent there now."""

    destination: str
    coin: str
    coin_amount: Amount


REQUEST_EXAMPLE = {
    "paymentId": "pay_65f1c0ffee0123456789abcd",
    "amount": "10.00",
    "reason": "The handlebar arrived bent",
}
DESTINATION_EXAMPLE = {"destination": "0x6f2Fa34BC0ee4C9B53c1D9e6c2C7e2a1d1a1b2c3"}


@post(
    "/",
    summary="Open a refund",
    request_max_body_size=LISTS_LIMIT_BYTES,
    description=(
        "Has money of a payment go back to its buyer: of what came for the goods, as long as it is not paid out or "
        "under way, or of what came too much. Its money is reserved from then on. The buyer is asked on the "
        "payment's page where to send it; it is a payout from then on, with the same limits, sent once. A payment "
        "that is not completed is cancelled for good with a refund of its goods, so that what comes later does not "
        "complete it. One that was `sent` without the bridge is only written down: where its chain is followed it is "
        "`completed` when the chain shows it final, otherwise at once. With an `Idempotency-Key` a repeat gets the "
        "same refund as it stands."
    ),
    responses=problem_responses(
        {
            400: "A field is missing or wrong; the answer names it",
            401: "No token of a service",
            403: "The service may not have payouts sent",
            404: "No such payment",
            409: "So much cannot go back, nothing can be sent back here, or another refund is open; it says why",
            422: "The `Idempotency-Key` was used for another request",
            503: "Not known to be stored; send it again, with the same key",
        }
    ),
)
async def open_refund(
    data: Annotated[RefundRequest, Body(examples=[Example(value=REQUEST_EXAMPLE)])],
    journal: GivenJournal,
    service: GivenService,
    sender: GivenPayoutSender,
    chains: GivenChains,
    idempotency_key: IdempotencyKeyHeader = None,
) -> Response[RefundDocument]:
    service.require_payouts()
    idempotency = idempotency_of(service.scope("refunds"), idempotency_key, data, unsaid=SEEN)
    refund_id = None if idempotency is None else await journal.refunds.made_with(idempotency)
    status = 200
    if refund_id is None:
        record = await _record(journal, data.payment_id)
        by = data.asked_by or service.display_name
        wanted = await ordered_refund(journal, record, data, sender, chains, by=by, through=service.own_name)
        opened = await journal.refunds.open(data.payment_id, wanted.order, idempotency, sent=wanted.sent)
        refund_id, status = opened.refund_id, 200 if opened.action is None else 201
    listed = await listed_refund(journal, refund_id)
    return Response(refund_document(listed, with_address=True), status_code=status)


@get(
    "/",
    summary="The refunds of a payment",
    responses=problem_responses({400: "`paymentId` is missing", 401: "No good token", 404: "No such payment"}),
)
async def list_refunds(
    payment_id: Annotated[str, QueryParameter(name="paymentId")], journal: GivenJournal, principal: GivenPrincipal
) -> RefundList:
    if not is_id(payment_id):
        raise wrong_field("paymentId", "expected the id of a payment")
    record = await _record(journal, payment_id)
    if not _may_see(principal, record):
        raise no_such(f"payment {payment_id!r}")
    found, part = await journal.refunds.of_payment(payment_id), part_for(principal, record.payment)
    return RefundList(
        refunds=[
            refund_document(one, part, with_address=knows_address(principal, one.refund))
            for one in found
            if not part.hides(one.refund.of, one.refund.seller_id)
        ]
    )


@get(
    "/{refund_id:str}",
    summary="A refund with its current status",
    responses=problem_responses({401: "No good token", 404: "No such refund"}),
)
async def get_refund(refund_id: FromPath[str], journal: GivenJournal, principal: GivenPrincipal) -> RefundDocument:
    listed, part = await _visible(journal, refund_id, principal)
    return refund_document(listed, part, with_address=knows_address(principal, listed.refund))


DESTINATION_REFUSALS = {
    400: "It is no address of this coin; the answer says what is wrong with it",
    401: "No good token",
    403: "Only the buyer may say it, or a service that has payouts sent: its own, or one that registers payments",
    404: "No such refund",
    409: "An address was given already, the refund was withdrawn, or there is no price at the moment",
    503: "Not known to be stored; send it again, with the same key",
}


@post(
    "/{refund_id:str}/destination/check",
    status_code=200,
    summary="Check an address for a refund",
    description=(
        "For the page on which the buyer gives it: whether the address can be taken, and what would be sent there "
        "at the price of the moment. Nothing is written down."
    ),
    responses=problem_responses(DESTINATION_REFUSALS),
)
async def check_destination(
    refund_id: FromPath[str],
    data: Annotated[RefundDestination, Body(examples=[Example(value=DESTINATION_EXAMPLE)])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    sender: GivenPayoutSender,
    chains: GivenChains,
    payout_rules: GivenPayoutRules,
) -> CheckedDestination:
    refund = (await _visible(journal, refund_id, principal))[0].refund
    principal.require_word_where(buyer_id=refund.buyer_id, opened_through=refund.opened_through)
    if not refund.awaits_address:
        raise RefundRefusedError(f"This refund is {refund.status}; it awaits no address.")
    sending = await read_sending(journal, payout_rules, refund, data.destination, sender, chains)
    return CheckedDestination(destination=sending.destination, coin=refund.coin, coin_amount=sending.coin_amount)


@post(
    "/{refund_id:str}/destination",
    status_code=202,
    summary="Say where to send a refund",
    description=(
        "For its buyer, and for services that have payouts sent: the one that opened it, and those that register "
        "payments. It cannot be changed afterwards: the refund is sent "
        "there, once, in its coin at the price of this moment. Above a limit it is `awaiting_approval` first, and so "
        "it is where services are named and nobody else is asked who they are, if it was the page that gave it. The "
        "same address once more changes nothing."
    ),
    responses=problem_responses(DESTINATION_REFUSALS),
)
async def give_destination(
    refund_id: FromPath[str],
    data: Annotated[RefundDestination, Body(examples=[Example(value=DESTINATION_EXAMPLE)])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    payout_rules: GivenPayoutRules,
    sender: GivenPayoutSender,
    chains: GivenChains,
) -> RefundDocument:
    refund = (await _visible(journal, refund_id, principal))[0].refund
    principal.require_word_where(buyer_id=refund.buyer_id, opened_through=refund.opened_through)
    doubts = (NOBODY_ASKED,) if ops_access.may_be_anybody(principal) else ()
    sending = await read_sending(journal, payout_rules, refund, data.destination, sender, chains, doubts=doubts)
    await journal.refunds.give_address(refund_id, sending, rules=payout_rules, by=principal.name)
    return refund_document(await listed_refund(journal, refund_id), with_address=True)


@post(
    "/{refund_id:str}/cancellation",
    status_code=200,
    summary="Withdraw a refund",
    description=(
        "For one that nobody gave an address for: its money is there for the seller, or for another refund, again. A "
        "payment that was cancelled with it stays so. One that is withdrawn already is answered as it stands."
    ),
    responses=problem_responses(
        {
            401: "No token of a service",
            403: "The service may not have payouts sent",
            404: "No such refund",
            409: "An address was given",
            503: "Not known to be stored; send it again, with the same key",
        }
    ),
)
async def withdraw_refund(
    refund_id: FromPath[str],
    data: Annotated[Withdrawal, Body(examples=[Example(value={"note": "the buyer keeps the bicycle"})])],
    journal: GivenJournal,
    service: GivenService,
) -> RefundDocument:
    service.require_payouts()
    listed = await listed_refund(journal, refund_id)
    # A repeat, such as after an answer that was lost.
    if listed.refund.status is not RefundStatus.CANCELLED:
        await journal.refunds.withdraw(refund_id, by=service.display_name, note=data.note)
    return refund_document(await listed_refund(journal, refund_id), with_address=True)


refund_router = Router(
    "/api/refunds",
    route_handlers=[open_refund, list_refunds, get_refund, check_destination, give_destination, withdraw_refund],
    tags=["Refunds"],
)


async def listed_refund(journal: Journal, refund_id: str) -> ListedRefund:
    """Raises NotFoundException if there is no such refund."""
    listed = await journal.refunds.refund(refund_id) if is_id(refund_id) else None
    if listed is None:
        raise no_such(f"refund {refund_id!r}")
    return listed


async def _record(journal: Journal, payment_id: str) -> PaymentRecord:
    record = await journal.payment_record(payment_id)
    if record is None:
        raise no_such(f"payment {payment_id!r}")
    return record


async def _visible(journal: Journal, refund_id: str, principal: Principal) -> tuple[ListedRefund, OwnPart]:
    """To whom its payment is none of their business, a refund does not exist."""
    listed = await listed_refund(journal, refund_id)
    record = await _record(journal, listed.refund.payment_id)
    if not _may_see(principal, record):
        raise no_such(f"refund {refund_id!r}")
    part = part_for(principal, record.payment)
    if part.hides(listed.refund.of, listed.refund.seller_id):
        raise no_such(f"refund {refund_id!r}")
    return listed, part


def _may_see(principal: Principal, record: PaymentRecord) -> bool:
    return principal.has_payouts_sent or is_for(principal, record)
