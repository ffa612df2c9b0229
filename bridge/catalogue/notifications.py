"""The events of a user's notifications."""

from typing import Annotated, ClassVar

from pydantic import Field

from bridge.catalogue.chat import Moment
from coordinator import rooms
from coordinator.events import AudienceRule, Document, Payload, RoomRule, Text
from coordinator.ids import Id
from coordinator.models import FrozenModel

__all__ = ["NewNotification", "Notification", "UnreadCountUpdate"]

_USER = AudienceRule(rooms=(RoomRule(rooms.user, "userId"),))


class Notification(FrozenModel):
    """One notification. Its data is a document of the service that raised it."""

    id: Id = Field(alias="_id")
    type: Id
    title: Text
    body: Text
    data: Document
    created_at: Moment


class NewNotification(Payload):
    """A user is told something."""

    event_name: ClassVar[str] = "new-notification"
    audience_rule: ClassVar[AudienceRule] = _USER

    notification: Notification


class UnreadCountUpdate(Payload):
    """How many notifications a user has not read."""

    event_name: ClassVar[str] = "unread-count-update"
    audience_rule: ClassVar[AudienceRule] = _USER

    unread_count: Annotated[int, Field(ge=0, strict=True)]
