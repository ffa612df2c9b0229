"""A thousand clients that do not read, beside a thousand that do: the first are closed and come back to all that they
missed, the others hear everything meanwhile, and the bridge's memory stays as it was."""

import asyncio
import json
import re
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.asking import async_client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.system.soak.lines import HANDSHAKE, WebSocketLine
from tests.waiting import GIVE_UP_SECONDS, until

CLIENTS, AT_ONCE = 1_000, 50
BACKLOG_BYTES = 100_000
EVENTS, REASON = 60, "x" * 9_000
"""Together several times what a backlog and the buffers of a connection hold."""
NUMBER = re.compile(rb'"checkoutId":"checkout-([0-9]+)"')
LONGEST = b'"checkoutId":"checkout-00"'
COMING_BACK = 3
NEVER_SECONDS = "3600"
"""Longer than this test may take."""


@dataclass
class Crowd:
    """Clients that read at once, and what all of them together heard."""

    connected: int = 0
    events: int = 0
    numbers: dict[int, list[int]] = field(default_factory=dict)

    def have_heard(self, events: int) -> bool:
        """Whether each of them has heard so many."""
        return self.events >= CLIENTS * events


class Reader(asyncio.Protocol):
    """One of them."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd, self._tail = crowd, b""
        self._numbers = crowd.numbers.setdefault(number, [])

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        data = self._tail + data
        if b'40{"sid"' in data:
            self._crowd.connected += 1
        elif b'0{"sid"' in data:
            self._transport.write(b"\x81\x82\0\0\0\0" + b"40")
        if b"\x81\x012" in data:
            self._transport.write(b"\x81\x81\0\0\0\0" + b"3")
        read = 0
        for found in NUMBER.finditer(data):
            self._numbers.append(int(found[1]))
            self._crowd.events += 1
            read = found.end()
        # What is cut in two is read with the next part, and nothing is read twice.
        self._tail = data[max(read, len(data) - len(LONGEST)) :]


async def stalled_client(port: int) -> tuple[WebSocketLine, str]:
    """A client that connects and then reads no more; and its `pid`."""
    line = WebSocketLine("127.0.0.1", port)
    await line.open()
    loop = asyncio.get_running_loop()
    await line.receive(loop.time() + GIVE_UP_SECONDS)
    await line.send("40")
    answer = await line.receive(loop.time() + GIVE_UP_SECONDS)
    assert answer is not None
    return line, json.loads(answer[2:])["pid"]


async def events_of(line: WebSocketLine, count: int | None) -> tuple[list[int], str | None]:
    """The numbers of the next events, all until the line ends or so many; and the last offset."""
    numbers: list[int] = []
    offset: str | None = None
    loop = asyncio.get_running_loop()
    try:
        while count is None or len(numbers) < count:
            text = await line.receive(loop.time() + GIVE_UP_SECONDS)
            assert text is not None, f"heard {len(numbers)} events, and then nothing"
            if text.startswith("42"):
                _, payload, offset = json.loads(text[2:])
                numbers.append(int(payload["checkoutId"].removeprefix("checkout-")))
    except (EOFError, OSError):
        pass
    return numbers, offset


def memory_bytes(bridge: BridgeProcess) -> int:
    status = Path(f"/proc/{bridge.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) * 1024


async def figure(client: httpx.AsyncClient, name: str) -> float:
    lines = (await client.get("/metrics")).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


async def until_figure(client: httpx.AsyncClient, name: str, value: float) -> None:
    """Waits until one of the bridge's figures has a value."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while await figure(client, name) != value:  # noqa: ASYNC110 (another process brings it about)
            await asyncio.sleep(0.05)


@asynccontextmanager
async def crowds(port: int) -> AsyncIterator[tuple[Crowd, list[tuple[WebSocketLine, str]]]]:
    """Those who read, and those who do not."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    loop, crowd, stalled, readers = asyncio.get_running_loop(), Crowd(), [], []
    try:
        for start in range(0, CLIENTS, AT_ONCE):
            made = (
                loop.create_connection(partial(Reader, crowd, start + number), "127.0.0.1", port)
                for number in range(AT_ONCE)
            )
            readers += [transport for transport, _ in await asyncio.gather(*made)]
            stalled += await asyncio.gather(*(stalled_client(port) for _ in range(AT_ONCE)))
        await until(lambda: crowd.connected == CLIENTS)
        yield crowd, stalled
    finally:
        for transport in readers:
            transport.abort()
        for line, _ in stalled:
            await line.cut()


async def publish(client: httpx.AsyncClient, number: int) -> None:
    data = {"checkoutId": f"checkout-{number}", "reason": REASON}
    answer = await client.post("/api/events", json={"event": "template-checkout-payment-failed", "data": data})
    answer.raise_for_status()


async def come_back(port: int, line: WebSocketLine, pid: str) -> None:
    """What a client had still been sent, and what it is told when it is back, are all events together."""
    heard, offset = await events_of(line, None)
    assert len(heard) < EVENTS
    again = WebSocketLine("127.0.0.1", port)
    await again.open()
    await again.receive(asyncio.get_running_loop().time() + GIVE_UP_SECONDS)
    await again.send("40" + json.dumps({"pid": pid} if offset is None else {"pid": pid, "offset": offset}))
    missed, _ = await events_of(again, EVENTS - len(heard))
    await again.cut()
    assert heard + missed == list(range(EVENTS))


async def test_a_thousand_that_do_not_read_harm_neither_the_others_nor_the_bridge(make_bridge: StartBridge) -> None:
    bridge = await asyncio.to_thread(
        make_bridge,
        BRIDGE_BACKLOG_LIMIT_BYTES=str(BACKLOG_BYTES),
        # Whoever reads nothing answers no ping either: what closes them is to be the backlog.
        BRIDGE_PING_INTERVAL_SECONDS=NEVER_SECONDS,
        BRIDGE_CONNECT_TIMEOUT_SECONDS=NEVER_SECONDS,
    )
    async with (
        crowds(bridge.port) as (crowd, stalled),
        async_client_of(bridge.url) as client,
    ):
        before, most_bytes = memory_bytes(bridge), 0
        for number in range(EVENTS):
            await publish(client, number)
            await until(partial(crowd.have_heard, number + 1))
            most_bytes = max(most_bytes, memory_bytes(bridge))
        await until_figure(client, 'bridge_sockets_closed_total{reason="backlog"}', CLIENTS)
        await until_figure(client, "bridge_sockets_connections", CLIENTS)
        # Those who read have heard all, once and in order, although so many beside them did not.
        assert all(numbers == list(range(EVENTS)) for numbers in crowd.numbers.values())
        # What waits for all who stall is the same few events, kept once.
        assert most_bytes - before < CLIENTS * BACKLOG_BYTES / 2
        for line, pid in stalled[:COMING_BACK]:
            await come_back(bridge.port, line, pid)
    await asyncio.to_thread(bridge.kill)
