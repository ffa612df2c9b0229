"""Lines between two that can be cut, or fall silent."""

import asyncio
import threading
from typing import Any

from tests.waiting import GIVE_UP_SECONDS

__all__ = ["CutLine"]


class CutLine:
    """Passes on what comes for a port, until it is cut or falls silent."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=GIVE_UP_SECONDS)

    def open(self) -> None:
        self._is_cut = False
        self._loop.call_soon_threadsafe(self._flows.set)

    def lead_to(self, port: int) -> None:
        """Those who come from now on are led to another port."""
        self._to = port

    def fall_silent(self) -> None:
        """Takes connections and what comes over them, and passes on nothing until it is opened again."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def cut(self) -> None:
        """Ends every connection without a word, and each new one at once."""

        async def cut() -> None:
            self._is_cut = True
            for writer in list(self._writers):
                writer.transport.abort()

        self._run(cut())

    def close(self) -> None:
        self.open()
        self.cut()

        async def end() -> None:
            """Waits for every connection that was accepted, also for one that has not been looked at yet."""
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)
            self._server.close()  # at once: a connection that is accepted now would be left half-made

        self._run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        if self._is_cut:  # it was, while this one was on its way
            writer.transport.abort()
            there_writer.transport.abort()
            return
        self._writers |= {writer, there_writer}
        await asyncio.gather(self._pass(reader, there_writer), self._pass(there_reader, writer))
        self._writers -= {writer, there_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while content := await reader.read(65536):
                await self._flows.wait()
                writer.write(content)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()
