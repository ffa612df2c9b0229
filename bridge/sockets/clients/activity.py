"""What clients do that others see at once: who is online and who types. None of it is journaled.

Of nobody it is told that they came or type before that is kept, so that whatever happens the next process can tell
that they have gone.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress

from bridge.catalogue.activities import UserActivity, UserStatus
from bridge.catalogue.chat import UserTyping
from bridge.sockets.errors import ClientGoneError
from bridge.sockets.fanout import deliver
from bridge.sockets.presence.activity_log import micros_of, moment_of
from bridge.sockets.presence.announcer import Announcer
from bridge.sockets.presence.presence import Presence, status_change
from bridge.sockets.presence.remote_presence import RemotePresence, Said
from bridge.sockets.presence.typing import Typing, Typists
from bridge.sockets.recovery.sessions import Session
from bridge.sockets.rooms.manager import Member
from bridge.sockets.server import SocketServer
from coordinator import rooms
from coordinator.events import Event

__all__ = ["Activity"]


class Activity:
    """Presence and typing of the clients of one server, kept right when one leaves a room or vanishes."""

    def __init__(self, server: SocketServer, *, presence_grace_seconds: float) -> None:
        self._server = server
        self._remote_presence = RemotePresence(on_status=self._stands_elsewhere, on_typing=self._types_elsewhere)
        self.presence = Presence(
            lambda: self.announcer.announce(), self._remote_presence, grace_seconds=presence_grace_seconds
        )
        self.announcer = Announcer(
            self.presence.announcements, server.activity_log, server.manager, server.eio.scheduler
        )
        self._watches = server.activity_log.watches
        server.presence, server.announcer = self.presence, self.announcer
        self._grace_micros = round(presence_grace_seconds * 1_000_000)
        self._typists = Typists()
        server.comes_back_online = self.comes_back_online
        server.recalls = self.recall
        server.manager.watchers.append(self)

    async def recall(self, sessions: Sequence[Session], there_until: int) -> None:
        """Takes up from earlier processes who was online and who typed. Nobody was told any more that those have gone
        who were there in the end, so they are there until their grace period is over. What others know is taken up
        with it."""
        standing = await self._remote_presence.standing()
        here: dict[str, int] = {}
        past: dict[tuple[str, str | None], int] = {}
        for session in sessions:
            left_at = there_until if session.left is None else session.left.at
            is_unannounced = left_at + self._grace_micros >= there_until
            for user_id in session.online:
                if is_unannounced:
                    here[user_id] = max(left_at, here.get(user_id, 0))
                else:
                    past[user_id, None] = max(left_at + self._grace_micros, past.get((user_id, None), 0))
            for typing in session.typing:
                where = typing[::-1]
                past[where] = max(left_at + 1, past.get(where, 0))
        self._note_elsewhere(standing, here)
        for (whose, chat_id), at in sorted(past.items(), key=lambda item: item[1]):
            if chat_id is not None:
                stopped = UserTyping(user_id=whose, is_typing=False)
                self._server.activity_log.note(stopped.to(chatId=chat_id), whose, chat_id, at=at)
            elif whose not in here:
                gone = status_change(whose, is_online=False, seen_at=moment_of(at - self._grace_micros))
                self._server.activity_log.note(gone.to(), whose, at=at)
        for user_id, seen_at in here.items():
            self.presence.expect(user_id, moment_of(seen_at))
        self._server.activity_log.is_complete_since(0)

    def _note_elsewhere(self, standing: Sequence[Said], here: Collection[str]) -> None:
        for one, said_at in standing:
            # Of who may come back here it is told once it does not.
            if one.is_on or one.chat_id is not None or one.user_id not in here:
                self._server.activity_log.note(_event_of(one), one.user_id, one.chat_id, at=micros_of(said_at))

    async def come_online(self, sid: str, user_id: str) -> None:
        """A client that has claimed a user stands for it from now on, and others have been told so when this returns.
        Raises ClientGoneError."""
        await self._wait_until_saved(sid)
        self.presence.arrive(sid, user_id)
        await self.announcer.wait_until_told(user_id)

    async def watch(self, sid: str, user_ids: Sequence[str]) -> list[UserStatus]:
        """A client is told from now on who of some users comes and goes. Returns how each stands, as far as it has
        been told when this returns. Raises TooManyError, and ClientGoneError."""
        self._watches.add(sid, user_ids)
        return await self._watches_now(sid, user_ids)

    async def unwatch(self, sid: str, user_ids: Sequence[str]) -> list[UserStatus]:
        """The opposite; it may be told of them all the same, as is everyone."""
        self._watches.discard(sid, user_ids)
        return await self._watches_now(sid, user_ids)

    async def _watches_now(self, sid: str, user_ids: Sequence[str]) -> list[UserStatus]:
        if self._server.recovery is not None:
            self._server.recovery.watches(sid, self._watches.of(sid))
        await self._wait_until_saved(sid)
        self.announcer.tell_now(sid)
        found = self.presence.look_up(dict.fromkeys(user_ids))
        return [UserStatus.of(one.user_id, one.is_online, one.last_seen) for one in found]

    def comes_back_online(self, sid: str, user_id: str) -> None:
        """A client is back that has said before that a user is online."""
        self.presence.claim(sid, user_id)
        if self.presence.is_here(user_id):
            self.presence.arrive(sid, user_id)  # which is announced already
        else:
            self._server.eio.start(self._come_back_online(sid, user_id))

    async def _come_back_online(self, sid: str, user_id: str) -> None:
        with suppress(ClientGoneError):
            await self.come_online(sid, user_id)

    async def start_typing(self, sid: str, typing: Typing, user_name: str) -> None:
        """Raises TooManyError, and ClientGoneError."""
        self._typists.start(sid, typing)
        self._save_typing(sid, typing, is_typing=True)
        await self._wait_until_saved(sid)
        if self._typists.types(sid, typing):
            self._announce_to_chat(typing, sid, user_name, is_typing=True)

    def stop_typing(self, sid: str, typing: Typing) -> None:
        self._typists.stop(sid, typing)
        self._save_typing(sid, typing, is_typing=False)
        self._announce_to_chat(typing, sid, is_typing=False)

    def entered_room(self, member: Member, room: str) -> None:
        """Nothing to do: whoever enters a room says so, or does not, in words of its own."""

    def left_room(self, member: Member, room: str) -> None:
        """A client left a room, so it no longer stands for its user, or types, there."""
        namespace, sid = member
        if namespace != "/":
            return
        user_id, chat_id = rooms.user_of(room), rooms.chat_of(room)
        if user_id is not None:
            # Who is gone was connected until now, and may come back.
            self.presence.leave(sid, user_id, for_good=self._server.manager.is_connected(sid, namespace))
        if chat_id is not None:
            self._stop_typing(sid, self._typists.leave(sid, chat_id))

    def departed(self, member: Member) -> None:
        """A client is gone."""
        namespace, sid = member
        if namespace == "/":
            self._watches.forget(sid)
            self._server.activity_log.outboxes.take(sid)
            self.presence.depart(sid)
            self._stop_typing(sid, self._typists.depart(sid))

    def _stop_typing(self, sid: str, stopped: Sequence[Typing]) -> None:
        for typing in stopped:
            self._save_typing(sid, typing, is_typing=False)
            self._announce_to_chat(typing, sid, is_typing=False)

    async def _wait_until_saved(self, sid: str) -> None:
        if self._server.recovery is not None:
            await self._server.recovery.wait_until_saved(sid)

    def _save_typing(self, sid: str, typing: Typing, *, is_typing: bool) -> None:
        if self._server.recovery is not None:
            self._server.recovery.types(sid, typing.chat_id, typing.user_id, is_typing=is_typing)

    def _announce_to_chat(self, typing: Typing, sid: str, user_name: str | None = None, *, is_typing: bool) -> None:
        """Tells everyone in the chat but the typist: neither the socket that it comes from nor the user's others."""
        now = moment_of(self._server.activity_log.now())
        activity = UserActivity(typing.user_id, typing.chat_id, is_on=is_typing, at=now, user_name=user_name)
        self._remote_presence.publish(activity)
        self._types(activity, [sid])

    def _types_elsewhere(self, activity: UserActivity) -> None:
        self._types(activity, [])

    def _types(self, activity: UserActivity, besides: Sequence[str]) -> None:
        own = [sid for sid, _ in self._server.manager.get_participants("/", rooms.user(activity.user_id))]
        event = _event_of(activity)
        self._server.activity_log.note(event, activity.user_id, activity.chat_id)
        deliver(self._server, [event], besides=[*besides, *own])

    def _stands_elsewhere(self, activity: UserActivity) -> None:
        self.presence.changed_elsewhere(activity)


def _event_of(activity: UserActivity) -> Event:
    if activity.chat_id is None:
        return status_change(activity.user_id, is_online=activity.is_on, seen_at=activity.at).to()
    typing = UserTyping(user_id=activity.user_id, user_name=activity.user_name, is_typing=activity.is_on)
    return typing.to(chatId=activity.chat_id)
