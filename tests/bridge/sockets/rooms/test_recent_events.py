"""What was told lately, found by room and bounded, without a socket."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.sockets.rooms.recent_events import EVENT_BYTES, DeliveredEvent, RecentEvents
from coordinator import rooms
from coordinator.events import Audience, Event

ROOMS = ("a", "b", "c")
AUDIENCES = st.sampled_from([(), ("a",), ("b",), ("a", "b"), ("c", "c")])
"""No room is everyone."""


def told(number: int, audience: tuple[str, ...], payload: str = "1", name: str = "news") -> DeliveredEvent:
    return DeliveredEvent(number, Event(name, Audience(not audience, audience), payload), f"offset-{number}")


@given(
    audiences=st.lists(AUDIENCES, max_size=40),
    limit=st.integers(1, 40),
    stretch=st.integers(1, 40),
    after=st.integers(0, 45),
    since_of=st.dictionaries(st.sampled_from(ROOMS), st.integers(0, 45)),
)
def test_what_is_found_is_what_went_to_everyone_and_to_the_rooms_since_they_were_joined(
    audiences: list[tuple[str, ...]], limit: int, stretch: int, after: int, since_of: dict[str, int]
) -> None:
    remembered = RecentEvents(keeps_confidence=False, limit_bytes=1_000_000, limit=limit)
    everything = [told(number, audience) for number, audience in enumerate(audiences, 1)]
    for at in range(0, len(everything), stretch):
        remembered.add(everything[at : at + stretch])
    kept = everything[-limit:]
    assert remembered.first == (kept[0].number if kept else None)
    expected = [
        one
        for one in kept
        if one.number > after
        and (
            one.event.audience.everyone
            or any(since_of.get(room, 99) < one.number for room in one.event.audience.rooms)
        )
    ]
    assert remembered.after(after, since_of) == expected


class Read(DeliveredEvent):
    """Counts how often anybody looks at such an event."""

    looks = 0

    @property
    def number(self) -> int:
        Read.looks += 1
        return self[0]


def test_whoever_comes_back_costs_what_was_missed_and_not_what_is_remembered() -> None:
    remembered = RecentEvents(keeps_confidence=False, limit_bytes=100_000_000)
    remembered.add(Read(*told(number, ROOMS[number % 3 : number % 3 + 1])) for number in range(1, 10_001))
    Read.looks = 0
    missed = remembered.after(9_994, {"a": 0, "b": 9_999})
    assert [one[0] for one in missed] == [9_996, 9_999, 10_000]
    assert 0 < Read.looks < 20


def test_large_events_push_out_the_oldest_also_one_that_is_too_large_by_itself() -> None:
    remembered = RecentEvents(keeps_confidence=False, limit_bytes=100_000)
    for number in range(1, 21):
        remembered.add([told(number, ("a",), "x" * (20_000 - EVENT_BYTES))])
        assert remembered.size_bytes <= 100_000
    assert remembered.first == 17
    assert [one.number for one in remembered.after(0, {"a": 0})] == [17, 18, 19, 20]
    remembered.add([told(21, ("a",), "x" * 200_000)])
    assert (len(remembered), remembered.size_bytes) == (0, 0)
    assert remembered.after(0, {"a": 0}) == []


def test_what_is_confidential_is_found_by_staff_and_not_by_everyone() -> None:
    remembered = RecentEvents(keeps_confidence=True, limit_bytes=100_000)
    remembered.add([told(1, (), name="payment-update")])
    assert remembered.after(0, {"a": 0}) == []
    assert [one.number for one in remembered.after(0, {rooms.STAFF: 0})] == [1]
