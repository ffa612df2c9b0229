"""An HTTP server that answers as a test has scripted it, down to answers that break off or never come."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answer", "Gateway", "Request", "breaks_off", "hangs_up", "says", "scripted_gateway"]


@dataclass
class Request:
    """What arrived."""

    method: str
    path: str
    headers: dict[str, str]
    content: Any


Answer = Callable[[Request], bytes | Awaitable[bytes | None] | None]
"""What is answered: the bytes, at once or later; None cuts the connection."""


@dataclass
class Gateway:
    """Answers each request with what comes next in the script, the last one from then on; remembers the requests."""

    url: str = ""
    script: list[Answer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    def answers(self, *steps: Answer) -> None:
        self.script = list(steps)

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.path.removeprefix('/api/v1/')}" for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._answer_all(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self._serving.discard(task)

    async def hang_up(self) -> None:
        """Lets every connection go that is still open."""
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0)  # in which the transports close

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode():
            method, path, _ = line.split()
            headers = {}
            while (header := (await reader.readline()).decode().strip()) != "":
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            request = Request(method, path, headers, json.loads(body) if body else None)
            self.requests.append(request)
            step = self.script[0] if len(self.script) == 1 else self.script.pop(0)
            said = step(request)
            answer = said if said is None or isinstance(said, bytes) else await said
            if answer is None:
                break
            writer.write(answer)
            await writer.drain()
            if b"Connection: close" in answer or answer == b"":
                break


def says(content: object, status: int = 200) -> Callable[[Request], bytes]:
    """An answer in JSON, or as it stands if it is text."""
    body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    return lambda _: b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def hangs_up(_: Request) -> bytes | None:
    """Cuts the connection instead of answering."""
    return None


def breaks_off(_: Request) -> bytes:
    """Begins an answer, and cuts the connection in the middle of it."""
    return b'HTTP/1.1 200 X\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{"task'


@asynccontextmanager
async def scripted_gateway() -> AsyncIterator[Gateway]:
    """The server, for as long as it is used."""
    gateway = Gateway()
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
    gateway.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield gateway
    finally:
        for listener in server.sockets:
            asyncio.get_running_loop().remove_reader(listener.fileno())
        # A server that is closed between accepting a connection and serving it leaves that half-made.
        for _ in range(3):
            await asyncio.sleep(0)
        await gateway.hang_up()
        server.close()
