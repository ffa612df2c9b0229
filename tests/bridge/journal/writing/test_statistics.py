"""A journal that grows is looked up by what PostgreSQL knows of it by then."""

from itertools import pairwise

import pytest
from sqlalchemy import Connection, text

from bridge.journal import Journal
from bridge.journal.writing.statistics import FIRST_COMMITS, LAST_COMMITS, are_due
from tests.bridge.journal.sales import payment


def test_they_are_due_whenever_there_were_twice_as_many_commits() -> None:
    due = [commits for commits in range(2 * LAST_COMMITS) if are_due(commits)]
    assert due[0] == FIRST_COMMITS
    assert due[-1] == LAST_COMMITS
    assert all(later == 2 * earlier for earlier, later in pairwise(due))


def payments_known_of(connection: Connection) -> float:
    """As how many PostgreSQL plans."""
    known: float = connection.scalar(text("SELECT reltuples FROM pg_class WHERE relname = 'payments'")) or 0
    return known


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_new_journal_has_them_before_it_is_large(database_url: str) -> None:
    journal = await Journal.open(database_url, is_shared=True)
    for number in range(FIRST_COMMITS):
        await journal.register_payment(payment(number))
    await journal.check()
    # Not of all: some were registered after they were taken.
    assert FIRST_COMMITS / 2 < await journal._read(payments_known_of) < FIRST_COMMITS
    await journal.close()
