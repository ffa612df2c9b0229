"""Whom a server tells of an event. It must never tell strangers what is confidential."""

from bridge.catalogue import EVENTS
from coordinator import rooms
from coordinator.events import Audience

__all__ = ["reached"]


def reached(name: str, audience: Audience, *, keeps_confidence: bool) -> Audience:
    """Whom a server sends an event to. One that keeps confidence tells of money only the event's rooms and staff."""
    if not (keeps_confidence and audience.everyone):
        return audience
    model = EVENTS.get(name)
    is_confidential = model is not None and model.audience_rule.confidential
    return Audience(rooms=(*audience.rooms, rooms.STAFF)) if is_confidential else audience
