"""Who hears what goes to each room, among few and among many, and what that takes."""

import tracemalloc
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.sockets.rooms.subscribers import FEW, NOBODY, Client, RoomIndex, Subscribers

MANY = FEW + 4
ROOMS = ("user-1", "request-1", "ops")
DEEDS = st.tuples(
    st.sampled_from(["arrive", "hear", "enter", "leave", "move", "forget"]),
    st.integers(0, MANY),
    st.sampled_from(ROOMS),
)
MEMBERSHIP_LIMIT_BYTES = 250


@dataclass(eq=False)
class Line:
    """What is asked of a connection."""

    name: str
    is_direct: bool = True

    @property
    def direct(self) -> Any:
        return self.name if self.is_direct else None


@dataclass
class Naive:
    """One client, as anybody would write it down."""

    client: Client
    line: Line
    hears: bool = False
    rooms: set[str] = field(default_factory=set)

    def hears_of(self, room: str | None) -> bool:
        return self.hears and (room is None or room in self.rooms or room == self.client.sid)


def written_to(subscribers: Subscribers) -> dict[str, bool]:
    """By sid, whether a client is written to directly."""
    both: dict[str, Any] = {**subscribers.direct, **subscribers.queued}
    assert len(both) == len(subscribers)  # each once
    return {sid: sid in subscribers.direct for sid in both}


@given(st.lists(DEEDS, max_size=40))
def test_rooms_of_few_and_of_many_are_heard_by_whoever_is_in_them(deeds: list[tuple[str, int, str]]) -> None:
    index, there = RoomIndex(), dict[int, Naive]()
    for deed, number, room in [*(("hear", one, ROOMS[0]) for one in range(MANY)), *deeds]:
        _do(index, there, deed, number, room)
        if deed == "hear":
            _do(index, there, "enter", number, ROOMS[0])
        for names in ([None], [room], [*ROOMS, "sid-0"]):
            expected = {
                one.client.sid: one.line.is_direct and one.client.sid not in names
                for one in there.values()
                if any(map(one.hears_of, names))
            }
            assert written_to(index.of(names)) == expected
            assert (index.of(names) is NOBODY) == (not expected)
            expected.pop("sid-1", None)
            assert written_to(index.of(names, besides=["sid-1"])) == expected
        assert {*index.sids_of(room)} == {one.client.sid for one in there.values() if one.hears_of(room)}
    for number in list(there):
        _do(index, there, "forget", number, ROOMS[0])
    assert (index.clients, index._by_room) == ({}, {})


def _do(index: RoomIndex, there: dict[int, Naive], deed: str, number: int, room: str) -> None:
    if deed in ("arrive", "hear") and number not in there:
        line: Any = Line(f"line-{number}")
        client = index.clients[f"sid-{number}"] = Client(f"sid-{number}", line)
        there[number] = Naive(client, line)
    one = there.get(number)
    if one is None:
        return
    if deed == "hear" and not one.hears:
        index.subscribe(one.client)
        one.hears = True
    elif deed == "enter" and room not in one.rooms:
        index.enter(one.client, room)
        one.rooms.add(room)
    elif deed == "leave" and room in one.rooms:
        index.leave(one.client, room)
        one.rooms.discard(room)
    elif deed == "move":
        one.line.is_direct = not one.line.is_direct
        index.moved(one.client)
    elif deed == "forget":
        index.forget(one.client)
        del there[number]


def test_a_room_of_ones_own_takes_bytes() -> None:
    names = [[f"room-{number}-{place}" for place in range(5)] for number in range(500)]
    index = RoomIndex()
    line: Any = Line("line")
    clients = [Client(f"sid-{number}", line) for number in range(len(names))]
    for client in clients:
        index.clients[client.sid] = client
        index.subscribe(client)
    tracemalloc.start()
    for client, rooms in zip(clients, names, strict=True):
        for room in rooms:
            index.enter(client, room)
    taken_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken_bytes / sum(map(len, names)) < MEMBERSHIP_LIMIT_BYTES
