"""Shared activity: who is online and who types is kept in the journal, for the bridges that share it and for the next
process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.catalogue.activities import UserActivity
from bridge.journal import ACTIVITIES, ENDED_RETENTION, Journal, JournalUnavailableError, NodeActivity
from bridge.journal.liveness import GONE_AFTER, OFFLINE_AFTER, SAID_EVERY_SECONDS
from bridge.recovery import is_of_before_activity_was_kept
from bridge.sockets import SocketServer
from bridge.sockets.presence.activity_log import moment_of
from bridge.sockets.presence.remote_presence import Noted
from bridge.sockets.transport.asking import answering
from bridge.sockets.transport.disconnects import Disconnect

__all__ = ["SharedActivity"]

logger = logging.getLogger("bridge.sockets")

TIDIED_EVERY_SECONDS = 600.0
RETRY_SECONDS = 0.5
# After it stood still: what others have begun meanwhile, which take it for gone, is read by then.
DOUBTS_SECONDS = 2 * SAID_EVERY_SECONDS
# What is forgotten of those who have gone was told long before.
MISSED_AFTER = timedelta(minutes=5)


class SharedActivity:
    """What this bridge stores of its clients for the others and for the next one, and what they store of theirs.
    Clients receive nothing that is not stored."""

    def __init__(self, journal: Journal, sockets: SocketServer, *, grace: timedelta) -> None:
        """To be made before clients are let in, which waits until it runs. `grace` is how long somebody who vanishes
        is still online."""
        self._journal = journal
        self._gone_after = OFFLINE_AFTER + grace
        self._sockets = sockets
        self._presence = sockets.presence
        self._activity_log = sockets.activity_log
        self._remote_presence = sockets.presence.remote_presence
        sockets.presence.go_by(journal.clock)
        self._remote_presence.keep()
        self._read_until = 0
        """The number of the last change that was read."""
        self._read_at = journal.clock()
        """When everything was read last."""
        self._seen_at: dict[str, datetime] = {}
        """When each node was seen last, as far as that was looked up; of one that left, when it was before that."""
        self._doubts_until = 0.0
        """By the event loop's clock, of a bridge that stood still: until then it does not contradict the others."""

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._publish())
                tasks.create_task(self._follow())
                tasks.create_task(self._tidy())
        finally:
            self._remote_presence.end()

    async def _publish(self) -> None:
        while True:
            await self._remote_presence.outgoing.wait()
            taken = self._remote_presence.take()
            try:
                await self._journal.activities.note(_by_node(taken))
            except JournalUnavailableError:
                self._remote_presence.give_back(taken)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._remote_presence.is_stored()

    async def _follow(self) -> None:
        await _until_available(self._begin)
        if self._journal.activities.is_shared:
            await self._follow_others()

    async def _follow_others(self) -> None:
        news, loop = self._journal.wakeups.of(ACTIVITIES), asyncio.get_running_loop()
        nodes_seen_at = -SAID_EVERY_SECONDS
        while True:
            news.clear()
            await _until_available(self._read)
            if loop.time() >= nodes_seen_at + SAID_EVERY_SECONDS:
                nodes_seen_at = loop.time()
                await _until_available(self._see_nodes)
            with suppress(TimeoutError):
                async with asyncio.timeout(nodes_seen_at + SAID_EVERY_SECONDS - loop.time()):
                    await news.wait()

    async def _read(self) -> None:
        """What has changed since it was read last."""
        now, loop = self._journal.clock(), asyncio.get_running_loop()
        if now - self._read_at > MISSED_AFTER:
            await self._catch_up()
        else:
            changes = await self._journal.activities.after(self._read_until)
            if self._activity_log.unheard_seconds > GONE_AFTER.total_seconds():
                self._doubts_until = loop.time() + DOUBTS_SECONDS
            gone: list[UserActivity] = []
            for one in changes:
                self._read_until = one.change
                if one.node != self._journal.nodes.own:
                    self._receive(one, now)
                elif one.activity.chat_id is None and not one.activity.is_on:
                    gone.append(one.activity)
            self._are_said_to_be_gone(gone, is_doubted=loop.time() < self._doubts_until)
        self._read_at = now
        self._activity_log.hears_others()

    def _receive(self, one: NodeActivity, now: datetime) -> None:
        if one.activity.is_on:
            self._was_there(one.node, one.said_at or now)
        self._remote_presence.receive(one.node, one.activity)

    def _are_said_to_be_gone(self, gone: Sequence[UserActivity], *, is_doubted: bool) -> None:
        """By others, of users of this bridge. One that stood still believes it until it has asked."""
        if not is_doubted:
            for one in gone:
                self._presence.is_said_to_be_gone(one.user_id)
            return
        here = [one for one in gone if one.user_id in self._presence.arrived]
        users_of: dict[str, list[str]] = {}
        for one in here:
            for sid in self._presence.doubt(one):
                users_of.setdefault(sid, []).append(one.user_id)
        if here:
            self._sockets.eio.start(self._ask(here, users_of))

    async def _ask(self, gone: Sequence[UserActivity], users_of: Mapping[str, Collection[str]]) -> None:
        """Who answers is online again; who does not is half open, and comes back by itself if it is there."""
        found = {sid: self._sockets.manager.connection(sid) for sid in users_of}
        connections = {sid: connection for sid, connection in found.items() if connection is not None}
        # Twice: the first answer may have waited here since before the client went.
        there = {*await answering(await answering(connections.values()))}
        for sid, connection in connections.items():
            if connection not in there:
                connection.end(Disconnect.PING_TIMEOUT)
                continue
            for user_id in users_of[sid]:
                self._presence.arrive(sid, user_id)
        for one in gone:
            # That it is here may have been on its way when it was read that it is not.
            if one.user_id not in self._presence.arrived:
                self._remote_presence.publish(one)

    def _was_there(self, node: str, at: datetime) -> None:
        """Not later than now, also where the clock was ahead when it said so, or when that was looked up."""
        now = self._journal.clock()
        self._seen_at[node] = min(max(at, self._seen_at.get(node, at)), now)

    async def _begin(self) -> None:
        own, now = self._journal.nodes.own, self._journal.clock()
        snapshot = await self._journal.activities.snapshot()
        seen_at = await self._journal.nodes.seen()
        newest = await self._journal.sessions.newest()
        # By the clock by which it is noted when clients left, also where that was set back meanwhile.
        moment = moment_of(self._activity_log.now())
        others = [one for one in snapshot.rows if one.node != own]
        # Of one that left it is not known when.
        self._seen_at = {one.node: now for one in others} | {node: min(at, now) for node, at in seen_at.items()}
        self._remote_presence.begin(
            ((one.node, one.activity, min(one.said_at or moment, moment)) for one in others),
            moment,
            is_alone=not any(node != own and at > now - GONE_AFTER for node, at in seen_at.items()),
            complete_since=_complete_since(moment, newest),
        )
        self._read_until, self._read_at = snapshot.change, now

    async def _catch_up(self) -> None:
        """How everything stands, where some of what changed may be forgotten by now."""
        snapshot = await self._journal.activities.snapshot()
        nodes = {*self._remote_presence.nodes, *(one.node for one in snapshot.rows)} - {self._journal.nodes.own}
        for node in sorted(nodes):
            rows = [one.activity for one in snapshot.rows if one.node == node]
            self._remote_presence.replace(node, rows, self._journal.clock())
        self._read_until = snapshot.change
        node = self._journal.nodes.own
        own = {
            one.activity.user_id: one.activity
            for one in snapshot.rows
            if one.node == node and one.activity.chat_id is None
        }
        now = self._journal.clock()
        gone = [
            own.get(user_id, UserActivity(user_id, None, is_on=False, at=now)) for user_id in self._presence.arrived
        ]
        self._are_said_to_be_gone([one for one in gone if not one.is_on], is_doubted=True)

    async def _see_nodes(self) -> None:
        """Whoever was at a node that is gone has gone with it, which is kept, and told once it is read. If that is
        back, it says who is there."""
        nodes, now = self._remote_presence.nodes, self._journal.clock()
        if not nodes:
            return
        for node, at in (await self._journal.nodes.seen()).items():
            self._was_there(node, at)
        gone = {node: at for node in nodes if (at := self._seen_at.setdefault(node, now)) < now - self._gone_after}
        if gone:
            ended: dict[str | None, Collection[UserActivity]] = {
                node: self._remote_presence.all_at(node, at) for node, at in gone.items()
            }
            await self._journal.activities.note(ended)
        self._seen_at = {node: at for node, at in self._seen_at.items() if node in nodes}

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDIED_EVERY_SECONDS)
            with suppress(JournalUnavailableError):
                await self._journal.activities.tidy()


def _complete_since(moment: datetime, newest_session: Mapping[str, Any] | None) -> datetime:
    """From when on all that changed is in the journal. Where it has no session, nobody comes back who left before."""
    if newest_session is None:
        return datetime.fromtimestamp(0, UTC)
    return moment if is_of_before_activity_was_kept(newest_session) else moment - ENDED_RETENTION


def _by_node(noted: Collection[Noted]) -> Mapping[str | None, Collection[UserActivity]]:
    found: dict[str | None, list[UserActivity]] = {}
    for node, activity in noted:
        found.setdefault(node, []).append(activity)
    return found


async def _until_available(step: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            return await step()
        except JournalUnavailableError:
            await asyncio.sleep(RETRY_SECONDS)
