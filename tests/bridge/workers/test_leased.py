"""What one bridge does at a time: by nobody else meanwhile, and by another once that one is gone or cut off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from bridge.journal import Journal, JournalUnavailableError
from bridge.workers.leased import LeasedWork
from tests.bridge.journal.sales import paid, payout
from tests.waiting import until

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

LASTING = timedelta(seconds=2)


class Worker:
    """A bridge that counts how often it began what is leased, and says whether it does it now."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.begun = 0
        self.works = False
        self.leased = LeasedWork(journal, {"work": self._work}, lease=LASTING, renewed_every_seconds=0.1)
        self.task = asyncio.create_task(self.leased.run())

    async def _work(self) -> None:
        self.begun += 1
        self.works = True
        try:
            await asyncio.Event().wait()
        finally:
            self.works = False

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


@asynccontextmanager
async def workers(database_url: str) -> AsyncIterator[tuple[Worker, Worker]]:
    first = Worker(await Journal.open(database_url, is_shared=True))
    await until(lambda: first.works)
    second = Worker(await Journal.open(database_url, is_shared=True))
    try:
        yield first, second
    finally:
        for worker in (first, second):
            await worker.stop()
            await worker.journal.close()


async def renewals(worker: Worker, count: int) -> None:
    enough = worker.journal._writer.batches + count
    await until(lambda: worker.journal._writer.batches >= enough)


async def test_whoever_has_it_keeps_it_and_who_stops_gives_it_back(database_url: str) -> None:
    async with workers(database_url) as (first, second):
        for worker in (first, second):
            await renewals(worker, 5)
        assert (first.begun, first.works, second.begun) == (1, True, 0)
        await first.stop()
        await until(lambda: second.works)
        assert (first.works, second.begun) == (False, 1)


async def test_what_one_took_while_the_clock_was_ahead_another_takes_over_all_the_same(database_url: str) -> None:
    ahead = await Journal.open(database_url, is_shared=True)
    clock, writer = ahead.clock, ahead._writer
    writer._clock = lambda: clock() + timedelta(hours=1)
    assert await ahead.nodes.take(["work"], LASTING) == ["work"]
    ahead._writer._is_cut_off = True
    await ahead.close()
    second = Worker(await Journal.open(database_url, is_shared=True))
    await until(lambda: second.works)
    seen_at, now = await second.journal.nodes.seen(), second.journal.clock()
    assert len(seen_at) == 2
    assert all(at <= now for at in seen_at.values())
    await second.stop()
    await second.journal.close()


async def test_work_that_is_done_is_not_begun_again_and_work_that_fails_is(database_url: str) -> None:
    journal = await Journal.open(database_url, is_shared=True)
    begun = {"done": 0, "failing": 0}

    async def done() -> None:
        begun["done"] += 1

    async def failing() -> None:
        begun["failing"] += 1
        raise LookupError("it is not there")

    work = LeasedWork(journal, {"done": done, "failing": failing}, lease=LASTING, renewed_every_seconds=0.01)
    task = asyncio.create_task(work.run())
    await until(lambda: begun["failing"] > 2)
    assert begun["done"] == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await journal.close()


async def test_one_that_is_cut_off_stops_and_another_begins_after_that(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workers(database_url) as (first, second):

        async def is_away(*_: object, **__: object) -> None:
            await asyncio.sleep(0)
            raise JournalUnavailableError("the network is away")

        monkeypatch.setattr(first.journal.nodes, "take", is_away)
        monkeypatch.setattr(first.journal.nodes, "leave", is_away)
        while not second.works:
            assert not (first.works and second.works)
            await asyncio.sleep(0.01)
        assert not first.works
        monkeypatch.undo()
        await renewals(first, 3)
        assert (first.works, second.works, second.begun) == (False, True, 1)


async def test_one_whose_database_says_nothing_stops_as_well(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workers(database_url) as (first, second):
        monkeypatch.setattr(first.journal.nodes, "take", lambda *_, **__: asyncio.Event().wait())
        await until(lambda: second.works)
        assert not first.works


async def test_no_payout_is_asked_for_by_one_that_lost_the_lease(database_url: str) -> None:
    first = await Journal.open(database_url, is_shared=True)
    second = await Journal.open(database_url, is_shared=True)
    await paid(first, 1)
    await first.payouts.register([payout(1)], rules=None)
    name = (await first.payouts.name(["out_1"]))["out_1"].external_id
    assert await first.nodes.take(["payouts"], LASTING * 100) == ["payouts"]
    await first.nodes.release(["payouts"])
    assert await second.nodes.take(["payouts"], LASTING * 100) == ["payouts"]
    assert await first.payouts.begin_attempts({"out_1": name}, rules=None) == {}
    assert list(await second.payouts.begin_attempts({"out_1": name}, rules=None)) == ["out_1"]
    # Nor does it say of one that the other waits for that nobody will hear of it.
    await first.payouts.record_interruption("out_1", 1, "it stopped")
    [record] = await second.payouts.records(["out_1"])
    assert record.payout.unanswered_attempt == 1
    for journal in (first, second):
        await journal.close()
