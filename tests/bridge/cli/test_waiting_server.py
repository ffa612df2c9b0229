"""A server that waits until it is told to end."""

import asyncio
import threading

import pytest
import uvicorn

from bridge.cli import waiting_server
from bridge.cli.waiting_server import WaitingServer
from tests.waiting import GIVE_UP_SECONDS


async def _application(scope: object, receive: object, send: object) -> None:
    """Is never asked anything."""


class Counting(WaitingServer):
    """One that counts its looks, after the first of which another thread may go on."""

    def __init__(self) -> None:
        super().__init__(uvicorn.Config(_application, log_config=None))
        self.looks, self.has_looked = 0, threading.Event()

    async def on_tick(self, counter: int) -> bool:
        self.looks += 1
        self.has_looked.set()
        return await super().on_tick(counter)


async def test_it_ends_when_another_thread_says_so_and_looks_no_more_until_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting_server, "DATED_EVERY_SECONDS", 24 * 3600.0)
    server = Counting()

    def end() -> None:
        server.has_looked.wait()
        server.should_exit = True

    async with asyncio.timeout(GIVE_UP_SECONDS):
        await asyncio.gather(server.main_loop(), asyncio.to_thread(end))
    assert server.looks == 2


async def test_one_that_was_to_end_before_it_began_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_server, "DATED_EVERY_SECONDS", 24 * 3600.0)
    server = Counting()
    server.should_exit = True
    async with asyncio.timeout(GIVE_UP_SECONDS):
        await server.main_loop()
    assert server.looks == 1
    assert [name for name, _ in server.server_state.default_headers] == [b"date"]
