"""A journal that was restored, and the gateway whose books it is compared with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.journal import Journal
from bridge.journal.maintenance import declare_restored
from bridge.workers.books.comparison import BooksComparison
from providers.shkeeper.asking.api import ShkeeperApi
from tests.bridge.workers.books.gateway_books import Books, comparing, wallets_of
from tests.clock import Clock
from tests.scripted_gateway import Gateway


@pytest.fixture
def books(gateway: Gateway) -> Books:
    return Books(gateway)


@pytest.fixture
async def journal(tmp_path: Path, clock: Clock, api: ShkeeperApi, books: Books) -> AsyncIterator[Journal]:
    """One that was restored, so that its books are to be compared. What the wallets hold was noted before."""
    url, mark = f"sqlite:///{tmp_path / 'journal.db'}", tmp_path / "journal.mark"
    before = await Journal.open(url, clock, mark_file=mark)
    assert {one.held for one in await wallets_of(api, before, {}).compare()} == set(books.held.values())
    await before.close()
    declare_restored(url, mark, "so it was", clock())
    opened = await Journal.open(url, clock, mark_file=mark)
    yield opened
    await opened.close()


@pytest.fixture
async def comparison(journal: Journal, api: ShkeeperApi) -> BooksComparison:
    return comparing(journal, api)
