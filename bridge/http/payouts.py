"""Payouts over REST: have one or several sent, look up how they stand, and settle one that nobody can tell about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from litestar import Router, get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath, JSONBody, QueryParameter
from pydantic import Field, StringConstraints

from bridge.http.dependencies import GivenChains, GivenJournal, GivenPayoutSender, GivenPrincipal, GivenService
from bridge.http.idempotency import idempotency_of
from bridge.http.openapi import IdempotencyKeyHeader, problem_responses
from bridge.http.payments import TxHash
from bridge.http.payout_documents import PayoutDocument, PayoutList, payout_document
from bridge.http.payout_resolution import Resolution, resolution_refusals
from bridge.http.problems import wrong_field
from bridge.journal import Journal, PayoutRecord, PayoutRefusedError, observation_key
from bridge.workers.chain_followers import ChainFollowers
from bridge.workers.payout_findings import Findings
from bridge.workers.payouts import PayoutSender
from coordinator.ids import Id, derived_id, is_id, new_id
from coordinator.invoices import Coin
from coordinator.models import FrozenModel
from coordinator.money import Amount, PositiveAmount
from coordinator.payments import Payment
from coordinator.payout_observations import PayoutKnown, PayoutObservation, PayoutSent
from coordinator.payouts import DESTINATION_LIMIT_CHARACTERS, UNSETTLED_STATUSES, Payout
from providers.onchain.direct import PROVIDER as ONCHAIN
from providers.onchain.direct import NotOnChainError, read_address, read_chain, read_token

__all__ = ["payout_router"]

PAYOUTS_LIMIT = 100


# Whatever an address is, it is no more than these: nothing of it may mean something in the path of a URL.
Destination = Annotated[
    str,
    StringConstraints(min_length=1, max_length=DESTINATION_LIMIT_CHARACTERS, pattern=r"^[A-Za-z0-9:_-]+$"),
]


class PayoutItem(FrozenModel):
    """A payout to be sent to the seller of a payment."""

    payment_id: Id = Field(description="The completed payment whose escrow holds the money.")
    seller_id: Id | None = Field(None, description="Needed where a template checkout has several sellers.")
    coin: Coin
    amount: PositiveAmount = Field(description="Of the coin.")
    destination: Destination = Field(description="The seller's address; of `BTC-LIGHTNING` an invoice of theirs.")
    fee: Amount | None = Field(None, description="For the network, where the sender sets it, as with `BTC`.")
    chain: Id | None = Field(
        None,
        description="For a payout that the marketplace's own wallet sends: the chain, such as `ethereum`, on which "
        "the bridge follows it. The coin is a token of the chain then.",
    )
    tx_hash: TxHash | None = Field(None, description="With `chain`: the transaction that carries it.")
    sender: Id | None = Field(
        None,
        description="With `chain`: the wallet whose transfer of just this amount is expected, where the transaction "
        "is not known.",
    )


class PayoutRequest(FrozenModel):
    """One payout or several: all of them are taken or none."""

    payouts: list[PayoutItem] = Field(min_length=1, max_length=PAYOUTS_LIMIT)
    another: bool = Field(False, description="Also for payments that are paid out, or being paid out, already.")


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
    chains: GivenChains,
    idempotency_key: IdempotencyKeyHeader = None,
) -> PayoutList:
    service.require_payouts()
    batch_id = new_id("batch", journal.clock()) if len(data.payouts) > 1 else None
    ways = Ways(sender, chains)
    payouts: list[Payout] = []
    for number, item in enumerate(data.payouts):
        payouts.append(await _payout(journal, ways, number, item, batch_id, payouts))
    known = {
        payout.payout_id: _known(item)
        for payout, item in zip(payouts, data.payouts, strict=True)
        if payout.provider == ONCHAIN
    }
    idempotency = idempotency_of(service, "payouts", idempotency_key, data)
    registered = await journal.register_payouts(payouts, idempotency, another=data.another, known=known)
    sender.wake()
    records = await journal.payout_records(registered.payout_ids)
    for record in records:
        chains.watch_payout(record.payout)
    return PayoutList(payouts=[payout_document(record, journal.clock()) for record in records])


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
    return PayoutList(payouts=[payout_document(record, journal.clock()) for record in seen])


@get(
    "/{payout_id:str}",
    summary="A payout with its history",
    responses=problem_responses({401: "No good token", 404: "No such payout"}),
)
async def get_payout(payout_id: FromPath[str], journal: GivenJournal, principal: GivenPrincipal) -> PayoutDocument:
    record = await _record(journal, payout_id)
    if not principal.may_see_payout(seller_id=record.payout.seller_id):
        raise NotFoundException(f"There is no payout {payout_id!r}.")
    return payout_document(record, journal.clock())


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
            503: "Not committed; send it again",
        }
    ),
)
async def name_transaction(
    payout_id: FromPath[str],
    data: JSONBody[PayoutTransaction],
    journal: GivenJournal,
    service: GivenService,
    chains: GivenChains,
) -> PayoutDocument:
    service.require_payouts()
    payout = (await _record(journal, payout_id)).payout
    if payout.chain is None:
        raise ClientException("This payout goes over no chain that is followed.", status_code=409)
    sent = PayoutSent(tx_hashes=(data.tx_hash.lower(),))
    recorded = await journal.record_payout_observation(
        payout_id, observation_key(sent), sent, only_if=UNSETTLED_STATUSES
    )
    if recorded.payout.is_settled:
        raise ClientException(f"This payout is {recorded.payout.status}.", status_code=409)
    chains.watch_payout(recorded.payout)
    return payout_document(await _record(journal, payout_id), journal.clock())


@post(
    "/{payout_id:str}/resolution",
    status_code=200,
    summary="Say what became of a payout that nobody can tell about",
    description=(
        "For a payout that is `ambiguous`, `mismatch`, `dropped` or overdue, or was unclear once: a person looked "
        "at the chain and at the provider's books, or asked the seller. The provider and the chain are asked first, "
        "and what they know counts. Said to be `not-sent`, it fails, and another can be made for its payment; `sent` "
        "names the transaction that carries it, which is checked where its chain is followed; `arrived` completes it "
        "whatever the chain says; `returned` says by which transaction it came back, also of one that had completed. "
        "Who said so is on record."
    ),
    responses=problem_responses(
        {
            400: "A field is missing or wrong; the answer names it",
            401: "No token of a service",
            403: "The service may not have payouts sent",
            404: "No such payout",
            409: "There is nothing for a person to say, or the provider cannot be asked first",
            503: "Not committed; send it again",
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
    payout = (await _record(journal, payout_id)).payout
    with resolution_refusals():
        await Findings(journal, sender, chains).settle(payout, data.outcome, data.tx_hash, by=data.found_by)
    return payout_document(await _record(journal, payout_id), journal.clock())


payout_router = Router(
    "/api/payouts",
    route_handlers=[send_payouts, list_payouts, get_payout, name_transaction, resolve_payout],
    tags=["Payouts"],
)


@dataclass(frozen=True, slots=True)
class Ways:
    """How payouts can go."""

    sender: PayoutSender
    chains: ChainFollowers


async def _payout(
    journal: Journal, ways: Ways, number: int, item: PayoutItem, batch_id: str | None, before: Sequence[Payout]
) -> Payout:
    record = await journal.payment_record(item.payment_id)
    if record is None:
        raise PayoutRefusedError(number, f"there is no payment {item.payment_id!r}")
    payment, place = record.payment, f"payouts.{number}"
    if item.seller_id is None and len(payment.seller_ids) > 1:
        raise wrong_field(f"{place}.sellerId", "missing; this payment has several sellers")
    try:
        provider, going = _way(payment, ways, item)
    except NotOnChainError as error:
        raise wrong_field(f"{place}.{error.field}", str(error)) from None
    seller_id = item.seller_id or payment.seller_id
    earlier = [*(one.payout for one in await journal.payment_payouts(payment.payment_id)), *before]
    ordinal = sum((one.payment_id, one.seller_id) == (payment.payment_id, seller_id) for one in earlier)
    return Payout(
        # The same payout, wanted again of a journal that has forgotten it, has the same name at the provider.
        payout_id=derived_id("out", payment.provider, payment.external_id, seller_id, ordinal),
        provider=provider,
        seller_id=seller_id,
        created_at=journal.clock(),
        batch_id=batch_id,
        **item.model_dump(exclude={"seller_id", "tx_hash"}) | going,
    )


def _way(payment: Payment, ways: Ways, item: PayoutItem) -> tuple[str, dict[str, str | None]]:
    """The provider of a payout, and where it goes. Raises NotOnChainError, which names the field that is wrong."""
    if item.chain is not None or payment.provider == ONCHAIN:
        chain = read_chain(ways.chains.chains, item.chain)
        read_token(chain, item.coin, item.amount, field="coin")
        if item.tx_hash is None and item.sender is None:
            raise NotOnChainError("txHash", "missing; name the transaction, or the sender whose transfer is expected")
        sender = None if item.sender is None else read_address(item.sender, field="sender")
        destination = read_address(item.destination, field="destination")
        return ONCHAIN, {"chain": chain.name, "destination": destination, "sender": sender}
    for name, value in (("txHash", item.tx_hash), ("sender", item.sender)):
        if value is not None:
            raise NotOnChainError(name, "belongs to a payout over a chain; name the chain too")
    if not ways.sender.sends_for(payment.provider):
        raise NotOnChainError(
            "paymentId",
            f"this bridge sends no payouts through {payment.provider}; are shkeeper_url and shkeeper_user set?",
        )
    checked_on = ways.chains.chain_of_payout(payment.provider, item.coin)
    if checked_on is None:
        return payment.provider, {}
    destination = read_address(item.destination, field="destination")
    return payment.provider, {"chain": checked_on.name, "destination": destination}


def _known(item: PayoutItem) -> list[PayoutObservation]:
    """What is known of a payout that the marketplace's own wallet sends."""
    sent = [] if item.tx_hash is None else [PayoutSent(tx_hashes=(item.tx_hash.lower(),))]
    return [PayoutKnown(), *sent]


async def _record(journal: Journal, payout_id: str) -> PayoutRecord:
    records = await journal.payout_records([payout_id]) if is_id(payout_id) else []
    if not records:
        raise NotFoundException(f"There is no payout {payout_id!r}.")
    return records[0]
