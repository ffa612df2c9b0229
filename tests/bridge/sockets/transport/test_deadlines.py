"""Deadlines, by an event loop's real clock."""

import asyncio

from bridge.sockets.transport.deadlines import Deadlines
from tests.waiting import GIVE_UP_SECONDS


async def test_whoever_is_late_is_called_once_and_in_order() -> None:
    missed: list[str] = []
    all_missed = asyncio.Event()

    def miss(one: str, _due: float) -> None:
        missed.append(one)
        if one == "last":
            all_missed.set()

    deadlines = Deadlines(miss)
    for one in ("first", "renewed", "discarded", "second"):
        deadlines.add(one, 0.02)
    deadlines.discard("discarded")
    deadlines.discard("never there")
    deadlines.add("renewed", 0.02)
    deadlines.add("last", 0.02)
    await asyncio.wait_for(all_missed.wait(), GIVE_UP_SECONDS)
    assert missed == ["first", "second", "renewed", "last"]


async def test_it_begins_again_after_all_are_gone() -> None:
    missed: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines[str](lambda one, _due: missed.put_nowait(one))
    for one in ("first", "second"):
        deadlines.add(one, 0.01)
        assert await asyncio.wait_for(missed.get(), GIVE_UP_SECONDS) == one


async def test_seconds_count_from_when_they_began_and_who_is_late_is_so_before_anybody_is_told() -> None:
    told: asyncio.Queue[float] = asyncio.Queue()
    deadlines = Deadlines[str](lambda _, due: told.put_nowait(due))
    now = asyncio.get_running_loop().time()
    deadlines.add("late", GIVE_UP_SECONDS, since=now - GIVE_UP_SECONDS)
    deadlines.add("in time", GIVE_UP_SECONDS, since=now)
    assert (deadlines.is_missed("late"), deadlines.is_missed("in time"), deadlines.is_missed("another")) == (
        True,
        False,
        False,
    )
    assert await asyncio.wait_for(told.get(), GIVE_UP_SECONDS) == now
    deadlines.discard("in time")


async def test_what_happens_at_a_deadline_may_set_others() -> None:
    came: asyncio.Queue[str] = asyncio.Queue()

    def again(one: str, _due: float) -> None:
        came.put_nowait(one)
        if one == "first":
            deadlines.add("second", 0.01)

    deadlines = Deadlines(again)
    deadlines.add("first", 0.01)
    assert [await asyncio.wait_for(came.get(), GIVE_UP_SECONDS) for _ in range(2)] == ["first", "second"]
