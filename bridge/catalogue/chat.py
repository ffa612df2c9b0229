"""The events of chats, and who of their members is there."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from coordinator import rooms
from coordinator.events import EVERYONE, AudienceRule, Document, IfKnown, Payload, RoomRule, Text, unless_none
from coordinator.ids import Id
from coordinator.models import FrozenModel

__all__ = [
    "Message",
    "MessageDeleted",
    "MessageEdited",
    "MessagesRead",
    "Moment",
    "NewMessage",
    "ParticipantRemoved",
    "ParticipantsAdded",
    "UserStatusChange",
    "UserTyping",
    "moment_text",
]

_CHAT = AudienceRule(rooms=(RoomRule(rooms.chat, "chatId"),))

# The services write it, the front ends read it, the bridge only passes it on: what `Date.toJSON` writes, for one.
Moment = Annotated[
    str,
    StringConstraints(
        max_length=40,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})$",
    ),
]
"""An ISO 8601 date and time with its zone."""


def moment_text(moment: datetime) -> str:
    """A moment as `Date.toJSON` writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Message(FrozenModel):
    """One message of a chat. Attachments are documents of the chat service's."""

    id: Id = Field(alias="_id")
    content: Text
    sender_id: Id
    created_at: Moment
    attachments: Annotated[list[Document] | None, Field(exclude_if=unless_none)] = None


class NewMessage(Payload):
    """Somebody wrote."""

    event_name: ClassVar[str] = "new-message"
    audience_rule: ClassVar[AudienceRule] = _CHAT

    chat_id: Id
    message: Message
    sender_id: Id

    @property
    def subject(self) -> str:
        return self.message.id


class MessagesRead(Payload):
    """Somebody read a chat up to a message."""

    event_name: ClassVar[str] = "messages-read"
    audience_rule: ClassVar[AudienceRule] = _CHAT

    chat_id: Id
    user_id: Id
    up_to_message_id: Id
    modified_count: Annotated[int, Field(ge=0, strict=True)]


class MessageEdited(Payload):
    """A message has other words now."""

    event_name: ClassVar[str] = "message-edited"
    audience_rule: ClassVar[AudienceRule] = _CHAT

    chat_id: Id
    message_id: Id
    content: Text
    edited_at: Moment

    @property
    def subject(self) -> str:
        return self.message_id


class MessageDeleted(Payload):
    """A message was taken back."""

    event_name: ClassVar[str] = "message-deleted"
    audience_rule: ClassVar[AudienceRule] = _CHAT

    chat_id: Id
    message_id: Id
    deleted_at: Moment

    @property
    def subject(self) -> str:
        return self.message_id


class ParticipantsAdded(Payload):
    """A chat has new members."""

    event_name: ClassVar[str] = "participants-added"
    audience_rule: ClassVar[AudienceRule] = _CHAT

    chat_id: Id
    added_user_ids: list[Id]


class ParticipantRemoved(Payload):
    """A chat has lost a member."""

    event_name: ClassVar[str] = "participant-removed"
    audience_rule: ClassVar[AudienceRule] = _CHAT

    chat_id: Id
    removed_user_id: Id


class UserTyping(Payload):
    """Somebody is writing, or has stopped."""

    event_name: ClassVar[str] = "user-typing"
    audience_rule: ClassVar[AudienceRule] = _CHAT

    user_id: Id
    user_name: IfKnown = None
    is_typing: bool


class UserStatusChange(Payload):
    """Somebody came or went. With `presence_to = "watchers"` those alone are told who watch the user."""

    event_name: ClassVar[str] = "user-status-change"
    audience_rule: ClassVar[AudienceRule] = EVERYONE

    user_id: Id
    status: Literal["online", "offline"]
    last_seen: Moment
