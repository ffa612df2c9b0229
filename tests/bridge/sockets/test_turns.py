"""Thousands of clients at once: they take turns, the first first, and whoever else waits for the loop has its own."""

import asyncio
import time

from bridge.sockets.turns import SLICE_SECONDS, Turns

CLIENTS = 300
WORK_SECONDS = SLICE_SECONDS / 5


async def test_a_crowd_lets_others_have_their_turn() -> None:
    turns = Turns()
    order: list[int] = []
    others = 0

    async def client(number: int) -> None:
        await turns.take()
        order.append(number)
        until = time.perf_counter() + WORK_SECONDS
        while time.perf_counter() < until:
            pass

    async def other() -> None:
        nonlocal others
        while len(order) < CLIENTS:
            others += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(client(number))
        group.create_task(other())
    assert order == list(range(CLIENTS))
    # Some five fit into a slice; however slow the machine is, never a hundred in a row.
    assert others > CLIENTS / 100


async def test_one_alone_does_not_wait_and_one_that_is_cancelled_holds_nobody_up() -> None:
    turns = Turns()
    for _ in range(3):
        await turns.take()
        await asyncio.sleep(0)
    until = time.perf_counter() + 2 * SLICE_SECONDS
    await turns.take()
    while time.perf_counter() < until:
        pass
    cancelled, waiting = asyncio.create_task(turns.take()), asyncio.create_task(turns.take())
    await asyncio.sleep(0)
    cancelled.cancel()
    await waiting
