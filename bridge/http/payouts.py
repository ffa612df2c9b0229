"""Payouts over REST: have one or several sent, look up how they stand, and settle one that nobody can tell about."""

import hashlib
import json
import secrets
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Router, get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter
from pydantic import AwareDatetime, Field

from bridge.http.dependencies import GivenJournal, GivenPayoutSender, GivenPrincipal, GivenService
from bridge.http.openapi import IdempotencyKeyHeader, problem_responses
from bridge.http.problems import wrong_field
from bridge.journal import IdempotencyKey, Journal, PayoutRecord, PayoutRefusedError
from bridge.workers.payouts import PayoutSender, observation_key
from coordinator.ids import Id, is_id
from coordinator.invoices import Coin
from coordinator.models import FrozenModel
from coordinator.money import Amount, PositiveAmount
from coordinator.payout_observations import PayoutFailed, PayoutObservation, PayoutSent
from coordinator.payouts import Payout, PayoutStatus

__all__ = ["payout_router"]

PAYOUTS_LIMIT = 100


class PayoutItem(FrozenModel):
    """A payout to be sent to the seller of a payment."""

    payment_id: Id = Field(description="The completed payment whose escrow holds the money.")
    seller_id: Id | None = Field(None, description="Needed where a template checkout has several sellers.")
    coin: Coin
    amount: PositiveAmount = Field(description="Of the coin.")
    destination: Id = Field(description="The seller's address.")
    fee: Amount | None = Field(None, description="For the network, where the sender sets it, as with `BTC`.")


class PayoutRequest(FrozenModel):
    """One payout or several: all of them are taken or none."""

    payouts: list[PayoutItem] = Field(min_length=1, max_length=PAYOUTS_LIMIT)
    another: bool = Field(False, description="Also for payments that are paid out, or being paid out, already.")


class PayoutHistoryItem(FrozenModel):
    """One step in a payout's life, and where the payout stood after it."""

    at: AwareDatetime
    observation: str
    status: PayoutStatus
    reason: str | None = None


class PayoutDocument(FrozenModel):
    """A payout: what was asked for, how it stands, and how it came there."""

    payout_id: str
    provider: str
    payment_id: str
    seller_id: str
    coin: str
    amount: Amount
    fee: Amount | None
    destination: str
    status: PayoutStatus
    task_id: str | None = Field(description="The provider's task, once it has named one.")
    tx_hashes: list[str]
    overdue: bool = Field(description="It is not settled a day after it was asked for; a person should look.")
    reasons: list[str] = Field(description="Why it failed, or why nobody knows whether it was sent.")
    created_at: AwareDatetime
    updated_at: AwareDatetime
    history: list[PayoutHistoryItem]


class PayoutList(FrozenModel):
    """Payouts, oldest first."""

    payouts: list[PayoutDocument]


class Resolution(FrozenModel):
    """What a person found out about a payout that is ambiguous, on the chain or at the provider."""

    outcome: Literal["sent", "not-sent"]
    tx_hash: Id | None = Field(None, description="The transaction that carries it, if it was sent.")
    found_by: Id = Field(description="Who found it out; it is kept in the payout's history.")


REQUEST_EXAMPLE = {
    "payouts": [
        {
            "paymentId": "pay_65f1c0ffee0123456789abcd",
            "coin": "ETH-USDT",
            "amount": "48.90",
            "destination": "0x6f2Fa34bC0EE4C9b53c1D9e6c2C7e2a1D1a1b2C3",
        }
    ]
}


@post(
    "/",
    status_code=202,
    summary="Have payouts sent",
    description=(
        "Takes payouts for completed payments whose escrow is funded, and has each sent once; follow them with "
        "`GET /api/payouts/{payoutId}` or over the sockets. A payment is paid out once unless `another` is true. "
        "With an `Idempotency-Key` a repeat gets the first answer's payouts as they stand."
    ),
    responses=problem_responses(
        {
            400: "A field is missing or wrong; the answer names it",
            401: "No token of a service",
            403: "The service may not have payouts sent",
            409: "A payment is not completed, or paid out already; nothing is taken",
            422: "The `Idempotency-Key` was used for another request",
            503: "Not committed; send it again",
        }
    ),
)
async def send_payouts(
    data: Annotated[PayoutRequest, Body(examples=[Example(value=REQUEST_EXAMPLE)])],
    journal: GivenJournal,
    service: GivenService,
    sender: GivenPayoutSender,
    idempotency_key: IdempotencyKeyHeader = None,
) -> PayoutList:
    service.require_payouts()
    batch_id = f"batch_{secrets.token_hex(12)}" if len(data.payouts) > 1 else None
    payouts = [await _payout(journal, sender, number, item, batch_id) for number, item in enumerate(data.payouts)]
    idempotency = idempotency_key and IdempotencyKey("payouts", idempotency_key, _digest(data))
    registered = await journal.register_payouts(payouts, idempotency or None, another=data.another)
    sender.wake()
    records = await journal.payout_records(registered.payout_ids)
    return PayoutList(payouts=[_document(record, journal.clock()) for record in records])


@get(
    "/",
    summary="The payouts of a payment",
    responses=problem_responses({400: "`paymentId` is missing", 401: "No good token"}),
)
async def list_payouts(
    payment_id: Annotated[str, QueryParameter(name="paymentId")], journal: GivenJournal, principal: GivenPrincipal
) -> PayoutList:
    if not is_id(payment_id):
        raise wrong_field("paymentId", "expected the id of a payment")
    records = await journal.payment_payouts(payment_id)
    seen = [record for record in records if principal.may_see_payout(seller_id=record.payout.seller_id)]
    return PayoutList(payouts=[_document(record, journal.clock()) for record in seen])


@get(
    "/{payout_id:str}",
    summary="A payout with its history",
    responses=problem_responses({401: "No good token", 404: "No such payout"}),
)
async def get_payout(payout_id: str, journal: GivenJournal, principal: GivenPrincipal) -> PayoutDocument:
    record = await _record(journal, payout_id)
    if not principal.may_see_payout(seller_id=record.payout.seller_id):
        raise NotFoundException(f"There is no payout {payout_id!r}.")
    return _document(record, journal.clock())


@post(
    "/{payout_id:str}/resolution",
    status_code=200,
    summary="Say what became of an ambiguous payout",
    description=(
        "For a payout that the provider was asked for and knows nothing of: a person has looked at the chain and the "
        "provider's books. Said to be not sent, it fails, and another can be made for its payment."
    ),
    responses=problem_responses(
        {
            400: "A field is missing or wrong; the answer names it",
            401: "No token of a service",
            403: "The service may not have payouts sent",
            404: "No such payout",
            409: "The payout is not ambiguous",
            503: "Not committed; send it again",
        }
    ),
)
async def resolve_payout(
    payout_id: str, data: Resolution, journal: GivenJournal, service: GivenService
) -> PayoutDocument:
    service.require_payouts()
    await _record(journal, payout_id)
    if (data.outcome == "sent") is (data.tx_hash is None):
        raise wrong_field("txHash", "needed for a payout that was sent, and for no other")
    found: PayoutObservation = (
        PayoutFailed(reason=f"{data.found_by} found that it was not sent")
        if data.tx_hash is None
        else PayoutSent(tx_hashes=(data.tx_hash,))
    )
    recorded = await journal.record_payout_observation(
        payout_id, observation_key(found), found, only_if=PayoutStatus.AMBIGUOUS
    )
    if not recorded.moved:
        raise ClientException(f"This payout is {recorded.payout.status}, not ambiguous.", status_code=409)
    return _document(await _record(journal, payout_id), journal.clock())


payout_router = Router(
    "/api/payouts", route_handlers=[send_payouts, list_payouts, get_payout, resolve_payout], tags=["Payouts"]
)


async def _payout(
    journal: Journal, sender: PayoutSender, number: int, item: PayoutItem, batch_id: str | None
) -> Payout:
    record = await journal.payment_record(item.payment_id)
    if record is None:
        raise PayoutRefusedError(number, f"there is no payment {item.payment_id!r}")
    payment = record.payment
    if not sender.sends_for(payment.provider):
        raise wrong_field(
            f"payouts.{number}.paymentId",
            f"this bridge sends no payouts through {payment.provider}; are shkeeper_url and shkeeper_user set?",
        )
    if item.seller_id is None and len(payment.seller_ids) > 1:
        raise wrong_field(f"payouts.{number}.sellerId", "missing; this payment has several sellers")
    return Payout(
        payout_id=f"out_{secrets.token_hex(12)}",
        provider=payment.provider,
        seller_id=item.seller_id or payment.seller_id,
        created_at=journal.clock(),
        batch_id=batch_id,
        **item.model_dump(exclude={"seller_id"}),
    )


async def _record(journal: Journal, payout_id: str) -> PayoutRecord:
    records = await journal.payout_records([payout_id]) if is_id(payout_id) else []
    if not records:
        raise NotFoundException(f"There is no payout {payout_id!r}.")
    return records[0]


def _digest(request: PayoutRequest) -> str:
    meaning: dict[str, Any] = request.model_dump(mode="json")
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def _document(record: PayoutRecord, now: datetime) -> PayoutDocument:
    payout = record.payout
    return PayoutDocument(
        **payout.model_dump(exclude={"facts", "batch_id"}),
        status=payout.status,
        task_id=payout.facts.task_id,
        tx_hashes=list(payout.facts.tx_hashes),
        overdue=payout.is_overdue(now),
        reasons=list(payout.reasons),
        updated_at=record.updated_at,
        history=[
            PayoutHistoryItem(
                at=entry.at,
                observation=entry.observation.kind,
                status=PayoutStatus(entry.status),
                reason=getattr(entry.observation, "reason", None),
            )
            for entry in record.history
        ],
    )
