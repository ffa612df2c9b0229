"""Thousands of clients at once: they take turns, the first first, and whoever else waits for the loop has its own."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from bridge.sockets import create_socket_server
from bridge.sockets.transport.scheduling import FITTING_LIMIT, SLICE_SECONDS, LoopScheduler

CLIENTS = 300
CROWD = 4 * FITTING_LIMIT
WORK_SECONDS = SLICE_SECONDS / 5


async def test_a_crowd_lets_others_have_their_turn() -> None:
    scheduler = LoopScheduler()
    order: list[int] = []
    others = 0

    async def client(number: int) -> None:
        await scheduler.take()
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


@pytest.mark.parametrize("work_seconds", [0, SLICE_SECONDS / 20, WORK_SECONDS])
async def test_nobody_overtakes_who_has_waited(work_seconds: float) -> None:
    scheduler = LoopScheduler()
    order: list[int] = []

    async def client(number: int) -> None:
        await scheduler.take()
        order.append(number)
        until = time.perf_counter() + work_seconds
        while time.perf_counter() < until:
            pass

    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(client(number))
            if number % 7 == 0:
                await asyncio.sleep(0)
    assert order == list(range(CLIENTS))


async def test_one_alone_does_not_wait_and_one_that_is_cancelled_holds_nobody_up() -> None:
    scheduler = LoopScheduler()
    for _ in range(3):
        await scheduler.take()
        await asyncio.sleep(0)
    until = time.perf_counter() + 2 * SLICE_SECONDS
    await scheduler.take()
    while time.perf_counter() < until:
        pass
    cancelled, waiting = asyncio.ensure_future(scheduler.take()), asyncio.ensure_future(scheduler.take())
    await asyncio.sleep(0)
    cancelled.cancel()
    await waiting


async def test_what_was_cheap_to_many_does_not_let_a_crowd_in_at_once() -> None:
    scheduler = LoopScheduler()
    for _ in range(20):
        await asyncio.gather(*(scheduler.take() for _ in range(FITTING_LIMIT)))  # and nothing is done
    done, at_once = 0, []

    async def client() -> None:
        nonlocal done
        await scheduler.take()
        done += 1
        if done == 1:
            until = time.perf_counter() + 2 * SLICE_SECONDS
            while time.perf_counter() < until:
                pass

    async with asyncio.TaskGroup() as group:
        for _ in range(10 * FITTING_LIMIT):
            group.create_task(client())
        while done < 10 * FITTING_LIMIT:
            before = done
            await asyncio.sleep(0)
            at_once.append(done - before)
    assert max(at_once) <= 2 * FITTING_LIMIT


@pytest.mark.parametrize("what", ["speaks", "leaves"])
async def test_whatever_a_crowd_does_at_once_is_done_in_turns(
    serve: Callable[..., Awaitable[str]],
    dial: Callable[..., Awaitable[ClientConnection]],
    eventually: Callable[[Callable[[], object]], Awaitable[object]],
    what: str,
) -> None:
    server = create_socket_server(frontend_url="https://shop.example")
    turn, done = 0, Counter[int]()

    async def counting() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    def work(*_: Any) -> None:
        done[turn] += 1
        until = time.perf_counter() + WORK_SECONDS
        while time.perf_counter() < until:
            pass

    server.on("work" if what == "speaks" else "disconnect", work)
    url = await serve(server)
    crowd = [await dial(url) for _ in range(CROWD)]
    for one in crowd:
        await one.send("40")
        await one.recv()
    counter = asyncio.create_task(counting())
    for one in crowd:
        if what == "speaks":
            one.transport.write(b"\x81\x8a\0\0\0\0" + b'42["work"]')
        else:
            one.transport.abort()
    await eventually(lambda: done.total() == CROWD)
    counter.cancel()
    assert max(done.values()) < CROWD / 2  # those who fit into a slice, and those who are let in at once
