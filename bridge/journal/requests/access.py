"""Access as the journal's writer has it changed: what is taken back of what tokens grant, and given again, with the
event that has every bridge act on it and the record of who did it."""

from collections.abc import Sequence

from bridge.catalogue.access import AccessChanged
from bridge.catalogue.chat import ParticipantRemoved, ParticipantsAdded
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.staged.actions import Action
from coordinator import rooms
from coordinator.events import Event

__all__ = ["change_access", "follow_participants"]


def change_access(batch: Batch, change: AccessChanged, *, by: str, note: str | None) -> Action:
    """Takes something back or gives it again. The event is delivered to whom it was taken from, too."""
    user_id, room, token_id = change.user_id or "", change.room or "", change.token_id or ""
    offset = batch.next_offset
    match change.change:
        case "tokens_revoked":
            batch.revocations.add("user", user_id, by=by, offset=offset, note=note)
        case "token_revoked":
            batch.revocations.add("token", token_id, by=by, offset=offset, note=note)
        case "room_revoked":
            batch.revocations.add("room", user_id, room, by=by, offset=offset, note=note)
        case "room_restored":
            batch.revocations.restore("room", user_id, room)
        case "disconnected":
            pass
    batch.add_events([change.to()], payment_id=None)
    outcome = change.change.replace("_", " ") + (f" {room}" if room else "") + (f": {note}" if note else "")
    return batch.actions.add("access", user_id or token_id or change.socket_id or "", outcome, by=by, concerns=None)


def follow_participants(batch: Batch, events: Sequence[Event], first: int) -> None:
    """Whoever is removed from a chat loses its room, until they are added again. `first` is the offset of the first
    event."""
    for offset, event in enumerate(events, first):
        if event.name == ParticipantRemoved.event_name:
            payload = event.payload
            room = rooms.chat(payload["chatId"])
            batch.revocations.add("room", payload["removedUserId"], room, by=event.name, offset=offset)
        elif event.name == ParticipantsAdded.event_name:
            payload = event.payload
            for user_id in payload["addedUserIds"]:
                batch.revocations.restore("room", user_id, rooms.chat(payload["chatId"]))
