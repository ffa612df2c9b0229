"""The demonstration's sales, closed as docs/finance.md says, step by step: every number is explained, to the cent.
`make soak` closes two thousand sales."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from bridge.cli.demo.past import SELLERS, play_past
from bridge.journal import BookFilter, ConsoleFilter, Journal, ListedEntry, ListedPayment, ListedPayout, all_read
from coordinator.books.days import Span, date_in, days_in, zone_named
from coordinator.books.entries import EntryKind
from coordinator.books.figures import Figures, fee_figures, figures, owed_by
from coordinator.money import total
from coordinator.payouts.earnings import escrow_of
from coordinator.payouts.facts import NetworkFee
from coordinator.payouts.fees_taken import network_fee_unknown, network_fees

DAYS = 56 if "SOAK_MINUTES" in os.environ else 4
ZONE = zone_named("Asia/Tokyo")
EVERYTHING = 100_000


async def charged(journal: Journal, listed: Sequence[ListedPayout]) -> tuple[Decimal, Decimal]:
    """What the network took for every second payout of which it is to be found out still; of the others nobody says
    it. Returns what it took for all, and what was sent where nobody says."""
    due = [one.payout.payout_id for one in await journal.payouts.without_network_fee(after="", limit=EVERYTHING)]
    for number, payout_id in enumerate(due):
        fee = NetworkFee(wallet="shkeeper", coin="ETH", amount=Decimal(number).scaleb(-18))
        payout = next(one.payout for one in listed if one.payout.payout_id == payout_id)
        told = {payout.facts.tx_hashes[0]: fee} if number % 2 else "nobody says"
        await journal.payouts.record_network_fees(payout_id, told)
    assert not await journal.payouts.without_network_fee(after="", limit=1)
    ended = [one.payout for one in all_read(await journal.console.payouts(ConsoleFilter(), None, EVERYTHING))]
    unsaid = (one.amount for one in ended if one.status == "completed" and network_fee_unknown(one) is not None)
    return total(fee.amount for one in ended for fee in network_fees(one)), total(unsaid)


async def entries(journal: Journal, **wanted: object) -> list[ListedEntry]:
    return await journal.books.entries(BookFilter(**wanted), None, EVERYTHING)  # type: ignore[arg-type]


async def test_the_books_of_a_month_close_to_the_cent(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    played = await play_past(url, "key", days=DAYS, random=Random(7))
    journal = await Journal.open(url)
    payments = all_read(await journal.console.payments(ConsoleFilter(), None, EVERYTHING))
    payouts = all_read(await journal.console.payouts(ConsoleFilter(), None, EVERYTHING))
    assert (len(payments), len(payouts)) == (played.payments, played.payouts)
    took, unsaid = await charged(journal, payouts)
    assert took > 0 < unsaid
    kinds = {one.entry.account.kind for one in await entries(journal)}
    assert kinds == set(EntryKind)
    assert {one.payout.status for one in payouts} >= {"completed", "returned", "failed", "mismatch"}
    today = date_in(ZONE, datetime.now(UTC) + timedelta(days=1))
    days = days_in(ZONE, today - timedelta(days=DAYS + 4), today)
    by_day = {one.date: figures(one.sums) for one in await journal.books.day_totals(days)}
    assert not [one for one in await journal.books.day_totals(days) if one.currency != "USD"]

    await the_days_are_the_payments(payments, by_day)
    the_money_is_somewhere(payments, payouts, list(by_day.values()))
    await the_statements_are_the_days(journal, list(by_day.values()))
    await the_entries_explain_each_day(journal, by_day)
    await the_network_took_what_each_day_says(journal, days, took, unsaid)
    await the_wallets_are_what_came_and_went(journal, payments, payouts, took)
    await journal.close()


async def the_days_are_the_payments(payments: Sequence[ListedPayment], by_day: dict[str, Figures]) -> None:
    """Step 1."""
    expected: dict[str, list[Decimal]] = {}
    for one in payments:
        if one.completed_at is not None:
            expected.setdefault(date_in(ZONE, one.completed_at).isoformat(), []).append(one.payment.amount)
    found = {date: (one.sales_count, one.sales) for date, one in by_day.items() if one.sales_count}
    assert found == {date: (len(amounts), total(amounts)) for date, amounts in expected.items()}


def the_money_is_somewhere(
    payments: Sequence[ListedPayment], payouts: Sequence[ListedPayout], by_day: Sequence[Figures]
) -> None:
    """Steps 2 and 3."""
    escrows = [
        escrow_of(one.payment, [each.payout for each in payouts if each.payout.payment_id == one.payment.payment_id])
        for one in payments
    ]
    assert total(one.received for one in by_day) == total(one.received for one in escrows)
    assert total(one.fees for one in by_day) == total(one.fee for one in escrows)
    assert total(one.payouts for one in by_day) == total(one.released for one in escrows)
    went_back = [amount for one in by_day for amount in (one.refunds, one.sent_back)]
    assert total(went_back) == total(one.refunded for one in escrows)
    held = total(amount for one in escrows for amount in (one.held, one.fee, one.excess))
    assert total(one.held for one in by_day) + total(one.overdrawn for one in escrows) == held
    explained = total(amount for one in by_day for amount in (one.owed, one.fees, one.excess, one.unsold))
    less = total(amount for one in by_day for amount in (one.sent_back, one.covered))
    assert total(one.held for one in by_day) == explained - less


async def the_statements_are_the_days(journal: Journal, by_day: Sequence[Figures]) -> None:
    """Step 4."""
    owed = []
    for seller_id in SELLERS:
        sums = await journal.books.seller_totals(seller_id, None, datetime.now(UTC) + timedelta(days=1))
        statement = [figures(one).owed for one in sums.values()]
        lines = await entries(journal, seller_id=seller_id)
        assert total(owed_by(one.entry) for one in lines) == total(statement)
        owed += statement
    assert total(owed) == total(one.owed for one in by_day)


async def the_entries_explain_each_day(journal: Journal, by_day: dict[str, Figures]) -> None:
    """Step 5."""
    names = {EntryKind.SALE: "sales", EntryKind.REFUND: "refunds", EntryKind.PAYOUT: "payouts"}
    found: dict[tuple[str, str], Decimal] = {}
    for one in await entries(journal):
        if (name := names.get(one.entry.account.kind)) is not None:
            day = (date_in(ZONE, one.entered_at).isoformat(), name)
            found[day] = total([found.get(day, Decimal(0)), one.entry.amount])
    assert found.items() >= {
        ((date, name), getattr(one, name)) for date, one in by_day.items() for name in names.values()
    } - {((date, name), Decimal(0)) for date in by_day for name in names.values()}


async def the_network_took_what_each_day_says(
    journal: Journal, days: Sequence[Span], took: Decimal, unsaid: Decimal
) -> None:
    """Step 6."""
    found = [fee_figures(one.sums) for one in await journal.books.day_fees(days)]
    assert (total(one.fees for one in found), total(one.sent_unknown for one in found)) == (took, unsaid)


async def the_wallets_are_what_came_and_went(
    journal: Journal, payments: Sequence[ListedPayment], payouts: Sequence[ListedPayout], took: Decimal
) -> None:
    """Step 7."""
    came = total(transfer.amount for one in payments for transfer in one.payment.confirmed)
    went = total(one.payout.amount for one in payouts if one.payout.status == "completed")
    should = await journal.wallets.should(journal.clock())
    assert {of: one.booked for of, one in should.items()} == {
        ("shkeeper", "ETH-USDT"): came - went,
        ("shkeeper", "ETH"): -took,
    }
