"""Where the marketplace's other services publish their events."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Request, Router, post
from litestar.datastructures import State
from litestar.openapi.spec import Operation
from prometheus_client import Counter

from bridge.access.services import Service
from bridge.catalogue.publication import read_publications
from bridge.http.front.bodies import require_few_parts
from bridge.http.front.callers import FOR_SERVICES, Callers
from bridge.http.front.fast_path import PlainPost
from bridge.http.front.idempotency import idempotency_of_events
from bridge.http.front.openapi import IdempotencyKeyHeader, json_body, problem_responses
from bridge.http.front.problems import unreadable_body
from bridge.http.past_events import get_events
from bridge.journal import Journal
from coordinator.models import FrozenModel

__all__ = ["Published", "event_router", "plain_publications"]

PATH = "/api/events"

# Of the largest batch, whose events have some twenty each.
BATCH_PARTS_LIMIT = 50_000

PUBLISHED = Counter("bridge_events_published", "Events that services published", ["service"])

EXAMPLE = {
    "event": "new-offer",
    "target": {"buyerId": "buyer-5"},
    "data": {"requestId": "request-77", "offer": {"_id": "offer-3", "price": "49.90"}, "sellerId": "seller-9"},
}


class Published(FrozenModel):
    """The places of the events in the journal, in the order in which they were published."""

    offsets: list[str]


@dataclass
class PublishOperation(Operation):
    """The route reads the body itself, so what it should be is said here."""

    def __post_init__(self) -> None:
        self.request_body = json_body(
            'One event, or `{"events": [...]}` with several; all of them are taken or none.', {"example": EXAMPLE}
        )


@post(
    "/",
    status_code=202,
    summary="Publish events",
    description=(
        "Checks each event against the catalogue, commits them, then answers; they reach the clients in the order of "
        "the journal. `target` names the ids that an event's rooms are made of and its data does not hold. With an "
        "`Idempotency-Key` a repeat publishes nothing and gets the first answer."
    ),
    operation_class=PublishOperation,
    opt={FOR_SERVICES: True},
    responses=problem_responses(
        {
            400: "Something is wrong; the answer names each field, and nothing is published",
            401: "No token of a service",
            403: "The service may not publish this event",
            422: "The `Idempotency-Key` was used for another request",
            503: "Not known to be stored; send it again, with the same key",
        }
    ),
)
async def publish_events(
    request: Request[Any, Any, State],
    idempotency_key: IdempotencyKeyHeader = None,
) -> Published:
    # No dependencies, which cost about as much as all that is done here.
    service: Service = request.state.service
    journal: Journal = request.app.state.engine.journal
    return await _publish(service, journal, await request.body(), idempotency_key)


async def _publish(service: Service, journal: Journal, body: bytes, idempotency_key: str | None = None) -> Published:
    require_few_parts(body, BATCH_PARTS_LIMIT)
    try:
        content = json.loads(body)
    except ValueError:
        raise unreadable_body() from None
    events = read_publications(content)
    service.require_events(events)
    key = None
    if idempotency_key is not None:
        key = idempotency_of_events(f"events/{service.name}", idempotency_key, events, body)
    offsets = await journal.publish_events(events, key)
    PUBLISHED.labels(service.name).inc(len(events))
    return Published(offsets=offsets)


def plain_publications(callers: Callers, max_body_bytes: int) -> dict[str, PlainPost]:
    """The publications that need no route, by their path."""

    def service_of(headers: Mapping[str, str]) -> Service:
        return callers.service(headers.get("authorization"))

    async def publish(journal: Journal, headers: Mapping[str, str], body: bytes, _arrived: float) -> Published:
        return await _publish(service_of(headers), journal, body)

    return {PATH: PlainPost(PATH, publish, max_body_bytes, require=service_of)}


def event_router(max_body_bytes: int) -> Router:
    """The routes under `/api/events`, which refuse a larger body."""
    return Router(
        PATH,
        route_handlers=[publish_events, get_events],
        request_max_body_size=max_body_bytes,
        tags=["Events"],
    )
