"""Messages to endpoints: what of a journaled event is sent, and by which id."""

from collections.abc import Callable

from bridge.journal import JournaledEvent
from coordinator.endpoints.endpoints import EndpointDelivery, message_body, message_id
from coordinator.histories import Place

__all__ = ["new_delivery", "sent_body"]


def new_delivery(endpoint_id: str, event: JournaledEvent) -> EndpointDelivery:
    """An event's delivery before anything was tried."""
    published = event.event
    name = message_id(event.offset, event.committed_at, published.name, published.payload_json)
    return EndpointDelivery(endpoint_id, name, published.name, event.offset, event.committed_at)


def sent_body(delivery: EndpointDelivery, event: JournaledEvent | None, offset_text: Callable[[Place], str]) -> bytes:
    """What is sent of an event, or of a test, which has none."""
    if event is None:
        said = f'{{"endpointId":"{delivery.endpoint_id}"}}'
        return message_body(delivery.event, delivery.created_at, said, offset=None, rooms=(), everyone=False)
    audience = event.event.audience
    return message_body(
        event.event.name,
        event.committed_at,
        event.event.payload_json,
        offset=offset_text(event.place),
        rooms=audience.rooms,
        everyone=audience.everyone,
    )
