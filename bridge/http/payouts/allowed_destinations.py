"""Allowed destinations: each seller's list of where they may be paid without a second person. Services keep them."""

from decimal import Decimal
from typing import Annotated

from litestar import get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter
from pydantic import AwareDatetime, Field, StringConstraints

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
from bridge.http.front.people import Person
from bridge.http.front.problems import wrong_field
from bridge.http.payouts.orders import Destination
from bridge.http.payouts.own_addresses import require_orders_to_others
from bridge.journal import AllowedDestination
from coordinator.ids import ID_LIMIT_CHARACTERS, Id, is_id
from coordinator.models import FrozenModel
from coordinator.payments.agreed.invoices import Coin
from coordinator.payouts.approval import DestinationRemovedError, PayoutRules
from providers.contract import PayoutOrder
from providers.errors import NotPayableError

__all__ = ["allow_destination", "disallow_destination", "list_destinations"]

SERVICE_REFUSALS = {
    400: "A field is missing or wrong; the answer names it",
    401: "No token of a service",
    403: "The service may not have payouts sent",
    422: "The `Idempotency-Key` was used for another request",
    503: "Not known to be stored; send it again, with the same key",
}
ADDITIONS, REMOVALS = "destinations", "destination-removals"
"""The scopes of the keys."""
# Any amount will do: it is the address that is looked at.
SOME_AMOUNT = Decimal(1)

# What is paid once, as an invoice of Lightning, is longer, and is on no list.
Listed = Annotated[Destination, StringConstraints(max_length=ID_LIMIT_CHARACTERS)]
By = Annotated[
    Person | None, Field(description="The person who wants it, for the record; otherwise the service counts as that.")
]


class DestinationRequest(FrozenModel):
    """A destination to be put on a seller's list."""

    seller_id: Id
    provider: Id = Field(description="Through which payouts go there, such as `shkeeper`.")
    coin: Coin = Field(description="In which its address is checked. Once on the list it is there for every coin.")
    destination: Listed = Field(description="The seller's address; it is checked as that of a payout.")
    added_by: By = None


class DestinationRemoval(FrozenModel):
    """A destination to be taken off a seller's list."""

    seller_id: Id
    destination: Listed = Field(description="As the list has it.")
    removed_by: By = None


class DestinationItem(FrozenModel):
    """A destination on a seller's list."""

    destination: str
    coin: str = Field(description="In which it was checked.")
    added_at: AwareDatetime
    added_by: str
    allowed_from: AwareDatetime | None = Field(
        description="From when on payouts to it need nobody's approval for its sake; null where lists do not count."
    )


class DestinationList(FrozenModel):
    """Where a seller may be paid without a second person, oldest first."""

    seller_id: str
    destinations: list[DestinationItem]


class RemovedDestination(DestinationList):
    """What is left of a seller's list."""

    waiting: list[str] = Field(
        description="The ids of the seller's payouts to what was removed that nobody was asked to send yet: reject, "
        "or withdraw, what is not to go there."
    )


DESTINATION_EXAMPLE = {
    "sellerId": "seller-1",
    "provider": "shkeeper",
    "coin": "ETH-USDT",
    "destination": "0x6f2Fa34BC0ee4C9B53c1D9e6c2C7e2a1d1a1b2c3",
}


@get(
    "/destinations",
    summary="A seller's list of destinations",
    responses=problem_responses(
        {400: "`sellerId` is missing", 401: "No good token", 403: "They may not see payouts"}
    ),
)
async def list_destinations(
    seller_id: Annotated[str, QueryParameter(name="sellerId")],
    journal: GivenJournal,
    principal: GivenPrincipal,
    payout_rules: GivenPayoutRules,
) -> DestinationList:
    principal.require_all_payouts()
    if not is_id(seller_id):
        raise wrong_field("sellerId", "expected the id of a seller")
    found = await journal.approvals.destinations(seller_id)
    return DestinationList(seller_id=seller_id, destinations=[_item(one, payout_rules) for one in found])


@post(
    "/destinations",
    status_code=200,
    summary="Put a destination on a seller's list",
    description=(
        "Where `allowed_destinations_only` is set, a payout to a destination that is not on its seller's list, or "
        "has not been for long enough, awaits approval. One that is on the list already stays as it is. On record. A "
        "repeat with the same `Idempotency-Key` does not put it there again once it was taken off."
    ),
    responses=problem_responses(
        {**SERVICE_REFUSALS, 409: "It was taken off since this request put it there (`removed_since`)"}
    ),
)
async def allow_destination(
    data: Annotated[DestinationRequest, Body(examples=[Example(value=DESTINATION_EXAMPLE)])],
    journal: GivenJournal,
    service: GivenService,
    sender: GivenPayoutSender,
    chains: GivenChains,
    payout_rules: GivenPayoutRules,
    idempotency_key: IdempotencyKeyHeader = None,
) -> DestinationItem:
    service.require_payouts()
    if not sender.sends_for(data.provider):
        raise wrong_field("provider", f"this bridge sends no payouts through {data.provider}")
    try:
        order = await sender.read_order(data.provider, PayoutOrder(data.coin, data.destination, SOME_AMOUNT))
        await require_orders_to_others(journal, chains, sender, data.provider, order)
    except NotPayableError as error:
        raise wrong_field(error.field, str(error), error.fault) from None
    if sender.payment_hash(data.provider, order) is not None:
        raise wrong_field("destination", "an invoice is paid once, so it is on no list")
    try:
        allowed, _ = await journal.approvals.allow_destination(
            data.seller_id,
            order.destination,
            coin=order.coin,
            by=data.added_by or service.display_name,
            through=service.display_name,
            idempotency=idempotency_of(service.scope(ADDITIONS), idempotency_key, data),
        )
    except DestinationRemovedError as error:
        raise ClientException(f"{error}.", status_code=409, extra={"code": "removed_since"}) from None
    return _item(allowed, payout_rules)


@post(
    "/destinations/removal",
    status_code=200,
    summary="Take a destination off a seller's list",
    description=(
        "Put on it again, it waits anew. Payouts to it that nobody was asked to send yet are in `waiting`; where "
        "`allowed_destinations_only` is set they await approval, also those that were approved. On record. A "
        "repeat with the same `Idempotency-Key` takes nothing off that was put there since."
    ),
    responses=problem_responses({**SERVICE_REFUSALS, 404: "It is not on the list"}),
)
async def disallow_destination(
    data: Annotated[
        DestinationRemoval,
        Body(examples=[Example(value={name: DESTINATION_EXAMPLE[name] for name in ("sellerId", "destination")})]),
    ],
    journal: GivenJournal,
    service: GivenService,
    payout_rules: GivenPayoutRules,
    idempotency_key: IdempotencyKeyHeader = None,
) -> RemovedDestination:
    service.require_payouts()
    removal = await journal.approvals.disallow_destination(
        data.seller_id,
        data.destination,
        by=data.removed_by or service.display_name,
        rules=payout_rules,
        idempotency=idempotency_of(service.scope(REMOVALS), idempotency_key, data),
    )
    if removal is None:
        raise NotFoundException(f"{data.destination} is not on the list of {data.seller_id}.")
    found = await journal.approvals.destinations(data.seller_id)
    return RemovedDestination(
        seller_id=data.seller_id,
        destinations=[_item(one, payout_rules) for one in found],
        waiting=list(removal.waiting),
    )


def _item(allowed: AllowedDestination, rules: PayoutRules) -> DestinationItem:
    wait = rules.destination_wait
    return DestinationItem(
        destination=allowed.destination,
        coin=allowed.coin,
        added_at=allowed.added_at,
        added_by=allowed.added_by,
        allowed_from=None if wait is None else allowed.added_at + wait,
    )
