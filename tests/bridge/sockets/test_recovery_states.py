"""Whatever happens to clients, to the store of sessions and to the history, in whatever order: who is recovered is in
all its rooms and is told all that it missed, once and in order."""

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from bridge.access import ANYBODY, Principal
from bridge.sockets.errors import ClientGoneError
from bridge.sockets.limits import Limits
from bridge.sockets.presence.activity_log import now_micros
from bridge.sockets.recovery import pending_saves as remembered_changes
from bridge.sockets.recovery.recovery import Missed, Recovery
from bridge.sockets.recovery.replays import Replays
from bridge.sockets.recovery.sessions import Leaving, Session, TakenOver
from bridge.sockets.rooms.recent_events import DeliveredEvent
from coordinator.errors import BridgeError
from coordinator.events import Audience, Event
from tests.conftest import IS_LONG

UNBOUNDED = Replays(Limits()).for_address(None)
ROOMS = ("request-a", "request-b")
EVERYONE = None
CLIENTS = 2
TOKENS = (ANYBODY, ANYBODY, Principal(ANYBODY.name, rooms=frozenset(ROOMS[:1])))
# So small that what was told lately is soon no more in memory, and some miss too much.
REMEMBERED_BYTES, REPLAY_BYTES, EVENT_BYTES = 3_000, 2_500, 100


class Journal:
    """The history and the store: what is on disk, and whatever may keep it from there."""

    def __init__(self) -> None:
        self.key = secrets.token_bytes(32)
        self.epoch = 0
        self.events: list[DeliveredEvent] = []
        self.oldest_stored = 1
        self.rows: dict[str, Session] = {}
        self.fails_to_save = self.fails_to_read = False
        self.going_on = asyncio.Event()
        """Unset: everything takes long."""
        self.going_on.set()

    def offset_text(self, number: int) -> str:
        return f"{self.epoch}-{number}"

    def read_offset(self, text: str) -> int:
        epoch, _, number = text.partition("-")
        if epoch != str(self.epoch):
            raise BridgeError("of another history")
        return int(number)

    async def number_of(self, offset: str) -> int:
        await self._read()
        number = self.read_offset(offset)
        assert number <= len(self.events)
        if number < self.oldest_stored - 1:
            raise BridgeError("what came next is forgotten")
        return number

    async def oldest(self) -> int:
        await self._read()
        return self.oldest_stored

    async def room_events(
        self, names: Sequence[str], *, everyone: bool, after: int, limit: int
    ) -> tuple[Sequence[DeliveredEvent], bool]:
        await self._read()
        limit = min(limit, 4)
        found = [
            delivered
            for delivered in self.events
            if delivered.number > max(after, self.oldest_stored - 1)
            and (delivered.event.audience.everyone or set(delivered.event.audience.rooms) & set(names))
        ]
        return found[:limit], len(found) > limit

    is_shared = False
    clock = staticmethod(now_micros)

    def watch(self, moved: Callable[[Collection[str] | None], object]) -> None:
        """Nobody takes a session over."""

    async def save(self, sessions: Mapping[str, Session | None]) -> Collection[str]:
        written = deepcopy(dict(sessions))
        await self.going_on.wait()
        if self.fails_to_save:
            raise BridgeError("the disk is full")
        for sid, session in written.items():
            self.rows.pop(sid, None)
            if session is not None:
                self.rows[sid] = session
        return ()

    async def load(self, sid: str) -> Session | None:
        await self._read()
        session = deepcopy(self.rows.get(sid))
        if session is not None:
            session.left = session.left or Leaving(0, 0)
        return session

    async def take_over(self, sid: str) -> TakenOver | None:
        raise NotImplementedError  # which no journal is asked for that is one process's alone

    async def recall(self) -> int:
        return 0

    async def _read(self) -> None:
        await self.going_on.wait()
        if self.fails_to_read:
            raise BridgeError("the database is locked")


@dataclass
class Client:
    """A front end, and what it may rely on."""

    pid: str | None = None
    sid: str | None = None
    offset: str | None = None
    """Of the last event it heard, which it brings."""
    is_connected: bool = False
    principal: Principal = ANYBODY
    """What its newest token grants."""
    coming: asyncio.Task[Missed | None] | None = None
    dawdles: bool = False
    """Whether something else is waited for before it is let in."""
    asking: list[tuple[str, asyncio.Task[None]]] = field(default_factory=list)
    """The joins and leaves that are not answered, each as `+room` or `-room`."""
    surely_in: dict[str, int] = field(default_factory=dict)
    """The rooms of answered joins, each since the newest event of that moment at the latest."""
    perhaps_in: set[str] = field(default_factory=set)
    heard: int = 0
    """Everything up to here has been heard, or was never its."""
    was_shut_down: bool = False


class Life(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        self.journal = Journal()
        self.backup: tuple[int, int, dict[str, Session]] | None = None
        self.clients = [Client() for _ in range(CLIENTS)]
        self.sids = 0
        self.start()

    def start(self) -> None:
        self.recovery = Recovery(
            self.journal,
            self.journal,
            cursor=len(self.journal.events),
            offset=self.journal.offset_text(len(self.journal.events)),
            keeps_confidence=False,
            remembered_bytes=REMEMBERED_BYTES,
            replay_bytes=REPLAY_BYTES,
        )

    def run(self, client: int, deed: Any, *arguments: Any) -> None:
        async def done() -> None:
            deed(self.clients[client], *arguments)
            await self.settle()

        self.runner.run(done())

    async def settle(self) -> None:
        for _ in range(40):
            await asyncio.sleep(0)
            for client in self.clients:
                self.answer(client)
                if client.coming is not None and client.coming.done() and not client.dawdles:
                    coming, client.coming = client.coming, None
                    self.let_in(client, coming.result())

    def answer(self, client: Client) -> None:
        for asked, task in list(client.asking):
            if not task.done():
                continue
            client.asking.remove((asked, task))
            room = asked[1:]
            if task.exception() is None and asked[0] == "+" and room in client.perhaps_in:
                client.surely_in.setdefault(room, len(self.journal.events))

    # What clients do

    @rule()
    def come_all(self) -> None:
        for number in range(CLIENTS):
            self.come(number, dawdles=False)

    @rule(number=st.integers(0, CLIENTS - 1), dawdles=st.booleans(), token=st.sampled_from(TOKENS))
    def come(self, number: int, dawdles: bool, token: Principal = ANYBODY) -> None:
        def come(client: Client) -> None:
            client.dawdles = dawdles
            if client.coming is None and (dawdles or not client.is_connected):
                client.principal = token
                client.coming = asyncio.create_task(
                    self.recovery.take_up(client.pid, client.offset, token, UNBOUNDED)
                )

        self.run(number, come)

    def let_in(self, client: Client, missed: Missed | None) -> None:
        """As the server does it, without waiting."""
        if client.is_connected:
            self.part(client, for_good=False)
        if missed is not None and not self.recovery.is_current(missed, client.principal):
            return  # closed again, to come once more
        client.is_connected = True
        if missed is None:
            self.sids += 1
            client.sid, client.offset = f"sid{self.sids}", None
            client.pid = self.recovery.begin(client.sid, client.principal)
            client.surely_in, client.perhaps_in, client.was_shut_down = {}, set(), False
            client.heard = len(self.journal.events)
            return
        resumed = self.recovery.resume(missed, client.principal)
        assert all(map(client.principal.may_see, resumed.rooms))
        assert not client.was_shut_down
        assert missed.session.sid == client.sid
        assert set(client.surely_in) <= set(resumed.rooms) <= client.perhaps_in | set(client.surely_in)
        delivered = [self.journal.read_offset(offset) for _, offset in resumed.delivered]
        assert delivered == sorted(set(delivered))
        assert not delivered or delivered[0] > client.heard
        must_hear = {one.number for one in self.journal.events if self.must_hear(client, one)}
        assert must_hear <= set(delivered)
        if delivered:
            client.offset = resumed.delivered[-1][1]
        client.heard = len(self.journal.events)

    def must_hear(self, client: Client, delivered: DeliveredEvent) -> bool:
        since = [client.surely_in[room] for room in delivered.event.audience.rooms if room in client.surely_in]
        return delivered.number > client.heard and (
            delivered.event.audience.everyone or any(delivered.number > one for one in since)
        )

    @rule()
    def join_all(self) -> None:
        for number in range(CLIENTS):
            for room in ROOMS:
                self.ask(number, room, "+")

    @rule(number=st.integers(0, CLIENTS - 1), room=st.sampled_from(ROOMS), deed=st.sampled_from("++-"))
    def ask(self, number: int, room: str, deed: str) -> None:
        def ask(client: Client) -> None:
            if not client.is_connected or not client.principal.may_see(room):
                return
            assert client.sid is not None
            if deed == "+":
                client.perhaps_in.add(room)
                self.recovery.entered_room(("/", client.sid), room)
            else:
                client.surely_in.pop(room, None)
                # Until the leave is answered, it may be in the room.
                self.recovery.left_room(("/", client.sid), room)
                client.asking = [(asked, task) for asked, task in client.asking if asked[1:] != room]
            client.asking.append((deed + room, asyncio.create_task(self.kept(client.sid))))

        self.run(number, ask)

    async def kept(self, sid: str) -> None:
        await self.recovery.wait_until_saved(sid)

    @rule()
    def lose_all(self) -> None:
        for number in range(CLIENTS):
            self.run(number, lambda client: self.part(client, for_good=False))

    @rule(number=st.integers(0, CLIENTS - 1), for_good=st.sampled_from([False, False, True]))
    def leave(self, number: int, for_good: bool) -> None:
        self.run(number, lambda client: self.part(client, for_good=for_good))

    def part(self, client: Client, *, for_good: bool) -> None:
        if client.is_connected:
            assert client.sid is not None
            client.is_connected = False
            client.was_shut_down = for_good
            self.recovery.let_go(client.sid, Leaving(1, 1), for_good=for_good)

    # What is told

    @rule(room=st.sampled_from([*ROOMS, EVERYONE]), count=st.integers(1, 9))
    def publish(self, room: str | None, count: int) -> None:
        async def publish() -> None:
            for _ in range(count):
                audience = Audience(everyone=True) if room is None else Audience(rooms=(room,))
                number = len(self.journal.events) + 1
                event = Event("news", audience, "x" * EVENT_BYTES)
                delivered = DeliveredEvent(number, event, self.journal.offset_text(number))
                self.journal.events.append(delivered)
                self.recovery.note_delivered([delivered])
                for client in self.clients:
                    if not client.is_connected or client.coming is not None:
                        continue  # the line of one who comes again is dead, of which the server does not know yet
                    session = self.recovery._sessions.of(client.sid or "")
                    assert session is not None
                    if room is None or room in session.rooms:
                        client.offset = self.journal.offset_text(delivered.number)
                    else:
                        assert room not in client.surely_in
                    client.heard = delivered.number
            for client in self.clients:
                client.dawdles = False
            await self.settle()

        self.runner.run(publish())

    # What happens to the bridge and its journal

    @rule(trouble=st.sampled_from(["none", "saves fail", "none", "reads fail", "all is slow", "saves fail"]))
    def get_into(self, trouble: str) -> None:
        async def change() -> None:
            self.set_trouble(trouble)
            await self.settle()

        self.runner.run(change())

    def set_trouble(self, trouble: str) -> None:
        self.journal.fails_to_save = trouble == "saves fail"
        self.journal.fails_to_read = trouble == "reads fail"
        if trouble == "all is slow":
            self.journal.going_on.clear()
        else:
            self.journal.going_on.set()

    @rule(is_orderly=st.booleans())
    def restart(self, is_orderly: bool) -> None:
        self.runner.run(self.end(is_orderly=is_orderly))
        self.start()

    async def end(self, *, is_orderly: bool) -> None:
        if is_orderly:
            self.journal.going_on.set()
            for client in self.clients:
                self.part(client, for_good=False)
            await self.settle()
            await self.recovery.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in self.clients:
            client.is_connected, client.coming, client.asking = False, None, []
            # What was not kept of a goodbye is forgotten with the process.
            client.was_shut_down = False
        self.set_trouble("none")

    @rule(deed=st.sampled_from(["back up", "restore", "forget events", "forget sessions"]))
    def look_after_the_journal(self, deed: str) -> None:
        if deed == "back up":
            self.backup = (len(self.journal.events), self.journal.oldest_stored, deepcopy(self.journal.rows))
        elif deed == "restore" and self.backup is not None:
            self.restore(*self.backup)
        elif deed == "forget events":
            self.journal.oldest_stored = max(self.journal.oldest_stored, len(self.journal.events) - 4)
        elif deed == "forget sessions":
            in_use = self.recovery.session_ids()
            self.journal.rows = {sid: row for sid, row in self.journal.rows.items() if sid in in_use}

    def restore(self, events: int, oldest_stored: int, rows: dict[str, Session]) -> None:
        """A new history begins: with another epoch and another secret."""
        self.runner.run(self.end(is_orderly=False))
        del self.journal.events[events:]
        self.journal.rows = deepcopy(rows)
        self.journal.oldest_stored = oldest_stored
        self.journal.epoch += 1
        self.journal.key = secrets.token_bytes(32)
        self.start()

    @invariant()
    def who_goes_is_not_waited_for(self) -> None:
        for client in self.clients:
            if not client.is_connected:
                assert all(task.done() for _, task in client.asking)
                for _, task in client.asking:
                    assert task.exception() is None or isinstance(task.exception(), ClientGoneError)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.end(is_orderly=True))
            self.runner.close()


def test_who_is_recovered_has_all_its_rooms_and_hears_all_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered_changes, "SOON_SECONDS", 0)
    monkeypatch.setattr(remembered_changes, "RETRY_SECONDS", 0)
    lives = 1_000 if IS_LONG else 60
    run_state_machine_as_test(
        Life, settings=settings(max_examples=lives, stateful_step_count=60, phases=[Phase.generate])
    )
