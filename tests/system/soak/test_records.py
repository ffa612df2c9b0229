"""The soak's own judge: it finds what is left out, repeated, out of order or not meant for a client."""

import pytest

from tests.system.soak.records import EVERYONE, Publications, Record


def recorded(*numbers: int) -> Record:
    """A client that hears some of eight events; it is in the room `a` from the third on."""
    publications = Publications()
    record = Record(publications)
    record.connected()
    rooms = ["a", EVERYONE, "a", "b", EVERYONE, "a", "a", EVERYONE]
    for room in rooms[:2]:
        publications.add(room)
    record.joining("a")
    record.joined("a")
    for room in rooms[2:]:
        publications.add(room)
    for number in numbers:
        record.hears(number, rooms[number])
    return record


def test_all_of_it_once_and_in_order_is_right() -> None:
    record = recorded(1, 2, 4, 5, 6, 7)
    assert (record.faults, record.heard) == ([], 6)


@pytest.mark.parametrize(
    ("numbers", "fault"),
    [
        ((1, 2, 4, 6), "heard 6 after 4, and not 5 in between"),
        ((2, 4), "heard 2 after -1, and not 1 in between"),
        ((1, 2, 2), "heard 2 after 2"),
        ((1, 4, 2), "heard 4 after 1, and not 2 in between"),
        ((1, 2, 3), "heard 3 of 'b', which is not for it"),
    ],
)
def test_anything_else_is_found(numbers: tuple[int, ...], fault: str) -> None:
    assert fault in recorded(*numbers).faults


def test_what_it_had_to_hear_is_counted_from_what_was_published_whatever_it_heard() -> None:
    everything, little = recorded(1, 2, 4, 5, 6, 7), recorded(7)
    assert everything.had_to_hear() == little.had_to_hear() == len([1, 2, 4, 5, 6, 7])
    assert recorded(1, 2, 4).had_to_hear() == len([1, 2, 4])  # what came after it was gone is not for it
    assert recorded(2, 3).had_to_hear() == len([1, 2])


def test_a_join_or_leave_that_is_not_answered_leaves_it_open_whether_more_is_heard_but_not_what_is_left_out() -> None:
    publications = Publications()
    record = Record(publications)
    record.connected()
    record.joining("a")
    for room in ("a", "a", "a", "a", EVERYONE):
        publications.add(room)
    record.hears(1, "a")  # it was let in after the first
    record.hears(3, "a")
    assert record.faults == ["heard 3 after 1, and not 2 in between"]
    record.leaving("a")
    for room in ("a", "a", EVERYONE):
        publications.add(room)
    record.hears(4, EVERYONE)
    record.hears(5, "a")  # it was told this before it was let out
    record.hears(7, EVERYONE)
    record.left("a")
    assert len(record.faults) == 1


def test_whoever_is_recovered_counts_on_no_room_whose_join_was_not_answered_whatever_it_heard_there() -> None:
    publications = Publications()
    record = Record(publications)
    record.connected()
    for room in ("a", "b"):
        record.joining(room)
    for room in ("a", "b", "a", "b", "a", EVERYONE):
        publications.add(room)
    record.hears(0, "a")
    record.hears(1, "b")
    record.joined("b")
    record.recovered()
    record.hears(3, "b")
    record.hears(5, EVERYONE)
    assert record.faults == []
    for room in ("a", "b", "a", EVERYONE):
        publications.add(room)
    record.hears(6, "a")  # it was kept, as one hears
    record.hears(9, EVERYONE)
    assert sorted(record.faults) == [f"heard 9 after 6, and not {missed} in between" for missed in (7, 8)]
