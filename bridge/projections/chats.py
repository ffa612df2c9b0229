"""A chat's messages as they read now: what was written, with its edits and deletions applied."""

from collections.abc import Iterable
from typing import Any

from bridge.catalogue.chat import MessageDeleted, MessageEdited, NewMessage
from coordinator.events import Event

__all__ = ["CHANGES", "WRITTEN", "messages"]

WRITTEN = NewMessage.event_name
CHANGES = (MessageEdited.event_name, MessageDeleted.event_name)


def messages(written: Iterable[Event], changes: Iterable[Event]) -> list[dict[str, Any]]:
    """The messages of `new-message` events, in their order, with the changes to them in the order of the journal.

    An edited message has its new `content` and `editedAt`; a deleted one is left out, whatever came after. A message
    that was published twice counts once.
    """
    by_id: dict[str, dict[str, Any]] = {}
    chats: set[str] = set()
    for event in written:
        message = event.payload["message"]
        by_id.setdefault(message["_id"], dict(message))
        chats.add(event.payload["chatId"])
    for event in changes:
        change = event.payload
        message = by_id.get(change["messageId"])
        if message is None or change["chatId"] not in chats:  # another chat may have a message of the same id
            continue
        if event.name == MessageDeleted.event_name:
            del by_id[change["messageId"]]
        else:
            message |= {"content": change["content"], "editedAt": change["editedAt"]}
    return list(by_id.values())
