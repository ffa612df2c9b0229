"""A PostgreSQL that says nothing, or that is killed: nobody waits for it for ever, and once it speaks again all goes
on, with all that was acknowledged."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.journal import Journal, JournalUnavailableError
from tests.bridge.journal.database.test_lock import numbers, publish
from tests.postgresql import Cluster, journal_cluster
from tests.waiting import GIVE_UP_SECONDS, until

SOON_SECONDS = 1.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with journal_cluster() as cluster:
        yield cluster


@contextmanager
def frozen(cluster: Cluster) -> Iterator[None]:
    """The server stands still, and nobody waits for it for long: only then, or a machine that is slow would be taken
    for one that does."""
    with cluster.frozen(), pytest.MonkeyPatch.context() as patched:
        patched.setattr("bridge.journal.writing.writer.COMMIT_TIMEOUT_SECONDS", SOON_SECONDS)
        patched.setattr("bridge.journal.queries.readers.LOOK_UP_SECONDS", SOON_SECONDS)
        yield


async def goes_on(journal: Journal, number: int) -> None:
    """Sends it again until it is kept, as a caller does."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while True:
            try:
                await publish(journal, number)
            except JournalUnavailableError:
                await asyncio.sleep(0.05)
            else:
                return


async def test_while_it_is_frozen_everybody_has_an_answer_in_time_and_afterwards_all_goes_on(
    cluster: Cluster,
) -> None:
    journal = await Journal.open(cluster.journal_url())
    await publish(journal, 1)
    assert await numbers(journal) == [1]
    with frozen(cluster):
        for ask in (lambda: publish(journal, 2), journal.newest_place, journal.check) * 2:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                with pytest.raises(JournalUnavailableError):
                    await ask()
    await goes_on(journal, 3)
    found = await numbers(journal)
    # Of the second nobody knew whether it is kept.
    assert (found[0], found[-1]) == (1, 3)
    assert set(found) <= {1, 2, 3}
    await journal.close()


@pytest.mark.parametrize("is_writing", [False, True])
async def test_it_is_closed_in_time_while_the_server_is_frozen(cluster: Cluster, *, is_writing: bool) -> None:
    journal = await Journal.open(cluster.journal_url())
    await publish(journal, 1)
    await journal.newest_place()
    with frozen(cluster):
        tasks: list[asyncio.Task[object]] = [asyncio.create_task(journal.newest_place())]
        if is_writing:
            tasks.append(asyncio.create_task(publish(journal, 2)))
        await asyncio.sleep(0)
        begun = time.monotonic()
        await journal.close(within_seconds=0.5)
        # Long is only a connection that is just being made: as long as libpq is given for it.
        assert time.monotonic() - begun < GIVE_UP_SECONDS
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(one) for one in results} == {JournalUnavailableError}


async def test_killed_under_load_it_has_all_that_was_acknowledged_though_it_is_set_not_to_wait_for_its_disk(
    cluster: Cluster,
) -> None:
    lazy = {"synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}
    for name, value in lazy.items():
        cluster.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    cluster.execute("SELECT pg_reload_conf()")
    await until(lambda: all(cluster.ask(f"SHOW {name}") == value for name, value in lazy.items()))
    journal = await Journal.open(cluster.journal_url())
    acknowledged: list[int] = []

    async def publish_on(begin: int) -> None:
        for number in itertools.count(begin, 4):
            await publish(journal, number)
            acknowledged.append(number)

    publishing = [asyncio.create_task(publish_on(1_000 + lane)) for lane in range(4)]
    await until(lambda: len(acknowledged) >= 100)
    cluster.kill()
    results = await asyncio.gather(*publishing, return_exceptions=True)
    assert {type(one) for one in results} == {JournalUnavailableError}
    await journal.close()
    cluster.start(cluster.port)
    journal = await Journal.open(cluster.journal_url())
    assert set(acknowledged) <= set(await numbers(journal))
    await journal.close()
