"""The clients of a benchmark: raw WebSockets that speak Socket.IO, counted and timed.

A process of its own, which reads its plan from standard input and prints what it found, and why no more, both as
JSON. Every wait for the server ends after the plan's `answer_seconds`: one that falls silent has failed.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import uvloop

HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
# A ping of the engine, which no JSON holds; and how events end.
PING, ENDS = b"\x81\x012", (b"}]", b'"]')
# A ping of the WebSocket itself, by which uvicorn finds out who is there; a browser answers it by itself. What only
# looks like one is answered too, which the protocol allows.
PROTOCOL_PING = re.compile(rb"\x89([\x00-\x7d])", re.DOTALL)
AT_ONCE = 64
EVENTS_PER_SECOND = 30

Plan = dict[str, Any]
Found = dict[str, float]
"""What is found is written down as soon as it is: what fails later does not undo it."""
Awaited = TypeVar("Awaited")


async def within(seconds: float, what: str, waited_for: Awaitable[Awaited]) -> Awaited:
    """Waits for what may never come. Raises TimeoutError, which says what did not."""
    try:
        async with asyncio.timeout(seconds):
            return await waited_for
    except TimeoutError:
        raise TimeoutError(f"{what} did not come within {seconds:g} s") from None


def masked(text: bytes, kind: int = 0x81) -> bytes:
    """A frame as clients send it, with a mask of zeros."""
    length = bytes((0x80 | len(text),)) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2)
    return bytes((kind,)) + length + b"\0\0\0\0" + text


@dataclass
class Heard:
    """What all clients heard together."""

    answer_seconds: float
    event: bytes = b'42["payment-update"'
    """How a frame of an event begins."""
    events: int = 0
    wanted: int = 0
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    sent_at: float = 0.0
    seconds: list[float] = field(default_factory=list)
    timing: bool = False
    fault: ConnectionError | None = None
    lost_clients: int = 0
    """How many were cut off."""

    def more(self, events: int) -> None:
        self.events += events
        if self.timing:
            self.seconds += [time.perf_counter() - self.sent_at] * events
        if self.events >= self.wanted:
            self.enough.set()

    async def after(self, work: Awaitable[object], events: int) -> None:
        """Does something, and waits until all have heard so many events more."""
        self.wanted = self.events + events
        self.enough.clear()
        await work
        while self.events < self.wanted:
            if self.fault is not None:
                raise self.fault
            await within(self.answer_seconds, "an event for every client", self.enough.wait())

    def lost(self, cause: Exception | None) -> None:
        """A client was cut off, so what it was to hear will never come."""
        self.lost_clients += 1
        self.fault = ConnectionError(f"the server cut a client off: {cause or 'it closed the connection'}")
        self.enough.set()


class Client(asyncio.Protocol):
    """One client. It is connected when the server has answered its CONNECT."""

    auth = b""
    """What it brings with that."""
    handshake = HANDSHAKE

    def __init__(self, heard: Heard) -> None:
        self.heard = heard
        self._tail = b""
        self._leaves = False
        self.connected = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self.handshake)

    def data_received(self, data: bytes) -> None:
        if self._tail:
            data = self._tail + data
        if not self.connected.done():
            self._connect(data)
        if PING in data:
            self._transport.write(masked(b"3"))
            data = data.replace(PING, b"")
        if b"\x89" in data:
            self._answer_pings(data)
        events = data.count(self.heard.event)
        if events:
            self.heard.more(events)
        # What is cut in two is found with the next part.
        self._tail = b"" if data.endswith(ENDS) else data[-(len(self.heard.event) - 1) :]

    def _answer_pings(self, data: bytes) -> None:
        for ping in PROTOCOL_PING.finditer(data):
            told = data[ping.end() : ping.end() + ping[1][0]]
            if len(told) == ping[1][0]:
                self._transport.write(masked(told, 0x8A))

    def _connect(self, data: bytes) -> None:
        if b'40{"sid"' in data:
            self.connected.set_result(None)
        elif b'0{"sid"' in data:
            self._transport.write(masked(b"40" + self.auth))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._leaves:
            self.heard.lost(exc)
        if not self.connected.done():
            self.connected.set_exception(ConnectionError("the server closed the connection"))

    def send(self, text: str) -> None:
        self._transport.write(masked(text.encode()))

    def stall(self) -> None:
        """From now on it reads nothing, and may be cut off."""
        self._leaves = True
        self._transport.pause_reading()

    def leave(self) -> None:
        self._leaves = True
        self._transport.abort()


class Poster(asyncio.Protocol):
    """One connection for requests, one after the other; opened anew if the server has closed it for being idle."""

    def __init__(self, port: int, answer_seconds: float) -> None:
        self._port = port
        self._answer_seconds = answer_seconds
        self._answered: asyncio.Future[bytes] | None = None
        self._answer = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        is_whole = found and len(body) >= int(length[1] if length else 0)
        if is_whole and self._answered is not None and not self._answered.done():
            self._answered.set_result(self._answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            cause = exc or "it closed the connection"
            self._answered.set_exception(ConnectionError(f"the server did not answer a request: {cause}"))

    async def open(self) -> None:
        connecting = asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)
        await within(self._answer_seconds, "a connection for requests", connecting)

    async def post(self, request: bytes) -> bytes:
        if self._transport.is_closing():
            await self.open()
        self._answered, self._answer = asyncio.get_running_loop().create_future(), b""
        self._transport.write(request)
        answer = await within(self._answer_seconds, "the answer to a request", self._answered)
        if not answer.startswith(b"HTTP/1.1 2"):
            raise ValueError(f"the server answered {answer[:600]!r}")
        return answer


def request_of(path: str, body: str, headers: str = "") -> bytes:
    content = body.encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def cpu_seconds(pid: int) -> float:
    """Of a process, all its threads, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def open_sockets(pid: int) -> int:
    """Not its files, of which a server under load may open more for its database."""
    found = 0
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found += str(path.readlink()).startswith("socket:")
    return found


def memory_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    resident = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
    if not resident:
        raise ProcessLookupError("the server has ended")
    return resident[0]


async def connect(port: int, clients: int, heard: Heard) -> list[Client]:
    made = [Client(heard) for _ in range(clients)]
    await connect_each(port, made)
    return made


async def connect_each(port: int, clients: Sequence[Client]) -> None:
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(AT_ONCE)
    # One address has not as many ports as a crowd needs to come from.
    hosts = [f"127.0.0.{1 + number // 10_000}" for number in range(len(clients))]

    async def one(client: Client, host: str) -> None:
        seconds = client.heard.answer_seconds
        async with gate:
            connecting = loop.create_connection(lambda: client, "127.0.0.1", port, local_addr=(host, 0))
            await within(seconds, "a client's connection", connecting)
            await within(seconds, "the answer to a client's CONNECT", client.connected)

    await asyncio.gather(*map(one, clients, hosts))


async def poster(plan: Plan) -> Poster:
    made = Poster(plan["port"], plan["answer_seconds"])
    await made.open()
    return made


async def fan_out(plan: Plan, found: Found) -> None:
    """Events to all: connecting, memory, the cost of deliveries one by one and at once, and the time they take."""
    heard, pid, clients = Heard(plan["answer_seconds"]), plan["pid"], plan["clients"]
    memory, cpu, start = memory_kb(pid), cpu_seconds(pid), time.perf_counter()
    held = await connect(plan["port"], clients, heard)
    found["connects_per_second"] = len(held) / (time.perf_counter() - start)
    found["connect_cpu_us"] = (cpu_seconds(pid) - cpu) / clients * 1e6
    await asyncio.sleep(0.5)
    found["memory_kb"] = (memory_kb(pid) - memory) / clients
    posting = await poster(plan)
    began(plan)
    for name, per_request in (("single", 1), ("burst", plan["times"])):
        request = request_of(plan["path"], plan[name])
        await heard.after(posting.post(request), clients * per_request)
        await asyncio.sleep(0.3)
        before, cpu = heard.events, cpu_seconds(pid)
        for _ in range(plan["rounds"]):
            await heard.after(posting.post(request), clients * per_request)
        found[f"{name}_cpu_us"] = (cpu_seconds(pid) - cpu) / (heard.events - before) * 1e6
    request = request_of(plan["path"], plan["single"])
    found["p99_ms"] = await p99_ms(heard, posting, request, clients, plan["paced"])


async def p99_ms(heard: Heard, posting: Poster, request: bytes, clients: int, times: int) -> float:
    """From the POST until a client hears its event, of events that come one after the other."""
    heard.seconds, heard.timing = [], True
    for _ in range(times):
        heard.sent_at = time.perf_counter()
        await heard.after(posting.post(request), clients)
        await asyncio.sleep(max(0.0, 1 / EVENTS_PER_SECOND - (time.perf_counter() - heard.sent_at)))
    heard.timing = False
    return sorted(heard.seconds)[int(len(heard.seconds) * 0.99)] * 1000


async def webhooks(plan: Plan, found: Found) -> None:
    """Webhooks over several connections, while one client watches."""
    heard, pid = Heard(plan["answer_seconds"]), plan["pid"]
    await connect(plan["port"], 1, heard)
    posters = [await poster(plan) for _ in range(plan["posters"])]
    registrations = [request_of(plan["register_at"], body) for body in plan["registrations"] if plan["register_at"]]
    requests = [
        request_of(plan["path"], body, "".join(f"{name}: {value}\r\n" for name, value in headers.items()))
        for body, headers in plan["deliveries"]
    ]

    async def post_all(posting: Poster, share: list[bytes]) -> None:
        for request in share:
            await posting.post(request)

    def posted(those: list[bytes]) -> Awaitable[object]:
        return asyncio.gather(
            *(post_all(posting, those[number :: len(posters)]) for number, posting in enumerate(posters))
        )

    if registrations:
        cpu = cpu_seconds(pid)
        await posted(registrations)
        found["registration_cpu_us"] = (cpu_seconds(pid) - cpu) / len(registrations) * 1e6
    await asyncio.sleep(0.5)
    began(plan)
    before, cpu = heard.events, cpu_seconds(pid)
    await heard.after(posted(requests), len(requests))
    if heard.events - before != len(requests):
        raise ValueError(f"{heard.events - before} events of {len(requests)} webhooks")
    found["webhook_cpu_us"] = (cpu_seconds(pid) - cpu) / len(requests) * 1e6


async def crowd(plan: Plan, found: Found) -> None:
    """Two in a room of their own among many, and some of the many who leave."""
    heard, pid = Heard(plan["answer_seconds"], b'42["new-message"'), plan["pid"]
    clients = await connect(plan["port"], plan["clients"], heard)
    for client in clients[:2]:
        client.send("42" + json.dumps(plan["join"]))
    posting, request = await poster(plan), request_of(plan["path"], plan["event"])
    await asyncio.sleep(1)
    await heard.after(posting.post(request), 2)
    cpu = cpu_seconds(pid)
    for _ in range(plan["rounds"]):
        await heard.after(posting.post(request), 2)
    found["room_cpu_us"] = (cpu_seconds(pid) - cpu) / plan["rounds"] * 1e6
    # Those who stay may cost something meanwhile.
    cpu = cpu_seconds(pid)
    await asyncio.sleep(3)
    idle = (cpu_seconds(pid) - cpu) / 3
    sockets, cpu, start = open_sockets(pid), cpu_seconds(pid), time.perf_counter()
    for client in clients[-plan["leaving"] :]:
        client.leave()
        await asyncio.sleep(0)
    gone = until(lambda: sockets - open_sockets(pid) >= plan["leaving"])
    await within(plan["answer_seconds"], "the end of the connections of those who left", gone)
    await asyncio.sleep(0.3)
    left = cpu_seconds(pid) - cpu - idle * (time.perf_counter() - start)
    found["leave_cpu_us"] = left / plan["leaving"] * 1e6


async def until(holds: Callable[[], bool]) -> None:
    """What another process does signals nothing to this one."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def stalled(plan: Plan, found: Found) -> None:
    """What those who read cost, and how long their events take, alone and beside as many who do not read."""
    heard, pid, clients = Heard(plan["answer_seconds"]), plan["pid"], plan["clients"]
    await connect(plan["port"], clients, heard)
    posting = await poster(plan)
    single, burst = request_of(plan["path"], plan["single"]), request_of(plan["path"], plan["burst"])

    async def tell(times: int, request: bytes, per_request: int) -> None:
        for _ in range(times):
            await heard.after(posting.post(request), clients * per_request)

    async def cpu_us() -> float:
        await tell(20, single, 1)
        before, cpu = heard.events, cpu_seconds(pid)
        await tell(plan["rounds"], single, 1)
        return (cpu_seconds(pid) - cpu) / (heard.events - before) * 1e6

    async def p99() -> float:
        return await p99_ms(heard, posting, single, clients, plan["paced"])

    async def until_closed() -> None:
        while open_sockets(pid) > sockets:
            await tell(1, burst, plan["times"])

    found["alone_cpu_us"], found["alone_p99_ms"] = await cpu_us(), await p99()
    sockets = open_sockets(pid)
    for client in await connect(plan["port"], clients, Heard(plan["answer_seconds"])):
        client.stall()
    memory = memory_kb(pid)
    # Until the system takes no more for them, and what they are told waits in the server.
    await tell(plan["fill"], burst, plan["times"])
    found["beside_cpu_us"], found["beside_p99_ms"] = await cpu_us(), await p99()
    found["beside_memory_mb"] = (memory_kb(pid) - memory) / 1024
    found["stalled"] = open_sockets(pid) - sockets
    await within(plan["close_seconds"], "the end of the connections of those who do not read", until_closed())
    found["after_cpu_us"] = await cpu_us()


def began(plan: Plan) -> None:
    """Says, to whoever wants to look at the server meanwhile, that what is measured begins."""
    if "begun" in plan:
        Path(plan["begun"]).touch()


MEASURES = {"fan_out": fan_out, "webhooks": webhooks, "crowd": crowd, "stalled": stalled}


def run(measures: Mapping[str, Callable[[Plan, Found], Coroutine[Any, Any, None]]]) -> None:
    """Carries out the plan on standard input, and prints what that found."""
    plan: Plan = json.load(sys.stdin)
    found: Found = {}
    failure = None
    try:
        asyncio.run(measures[plan["measure"]](plan, found))
    except (OSError, ValueError) as error:
        failure = str(error)
    print(json.dumps({"found": found, "failure": failure}))


if __name__ == "__main__":
    uvloop.install()
    run(MEASURES)
