"""Rows that cannot be read: whatever works through many goes past them, what depends on one is refused, and they are
noted until they can be read again."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from bridge.journal import ConsoleFilter, Journal, JournalUnavailableError, PageEnd, UnreadableRow, UnreadableRowError
from bridge.journal.database.engines import parse_database_url
from coordinator.payments.observed.observations import Standing
from coordinator.payouts.observations import PayoutAccepted
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import observe, paid, paid_out, payment, payout, snapshot
from tests.bridge.journal.spoiled_rows import SPOILED, reopened, spoiled, spoiled_payment, spoiled_payout
from tests.clock import Clock


async def noted(journal: Journal) -> list[tuple[str, str]]:
    await journal.unreadable.update()
    return [(one.row.kind.value, one.row.identifier) for one in await journal.unreadable.rows(100)]


@pytest.mark.parametrize("value", SPOILED)
@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_lists_name_it_in_its_place_and_show_the_others(
    journal: Journal, database_url: str, value: str, limit: int
) -> None:
    for number in range(3):
        await paid(journal, number, created_at=NOW + timedelta(minutes=number))
    with spoiled_payment(database_url, "pay_1", value):
        after, found = None, []
        while page := await journal.console.payments(ConsoleFilter(), after, limit):
            for one in page:
                is_unreadable = isinstance(one, UnreadableRow)
                found.append(
                    (one.concerns if isinstance(one, UnreadableRow) else one.payment.payment_id, is_unreadable)
                )
                created_at = one.created_at if isinstance(one, UnreadableRow) else one.payment.created_at
            assert created_at is not None
            after = PageEnd(created_at, found[-1][0])
        assert found == [("pay_2", False), ("pay_1", True), ("pay_0", False)]
        assert await noted(journal) == [("payment", "pay_1")]
    assert await noted(journal) == []


async def test_what_comes_with_it_is_committed_and_what_comes_for_it_is_refused_and_applied_later(
    journal: Journal, database_url: str, clock: Clock
) -> None:
    for number in range(3):
        await journal.register_payment(payment(number, request_id="request"))
    journal = await reopened(journal, database_url, clock)
    with spoiled_payment(database_url, "pay_1"):
        outcomes = await asyncio.gather(
            *(observe(journal, number, f"k{number}", snapshot(f"0x{number}")) for number in range(3)),
            return_exceptions=True,
        )
        assert [str(one) for one in outcomes] == [
            "applied",
            "what is stored of payment pay_1 cannot be read",
            "applied",
        ]
        assert isinstance(outcomes[1], UnreadableRowError)
        # It is for the same purchase request.
        assert (await journal.register_payment(payment(4, request_id="request"))).is_new
        assert await noted(journal) == [("payment", "pay_1")]
    assert await observe(journal, 1, "k1", snapshot("0x1")) == "applied"
    assert await noted(journal) == []
    await journal.close()


async def test_deadlines_of_others_are_applied_however_many_cannot_be_read(
    journal: Journal, database_url: str, clock: Clock
) -> None:
    for number in range(3):
        await journal.register_payment(payment(number, expires_at=NOW + timedelta(minutes=number + 1)))
    clock.move(minutes=30)
    journal = await reopened(journal, database_url, clock)
    with spoiled_payment(database_url, "pay_0"):
        due = await journal.deadlines.due_at_once(clock(), but=[])
        assert await journal.deadlines.apply(due) == 2
        assert await noted(journal) == [("payment", "pay_0")]
        # From now on it takes no place, and nobody looks again and again because of it.
        assert await journal.deadlines.next_due_at() is None
    assert await noted(journal) == []
    assert await journal.deadlines.apply(await journal.deadlines.due_at_once(clock(), but=[])) == 1
    await journal.close()


async def test_payouts_of_others_are_named_and_followed(journal: Journal, database_url: str, clock: Clock) -> None:
    for number in range(1, 4):
        await paid(journal, number)
        await paid_out(journal, payout(number))
    await paid_out(journal, payout(5, payment_id="pay_2", seller_id="seller-0"), another=True)
    journal = await reopened(journal, database_url, clock)
    everything = ["out_1", "out_2", "out_3", "out_5"]

    async def followed() -> list[str]:
        return [one.payout_id for one in await journal.payouts.to_follow(failed_since=NOW, limit=2)]

    with spoiled_payout(database_url, "out_2"):
        # Of its payment nothing leaves: how much of it has left already is not known.
        assert sorted(await journal.payouts.name(everything)) == ["out_1", "out_3"]
        with pytest.raises(UnreadableRowError):
            await journal.payouts.register(
                [payout(6, payment_id="pay_2", seller_id="seller-0")], another=True, rules=None
            )
        assert await followed() == ["out_1"]
        assert await noted(journal) == [("payout", "out_2")]
        assert await followed() == ["out_1", "out_3"]
    with spoiled_payment(database_url, "pay_3"):
        journal = await reopened(journal, database_url, clock)
        assert sorted(await journal.payouts.name(everything)) == ["out_1", "out_2", "out_5"]
        # What is told of a payout whose payment cannot be read is refused, before anything of it is written down.
        with pytest.raises(UnreadableRowError):
            await journal.payouts.record_observation("out_3", "k", PayoutAccepted(task_id="t"))
        assert await noted(journal) == [("payment", "pay_3")]
    assert await noted(journal) == []
    assert sorted(await journal.payouts.name(everything)) == everything
    assert (await journal.payouts.record_observation("out_3", "k", PayoutAccepted(task_id="t"))).payout.facts.task_id
    await journal.close()


async def test_books_of_others_are_written_later_and_its_own_once_it_can_be_read(
    journal: Journal, database_url: str
) -> None:
    for number in range(1, 4):
        await paid(journal, number)
    engine = create_engine(parse_database_url(database_url))
    with engine.begin() as connection:  # as a bridge leaves it that knows no books
        connection.execute(text("DELETE FROM book_entries"))
        connection.execute(text("UPDATE payments SET entered_at = NULL"))
    engine.dispose()
    with spoiled_payment(database_url, "pay_2"):
        assert [await journal.books.enter_late(), await journal.books.enter_late()] == [2, 0]
        assert await noted(journal) == [("payment", "pay_2")]
    assert await noted(journal) == []
    assert [await journal.books.enter_late(), await journal.books.enter_late()] == [1, 0]


async def test_problems_of_others_stay_on_the_list(journal: Journal, database_url: str) -> None:
    for number in range(3):
        await journal.register_payment(payment(number))
        await observe(journal, number, f"k{number}", snapshot(f"0x{number}", Standing.OVERPAID, currency="EUR"))
    with spoiled_payment(database_url, "pay_1"):
        assert {one.payment.payment_id for one in await journal.console.troubled_payments()} == {"pay_0", "pay_2"}
        assert await noted(journal) == [("payment", "pay_1")]


async def test_one_line_of_a_history_is_left_out_of_it_and_noted(journal: Journal, database_url: str) -> None:
    await paid(journal, 1)
    await observe(journal, 1, "second", snapshot("0xb"))
    record = await journal.payment_record("pay_1")
    assert record is not None
    with spoiled(database_url, "observations", "key", record.history[0].key, "observation", "{}"):
        found = await journal.payment_record("pay_1")
        assert found is not None
        assert found.history == record.history[1:]
        [(kind, _)] = await noted(journal)
        assert kind == "observation"
    assert await noted(journal) == []


async def test_who_asks_for_it_alone_is_told_so(journal: Journal, database_url: str) -> None:
    await paid(journal, 1)
    await paid_out(journal, payout(1))
    with spoiled_payout(database_url, "out_1"):
        for asked in (
            journal.payment_record("pay_1"),
            journal.payouts.records(["out_1"]),
            journal.console.payout("out_1"),
        ):
            with pytest.raises(UnreadableRowError, match="what is stored of payout out_1 cannot be read"):
                await asked
        # The row of the payment itself is as good as it was.
        assert await journal.console.payment("pay_1") is not None
        assert [one for one in await journal.request_records("request-1") if isinstance(one, UnreadableRow)]


async def test_what_is_stored_stands_in_no_message(journal: Journal, database_url: str) -> None:
    await paid(journal, 1)
    with spoiled_payment(database_url, "pay_1", '{"hints": {"a secret": 1}}'):
        with pytest.raises(UnreadableRowError) as raised:
            await journal.console.payment("pay_1")
        assert raised.value.row.reason.startswith("Facts.hints")
        assert "a secret" not in f"{raised.value} {raised.value.row}"
        assert not isinstance(raised.value, JournalUnavailableError)
