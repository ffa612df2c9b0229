"""Revoked access: what this bridge does when it delivers an event that takes access back or gives it again.

Every bridge of a journal delivers every event, in order: whoever loses a room hears what was before, and nothing that
comes after, wherever they are connected.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from bridge.access import Grants, Revocations
from bridge.catalogue.access import AccessChanged
from bridge.catalogue.chat import ParticipantRemoved, ParticipantsAdded
from bridge.journal import Journal, JournaledEvent
from bridge.sockets import SocketServer
from bridge.sockets.clients.evictions import evict
from coordinator import rooms

__all__ = ["RevokedAccess"]

_name_of = attrgetter("event.name")


class RevokedAccess:
    """Keeps what is taken back up to date, and closes and empties what has to be."""

    def __init__(self, revocations: Revocations, sockets: SocketServer, grants: Grants | None = None) -> None:
        """What `grants` remembers of somebody goes with what is taken back of them."""
        self._revocations = revocations
        self._grants = grants
        self._sockets = sockets
        self._effects: Mapping[str, Callable[[JournaledEvent], None]] = {
            AccessChanged.event_name: self._access_changed,
            ParticipantRemoved.event_name: self._participant_removed,
            ParticipantsAdded.event_name: self._participants_added,
        }

    async def load(self, journal: Journal) -> None:
        """Takes up what was taken back before; nobody may be let in earlier."""
        await journal.access.take_up(self._revocations)

    def runs(self, stretch: Sequence[JournaledEvent]) -> Sequence[Sequence[JournaledEvent]]:
        """A stretch of events, cut behind each that changes access, so that it takes its effect before the next is
        delivered."""
        if self._effects.keys().isdisjoint(map(_name_of, stretch)):
            return [stretch]
        ends = [number for number, one in enumerate(stretch, 1) if one.event.name in self._effects]
        starts = [0, *ends]
        return [run for start, end in zip(starts, [*ends, len(stretch)], strict=True) if (run := stretch[start:end])]

    def apply(self, journaled: JournaledEvent) -> None:
        """An event has been delivered."""
        effect = self._effects.get(journaled.event.name)
        if effect is not None:
            effect(journaled)

    def _access_changed(self, journaled: JournaledEvent) -> None:
        said: dict[str, Any] = journaled.event.payload
        match said:
            case {"change": "tokens_revoked", "userId": user_id}:
                self._revocations.revoke_all_of(user_id, journaled.committed_at, journaled.offset)
                self._forget(user_id)
                self._sockets.admission.check_revocations()
            case {"change": "token_revoked", "tokenId": token_id}:
                self._revocations.revoke_token(token_id)
                self._sockets.admission.check_revocations()
            case {"change": "room_revoked", "userId": user_id, "room": room}:
                self._revoke_room(user_id, room, journaled)
            case {"change": "room_restored", "userId": user_id, "room": room}:
                self._revocations.restore_room([user_id], room)
                self._forget(user_id)
            case {"change": "disconnected"}:
                self._sockets.admission.disconnect(user_id=said.get("userId"), sid=said.get("socketId"))

    def _participant_removed(self, journaled: JournaledEvent) -> None:
        said = journaled.event.payload
        self._revoke_room(said["removedUserId"], rooms.chat(said["chatId"]), journaled)

    def _participants_added(self, journaled: JournaledEvent) -> None:
        said = journaled.event.payload
        self._revocations.restore_room(said["addedUserIds"], rooms.chat(said["chatId"]))
        self._forget(*said["addedUserIds"])

    def _revoke_room(self, user_id: str, room: str, journaled: JournaledEvent) -> None:
        self._revocations.revoke_room(user_id, room, journaled.committed_at, journaled.offset)
        self._forget(user_id)
        evict(self._sockets, user_id, room)

    def _forget(self, *user_ids: str) -> None:
        if self._grants is not None:
            for user_id in user_ids:
                self._grants.forget(user_id)
