"""Asking: one request and its whole answer, within a deadline; and for the client that blocks, a thread in which that
is done. Only a loop of asyncio can give up a question whatever it hangs in, such as an answer of a byte a second.
"""

import asyncio
import os
import threading
from concurrent.futures import CancelledError, Future
from typing import NamedTuple

import httpx

from bridge.client.certificates import certificates

__all__ = ["Asking", "AskingThread"]

CLOSED = "this client is closed"


class Asking:
    """Asks for whoever awaits the answers, any number of them at once."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(verify=certificates())

    async def ask(self, request: httpx.Request, within_seconds: float) -> httpx.Response:
        """The answer, whole. Raises TimeoutError, and what httpx raises."""
        async with asyncio.timeout(within_seconds):
            return await self._http.send(request)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()


class _Begun(NamedTuple):
    pid: int
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    asking: Asking


class AskingThread:
    """Asks for threads that wait for the answers, any number of them at once. Begins with the first question, and
    anew in a process that was forked since."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: _Begun | None = None
        self._is_closed = False

    def ask(self, request: httpx.Request, within_seconds: float) -> httpx.Response:
        """As `Asking.ask`. Raises RuntimeError once it is closed, also while it waits."""
        asked = self._begin_asking(request, within_seconds)
        try:
            return asked.result()
        except CancelledError:
            raise RuntimeError(CLOSED) from None
        finally:
            asked.cancel()  # where this thread is interrupted, nobody waits for it any more

    def _begin_asking(self, request: httpx.Request, within_seconds: float) -> "Future[httpx.Response]":
        with self._lock:  # or it might be closed in between, and never answered
            if self._is_closed:
                raise RuntimeError(CLOSED)
            begun = self._begun
            if begun is None or begun.pid != os.getpid():
                begun = self._begun = _begin()
            return asyncio.run_coroutine_threadsafe(begun.asking.ask(request, within_seconds), begun.loop)

    def close(self) -> None:
        """Gives up what is still asked, closes the connections, and ends the thread."""
        with self._lock:
            self._is_closed = True
            begun, self._begun = self._begun, None
        if begun is None or begun.pid != os.getpid():
            return
        asyncio.run_coroutine_threadsafe(_end(begun.asking), begun.loop).result()
        begun.loop.call_soon_threadsafe(begun.loop.stop)
        begun.thread.join()
        begun.loop.close()


def _begin() -> _Begun:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="bridge-client", daemon=True)
    begun = _Begun(os.getpid(), loop, thread, Asking())
    thread.start()
    return begun


async def _end(asking: Asking) -> None:
    """Gives up every question that is under way, and closes the connections."""
    asked = asyncio.all_tasks() - {asyncio.current_task()}
    for question in asked:
        question.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    await asking.aclose()
