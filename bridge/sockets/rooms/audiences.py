"""Whom a server that keeps confidence tells of an event. It must never tell strangers what is confidential."""

from bridge.catalogue import EVENTS
from coordinator import rooms
from coordinator.events import Audience

__all__ = ["reached"]


def reached(name: str, audience: Audience) -> Audience:
    """Whom such a server sends an event to: of money it tells only the event's rooms and staff."""
    if not audience.everyone:
        return audience
    model = EVENTS.get(name)
    is_confidential = model is not None and model.audience_rule.confidential
    return Audience(rooms=(*audience.rooms, rooms.STAFF)) if is_confidential else audience
