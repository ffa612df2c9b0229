"""Shared activity: bridges that share a journal tell each other, by way of it, who is online and who types."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Set
from contextlib import suppress
from datetime import datetime, timedelta

from bridge.journal import ACTIVITIES, Journal, JournalUnavailableError, NodeActivity
from bridge.journal.liveness import OFFLINE_AFTER, SAID_EVERY_SECONDS
from bridge.sockets import SocketServer

__all__ = ["SharedActivity"]

logger = logging.getLogger("bridge.sockets")

TIDIED_EVERY_SECONDS = 60.0
RETRY_SECONDS = 0.5
FORGOTTEN_AFTER = timedelta(hours=1)
"""For so long the rows of a node that is gone are kept: it may have been stopped for a while."""
# What is forgotten of those who have gone was told long before.
MISSED_AFTER = timedelta(minutes=5)


class SharedActivity:
    """What this bridge tells the others of its clients, and what they tell of theirs."""

    def __init__(self, journal: Journal, sockets: SocketServer, *, grace: timedelta) -> None:
        """To be made before clients are let in, which waits until it runs. `grace` is how long somebody who vanishes
        is still online."""
        self._journal = journal
        self._gone_after = OFFLINE_AFTER + grace
        self._presence = sockets.presence
        self._remote_presence = sockets.presence.remote_presence
        sockets.presence.go_by(journal.clock)
        self._remote_presence.share()
        self._read_until = 0
        """The number of the last change that was read."""
        self._read_at: datetime | None = None
        """When everything was read last."""
        self._seen_at: dict[str, datetime] = {}
        """When each node was seen last, as far as that was looked up; of one that left, when it was before that."""
        self._gone: Set[str] = frozenset()
        """The nodes that are gone, and had somebody."""

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish())
            tasks.create_task(self._follow())
            tasks.create_task(self._tidy())

    async def _publish(self) -> None:
        while True:
            await self._remote_presence.outgoing.wait()
            taken = self._remote_presence.take()
            try:
                await self._journal.activities.note(taken)
            except JournalUnavailableError:
                self._remote_presence.give_back(taken)
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        news, loop = self._journal.wakeups.of(ACTIVITIES), asyncio.get_running_loop()
        nodes_seen_at = -SAID_EVERY_SECONDS
        while True:
            news.clear()
            try:
                await self._read()
                if loop.time() >= nodes_seen_at + SAID_EVERY_SECONDS:
                    nodes_seen_at = loop.time()
                    await self._see_nodes()
            except JournalUnavailableError:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(nodes_seen_at + SAID_EVERY_SECONDS - loop.time()):
                    await news.wait()

    async def _read(self) -> None:
        """What has changed since it was read last."""
        now = self._journal.clock()
        if self._read_at is None:
            await self._begin(now)
        elif now - self._read_at > MISSED_AFTER:
            await self._catch_up()
        else:
            for one in await self._journal.activities.after(self._read_until):
                self._read_until = one.change
                self._hear(one, now)
        self._read_at = now

    def _hear(self, one: NodeActivity, now: datetime) -> None:
        # What one tells that is taken for gone is heard with all the rest once it is back.
        if one.node != self._journal.nodes.own and one.node not in self._gone:
            self._seen_at.setdefault(one.node, now)
            self._remote_presence.hear(one.node, one.activity)

    async def _begin(self, now: datetime) -> None:
        standing = await self._journal.activities.standing()
        others = [one for one in standing.rows if one.node != self._journal.nodes.own]
        gone = await self._gone_of({one.node for one in others}, now)
        self._gone = gone.keys()
        known = ((one.node, one.activity, now if one.said_at is None else min(one.said_at, now)) for one in others)
        self._remote_presence.begin(known, gone, now, noticed_after=self._gone_after)
        self._read_until = standing.change

    async def _catch_up(self) -> None:
        """How everything stands, where some of what changed may be forgotten by now."""
        standing = await self._journal.activities.standing()
        nodes = {*self._remote_presence.nodes, *(one.node for one in standing.rows)} - {self._journal.nodes.own}
        for node in sorted(nodes - self._gone):
            rows = [one.activity for one in standing.rows if one.node == node]
            self._remote_presence.replace(node, rows, self._journal.clock())
        self._read_until = standing.change
        self._presence.publish_all()  # the others may have forgotten who is here

    async def _replace(self, node: str) -> None:
        standing = await self._journal.activities.standing(node)
        self._remote_presence.replace(node, [one.activity for one in standing.rows], self._journal.clock())

    async def _see_nodes(self) -> None:
        """Whoever was at a node that is gone has gone with it; and is back when that is."""
        gone = await self._gone_of({*self._remote_presence.nodes, *self._gone}, self._journal.clock())
        for node in self._gone - gone.keys():
            await self._replace(node)
        for node in gone.keys() - self._gone:
            self._remote_presence.replace(node, (), gone[node])
        self._gone = gone.keys()

    async def _gone_of(self, nodes: Collection[str], now: datetime) -> Mapping[str, datetime]:
        """Those of some nodes that are gone, each with when it was seen last."""
        if not nodes:
            return {}
        self._seen_at |= await self._journal.nodes.seen()
        last_seen = {node: self._seen_at.get(node, now - FORGOTTEN_AFTER) for node in nodes}
        return {node: at for node, at in last_seen.items() if at < now - self._gone_after}

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDIED_EVERY_SECONDS)
            with suppress(JournalUnavailableError):
                now = self._journal.clock()
                gone = await self._gone_of(self._gone, now)
                forgotten = {node for node, at in gone.items() if at <= now - FORGOTTEN_AFTER}
                await self._journal.activities.tidy(forgotten)
                # Or each bridge that there ever was would be remembered, and its rows sought, for ever.
                self._gone -= forgotten
                for node in forgotten:
                    self._seen_at.pop(node, None)
