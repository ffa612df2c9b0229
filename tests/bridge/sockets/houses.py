"""Socket servers over a real journal, which can be left for another over the same one, and bare clients of them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from bridge.journal import Journal, JournaledEvent, JournalUnavailableError
from bridge.recovery import JournalHistory, JournalSessions
from bridge.shared_activity import SharedActivity
from bridge.sockets import SocketServer, create_socket_server, deliver
from bridge.sockets.recovery.recovery import Recovery
from bridge.sockets.recovery.sessions import Session
from bridge.sockets.transport.disconnects import Disconnect
from bridge.workers.leased import LeasedWork
from coordinator.compact_json import compact_json
from coordinator.events import Audience, Event
from tests.system.soak.lines import Line, WebSocketLine
from tests.system.soak.records import EVERYONE, Publications, Record
from tests.waiting import GIVE_UP_SECONDS

__all__ = ["Client", "Eventually", "House", "Serve", "who_missed"]

Serve = Callable[..., Awaitable[str]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]


class SlowSessions(JournalSessions):
    """Sessions that are kept after a while."""

    def __init__(self, journal: Journal, dally: Callable[[], Awaitable[None]]) -> None:
        super().__init__(journal)
        self._dally = dally

    async def save(self, sessions: Mapping[str, Session | None]) -> Collection[str]:
        await self._dally()
        return await super().save(sessions)


class House:
    """A socket server over a journal, which can be left for another over the same journal, or is shared with it."""

    def __init__(
        self,
        address: str,
        serve: Serve,
        eventually: Eventually,
        *,
        is_shared: bool = False,
        replay_bytes: int | None = None,
        **options: Any,
    ) -> None:
        """`replay_bytes`, of what a client is sent again, are those of its backlog unless they are given."""
        self._address = address
        self._replay_bytes = replay_bytes
        self.is_shared = is_shared
        self._options = options
        self._serve = serve
        self._eventually = eventually
        self.dallies: Callable[[], float] = lambda: 0.0
        """For how many seconds it waits before it tells what is committed, and before it keeps what it knows of
        sessions."""
        self.clock_is_behind = timedelta()
        """By how much, from the next time it opens on, whatever the clock is that the journal goes by."""
        self._publishing: set[asyncio.Task[object]] = set()
        self.server: SocketServer
        self.recovery: Recovery

    async def open(self) -> None:
        self.journal = await Journal.open(self._address, is_shared=self.is_shared)
        if behind := self.clock_is_behind:
            clock = self.journal.clock
            self.journal.clock = lambda: clock() - behind
        self.tells = asyncio.Event()
        """Unset: what is committed is not told here."""
        self.tells.set()
        server = create_socket_server(frontend_url="https://shop.example", **self._options)

        async def tell(stretch: Sequence[JournaledEvent]) -> None:
            await self.tells.wait()
            await self._dally()
            delivered = history.delivered(stretch)
            recovery.note_delivered(delivered)
            deliver(server, [one.event for one in delivered], offsets=[one.offset for one in delivered])

        delivered_until = await self.journal.newest_place()
        dispatcher = self.journal.dispatcher(tell, after=delivered_until.number)
        history, sessions = JournalHistory(self.journal), SlowSessions(self.journal, self._dally)
        recovery = Recovery(
            history,
            sessions,
            cursor=delivered_until.number,
            offset=self.journal.offset_text(delivered_until),
            keeps_confidence=False,
            replay_bytes=self._replay_bytes or server.eio.limits.backlog_bytes,
        )
        self.sharing = SharedActivity(self.journal, server, grace=timedelta(seconds=5))
        works = [
            dispatcher.run(),
            self.journal.follow_others(),
            LeasedWork(self.journal, {}).run(),
            self.sharing.run(),
        ]
        server.recover_with(recovery)
        self.server, self.recovery = server, recovery
        self.hears = True
        """Whether it is told that a session is another's."""
        moves = self.journal.sessions.moves
        hear = moves._moved
        moves.follow(lambda sids: hear(sids) if self.hears or sids is None else None)
        self._following = [asyncio.create_task(work) for work in works]
        host, port = (await self._serve(server)).removeprefix("http://").split(":")
        self.place = host, int(port)

    async def _dally(self) -> None:
        if seconds := self.dallies():
            await asyncio.sleep(seconds)

    @property
    def node(self) -> str:
        """Its name among those that share the journal."""
        return self.journal.nodes.own

    async def line(self) -> Line:
        """A line to the server."""
        line = WebSocketLine(*self.place)
        await line.open()
        return line

    def publish(
        self, number: int, room: str, text: str = "", *, refused: Callable[[int], object] | None = None
    ) -> None:
        """Has an event committed, and told in its time; `refused` is called where the journal cannot be written."""
        audience = Audience(everyone=True) if room == EVERYONE else Audience(rooms=(room,))
        event = Event("news", audience, compact_json({"number": number, "room": room, "text": text}))
        task = asyncio.create_task(self._publish(event, number, refused))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _publish(self, event: Event, number: int, refused: Callable[[int], object] | None) -> None:
        try:
            await self.journal.publish_events([event])
        except JournalUnavailableError:
            if refused is None:
                raise
            refused(number)

    async def told_up_to(self, number: int) -> None:
        """Returns once an event is told here, and all before it."""
        await self._eventually(lambda: self.recovery.cursor >= number)

    async def has_saved(self) -> None:
        """Returns once all that it knows of sessions is saved, or known to be another's."""
        changes = self.recovery._sessions._changes
        await self._eventually(lambda: not (changes._next.changes or changes._under_way.changes))

    async def published(self) -> None:
        """Returns once all of it is committed."""
        await asyncio.gather(*self._publishing)

    async def kill(self) -> None:
        """Ends it as a process ends that is killed: of its clients, and of what waited, nothing is saved."""
        await self.published()
        self.journal._writer._is_cut_off = True
        await self._end_lines()
        await self._end()

    async def restart(self) -> None:
        await self.stop()
        await self.open()

    async def stop(self) -> None:
        """Ends it as an operator does, once its clients have gone."""
        await self._eventually(lambda: not self.server.eio.sockets)
        await self.close()

    async def close(self) -> None:
        """With whatever lines there still are, as after a test that failed."""
        try:
            await self._end_lines()
            await self._eventually(lambda: not self.server.eio.sockets)
            assert (self.recovery._sessions.connected, self.recovery.waiting_count("")) == (set(), 0)
            await self.published()
        finally:
            await self._end()

    async def _end_lines(self) -> None:
        for connection in list(self.server.eio.sockets.values()):
            await connection.finish(Disconnect.RESTARTING)

    async def _end(self) -> None:
        assert self.server.reconnections is not None
        await self.server.reconnections.close()
        for following in self._following:
            following.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)
        await self.journal.close()


class Client:
    """One client: a line, while it has one, and what it has to bring the next time."""

    def __init__(self, house: House, publications: Publications) -> None:
        self.house = house
        """The one that it comes to next."""
        self.sid: str | None = None
        self.activity: list[tuple[str, Any]] = []
        """What it heard beside the journaled events."""
        self.record = Record(publications)
        self.line: Line | None = None
        self.pid: str | None = None
        self.offset: str | None = None
        self.recovered: list[bool] = []
        self._asked: list[tuple[str, str]] = []
        """The joins and leaves whose answers are still to be heard, with their rooms."""

    async def come(self) -> None:
        """Connects; if it has a line already, beside that, as one does whose line is dead without knowing."""
        line = await self.house.line()
        try:
            await self._next(line, "0")
            brought = {"pid": self.pid, "offset": self.offset}
            await line.send("40" + json.dumps({name: value for name, value in brought.items() if value is not None}))
            answer = json.loads((await self._next(line, "40"))[2:])
        except BaseException:  # the server may close it at once, for another that brings the same
            await line.cut()
            raise
        pid, self.sid = answer["pid"], answer["sid"]
        self.recovered.append(pid == self.pid)
        if self.recovered[-1]:
            self.record.recovered()
        else:
            self.record.connected()
        self.pid = pid
        await self.cut()
        self.line = line

    async def cut(self) -> None:
        if self.line is not None:
            await self.line.cut()
            self.line = None
        self._asked.clear()

    async def ask(self, deed: str, room: str) -> None:
        """Asks to join or to leave, and does not wait for the answer, which may take as long as the disk is full."""
        self.record.joining(room)
        if deed == "leave":
            self.record.leaving(room)
        await self.send(f"{deed}-request-room", room.removeprefix("request-"))
        self._asked.append((deed, room))

    async def hear_answers(self) -> int:
        """Waits for all answers that were not awaited; returns how many came."""
        count = 0
        while self._asked:
            self._note(await self.answer())
            count += 1
        return count

    async def hear_the_rest(self) -> int:
        """Hears what it was sent before its line died; returns how many answers were among it."""
        count = 0
        with suppress(EOFError, OSError):
            while self.line is not None:
                packet = await self._packet(self.line)
                self._take(packet)
                if packet.startswith("431"):
                    self._note(json.loads(packet[3:])[0])
                    count += 1
        await self.cut()
        return count

    def _note(self, answer: Any) -> None:
        """Of a room the last answer counts."""
        deed, room = self._asked.pop(0)
        if answer["ok"] and all(room != other for _, other in self._asked):
            (self.record.left if deed == "leave" else self.record.joined)(room)

    async def join(self, room: str) -> None:
        self.record.joining(room)
        if await self._call("join", room):
            self.record.joined(room)

    async def leave(self, room: str) -> None:
        self.record.joining(room)
        self.record.leaving(room)
        if await self._call("leave", room):
            self.record.left(room)

    async def _call(self, deed: str, room: str) -> bool:
        answer = await self.call(f"{deed}-request-room", room.removeprefix("request-"))
        return bool(answer["ok"])

    async def call(self, event: str, argument: Any) -> Any:
        """Sends an event; returns its answer."""
        await self.send(event, argument)
        return await self.answer()

    async def send(self, event: str, argument: Any) -> None:
        if self.line is None:
            await self.come()
        assert self.line is not None
        await self.line.send(f"421{json.dumps([event, argument])}")

    async def answer(self) -> Any:
        assert self.line is not None
        return json.loads((await self._next(self.line, "431"))[3:])[0]

    async def listen(self) -> None:
        """Hears what has been told so far."""
        await self._call("leave", "request-none")

    async def listen_up_to(self, number: int) -> None:
        if self.line is None:
            await self.come()
        assert self.line is not None
        while not self.record.has_heard(number):
            self._take(await self._packet(self.line))

    async def _next(self, line: Line, beginning: str) -> str:
        while not (packet := await self._packet(line)).startswith(beginning):
            self._take(packet)
        return packet

    async def _packet(self, line: Line) -> str:
        packet = await line.receive(asyncio.get_running_loop().time() + GIVE_UP_SECONDS)
        assert packet is not None
        return packet

    def _take(self, packet: str) -> None:
        if packet.startswith("42"):
            name, payload, *offset = json.loads(packet[2:])
            if not offset:
                self.activity.append((name, payload))
                return
            [self.offset] = offset
            self.record.hears(payload["number"], payload["room"])


async def who_missed(house: House, room: str, count: int, text: str = "") -> tuple[Client, Publications]:
    """A client that is in a room and away, and has missed so many events there; with what was published."""
    publications = Publications()
    client = Client(house, publications)
    await client.come()
    await client.join(room)
    await client.cut()
    for _ in range(count):
        house.publish(publications.add(room), room, text)
    await house.published()
    await house.told_up_to(count)
    return client, publications
