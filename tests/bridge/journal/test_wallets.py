"""Wallets in the journal: what they should hold, what came of comparing them, and what people noted."""

from datetime import timedelta
from decimal import Decimal

from bridge.journal import Journal
from coordinator.books.wallets import Held, Should, Tolerances, WalletCoin, WalletComparison, compared
from coordinator.payments.observed.observations import Transfer, TransferSeen
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import observe, paid, payment
from tests.clock import Clock

OF = WalletCoin("shkeeper", "ETH-USDT")


def comparison(
    held: str, should: Should, before: WalletComparison | None = None, minutes: int = 0
) -> WalletComparison:
    tolerances, now = Tolerances(Decimal(1), {}), NOW + timedelta(minutes=minutes)
    return compared(OF, before, [should], Held(Decimal(held)), tolerances, now)


async def test_a_wallet_should_hold_what_came_and_what_was_noted(journal: Journal, clock: Clock) -> None:
    assert await journal.wallets.should(NOW) == {}
    await paid(journal, 1)
    await journal.register_payment(payment(2))
    seen = Transfer(transfer_id="0xSeen", asset="ETH-USDT", amount=Decimal("3.3"))
    await observe(journal, 2, "seen", TransferSeen(transfer=seen))
    expected = Should(Decimal("10.10"), arriving=Decimal("3.3"), gathering=Decimal("10.10"))
    assert await journal.wallets.should(NOW) == {OF: expected}
    clock.move(seconds=1)
    assert (await journal.wallets.should(clock.now))[OF].gathering == 0
    for amount in ("-4.000000000000000001", "1"):
        await journal.wallets.note(OF, Decimal(amount), "to the cold wallet", by="Ada")
    assert (await journal.wallets.should(NOW))[OF].noted == Decimal("-3.000000000000000001")
    [last, first] = await journal.wallets.movements(10)
    assert (first.amount, last.amount, first.noted_by) == (Decimal("-4.000000000000000001"), Decimal(1), "Ada")


async def test_of_a_day_the_last_comparison_is_kept_and_of_an_opening_the_first(journal: Journal) -> None:
    should = Should(Decimal(100))
    first, elsewhere = comparison("150", should), comparison("160", should, minutes=1)
    for day, one in (("2026-05-01", first), ("2026-05-01", elsewhere)):
        await journal.wallets.record(day, [one])
    assert await journal.wallets.last() == {OF: first}
    assert [one.amount for one in await journal.wallets.movements(10)] == [50]
    should = should._replace(noted=Decimal(50))
    later = comparison("90", should, first, minutes=5)
    next_day = comparison("150", should, later, minutes=60)
    for day, one in (("2026-05-01", later), ("2026-05-02", next_day), ("2026-05-02", later)):
        await journal.wallets.record(day, [one])
    assert await journal.wallets.last() == {OF: next_day}
    found = await journal.wallets.of_days("2026-05-01", "2026-05-02")
    assert found == [("2026-05-01", later), ("2026-05-02", next_day)]
    assert await journal.wallets.of_days("2026-05-02", "2026-05-03") == [("2026-05-02", next_day)]
