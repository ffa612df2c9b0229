"""Holds of payouts that an earlier version placed, in both kinds of database: they are staff's, can be seen, and end
by the word of whoever has seen them."""

import asyncio
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from bridge.journal import Journal
from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.maintenance import declare_restored
from coordinator.payouts.comparisons import Comparison
from coordinator.payouts.holds import ComparisonOpenError, HeldByOthersError, HoldsUnseenError, Resumption
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.older_journals import migrate
from tests.clock import Clock

OF_PEOPLE = [("Ada", "two sellers report strange payouts"), ("shop", None)]


def columns(database_url: str) -> set[str]:
    engine = writing_engine(parse_database_url(database_url))
    with engine.connect() as connection:
        found = set(connection.execute(text("SELECT * FROM payout_holds")).keys())
    engine.dispose()
    return found


async def held_by_an_earlier_version(database_url: str, clock: Clock, mark: Path | None = None) -> Journal:
    """A journal in which Ada, a service and, with a mark, the bridge held payouts when holds had no ids."""
    journal = await Journal.open(database_url, clock)
    await journal.console.hold_payouts(by="Ada", note="two sellers report strange payouts")
    await journal.console.hold_payouts(by="shop", note=None, service="shop")
    await journal.close()
    if mark is not None:
        await asyncio.to_thread(declare_restored, database_url, mark, "so it was", NOW)
    await asyncio.to_thread(migrate, database_url, command.downgrade, "0081")
    assert not {"public_id", "service"} & columns(database_url)
    return await Journal.open(database_url, clock)


def wanted(*seen: str, service: str | None = None, without_comparison: bool = False) -> Resumption:
    return Resumption(service or "Bo", None, frozenset(seen), service, without_comparison=without_comparison)


async def test_holds_of_an_earlier_version_are_staffs_and_end_once_they_were_seen(
    database_url: str, clock: Clock
) -> None:
    journal = await held_by_an_earlier_version(database_url, clock)
    holds = await journal.console.payout_holds()
    assert [(hold.held_by, hold.note) for hold in holds] == OF_PEOPLE
    assert [(hold.held_at, hold.service, hold.epoch) for hold in holds] == [(NOW, None, None)] * 2
    ids = [hold.hold_id for hold in holds]
    assert len({*ids}) == 2
    # Nobody knows any more that a service placed one of them: none of them is a service's.
    for service in ("shop", "Ada"):
        with pytest.raises(HeldByOthersError, match="two sellers report strange payouts"):
            await journal.console.resume_payouts(wanted(*ids, service=service))
    with pytest.raises(HoldsUnseenError, match="shop"):
        await journal.console.resume_payouts(wanted(ids[0]))
    assert [hold.hold_id for hold in await journal.console.payout_holds()] == ids
    done = await journal.console.resume_payouts(wanted(*ids))
    assert (list(done.ended), list(done.holds)) == (ids, [])
    assert await journal.console.payout_holds() == ()
    await journal.close()


async def test_what_saw_an_earlier_versions_hold_ends_none_that_came_into_its_place(
    database_url: str, clock: Clock
) -> None:
    journal = await held_by_an_earlier_version(database_url, clock)
    ids = [hold.hold_id for hold in await journal.console.payout_holds()]
    # They are called the same at every start, so that whoever has seen one can end it after another.
    await journal.close()
    journal = await Journal.open(database_url, clock)
    assert [hold.hold_id for hold in await journal.console.payout_holds()] == ids
    await journal.console.resume_payouts(wanted(*ids))
    await journal.console.hold_payouts(by="Ada", note="again")
    with pytest.raises(HoldsUnseenError, match="again"):
        await journal.console.resume_payouts(wanted(*ids))
    assert [hold.note for hold in await journal.console.payout_holds()] == ["again"]
    await journal.close()


async def test_the_bridges_own_hold_of_an_earlier_version_stays_until_the_books_are_compared(
    database_url: str, clock: Clock, tmp_path: Path
) -> None:
    journal = await held_by_an_earlier_version(database_url, clock, tmp_path / "mark")
    *others, own = await journal.console.payout_holds()
    assert [(hold.held_by, hold.note) for hold in others] == OF_PEOPLE
    # That version counted no decisions of people that the journal lacks.
    assert (own.held_by, own.comparison, own.missing_decisions) == ("the bridge", "open", None)
    ids = [hold.hold_id for hold in (*others, own)]
    done = await journal.console.resume_payouts(wanted(*ids))
    assert [hold.hold_id for hold in done.holds] == [own.hold_id]
    with pytest.raises(ComparisonOpenError):
        await journal.console.resume_payouts(wanted(*ids))
    assert own.epoch is not None
    await journal.history.record_comparison(own.epoch, Comparison(at=NOW))
    [left] = await journal.console.payout_holds()
    assert (left.comparison, "no mark shows whether decisions of people are missing" in (left.note or "")) == (
        "over",
        True,
    )
    await journal.console.resume_payouts(wanted(left.hold_id))
    assert await journal.console.payout_holds() == ()
    await journal.close()
