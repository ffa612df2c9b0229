"""What clients do that others see at once: who is online and who types. None of it is journaled.

Of nobody it is told that they came, went or type before that is kept, so that whatever happens the next process can
tell clients that come back how everybody stands by then.
"""

from collections.abc import Awaitable, Sequence
from contextlib import suppress

from bridge.catalogue.activities import UserActivity, UserStatus
from bridge.catalogue.chat import UserTyping
from bridge.sockets.errors import ClientGoneError, StoreUnavailableError
from bridge.sockets.fanout import deliver
from bridge.sockets.presence.activity_log import micros_of, moment_of
from bridge.sockets.presence.announcer import Announcer
from bridge.sockets.presence.presence import LocalPresence, status_change
from bridge.sockets.presence.remote_presence import RemotePresence
from bridge.sockets.presence.typing import Typing, Typists
from bridge.sockets.recovery.reconnections import Restored
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
        self.presence = LocalPresence(
            lambda: self.announcer.announce(),
            self._remote_presence,
            contradict=self._contradict,
            grace_seconds=presence_grace_seconds,
        )
        self.announcer = Announcer(
            self.presence.announcements,
            server.activity_log,
            server.manager,
            server.eio.scheduler,
            self._remote_presence.wait_until_stored,
        )
        self._watches = server.activity_log.watches
        server.presence, server.announcer = self.presence, self.announcer
        self._typists = Typists()
        server.comes_back = self.comes_back
        server.recalls = self.recall
        server.manager.watchers.append(self)

    async def recall(self, there_until: int) -> None:
        """Takes up from earlier processes, the last of which was there until that moment at least, how everybody
        stands. Whoever was online there to the end is online until the grace period is over, and comes back until
        then, or is offline."""
        standing = await self._remote_presence.standing()
        for one, said_at in standing.said:
            self._server.activity_log.note(_event_of(one), one.user_id, one.chat_id, at=micros_of(said_at))
        seen_at = moment_of(there_until)
        for said in standing.said:
            if said.activity.chat_id is None and said.activity.user_id in standing.expected:
                self.presence.expect(said.activity.user_id, max(seen_at, said.activity.at))
        for node, ended in standing.left:
            self._remote_presence.publish(ended, node=node)
        since = standing.complete_since
        self._server.activity_log.is_complete_since(0 if since is None else micros_of(since))

    async def come_online(self, sid: str, user_id: str) -> None:
        """A client that has claimed a user stands for it from now on, and others have been told so when this returns.
        Raises ClientGoneError."""
        await self._wait_until_saved(sid)
        self.presence.arrive(sid, user_id)
        await self.announcer.wait_until_announced(user_id)

    def watches_all(self, sid: str, user_ids: Sequence[str]) -> bool:
        """Whether a client watches all of some users already."""
        return all(sid in self._watches.watching(user_id) for user_id in user_ids)

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
        self.announcer.announce_now(sid)
        found = self.presence.look_up(dict.fromkeys(user_ids))
        return [UserStatus.of(one.user_id, one.is_online, one.last_seen) for one in found]

    def comes_back(self, sid: str, restored: Restored) -> None:
        """A client is back that has said before of some users that they are online."""
        for user_id in restored.online:
            self.presence.claim(sid, user_id)
            if self.presence.is_here(user_id):
                self.presence.arrive(sid, user_id)  # which is announced already
            else:
                self._server.eio.start(self._come_back_online(sid, user_id))
        if restored.came_from is not None:
            own = filter(None, (rooms.user_of(room) for room in restored.rooms))
            self.presence.come_from(restored.came_from, online=restored.online, others={*own})

    async def _come_back_online(self, sid: str, user_id: str) -> None:
        with suppress(ClientGoneError):
            await self.come_online(sid, user_id)

    async def start_typing(self, sid: str, typing: Typing, user_name: str) -> None:
        """Raises TooManyError, and StoreUnavailableError where the bridge stops."""
        self._typists.start(sid, typing)
        change_begun = self._server.activity_log.begin_change()
        activity = self._publish_typing(typing, user_name, is_typing=True)
        try:
            await self._remote_presence.wait_until_stored()
            if self._typists.types(sid, typing):
                self._types(activity, [sid])
        finally:
            self._server.activity_log.end_change(change_begun)

    def stop_typing(self, sid: str, typing: Typing) -> None:
        self._typists.stop(sid, typing)
        self._announce_stop(sid, typing)

    def entered_room(self, member: Member, room: str) -> None:
        """Nothing to do: whoever enters a room says so, or does not, in words of its own."""

    def left_room(self, member: Member, room: str) -> None:
        """A client left a room, so it no longer stands for its user, or types, there."""
        namespace, sid = member
        if namespace != "/":
            return
        user_id, chat_id = rooms.user_of(room), rooms.chat_of(room)
        if user_id is not None:
            self._stop_typing(sid, self._typists.leave_user(sid, user_id))  # told before it is offline
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
            self._announce_stop(sid, typing)

    async def _wait_until_saved(self, sid: str) -> None:
        if self._server.recovery is not None:
            await self._server.recovery.wait_until_saved(sid)

    def _announce_stop(self, sid: str, typing: Typing) -> None:
        change_begun = self._server.activity_log.begin_change()
        activity = self._publish_typing(typing, is_typing=False)
        stored = self._remote_presence.wait_until_stored()  # before whoever goes by that
        self._server.eio.start(self._announce_stored_stop(sid, typing, activity, change_begun, stored))

    async def _announce_stored_stop(
        self, sid: str, typing: Typing, activity: UserActivity, change_begun: object, stored: Awaitable[None]
    ) -> None:
        """Once it is kept: clients of other bridges that come here before that are told too."""
        try:
            with suppress(StoreUnavailableError):  # with the process whoever types stops in any case
                await stored
            if not self._typists.any_types(typing):
                self._types(activity, [sid])
        finally:
            self._server.activity_log.end_change(change_begun)

    def _publish_typing(self, typing: Typing, user_name: str | None = None, *, is_typing: bool) -> UserActivity:
        now = moment_of(self._server.activity_log.now())
        activity = UserActivity(typing.user_id, typing.chat_id, is_on=is_typing, at=now, user_name=user_name)
        self._remote_presence.publish(activity)
        return activity

    def _types_elsewhere(self, activity: UserActivity) -> None:
        self._types(activity, [])

    def _types(self, activity: UserActivity, besides: Sequence[str]) -> None:
        """Tells everyone in the chat but the typist: neither the socket that it comes from nor the user's others."""
        own = [sid for sid, _ in self._server.manager.get_participants("/", rooms.user(activity.user_id))]
        event = _event_of(activity)
        self._server.activity_log.note(event, activity.user_id, activity.chat_id)
        deliver(self._server, [event], besides=[*besides, *own])

    def _contradict(self, activity: UserActivity) -> None:
        """Nothing has changed here; whoever was told otherwise at another bridge, and comes here, hears this."""
        self._server.activity_log.note(_event_of(activity), activity.user_id)

    def _stands_elsewhere(self, activity: UserActivity) -> None:
        self.presence.changed_elsewhere(activity)


def _event_of(activity: UserActivity) -> Event:
    if activity.chat_id is None:
        return status_change(activity.user_id, is_online=activity.is_on, seen_at=activity.at).to()
    typing = UserTyping(user_id=activity.user_id, user_name=activity.user_name, is_typing=activity.is_on)
    return typing.to(chatId=activity.chat_id)
