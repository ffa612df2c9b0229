"""What honest clients notice of an attacker: how long signed webhooks and deliveries take beside one of each kind,
and beside none, and what the bridge's memory comes to.

`make bench-attacks` runs it. The bridge has one core, the attacker and the honest clients share the other, so that
some of what is shown is the clients' own wait for it. Where others use the bridge's core it waits too, and no
percentile says anything: how much of the time it did is shown.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from benchmarks.attackers import ATTACKS
from benchmarks.clients import Heard, Poster, connect, request_of
from benchmarks.plans import SIZES, Plan, webhooks_plan
from benchmarks.processes import end_on_signals, memory_kb, more_files, on_last_core
from benchmarks.servers import SERVERS, running

NOBODY = "nobody"
PER_SECOND = 50
SETTLING_SECONDS = 2.0
ANSWER_SECONDS = 60.0
MOST_TIMES, MOST_MEGABYTES = 3.0, 50.0
"""What is aimed at."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """What honest clients noticed, in milliseconds, and the bridge's memory."""

    webhook_p50: float
    webhook_p99: float
    delivery_p99: float
    more_megabytes: float
    lost_clients: int
    """Honest ones that were cut off."""
    without_core: float
    """For how much of the time the bridge could have gone on, and others had its core."""


@contextmanager
def attacked(kind: str, port: int) -> Iterator[None]:
    if kind == NOBODY:
        yield
        return
    command = [sys.executable, "-m", "benchmarks.attackers", kind, str(port)]
    attacker = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=on_last_core)
    try:
        yield
        if attacker.poll() is not None:
            raise RuntimeError(f"the attacker has ended: {kind}")
    finally:
        attacker.kill()
        attacker.wait()


async def notice(plan: Plan, pid: int, port: int, kind: str, clients: int) -> Noticed:
    heard, posting = Heard(ANSWER_SECONDS), Poster(port, ANSWER_SECONDS)
    await connect(port, clients, heard)
    await posting.open()
    for body in plan["registrations"]:
        await posting.post(request_of("/api/payments", body))
    requests = [
        request_of(plan["path"], body, "".join(f"{name}: {value}\r\n" for name, value in headers.items()))
        for body, headers in plan["deliveries"]
    ]
    before_kb, most_kb = memory_kb(pid), 0
    answered: list[float] = []
    with attacked(kind, port):
        await asyncio.sleep(SETTLING_SECONDS)
        began_at, waited_seconds = time.perf_counter(), seconds_without_core(pid)
        heard.timing = True
        for request in requests:
            heard.sent_at = began = time.perf_counter()
            await _heard_by_all(heard, _timed(posting, request, answered), clients - heard.lost_clients)
            most_kb = max(most_kb, memory_kb(pid))
            await asyncio.sleep(max(0.0, began + 1 / PER_SECOND - time.perf_counter()))
        without_core = (seconds_without_core(pid) - waited_seconds) / (time.perf_counter() - began_at)
    return Noticed(
        share(answered, 0.5),
        share(answered, 0.99),
        share(heard.seconds, 0.99),
        (most_kb - before_kb) / 1024,
        heard.lost_clients,
        without_core,
    )


def seconds_without_core(pid: int) -> float:
    """How long the first thread of a process has been ready to run, and did not."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9


async def _heard_by_all(heard: Heard, work: Awaitable[None], clients: int) -> None:
    """By all who are left: who is cut off is counted, and those who stay are asked on."""
    lost = heard.lost_clients
    try:
        await heard.after(work, clients)
    except ConnectionError:
        if heard.lost_clients == lost:
            raise
    heard.fault = None


async def _timed(posting: Poster, request: bytes, answered: list[float]) -> None:
    began = time.perf_counter()
    await posting.post(request)
    answered.append(time.perf_counter() - began)


def share(seconds: Sequence[float], part: float) -> float:
    """What such a part of them is under, in milliseconds."""
    return sorted(seconds)[int(len(seconds) * part)] * 1000


@contextmanager
def on_core_of_clients() -> Iterator[None]:
    """What runs here, once the server has its own core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def measure(kind: str, webhooks: int, clients: int) -> Noticed:
    server = SERVERS["bridge"]
    with running(server) as (pid, port), on_core_of_clients():
        plan = webhooks_plan(server, replace(SIZES, webhooks=webhooks))
        return uvloop.run(notice(plan, pid, port, kind, clients))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=tuple(ATTACKS), help="one kind of attacker")
    parser.add_argument("--webhooks", type=int, default=400, help="how many are sent beside each")
    parser.add_argument("--clients", type=int, default=1, help="how many clients hear of each")
    options = parser.parse_args()
    end_on_signals()
    more_files()
    print(
        f"{'beside':24} {'webhook p50':>12} {'p99':>10} {'delivery p99':>13} {'memory':>10} {'lost':>5}"
        f" {'no core':>8}   p99 beside nobody's"
    )
    alone: Noticed | None = None
    for kind in (NOBODY, *([options.only] if options.only else ATTACKS)):
        found = measure(kind, options.webhooks, options.clients)
        alone = alone or found
        times = max(found.webhook_p99 / alone.webhook_p99, found.delivery_p99 / alone.delivery_p99)
        met = times <= MOST_TIMES and found.more_megabytes <= MOST_MEGABYTES and not found.lost_clients
        said = "" if met else "(aimed at: 3 ×, +50 MB, nobody lost)"
        print(
            f"{kind:24} {found.webhook_p50:9.1f} ms {found.webhook_p99:7.1f} ms {found.delivery_p99:10.1f} ms"
            f" {found.more_megabytes:+7.1f} MB {found.lost_clients:5} {found.without_core:8.0%}"
            f"   {times:.1f} × {said}",
            flush=True,
        )


if __name__ == "__main__":
    main()
