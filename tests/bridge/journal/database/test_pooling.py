"""A pooler in front of PostgreSQL: with sessions of their own all is as without it; a bridge that would lose them
says so, and what to do."""

from collections.abc import Iterator

import pytest

from bridge.journal import Journal, JournalUrlError
from tests.bridge.journal.database.test_lock import numbers, publish
from tests.postgresql import Cluster, journal_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with journal_cluster() as cluster:
        yield cluster


async def test_with_a_pooler_that_gives_each_connection_its_session_all_is_as_without(cluster: Cluster) -> None:
    with cluster.pooled("session") as url:
        journals = [await Journal.open(url, is_shared=True) for _ in range(2)]
        for number, journal in enumerate(journals):
            await publish(journal, number)
        assert await numbers(journals[0]) == [0, 1]
        for journal in journals:
            await journal.close()


@pytest.mark.parametrize(
    ("mode", "said"),
    [("transaction", "pool_mode = session"), ("statement", "not allowed in statement pooling mode")],
)
async def test_a_pooler_that_gives_a_session_to_others_meanwhile_is_refused(
    cluster: Cluster, mode: str, said: str
) -> None:
    with cluster.pooled(mode) as url, pytest.raises(JournalUrlError, match=said):
        await Journal.open(url, is_shared=True)
