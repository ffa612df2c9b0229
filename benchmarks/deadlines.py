"""Deadlines that fall due at once: how long it takes until clients were told of all of them, and how long signed
webhooks are waited for meanwhile, beside as many before. `make bench-deadlines` runs it.

The bridge has one core, the client and the gateway share the other.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import uvloop

from benchmarks.attacks import on_core_of_clients, share
from benchmarks.clients import Heard, Poster, connect, request_of
from benchmarks.plans import SIZES, webhooks_plan
from benchmarks.processes import end_on_signals, memory_kb, more_files
from benchmarks.servers import SERVERS, running
from bridge.journal import Journal
from coordinator.payments.payments import Payment

PER_SECOND = 50
BEFORE_SECONDS = 4
TOLD_WITHIN_SECONDS = 60.0
"""What is aimed at."""
ANSWER_SECONDS = 600.0
EXPIRED = b'"status":"expired"'
TOGETHER = 2_000
# For a journal to be filled, the bridge to start and the payments of the webhooks to be registered.
FILLED_PER_SECOND, PREPARED_SECONDS = 1_000, 30


async def fill(database_url: str, count: int, due_at: datetime) -> None:
    """Registers payments that are all due at the same time."""
    journal = await Journal.open(database_url, mark_file=Path(database_url.removeprefix("sqlite:///") + ".mark"))
    try:
        for start in range(0, count, TOGETHER):
            payments = [payment(number, due_at) for number in range(start, min(start + TOGETHER, count))]
            await asyncio.gather(*map(journal.register_payment, payments))
    finally:
        await journal.close()


def payment(number: int, due_at: datetime) -> Payment:
    return Payment(
        payment_id=f"pay_{number}",
        provider="shkeeper",
        external_id=f"due-{number}",
        request_id=f"due-{number}",
        buyer_id=f"buyer-{number % 1_000}",
        seller_id=f"seller-{number % 100}",
        offer_id="offer-1",
        amount=Decimal("49.90"),
        currency="USD",
        created_at=datetime.now(UTC),
        expires_at=due_at,
    )


async def webhooks(posting: Poster, requests: Sequence[bytes], until: asyncio.Task[object] | float) -> list[float]:
    """Sends one after the other at a steady pace, until something is done or that time; how long each took."""
    answered: list[float] = []
    for request in requests:
        if until.done() if isinstance(until, asyncio.Task) else time.time() >= until:
            break
        began = time.perf_counter()
        await posting.post(request)
        answered.append(time.perf_counter() - began)
        await asyncio.sleep(max(0.0, began + 1 / PER_SECOND - time.perf_counter()))
    return answered


async def watch(pid: int, port: int, count: int, due_at: datetime) -> None:
    heard, posting = Heard(ANSWER_SECONDS, event=EXPIRED), Poster(port, ANSWER_SECONDS)
    await connect(port, 1, heard)
    await posting.open()
    plan = webhooks_plan(SERVERS["bridge"], replace(SIZES, webhooks=2_000))
    for body in plan["registrations"]:
        await posting.post(request_of("/api/payments", body))
    requests = [
        request_of(plan["path"], body, "".join(f"{name}: {value}\r\n" for name, value in headers.items()))
        for body, headers in plan["deliveries"]
    ]
    if due_at.timestamp() < time.time() + BEFORE_SECONDS:
        raise SystemExit("the payments were due before the bridge was ready; ask for fewer, or leave more time")
    await asyncio.sleep(due_at.timestamp() - BEFORE_SECONDS - time.time())
    alone = await webhooks(posting, requests, due_at.timestamp())
    before_kb = memory_kb(pid)
    told = asyncio.create_task(heard.after(asyncio.sleep(0), count))
    beside = await webhooks(posting, requests[len(alone) :], told)
    await told
    seconds = time.time() - due_at.timestamp()
    more_mb = (memory_kb(pid) - before_kb) / 1024
    aim = "" if seconds <= TOLD_WITHIN_SECONDS else f" (aimed at: {TOLD_WITHIN_SECONDS:g} s)"
    print(f"{count} deadlines were told in {seconds:.1f} s{aim}, {len(beside)} webhooks beside, {more_mb:+.1f} MB")
    for name, times in (("before", alone), ("beside", beside)):
        p50, p99 = share(times, 0.5), share(times, 0.99)
        print(f"webhooks {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {max(times) * 1000:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deadlines", type=int, default=100_000, help="how many fall due at once")
    count = parser.parse_args().deadlines
    end_on_signals()
    more_files()
    with tempfile.TemporaryDirectory() as folder:
        database_url = f"sqlite:///{folder}/due.db"
        due_at = datetime.now(UTC) + timedelta(seconds=count / FILLED_PER_SECOND + PREPARED_SECONDS)
        uvloop.run(fill(database_url, count, due_at))
        environment = {
            "BRIDGE_DATABASE_URL": database_url,
            "BRIDGE_JOURNAL_MARK_FILE": f"{folder}/due.db.mark",
            "BRIDGE_LOG_LEVEL": "error",
        }
        server = replace(SERVERS["bridge"], environment=environment)
        with running(server) as (pid, port), on_core_of_clients():
            uvloop.run(watch(pid, port, count, due_at))


if __name__ == "__main__":
    main()
