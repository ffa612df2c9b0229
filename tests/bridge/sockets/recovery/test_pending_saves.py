"""Changes on their way into a store."""

import asyncio
from collections.abc import Collection, Mapping

from bridge.sockets.recovery.pending_saves import PendingSaves


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
