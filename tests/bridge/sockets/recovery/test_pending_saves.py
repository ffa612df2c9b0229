"""Changes on their way into a store."""

import asyncio
from collections.abc import Collection, Mapping

from bridge.sockets.recovery.pending_saves import SAVED_AT_ONCE, WOKEN_AT_ONCE, PendingSaves


async def test_what_is_back_is_not_lost_by_an_answer_of_before() -> None:
    asked, answers = asyncio.Event(), asyncio.Event()
    saved: list[str | None] = []
    lost: list[str] = []

    async def save(changes: Mapping[str, str | None]) -> Collection[str]:
        saved.append(changes["session"])
        if len(saved) > 1:
            return ()
        asked.set()
        await answers.wait()
        return ["session"]

    changes: PendingSaves[str] = PendingSaves(save, is_needed=lambda _: True, on_lost=lost.append)
    changes.add("session", "before")
    await asked.wait()
    changes.discard("session")  # another process has it
    changes.add("session", "back")  # and it is here again
    waiting = changes.wait_until_saved("session")
    answers.set()
    await waiting
    assert (saved, lost) == (["before", "back"], [])
    await changes.close()


async def test_of_many_who_wait_a_few_go_on_in_each_turn_of_the_loop_and_all_where_it_ends_meanwhile() -> None:
    answers = asyncio.Event()

    async def save(_: Mapping[str, str | None]) -> Collection[str]:
        await answers.wait()
        return ()

    changes: PendingSaves[str] = PendingSaves(save, is_needed=lambda _: True, on_lost=lambda _: None)
    names = [f"session-{number}" for number in range(SAVED_AT_ONCE)]
    for name in names:
        changes.add(name, name)
    waiting = list(map(changes.wait_until_saved, names))
    await asyncio.sleep(0)  # now it is being saved
    answers.set()
    woken = [0]
    while len(woken) < 4:
        await asyncio.sleep(0)
        if (now := sum(one.done() for one in waiting)) != woken[-1]:
            woken.append(now)
    assert woken == [0, WOKEN_AT_ONCE, 2 * WOKEN_AT_ONCE, 3 * WOKEN_AT_ONCE]
    await changes.close()
    assert all(one.done() for one in waiting)
