"""Webhooks beside crowds: how long signed webhooks take, from sending to 202, beside nobody and, in the same run,
while a crowd connects, joins a room, hears broadcasts, and comes back; and how long a bridge that has such a crowd
takes to stop. `make bench-crowds` runs it.

The bridge has one core, the crowd and the gateway share the other, where the gateway comes first.
"""

import argparse
import asyncio
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

import jwt
import uvloop

from benchmarks.attacks import on_core_of_clients, seconds_without_core, share
from benchmarks.clients import Poster, request_of, until
from benchmarks.crowd_members import PROXIES
from benchmarks.processes import end_on_signals, more_files, on_last_core
from benchmarks.servers import KEY, SERVERS, running
from providers.shkeeper.simulator.scenarios import SCENARIOS, Invoice

PER_SECOND = 50
ANSWER_SECONDS = 300.0
CLIENTS, RETURNING, MISSED = 19_500, 4_000, 5
KEPT_FILES = 500
"""Besides its clients' a bridge has some files open, and keeps some free."""
MOST_TIMES = 5.0
"""What is aimed at."""
STOP_SECONDS = 20.0
"""`stop_seconds` as it is without a setting."""
SECRET = secrets.token_hex(32)
SERVICE_TOKEN = secrets.token_hex(32)
SERVICES = f"""[marketplace]
token = "{SERVICE_TOKEN}"
publishes = ["payment", "marketplace"]
registers = ["payments"]
"""
OF_SERVICE = f"Authorization: Bearer {SERVICE_TOKEN}\r\n"
NEWS = {"event": "purchase-request-update", "data": {"type": "x" * 150, "requestId": "crowd"}}
PUBLICATION = request_of("/api/events", json.dumps(NEWS), OF_SERVICE)
NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Waited:
    """How long webhooks were waited for, in milliseconds."""

    webhooks: int
    p50: float
    p99: float
    most: float
    without_core: float
    """For how much of the time the bridge could have gone on, and others had its core."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    clients: int
    seconds: float
    """How long nobody is there, and how long broadcasts are heard."""
    webhooks: int
    """How many are sent beside each, at least."""


class Gateway:
    """Sends webhooks of payments of which nobody hears, one after the other, at a steady pace."""

    def __init__(self, pid: int, port: int, least: int) -> None:
        """It sends so many at least, also beside what takes less time than they do."""
        self._pid = pid
        self._least = least
        self._posting, self._registering = Poster(port, ANSWER_SECONDS), Poster(port, ANSWER_SECONDS)
        self._numbers = count()

    async def open(self) -> None:
        await self._posting.open()
        await self._registering.open()

    async def beside(self, work: "asyncio.Future[object]") -> Waited:
        """How long they take while something is done, and until there are enough of them."""
        answered: list[float] = []
        began_at, without = time.perf_counter(), seconds_without_core(self._pid)
        while not work.done() or len(answered) < self._least:
            began = time.perf_counter()
            answered.append(await self._send())
            await asyncio.sleep(max(0.0, began + 1 / PER_SECOND - time.perf_counter()))
        work.result()
        lost = (seconds_without_core(self._pid) - without) / (time.perf_counter() - began_at)
        return Waited(len(answered), share(answered, 0.5), share(answered, 0.99), max(answered) * 1000, lost)

    async def _send(self) -> float:
        number, now = next(self._numbers), datetime.now(UTC)
        name = f"order-{number}"
        payment = {"provider": "shkeeper", "externalId": name, "amount": "49.90", "currency": "USD"}
        parties = {"requestId": f"request-{number}", "buyerId": f"buyer-{number}", "sellerId": f"seller-{number}"}
        await self._registering.post(request_of("/api/payments", json.dumps(payment | parties), OF_SERVICE))
        [delivery] = SCENARIOS["paid"](Invoice(name, Decimal("49.90"), "USD", now))
        headers = "".join(f"{name}: {value}\r\n" for name, value in delivery.headers(KEY, now).items())
        request = request_of("/webhooks/shkeeper", delivery.body.decode(), headers)
        began = time.perf_counter()
        await self._posting.post(request)
        return time.perf_counter() - began


class Crowd:
    """The process that plays it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, deed: str) -> str:
        said_to, says = self._process.stdin, self._process.stdout
        if said_to is None or says is None:
            raise ConnectionError("the crowd was started without pipes")
        said_to.write(f"{deed}\n".encode())
        async with asyncio.timeout(ANSWER_SECONDS):
            said = (await says.readline()).decode().strip()
        if not said:
            raise ConnectionError(f"the crowd has ended while it was to {deed}")
        return said


@asynccontextmanager
async def crowd_of(port: int, clients: int) -> AsyncIterator[Crowd]:
    token = jwt.encode({"sub": "buyer", "requests": ["crowd"], "exp": int(time.time()) + 7_200}, SECRET)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.crowd_members", str(port), str(clients), token),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=on_last_core,
    )
    try:
        yield Crowd(process)
    finally:
        process.kill()
        await process.wait()


async def broadcast(port: int, crowd: Crowd, seconds: float) -> None:
    """One after the other, each once all have heard the one before."""
    posting = Poster(port, ANSWER_SECONDS)
    await posting.open()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        await posting.post(PUBLICATION)
        await crowd.do("listen 1")


async def come_back(crowd: Crowd, returning: int, missed: int) -> None:
    said = await crowd.do(f"return {missed}")
    if said != f"{returning} recovered":
        raise ConnectionError(f"of {returning} clients that come back: {said}")


async def be_cut(port: int, crowd: Crowd, returning: int) -> None:
    """They have heard something, and miss more."""
    posting = Poster(port, ANSWER_SECONDS)
    await posting.open()
    await posting.post(PUBLICATION)
    await crowd.do("listen 1")
    await crowd.do(f"cut {returning}")
    await asyncio.sleep(1)
    for _ in range(MISSED):
        await posting.post(PUBLICATION)
    await crowd.do(f"listen {MISSED}")


async def be_cut_and_come_back(crowd: Crowd, returning: int) -> None:
    """All at once, as where a proxy restarts."""
    await crowd.do(f"cut {returning}")
    await come_back(crowd, returning, 0)


async def watch(pid: int, port: int, sizes: Sizes, say: Callable[[str, Waited], None]) -> None:
    gateway, returning = Gateway(pid, port, sizes.webhooks), min(RETURNING, sizes.clients // 2)
    clients, seconds = sizes.clients, sizes.seconds
    await gateway.open()
    await gateway.beside(asyncio.ensure_future(asyncio.sleep(1)))
    say(NOBODY, await gateway.beside(asyncio.ensure_future(asyncio.sleep(seconds))))
    async with crowd_of(port, clients) as crowd:

        async def beside(what: str, work: Awaitable[object]) -> None:
            began = time.perf_counter()
            task = asyncio.ensure_future(work)
            took: list[float] = []
            task.add_done_callback(lambda _: took.append(time.perf_counter() - began))
            waited = await gateway.beside(task)
            say(f"{what} ({took[0]:.1f} s)", waited)

        await beside(f"{clients:,} that connect", crowd.do("arrive"))
        await beside(f"{clients:,} that join", crowd.do("join"))
        await beside(f"broadcasts to {clients:,}", broadcast(port, crowd, seconds))
        await be_cut(port, crowd, returning)
        await beside(f"{returning:,} that are recovered", come_back(crowd, returning, MISSED))
        await beside(f"{returning:,} cut at once, and back", be_cut_and_come_back(crowd, returning))
        began = time.perf_counter()
        os.kill(pid, signal.SIGTERM)
        await until(lambda: not is_there(pid))
        took = time.perf_counter() - began
    aim = "" if took <= STOP_SECONDS else f" (aimed at: {STOP_SECONDS:g} s)"
    print(f"SIGTERM with {clients:,} clients: ended after {took:.1f} s{aim}", flush=True)


def is_there(pid: int) -> bool:
    """Whether a process of ours still runs: what has ended stays until it is waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=CLIENTS, help="of the crowd, if so many files may be open")
    parser.add_argument("--runs", type=int, default=3, help="of whose ratios the medians are printed")
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="how long nobody is there, and broadcasts are heard"
    )
    parser.add_argument("--webhooks", type=int, default=50, help="how many are sent beside each, at least")
    options = parser.parse_args()
    end_on_signals()
    clients = min(options.clients, more_files() - KEPT_FILES)
    print(f"{clients:,} clients; {options.clients:,} were asked for")
    print(
        f"{'webhooks beside':34} {'sent':>5} {'p50':>9} {'p99':>10} {'longest':>10} {'no core':>8}   p99 to nobody's"
    )
    ratios: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        services = Path(folder) / "services.toml"
        services.write_text(SERVICES, encoding="utf-8")
        for _ in range(options.runs):
            measure(Sizes(clients, options.seconds, options.webhooks), ratios, services)
    for what, found in ratios.items():
        said = "" if statistics.median(found) <= MOST_TIMES else f" (aimed at: {MOST_TIMES:g} ×)"
        print(f"{what:34} {statistics.median(found):.1f} ×, {min(found):.1f} to {max(found):.1f}{said}", flush=True)


def measure(sizes: Sizes, ratios: dict[str, list[float]], services: Path) -> None:
    # Without the heartbeats of so many, which come meanwhile.
    environment = {
        "BRIDGE_PING_INTERVAL_SECONDS": "3600",
        "BRIDGE_TRUSTED_PROXIES": ",".join(PROXIES),
        # Or whoever comes would be told of each payment.
        "BRIDGE_ACCESS": "jwt",
        "BRIDGE_JWT_SECRETS": SECRET,
        "BRIDGE_SERVICES_FILE": str(services),
    }
    server = replace(SERVERS["bridge"], environment=environment)
    alone: list[float] = []

    def say(what: str, waited: Waited) -> None:
        if what == NOBODY:
            alone.append(waited.p99)
        times = waited.p99 / alone[0]
        if what != NOBODY:
            ratios.setdefault(what.partition(" (")[0], []).append(times)
        print(
            f"{what:34} {waited.webhooks:5} {waited.p50:6.1f} ms {waited.p99:7.1f} ms {waited.most:7.1f} ms"
            f" {waited.without_core:8.0%}   {times:.1f} ×",
            flush=True,
        )

    with running(server) as (pid, port), on_core_of_clients():
        uvloop.run(watch(pid, port, sizes, say))


if __name__ == "__main__":
    main()
