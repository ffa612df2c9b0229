"""Deadlines, by an event loop's real clock."""

import asyncio

from bridge.sockets.deadlines import Deadlines


async def test_whoever_is_late_is_called_once_and_in_order() -> None:
    missed: list[str] = []
    all_missed = asyncio.Event()

    def miss(one: str) -> None:
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
    await asyncio.wait_for(all_missed.wait(), 5)
    assert missed == ["first", "second", "renewed", "last"]


async def test_it_begins_again_after_all_are_gone() -> None:
    missed: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines(missed.put_nowait)
    for one in ("first", "second"):
        deadlines.add(one, 0.01)
        assert await asyncio.wait_for(missed.get(), 5) == one


async def test_what_happens_at_a_deadline_may_set_others() -> None:
    came: asyncio.Queue[str] = asyncio.Queue()

    def again(one: str) -> None:
        came.put_nowait(one)
        if one == "first":
            deadlines.add("second", 0.01)

    deadlines = Deadlines(again)
    deadlines.add("first", 0.01)
    assert [await asyncio.wait_for(came.get(), 5) for _ in range(2)] == ["first", "second"]
