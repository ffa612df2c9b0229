"""Endpoints over REST: services register where they are sent events, and see what was sent; staff do for all."""

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated

from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath, QueryParameter

from bridge.access import Principal
from bridge.access.services import SOMEBODY
from bridge.catalogue import journaled_events
from bridge.http.documents.endpoint_requests import (
    EndpointDeed,
    EndpointRegistration,
    NewSecret,
    Removed,
    ReplayFrom,
)
from bridge.http.documents.endpoints import (
    DeliveryDetails,
    DeliveryDocument,
    DeliveryList,
    EndpointDocument,
    EndpointList,
    NewEndpoint,
    delivery_details,
    delivery_document,
    endpoint_document,
    new_endpoint,
)
from bridge.http.front.dependencies import GivenEndpointRules, GivenJournal, GivenPrincipal
from bridge.http.front.openapi import problem_responses
from bridge.http.front.problems import no_such, wrong_field
from bridge.http.front.staff import GivenOpsAccess, OpsAccess
from bridge.journal import EndpointWanted, Journal, OffsetUnreadableError
from bridge.workers.endpoints.messages import new_delivery, sent_body
from coordinator.endpoints.addresses import require_url
from coordinator.endpoints.endpoints import DeliveryStatus, Endpoint

__all__ = ["endpoint_router"]

DELIVERIES_LIMIT = 200

REFUSALS = {
    400: "A field is missing or wrong; the answer names it",
    401: "No good token",
    403: "Neither a service that `receives` these events nor staff who may act",
    503: "Not known to be stored; send it again",
}
MISSING = {404: "There is no such endpoint, or it is another service's"}
READING = {401: "No good token", 403: "Neither a service nor staff", **MISSING}

REGISTRATION_EXAMPLE = {"url": "https://shop.example/hooks/bridge", "events": ["payment-*", "payout-*"]}


@post(
    status_code=201,
    summary="Register an endpoint",
    description=(
        "Events of the journal that are committed from now on are sent there, as Standard Webhooks. A service has "
        "one endpoint of a URL: registered again, it is changed where something differs (200), and goes on where it "
        "was."
    ),
    responses=problem_responses({**REFUSALS, 409: "There are as many endpoints as there may be"}),
)
async def register_endpoint(
    data: Annotated[EndpointRegistration, Body(examples=[Example(value=REGISTRATION_EXAMPLE)])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    endpoint_rules: GivenEndpointRules,
) -> Response[NewEndpoint]:
    by = _actor(principal, ops_access, data.by)
    wanted_events = _known(data.events)
    principal.require_received(wanted_events)
    try:
        url = require_url(data.url, endpoint_rules.networks)
    except ValueError as error:
        raise wrong_field("url", str(error)) from None
    secret = None if data.secret is None else data.secret.get_secret_value()
    wanted = EndpointWanted(url, tuple(dict.fromkeys(data.events)), data.ordered, secret, principal.service)
    registered = await journal.endpoints.register(wanted, by=by)
    document = new_endpoint(
        registered.endpoint, await journal.endpoints.behind(registered.endpoint), registered.new_secret
    )
    return Response(document, status_code=200 if registered.new_secret is None else 201)


@get(
    summary="The endpoints that there are",
    description="A service is shown its own, finance ops all.",
    responses=problem_responses({401: "No good token"}),
)
async def list_endpoints(journal: GivenJournal, principal: GivenPrincipal) -> EndpointList:
    found = [one for one in await journal.endpoints.all() if principal.may_see_endpoint(one.service)]
    return EndpointList(endpoints=[endpoint_document(one, await journal.endpoints.behind(one)) for one in found])


@get("/{endpoint_id:str}", summary="Look up an endpoint", responses=problem_responses(READING))
async def get_endpoint(
    endpoint_id: FromPath[str], journal: GivenJournal, principal: GivenPrincipal
) -> EndpointDocument:
    endpoint = await _seen(journal, principal, endpoint_id)
    return endpoint_document(endpoint, await journal.endpoints.behind(endpoint))


@get(
    "/{endpoint_id:str}/deliveries",
    summary="What was sent to an endpoint",
    responses=problem_responses({**READING, 400: "A parameter is wrong; the answer names it"}),
)
async def list_deliveries(
    endpoint_id: FromPath[str],
    journal: GivenJournal,
    principal: GivenPrincipal,
    status: DeliveryStatus | None = None,
    before: Annotated[
        str | None, QueryParameter(description="Go on after this `messageId`, the last of the answer before.")
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=DELIVERIES_LIMIT)] = 50,
) -> DeliveryList:
    await _seen(journal, principal, endpoint_id)
    place = None if before is None else await journal.endpoints.delivery(endpoint_id, before)
    if before is not None and place is None:
        raise wrong_field("before", "expected the messageId of a delivery to this endpoint")
    found = await journal.endpoints.deliveries(endpoint_id, status=status, before=place, limit=limit)
    return DeliveryList(deliveries=[delivery_document(one, journal.offset_text) for one in found])


@get(
    "/{endpoint_id:str}/deliveries/{message_id:str}",
    summary="One delivery, with its request",
    responses=problem_responses({**READING, 404: "There is no such delivery"}),
)
async def get_delivery(
    endpoint_id: FromPath[str], message_id: FromPath[str], journal: GivenJournal, principal: GivenPrincipal
) -> DeliveryDetails:
    await _seen(journal, principal, endpoint_id)
    delivery = await journal.endpoints.delivery(endpoint_id, message_id)
    if delivery is None:
        raise no_such(f"delivery {message_id}")
    event = None if delivery.offset is None else await journal.endpoints.event_at(delivery.offset)
    is_stored = event is not None and new_delivery(endpoint_id, event).message_id == message_id
    body = sent_body(delivery, event, journal.offset_text) if is_stored or delivery.is_test else None
    return delivery_details(delivery, journal.offset_text, body)


@post(
    "/{endpoint_id:str}/deliveries/{message_id:str}/replay",
    status_code=202,
    summary="Have one event sent again",
    description="It is sent at once, beside whatever else is sent, with the id that it had.",
    responses=problem_responses({**REFUSALS, 404: "There is no such delivery"}),
)
async def replay_delivery(
    endpoint_id: FromPath[str],
    message_id: FromPath[str],
    data: EndpointDeed,
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> DeliveryDocument:
    by = await _changing(journal, principal, ops_access, endpoint_id, data.by)
    delivery = await journal.endpoints.send_again(endpoint_id, message_id, by=by)
    if delivery is None:
        raise no_such(f"delivery {message_id}")
    return delivery_document(delivery, journal.offset_text)


@post(
    "/{endpoint_id:str}/replay",
    status_code=200,
    summary="Have all events sent again from an offset on",
    description="It goes on after that event, in order; what it was sent already comes once more, with the same ids.",
    responses=problem_responses({**REFUSALS, **MISSING, 410: "What came after this offset is not stored any more"}),
)
async def replay_events(
    endpoint_id: FromPath[str],
    data: Annotated[ReplayFrom, Body(examples=[Example(value={"after": None})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> EndpointDocument:
    by = await _changing(journal, principal, ops_access, endpoint_id, data.by)
    if data.after is None:
        after = await journal.oldest_offset() - 1
    else:
        after = await _held(journal, data.after)
    return await _document(journal, await journal.endpoints.send_from(endpoint_id, after, by=by))


@post(
    "/{endpoint_id:str}/test",
    status_code=202,
    summary="Have a test event sent",
    description="An `endpoint-test` is sent once, also to one that is disabled; its delivery says what came of it.",
    responses=problem_responses({**REFUSALS, **MISSING}),
)
async def test_endpoint(
    endpoint_id: FromPath[str],
    data: EndpointDeed,
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> DeliveryDocument:
    by = await _changing(journal, principal, ops_access, endpoint_id, data.by)
    delivery = await journal.endpoints.add_test(endpoint_id, by=by)
    if delivery is None:
        raise _not_there(endpoint_id)
    return delivery_document(delivery, journal.offset_text)


@post(
    "/{endpoint_id:str}/secrets",
    status_code=201,
    summary="Give an endpoint another secret",
    description="For a while messages are signed with those before too, so that none is refused while it is changed.",
    responses=problem_responses({**REFUSALS, **MISSING}),
)
async def add_endpoint_secret(
    endpoint_id: FromPath[str],
    data: NewSecret,
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> NewEndpoint:
    by = await _changing(journal, principal, ops_access, endpoint_id, data.by)
    own = None if data.secret is None else data.secret.get_secret_value()
    valid_for = timedelta(seconds=data.keep_seconds)
    changed = await journal.endpoints.add_secret(endpoint_id, own, valid_for=valid_for, by=by)
    if changed is None:
        raise _not_there(endpoint_id)
    return new_endpoint(changed.endpoint, await journal.endpoints.behind(changed.endpoint), changed.new_secret)


@post(
    "/{endpoint_id:str}/enabling",
    status_code=200,
    summary="Have an endpoint sent to again",
    description="It goes on where it was left: all that came meanwhile is sent, as long as it is stored.",
    responses=problem_responses({**REFUSALS, **MISSING}),
)
async def enable_endpoint(
    endpoint_id: FromPath[str],
    data: EndpointDeed,
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> EndpointDocument:
    by = await _changing(journal, principal, ops_access, endpoint_id, data.by)
    return await _document(journal, await journal.endpoints.enable(endpoint_id, by=by))


@post(
    "/{endpoint_id:str}/disabling",
    status_code=200,
    summary="Have nothing sent to an endpoint",
    responses=problem_responses({**REFUSALS, **MISSING}),
)
async def disable_endpoint(
    endpoint_id: FromPath[str],
    data: EndpointDeed,
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> EndpointDocument:
    by = await _changing(journal, principal, ops_access, endpoint_id, data.by)
    return await _document(journal, await journal.endpoints.disable(endpoint_id, by=by, note=data.note))


@post(
    "/{endpoint_id:str}/removal",
    status_code=200,
    summary="Remove an endpoint",
    responses=problem_responses({**REFUSALS, **MISSING}),
)
async def remove_endpoint(
    endpoint_id: FromPath[str],
    data: EndpointDeed,
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> Removed:
    by = await _changing(journal, principal, ops_access, endpoint_id, data.by)
    await journal.endpoints.remove(endpoint_id, by=by)
    return Removed(message=f"{endpoint_id} is removed.")


def _actor(principal: Principal, ops_access: OpsAccess, by: str | None) -> str:
    """Who does it, for the record. Raises NotPermittedError."""
    if principal.service is None:
        return ops_access.actor(principal, by or SOMEBODY)
    principal.require_endpoints()
    return by or principal.service


def _known(patterns: Collection[str]) -> frozenset[str]:
    for number, pattern in enumerate(patterns):
        if not journaled_events([pattern]):
            raise wrong_field(f"events.{number}", "expected the name of an event, or a pattern that fits one")
    return journaled_events(patterns)


async def _seen(journal: Journal, principal: Principal, endpoint_id: str) -> Endpoint:
    """An endpoint that they may see. Raises NotFoundException."""
    endpoint = await journal.endpoints.get(endpoint_id)
    if endpoint is None or not principal.may_see_endpoint(endpoint.service):
        raise _not_there(endpoint_id)
    return endpoint


async def _changing(
    journal: Journal, principal: Principal, ops_access: OpsAccess, endpoint_id: str, by: str | None
) -> str:
    """Who does something with an endpoint, for the record. Raises NotPermittedError and NotFoundException."""
    actor = _actor(principal, ops_access, by)
    endpoint = await _seen(journal, principal, endpoint_id)
    if not principal.may_change_endpoint(endpoint.service):
        raise _not_there(endpoint_id)
    return actor


async def _held(journal: Journal, offset: str) -> int:
    try:
        return await journal.held_offset(offset)
    except OffsetUnreadableError as error:
        raise wrong_field("after", str(error)) from None


async def _document(journal: Journal, endpoint: Endpoint | None) -> EndpointDocument:
    if endpoint is None:
        raise no_such("endpoint of this id")
    return endpoint_document(endpoint, await journal.endpoints.behind(endpoint))


def _not_there(endpoint_id: str) -> NotFoundException:
    return no_such(f"endpoint {endpoint_id}")


endpoint_router = Router(
    "/api/endpoints",
    route_handlers=[
        register_endpoint,
        list_endpoints,
        get_endpoint,
        list_deliveries,
        get_delivery,
        replay_delivery,
        replay_events,
        test_endpoint,
        add_endpoint_secret,
        enable_endpoint,
        disable_endpoint,
        remove_endpoint,
    ],
    tags=["Endpoints"],
)
