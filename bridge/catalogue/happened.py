"""When an event happened, as far as its payload says so: what the services publish often tells of something that was
before. Of all others that is when the bridge wrote them down."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bridge.catalogue.chat import MessageDeleted, MessageEdited, NewMessage
from bridge.catalogue.notifications import NewNotification
from bridge.catalogue.points import ReferralSignup

__all__ = ["happened_at"]

SAID_IN: Mapping[str, tuple[str, ...]] = {
    NewMessage.event_name: ("message", "createdAt"),
    MessageEdited.event_name: ("editedAt",),
    MessageDeleted.event_name: ("deletedAt",),
    NewNotification.event_name: ("notification", "createdAt"),
    ReferralSignup.event_name: ("joinedAt",),
}
"""The field, and those that it lies in, by the names of events."""


def happened_at(name: str, payload: Mapping[str, Any]) -> datetime | None:
    """None where the payload does not say, or names a moment that there is not, such as one in a 13th month."""
    said: Any = payload
    for field in SAID_IN.get(name, ()):
        said = said.get(field) if isinstance(said, Mapping) else None
    if not isinstance(said, str):
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment
