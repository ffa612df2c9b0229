"""The books of a journal on both databases: days, sums, and what was moved where nobody entered it."""

import asyncio
from datetime import timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, null, update

from bridge.journal import BookFilter, Journal, ListedEntry
from bridge.journal.database.engines import parse_database_url, reading_engine, writing_engine
from bridge.journal.queries.totals import day_totals
from bridge.journal.records.books import BookRecords
from bridge.journal.tables import schema
from bridge.workers.books.late_entries import LateEntries
from coordinator.books.days import days_in, zone_named
from coordinator.books.figures import Figures, figures
from coordinator.money import total
from coordinator.payments.observed.observations import PaymentAccepted
from coordinator.payouts.observations import PayoutConfirmed, PayoutSent
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import observe, paid, paid_out, payment, payout
from tests.clock import Clock
from tests.coordinator.agreed import judged, notice, transfer

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ARRIVES = (PayoutSent(tx_hashes=("0x1",)), PayoutConfirmed())


async def by_day(journal: Journal, zone: str, days: int = 40) -> dict[tuple[str, str], Figures]:
    first = NOW.date() - timedelta(days=2)
    found = await journal.books.day_totals(days_in(zone_named(zone), first, first + timedelta(days=days)))
    return {(one.date, one.currency): figures(one.sums) for one in found}


async def everything(books: BookRecords, **wanted: Any) -> list[ListedEntry]:
    found: list[ListedEntry] = []
    while page := await books.entries(BookFilter(**wanted), found[-1].place if found else None, 3):
        found += page
    return found


# Days


async def test_a_clock_that_is_set_back_enters_nothing_into_a_day_that_is_over(
    journal: Journal, database_url: str, clock: Clock
) -> None:
    ahead = NOW + 20 * HOUR
    clock.now = ahead
    await paid(journal, 1, amount=Decimal("10.10"))
    before = await by_day(journal, "UTC")
    clock.now = NOW
    await paid(journal, 2, amount=Decimal("10.10"))
    await paid_out(journal, payout(1), *ARRIVES)
    found = await by_day(journal, "UTC")
    assert list(found) == list(before) == [(f"{ahead:%F}", "USD")]
    assert f"{ahead:%F}" > f"{NOW:%F}"
    assert sum(one.sales_count for one in found.values()) == 2
    moments = [one.entered_at for one in await everything(journal.books)]
    assert set(moments) == {ahead}
    # Whoever goes on from there goes by the clock.
    clock.now = ahead + DAY
    await paid(journal, 3, amount=Decimal("10.10"))
    assert [day for day, _ in await by_day(journal, "UTC")] == [f"{ahead:%F}", f"{ahead + DAY:%F}"]


async def test_a_clock_that_was_years_ahead_holds_nothing_there(
    journal: Journal, database_url: str, clock: Clock
) -> None:
    clock.now = NOW + 900 * DAY
    await paid(journal, 1, amount=Decimal("10.10"))
    clock.now = NOW
    await paid(journal, 2, amount=Decimal("10.10"))
    assert {one.entered_at for one in await everything(journal.books)} == {NOW, NOW + 900 * DAY}


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("UTC", ["2026-05-01", "2026-05-02"]),
        ("Europe/Berlin", ["2026-05-02"]),  # there, it is midnight when the first is paid
        ("America/New_York", ["2026-05-01"]),
        ("Asia/Kathmandu", ["2026-05-02"]),
    ],
)
async def test_a_sale_is_of_the_day_on_which_it_was_completed(
    journal: Journal, clock: Clock, zone: str, days: list[str]
) -> None:
    await paid(journal, 1, amount=Decimal("10.10"))
    clock.now = NOW + timedelta(hours=3)
    await paid(journal, 2, amount=Decimal("10.10"))
    await journal.register_payment(payment(3))
    found = await by_day(journal, zone)
    assert [date for date, _ in found] == days
    assert sum(one.sales_count for one in found.values()) == 2
    assert {str(one.sales / one.sales_count) for one in found.values()} == {"10.10"}
    # Whatever comes after does not change a day that is over.
    clock.now = NOW + 5 * DAY
    await paid_out(journal, payout(1), *ARRIVES)
    after = await by_day(journal, zone)
    assert {day: after[day] for day in found} == found
    [later] = [one for day, one in after.items() if day not in found]
    assert [later.sales, later.payouts, later.payouts_count] == [0, Decimal("0.01"), 1]


@pytest.mark.parametrize("amounts", [["49.90", "49.9"], ["5", "7"], ["0.10", "0.2", "123456789012.123456789012"]])
async def test_sums_keep_the_scale_of_what_was_agreed(journal: Journal, amounts: list[str]) -> None:
    for number, amount in enumerate(amounts):
        came = transfer(f"0x{number}", amount)
        await journal.register_payment(payment(number, amount=Decimal(amount)))
        await observe(journal, number, f"paid-{number}", notice(judged(came.amount, came.amount), came, proven=None))
    [found] = (await by_day(journal, "UTC")).values()
    assert str(found.sales) == str(total(map(Decimal, amounts)))
    assert found.unsold == found.excess == 0


async def test_sums_are_exact_whatever_the_size(journal: Journal) -> None:
    amounts = [
        *("0.10", "0.20", "5", "5.5", "999999999.999999999", "999999999", "0.000000001", "1000000000", "70.18"),
        *("0.000000000000000001", "123456789012345678901234567890.123456789012345678901234567891"),
    ]
    for number, amount in enumerate(amounts * 2, 1):
        await paid(journal, number, amount=Decimal(amount))
        # Whatever came: a person takes it as paid.
        await observe(journal, number, f"accepted-{number}", PaymentAccepted(by="Ada", note="x"))
    [found] = (await by_day(journal, "UTC")).values()
    with localcontext(prec=200):
        assert found.sales == 2 * sum(map(Decimal, amounts), Decimal())
    assert found.sales_count == 22


# What moved where nobody entered it


async def test_what_a_bridge_without_books_has_moved_is_entered_with_its_own_moments(
    database_url: str, clock: Clock
) -> None:
    journal = await Journal.open(database_url, clock)
    await paid(journal, 1)
    clock.now = NOW + DAY
    await paid_out(journal, payout(1), *ARRIVES)
    await paid(journal, 2)
    entered = await everything(journal.books)
    assert await journal.books.enter_late() == 0

    def as_a_bridge_without_books(everything: bool) -> None:
        engine = writing_engine(parse_database_url(database_url))
        with engine.begin() as connection:
            if everything:
                connection.execute(delete(schema.book_entries))
            for table in (schema.payments, schema.payouts):
                connection.execute(update(table).values(entered_at=null() if everything else NOW - DAY))
        engine.dispose()

    await asyncio.to_thread(as_a_bridge_without_books, True)
    # What moves meanwhile is entered at once, and the rest later all the same.
    await paid_out(journal, payout(2), *ARRIVES)
    clock.now = NOW + 2 * DAY
    assert await LateEntries(journal).round() == 2
    again = await everything(journal.books)
    late = {(one.entered_at, one.payment_id, one.entry) for one in again}
    assert {(one.entered_at, one.payment_id, one.entry) for one in entered} < late
    assert len(again) == len(late) == len(entered) + 2
    # An entry is never made twice.
    await asyncio.to_thread(as_a_bridge_without_books, False)
    assert await journal.books.enter_late() == 2
    assert await everything(journal.books) == again
    await journal.close()


async def test_totals_are_found_by_index(tmp_path: Path) -> None:
    journal = await Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")
    engine = reading_engine(journal._readers.url)
    plans = {
        f"SELECT * FROM payments WHERE {schema.NOT_ENTERED} LIMIT 200": "ix_payments_not_entered",
        "SELECT * FROM book_entries WHERE seller_id = 's' AND entered_at < '2026'": "ix_book_entries_seller_id",
        "WITH days(b, e) AS (VALUES ('2026', '2027'), ('2027', '2028')) SELECT days.b, count(*) FROM days JOIN"
        " book_entries ON entered_at >= b AND entered_at < e GROUP BY 1": "ix_book_entries_entered_at",
    }
    with engine.connect() as connection:
        for statement, index in plans.items():
            plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
            assert any(index in step for step in plan), plan
        assert day_totals(connection, []) == []
    engine.dispose()
    await journal.close()


async def test_a_year_is_looked_up_a_month_at_a_time_so_that_none_of_it_is_cut_off(
    journal: Journal, clock: Clock
) -> None:
    await paid(journal, 1)
    clock.move(days=200)
    await paid(journal, 2)
    year = days_in(zone_named("UTC"), NOW.date(), NOW.date() + 365 * DAY)
    asked: list[int] = []

    async def noted(query: Any, *arguments: Any) -> Any:
        asked.extend(len(one) for one in arguments)
        return await journal._read(query, *arguments)

    read: Any = noted
    books = BookRecords(read, journal._writer.submit)
    found = await books.day_totals(year)
    assert (sum(asked), max(asked)) == (366, 31)
    assert [one.date for one in found] == ["2026-05-01", "2026-11-17"]
    assert found == await journal.books.day_totals(year)
