"""Whom a server tells of an event. It must never tell strangers what is confidential."""

from bridge.catalogue import EVENTS
from coordinator import rooms
from coordinator.events import Audience, Event

__all__ = ["reached"]


def reached(event: Event, *, keeps_confidence: bool) -> Audience:
    """Whom a server sends an event to. One that keeps confidence tells of money only the event's rooms and staff."""
    model = EVENTS.get(event.name)
    if not (keeps_confidence and event.audience.everyone and model is not None and model.audience_rule.confidential):
        return event.audience
    return Audience(rooms=(*event.audience.rooms, rooms.STAFF))
