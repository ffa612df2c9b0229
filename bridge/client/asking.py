"""Asking: one request and its whole answer, within a deadline; and for the client that blocks, a thread in which that
is done. Only a loop of asyncio can give up a question whatever it hangs in, such as an answer of a byte a second.
"""

import asyncio
import os
import threading
from typing import NamedTuple

import httpx

from bridge.client.certificates import certificates

__all__ = ["AskingThread", "ask"]


async def ask(http: httpx.AsyncClient, request: httpx.Request, within_seconds: float) -> httpx.Response:
    """The answer, whole. Raises TimeoutError, and what httpx raises."""
    async with asyncio.timeout(within_seconds):
        return await http.send(request)


class _Begun(NamedTuple):
    pid: int
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    http: httpx.AsyncClient


class AskingThread:
    """Asks for threads that wait for the answers, any number of them at once. Begins with the first question, and
    anew in a process that was forked since."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: _Begun | None = None
        self._is_closed = False

    def ask(self, request: httpx.Request, within_seconds: float) -> httpx.Response:
        """As `ask`."""
        begun = self._begin()
        asked = asyncio.run_coroutine_threadsafe(ask(begun.http, request, within_seconds), begun.loop)
        try:
            return asked.result()
        finally:
            asked.cancel()  # where this thread is interrupted, nobody waits for it any more

    def _begin(self) -> _Begun:
        with self._lock:
            if self._is_closed:
                raise RuntimeError("this client is closed")
            if self._begun is None or self._begun.pid != os.getpid():
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=loop.run_forever, name="bridge-client", daemon=True)
                self._begun = _Begun(os.getpid(), loop, thread, httpx.AsyncClient(verify=certificates()))
                thread.start()
            return self._begun

    def close(self) -> None:
        """Closes the connections, and ends the thread."""
        with self._lock:
            self._is_closed = True
            begun, self._begun = self._begun, None
        if begun is None or begun.pid != os.getpid():
            return
        asyncio.run_coroutine_threadsafe(begun.http.aclose(), begun.loop).result()
        begun.loop.call_soon_threadsafe(begun.loop.stop)
        begun.thread.join()
        begun.loop.close()
