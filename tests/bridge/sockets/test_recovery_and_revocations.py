"""Whatever order rooms are revoked, restored, joined and published to in, and a client is cut off and returns: it is
never sent what it may not have, never misses silently what it may, and is recovered wherever what it brings shows
that it missed nothing of the revocation."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from bridge.access import Principal, Revocations
from bridge.sockets.recovery import pending_saves
from bridge.sockets.recovery.recovery import Recovery
from bridge.sockets.recovery.sessions import Leaving
from bridge.sockets.rooms.recent_events import DeliveredEvent
from coordinator.events import Audience, Event
from tests.bridge.sockets.test_recovery_states import UNBOUNDED, Journal
from tests.conftest import IS_LONG

ROOMS = ("chat-1", "chat-2")
ELSEWHERE = "ops"
BEGAN = datetime(2026, 11, 27, tzinfo=UTC)
USER = Principal("u1", user_id="u1", rooms=frozenset(ROOMS), issued_at=BEGAN - timedelta(days=1))


def moment(number: int) -> datetime:
    """Each event is one second after the other."""
    return BEGAN + timedelta(seconds=number)


def micros(number: int) -> int:
    return round(moment(number).timestamp() * 1_000_000)


@dataclass
class Client:
    pid: str
    sid: str
    began: int
    heard: int
    """The last event that it received, or before which nothing was its."""
    is_connected: bool = True
    is_silent: bool = False
    """Whether its line is dead, which the server does not know yet."""
    silent_since: int = 0
    joined: dict[str, int] = field(default_factory=dict)
    owed: set[int] = field(default_factory=set)
    """What was published while it was in the room and allowed, and it has not received."""
    forbidden: set[int] = field(default_factory=set)
    """What was published while a room that it was in was revoked."""


def is_there(doors: "Doors") -> bool:
    """Whether the client is connected, and hears what it is sent."""
    return doors.client is not None and doors.client.is_connected and not doors.client.is_silent


class Doors(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.runner.run(self._begin())
        self.come_and_join(0)

    async def _begin(self) -> None:
        self.journal = Journal()
        self.taken: dict[str, tuple[int, bool]] = {}
        """By which event each room was revoked last, and whether it was restored."""
        self.sids = 0
        self.client: Client | None = None
        self.start()

    def start(self) -> None:
        """A bridge starts, and takes up what is on record."""
        head = len(self.journal.events)
        self.recovery = Recovery(
            self.journal,
            self.journal,
            cursor=head,
            offset=self.journal.offset_text(head),
            keeps_confidence=False,
            remembered_bytes=2_000,
        )
        self.revocations = Revocations()
        for room, (number, is_restored) in self.taken.items():
            self.revocations.revoke_room("u1", room, moment(number), number)
            if is_restored:
                self.revocations.restore_room(["u1"], room)

    @property
    def head(self) -> int:
        return len(self.journal.events)

    def is_allowed(self, room: str) -> bool:
        return room not in self.taken or self.taken[room][1]

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def deliver(self, room: str) -> int:
        number = self.head + 1
        delivered = DeliveredEvent(number, Event("news", Audience(rooms=(room,)), "x" * 100), "")
        delivered = delivered._replace(offset=self.journal.offset_text(number))
        self.journal.events.append(delivered)
        self.recovery.note_delivered([delivered])
        client = self.client
        if client is not None and room in client.joined:
            if not self.is_allowed(room):
                client.forbidden.add(number)
            elif client.is_connected and not client.is_silent:
                client.heard = number
            else:
                client.owed.add(number)
        return number

    @rule(room=st.sampled_from((*ROOMS, *ROOMS, ELSEWHERE)))
    def publish(self, room: str) -> None:
        self.runner.run(self.deliver(room))

    @rule(room=st.sampled_from(ROOMS), is_told_in_the_room=st.booleans())
    def revoke(self, room: str, is_told_in_the_room: bool) -> None:
        async def revoke() -> None:
            number = await self.deliver(room if is_told_in_the_room else ELSEWHERE)
            self.taken[room] = (number, False)
            self.revocations.revoke_room("u1", room, moment(number), number)
            client = self.client
            if client is not None and client.is_connected:
                client.joined.pop(room, None)
                self.recovery.left_room(("/", client.sid), room)
            await self.settle()

        self.runner.run(revoke())

    @rule(room=st.sampled_from(ROOMS))
    def restore(self, room: str) -> None:
        async def restore() -> None:
            await self.deliver(ELSEWHERE)
            self.revocations.restore_room(["u1"], room)
            if room in self.taken:
                self.taken[room] = (self.taken[room][0], True)

        self.runner.run(restore())

    @rule(room=st.sampled_from(ROOMS))
    def revoke_for_a_while(self, room: str) -> None:
        self.revoke(room, is_told_in_the_room=False)
        self.publish(room)
        self.publish(room)
        self.restore(room)

    @precondition(lambda self: self.client is not None and self.client.is_connected)
    @rule(room=st.sampled_from(ROOMS))
    def be_away_while_it_is_revoked(self, room: str) -> None:
        self.cut(0)
        self.revoke_for_a_while(room)

    @precondition(is_there)
    @rule(room=st.sampled_from(ROOMS))
    def join(self, room: str) -> None:
        async def join() -> None:
            client = self.client
            assert client is not None
            assert self.revocations.applied_to(USER).may_see(room) == self.is_allowed(room)
            if self.is_allowed(room):
                client.joined.setdefault(room, self.head)
                self.recovery.entered_room(("/", client.sid), room)
            await self.settle()

        self.runner.run(join())

    @precondition(is_there)
    @rule()
    def fall_silent(self) -> None:
        assert self.client is not None
        self.client.is_silent, self.client.silent_since = True, self.head

    @precondition(lambda self: self.client is not None and self.client.is_connected)
    @rule(unsure=st.integers(0, 5))
    def cut(self, unsure: int) -> None:
        """`unsure` is for how long it may have been gone, as far as the server knows."""

        async def cut() -> None:
            client = self.client
            assert client is not None
            client.is_connected = False
            there = client.silent_since if client.is_silent else self.head
            sure = micros(max(there - unsure, 0))
            self.recovery.let_go(client.sid, Leaving(sure, sure), for_good=False)
            await self.settle()

        self.runner.run(cut())

    @rule(is_orderly=st.booleans())
    def restart(self, is_orderly: bool) -> None:
        if is_orderly and self.client is not None and self.client.is_connected:
            self.cut(0)
        self.runner.run(self.end())
        if self.client is not None:
            self.client.is_connected = False
        self.start()

    async def end(self) -> None:
        await self.recovery.close()
        await self.settle()

    @precondition(lambda self: self.client is None or not self.client.is_connected)
    @rule(pretends=st.integers(0, 3))
    def come(self, pretends: int) -> None:
        """A client may bring a later offset than that of what it received, which another connection was given."""
        self.runner.run(self._come(pretends))

    async def _come(self, pretends: int) -> None:
        client, present = self.client, self.revocations.applied_to(USER)
        missed = None
        if client is not None:
            client.heard = min(client.heard + pretends, self.head)
            client.owed = {number for number in client.owed if number > client.heard}
            offset = self.journal.offset_text(client.heard)
            missed = await self.recovery.take_up(client.pid, offset, present, UNBOUNDED)
        if missed is not None:
            left = missed.session.left
            assert left is not None
            sure = datetime.fromtimestamp(left.sure / 1_000_000, UTC)
            if self.revocations.has_lost_rooms(USER, missed.session.rooms, missed.received_until, sure):
                missed = None
        if client is not None and missed is not None:
            resumed = self.recovery.resume(missed, present)
            delivered = {self.journal.read_offset(offset) for _, offset in resumed.delivered}
            assert set(resumed.rooms) == set(client.joined)
            assert all(map(self.is_allowed, resumed.rooms))
            assert delivered == client.owed
            assert not delivered & client.forbidden
            client.heard = max({client.heard, *delivered})
            client.owed, client.is_connected, client.is_silent = set(), True, False
        else:
            # Nobody begins anew who shows to have heard all from before, and has come into each room since.
            assert (
                client is None
                or any(
                    (not is_restored and room in client.joined) or client.joined.get(room, number) < number
                    for room, (number, is_restored) in self.taken.items()
                )
                or any(client.heard < number for number, _ in self.taken.values())
            )
            self.sids += 1
            sid = f"sid{self.sids}"
            pid = self.recovery.begin(sid, present)
            self.client = Client(pid, sid, began=self.head, heard=self.head)
        await self.settle()

    @precondition(lambda self: self.client is None or not self.client.is_connected)
    @rule(pretends=st.integers(0, 3))
    def come_and_join(self, pretends: int) -> None:
        self.come(pretends)
        for room in ROOMS:
            self.join(room)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.end())
            self.runner.close()


def test_nobody_is_recovered_into_what_was_revoked_and_everybody_into_what_was_joined_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pending_saves, "SOON_SECONDS", 0)
    monkeypatch.setattr(pending_saves, "RETRY_SECONDS", 0)
    lives = 1_000 if IS_LONG else 80
    run_state_machine_as_test(
        Doors, settings=settings(max_examples=lives, stateful_step_count=40, phases=[Phase.generate])
    )
