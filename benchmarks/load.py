"""The clients of a benchmark: raw WebSockets that speak Socket.IO, counted and timed. Run as a process of its own:
`python -m benchmarks.load PORT CLIENTS PLAN`, with the plan as JSON on the command line; prints one JSON line.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

EVENT = b'42["payment-update"'
HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
AT_ONCE = 64


def masked(text: bytes) -> bytes:
    """A frame as clients send it, with a mask of zeros."""
    return bytes((0x81, 0x80 | len(text))) + b"\0\0\0\0" + text


@dataclass
class Heard:
    """What all clients heard together."""

    events: int = 0
    wanted: int = 0
    ready: int = 0
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    sent_at: float = 0.0
    seconds: list[float] = field(default_factory=list)
    timing: bool = False

    def more(self, events: int) -> None:
        self.events += events
        if self.timing:
            self.seconds += [time.perf_counter() - self.sent_at] * events
        if self.events >= self.wanted:
            self.enough.set()


class Client(asyncio.Protocol):
    """One client. It is connected when the server has answered its CONNECT."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._tail = b""
        self.connected = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        data = self._tail + data
        if b'0{"sid"' in data and not self.connected.done() and b'40{"sid"' not in data:
            self._transport.write(masked(b"40"))
        if b'40{"sid"' in data and not self.connected.done():
            self.connected.set_result(None)
        if b"\x81\x012" in data:
            self._transport.write(masked(b"3"))
        events = data.count(EVENT)
        if events:
            self._heard.more(events)
        # What is cut in two is found with the next part.
        self._tail = data[-(len(EVENT) - 1) :] if not data.endswith(b"}]") and not data.endswith(b'"]') else b""


class Poster(asyncio.Protocol):
    """One kept-alive connection for requests, one after the other."""

    def __init__(self) -> None:
        self._answered: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(data)

    async def post(self, request: bytes) -> None:
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        answer = await self._answered
        if not answer.startswith(b"HTTP/1.1 2"):
            raise ValueError(f"the server answered {answer[:300]!r}")


def request_of(path: str, body: str, headers: str = "") -> bytes:
    content = body.encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def cpu_seconds(pid: int) -> float:
    """Of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def memory_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


async def connect(port: int, clients: int, heard: Heard) -> None:
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            _, client = await loop.create_connection(lambda: Client(heard), "127.0.0.1", port)
            await client.connected

    await asyncio.gather(*(one() for _ in range(clients)))


async def measure(port: int, clients: int, plan: dict[str, Any]) -> dict[str, float]:
    heard, pid = Heard(), plan["pid"]
    loop = asyncio.get_running_loop()
    found: dict[str, float] = {}
    memory, cpu, began = memory_kb(pid), cpu_seconds(pid), time.perf_counter()
    await connect(port, clients, heard)
    found["connects_per_second"] = clients / (time.perf_counter() - began)
    found["connect_cpu_us"] = (cpu_seconds(pid) - cpu) / clients * 1e6
    await asyncio.sleep(0.5)
    found["memory_kb"] = (memory_kb(pid) - memory) / clients
    _, poster = await loop.create_connection(Poster, "127.0.0.1", port)
    for name, per_request in (("single", 1), ("burst", plan["times"])):
        request, rounds = request_of(plan["path"], plan[name]), plan["rounds"]
        await poster.post(request)
        await asyncio.sleep(0.3)
        start, cpu = heard.events, cpu_seconds(pid)
        for _ in range(rounds):
            wanted = heard.events + clients * per_request
            heard.wanted = wanted
            heard.enough.clear()
            await poster.post(request)
            while heard.events < wanted:
                await heard.enough.wait()
        found[f"{name}_cpu_us"] = (cpu_seconds(pid) - cpu) / (heard.events - start) * 1e6
    heard.timing = True
    request = request_of(plan["path"], plan["single"])
    for _ in range(plan["paced"]):
        heard.wanted = heard.events + clients
        heard.enough.clear()
        heard.sent_at = time.perf_counter()
        await poster.post(request)
        while heard.events < heard.wanted:
            await heard.enough.wait()
        await asyncio.sleep(max(0.0, 1 / 30 - (time.perf_counter() - heard.sent_at)))
    found["p99_ms"] = sorted(heard.seconds)[int(len(heard.seconds) * 0.99)] * 1000
    return found


if __name__ == "__main__":
    uvloop.install()
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])))))
