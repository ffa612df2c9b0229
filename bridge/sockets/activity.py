"""What clients do that others see at once: who is online and who types. None of it is journaled."""

from collections.abc import Sequence

from bridge.catalogue.chat import UserStatusChange, UserTyping
from bridge.sockets.fanout import deliver
from bridge.sockets.manager import Member
from bridge.sockets.presence import Presence
from bridge.sockets.server import SocketServer
from bridge.sockets.typists import Typing, Typists
from coordinator import rooms
from coordinator.events import Event

__all__ = ["Activity"]


class Activity:
    """Presence and typing of the clients of one server, kept right when one leaves a room or vanishes."""

    def __init__(self, server: SocketServer, *, presence_grace_seconds: float) -> None:
        self._server = server
        self.presence = Presence(self._tell_everyone, grace_seconds=presence_grace_seconds)
        self._typists = Typists()
        server.comes_back_online = self.presence.arrive
        server.manager.watchers.append(self)

    def start_typing(self, sid: str, typing: Typing, user_name: str) -> None:
        """Raises TooManyError."""
        self._typists.start(sid, typing)
        self._tell_chat(typing, sid, user_name, is_typing=True)

    def stop_typing(self, sid: str, typing: Typing) -> None:
        self._typists.stop(sid, typing)
        self._tell_chat(typing, sid, is_typing=False)

    def entered_room(self, member: Member, room: str) -> None:
        """Nothing to do: whoever enters a room says so, or does not, in words of its own."""

    def left_room(self, member: Member, room: str) -> None:
        """A client left a room, so it no longer stands for its user, or types, there."""
        namespace, sid = member
        if namespace != "/":
            return
        user_id, chat_id = rooms.user_of(room), rooms.chat_of(room)
        if user_id is not None:
            self.presence.leave(sid, user_id)
        if chat_id is not None:
            self._stop_typing(sid, self._typists.leave(sid, chat_id))

    def departed(self, member: Member) -> None:
        """A client is gone."""
        namespace, sid = member
        if namespace == "/":
            self.presence.depart(sid)
            self._stop_typing(sid, self._typists.depart(sid))

    def _stop_typing(self, sid: str, stopped: Sequence[Typing]) -> None:
        for typing in stopped:
            self._tell_chat(typing, sid, is_typing=False)

    def _tell_chat(self, typing: Typing, sid: str, user_name: str | None = None, *, is_typing: bool) -> None:
        """Tells everyone in the chat but the typist: neither the socket that it comes from nor the user's others."""
        own = [own_sid for own_sid, _ in self._server.manager.get_participants("/", rooms.user(typing.user_id))]
        payload = UserTyping(user_id=typing.user_id, user_name=user_name, is_typing=is_typing)
        self._tell(payload.to(chatId=typing.chat_id), [sid, *own])

    def _tell_everyone(self, change: UserStatusChange) -> None:
        self._tell(change.to(), [])

    def _tell(self, event: Event, besides: Sequence[str]) -> None:
        deliver(self._server, [event], besides=besides)
