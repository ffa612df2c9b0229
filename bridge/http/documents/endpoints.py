"""Endpoints as they are answered. A secret is in the answer that it is made with, and in no other."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from coordinator.endpoints.endpoints import DeliveryStatus, Endpoint, EndpointDelivery
from coordinator.histories import Place
from coordinator.models import FrozenModel

__all__ = [
    "DeliveryDetails",
    "DeliveryDocument",
    "DeliveryList",
    "EndpointDocument",
    "EndpointList",
    "NewEndpoint",
    "SentRequest",
    "delivery_details",
    "delivery_document",
    "endpoint_document",
    "new_endpoint",
]

OffsetText = Callable[[Place], str]


class EndpointDocument(FrozenModel):
    """Where events are sent, and how that goes."""

    endpoint_id: str
    url: str
    events: list[str] = Field(description="Names, or patterns of them.")
    ordered: bool
    service: str | None = Field(description="Whose it is; null where no service registered it.")
    registered_by: str
    registered_at: AwareDatetime
    status: Literal["active", "failing", "disabled"]
    failing_since: AwareDatetime | None = Field(description="Since when nothing was taken.")
    disabled_at: AwareDatetime | None
    disabled_by: str | None = Field(description="Null where the bridge did it.")
    disabled_because: str | None
    behind: int = Field(
        description="How many events it wants and has not dealt with yet, of the next 100,000 of the journal."
    )
    missed: int = Field(description="How many events it will not get by itself, so far.")
    missed_at: AwareDatetime | None
    missed_because: str | None = Field(description="Of the last of them.")
    secrets: int = Field(description="How many its messages are signed with.")


class NewEndpoint(EndpointDocument):
    """An endpoint, with its secret where that is new."""

    secret: str | None = Field(description="Keep it: it is never answered again. Null where no new one was made.")


class EndpointList(FrozenModel):
    """The endpoints that there are, oldest first."""

    endpoints: list[EndpointDocument]


class DeliveryDocument(FrozenModel):
    """One event on its way to an endpoint."""

    message_id: str = Field(description="The `webhook-id`, the same at every try.")
    event: str
    offset: str | None = Field(description="The event's own; null of a test.")
    created_at: AwareDatetime = Field(description="When the event was committed.")
    status: DeliveryStatus
    tries: int
    last_at: AwareDatetime | None
    next_at: AwareDatetime | None = Field(description="When it is tried again.")
    answer_status: int | None = Field(description="Of the last answer; null if there was none.")
    said: str = Field(description="The beginning of that answer, or why there was none.")
    took_ms: int | None


class DeliveryList(FrozenModel):
    """What was sent to an endpoint, or is to be sent again, the newest events first."""

    deliveries: list[DeliveryDocument]


class SentRequest(FrozenModel):
    """What is sent, without its signature."""

    headers: dict[str, str]
    body: str | None = Field(description="Null once the event is forgotten.")


class DeliveryDetails(DeliveryDocument):
    """A delivery with its request."""

    request: SentRequest


def endpoint_document(endpoint: Endpoint, behind: int) -> EndpointDocument:
    return EndpointDocument(**_fields(endpoint, behind))


def new_endpoint(endpoint: Endpoint, behind: int, secret: str | None) -> NewEndpoint:
    return NewEndpoint(**_fields(endpoint, behind), secret=secret)


def _fields(endpoint: Endpoint, behind: int) -> dict[str, Any]:
    failing = "active" if endpoint.failing_since is None else "failing"
    return {
        "endpoint_id": endpoint.endpoint_id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "ordered": endpoint.is_ordered,
        "service": endpoint.service,
        "registered_by": endpoint.registered_by,
        "registered_at": endpoint.registered_at,
        "status": failing if endpoint.is_enabled else "disabled",
        "failing_since": endpoint.failing_since,
        "disabled_at": endpoint.disabled_at,
        "disabled_by": endpoint.disabled_by,
        "disabled_because": endpoint.disabled_because,
        "behind": behind,
        "missed": endpoint.missed,
        "missed_at": endpoint.missed_at,
        "missed_because": endpoint.missed_because,
        "secrets": len(endpoint.secrets),
    }


def delivery_document(delivery: EndpointDelivery, offset_text: OffsetText) -> DeliveryDocument:
    return DeliveryDocument(**_delivery_fields(delivery, offset_text))


def delivery_details(delivery: EndpointDelivery, offset_text: OffsetText, body: bytes | None) -> DeliveryDetails:
    headers = {"content-type": "application/json", "webhook-id": delivery.message_id}
    sent = SentRequest(headers=headers, body=None if body is None else body.decode())
    return DeliveryDetails(**_delivery_fields(delivery, offset_text), request=sent)


def _delivery_fields(delivery: EndpointDelivery, offset_text: OffsetText) -> dict[str, Any]:
    offset = None if delivery.offset is None else offset_text(Place(delivery.offset, delivery.created_at))
    return {
        "message_id": delivery.message_id,
        "event": delivery.event,
        "offset": offset,
        "created_at": delivery.created_at,
        "status": delivery.status,
        "tries": delivery.tries,
        "last_at": delivery.last_at,
        "next_at": delivery.next_at,
        "answer_status": delivery.answer_status,
        "said": delivery.said,
        "took_ms": delivery.took_ms,
    }
