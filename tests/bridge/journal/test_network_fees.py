"""Network fees in the journal: what is found out of each payout once, and what wallets should hold then."""

from decimal import Decimal

import pytest

from bridge.journal import Journal
from bridge.journal.records import wallets
from coordinator.books.days import Span
from coordinator.books.entries import EntryKind
from coordinator.books.wallets import WalletCoin
from coordinator.payouts.facts import NetworkFee
from coordinator.payouts.observations import PayoutAccepted, PayoutConfirmed, PayoutSent
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import paid, paid_out, payout
from tests.clock import Clock

USDT, ETH = WalletCoin("shkeeper", "ETH-USDT"), WalletCoin("shkeeper", "ETH")
TOOK = NetworkFee(wallet="shkeeper", coin="ETH", amount=Decimal("0.002"))


async def sent(journal: Journal, number: int, tx_hash: str = "") -> str:
    """A payout that has arrived by a transaction."""
    await paid(journal, number)
    known = PayoutSent(tx_hashes=(tx_hash or f"0x{number:064x}",))
    await paid_out(journal, payout(number), PayoutAccepted(task_id=f"t{number}"), known, PayoutConfirmed())
    return f"out_{number}"


async def due(journal: Journal) -> list[str]:
    return [one.payout.payout_id for one in await journal.payouts.without_network_fee(after="", limit=10)]


async def test_each_payout_that_has_arrived_is_asked_about_until_it_is_known_or_known_of_nobody(
    journal: Journal, clock: Clock
) -> None:
    first, second = [await sent(journal, number) for number in (1, 2)]
    assert await due(journal) == [first, second]
    await journal.payouts.record_network_fees(first, "nobody says")
    await journal.payouts.record_network_fees(second, {f"0x{2:064x}": TOOK})
    assert await due(journal) == []
    should = await journal.wallets.should(clock.now)
    assert should[USDT].booked == Decimal("0.40")
    assert (should[USDT].fee_unknown, should[ETH].booked, should[ETH].network_fees) == (
        Decimal("9.90"),
        Decimal("-0.002"),
        Decimal("0.002"),
    )
    for told in ("nobody says", {f"0x{1:064x}": TOOK}):  # what is known already is not said once more
        await journal.payouts.record_network_fees(second, told if isinstance(told, str) else {f"0x{2:064x}": TOOK})
    assert await journal.wallets.should(clock.now) == should


async def test_what_one_transaction_cost_that_carried_several_is_entered_once(journal: Journal, clock: Clock) -> None:
    shared = f"0x{7:064x}"
    for number in (1, 2):
        await journal.payouts.record_network_fees(await sent(journal, number, shared), {shared: TOOK})
    assert await due(journal) == []
    assert (await journal.wallets.should(clock.now))[ETH].network_fees == Decimal("0.002")


async def test_fees_are_summed_by_day_and_by_seller(journal: Journal, clock: Clock) -> None:
    for number in (1, 2, 3):
        await journal.payouts.record_network_fees(await sent(journal, number), {f"0x{number:064x}": TOOK})
    clock.move(seconds=3600)
    await journal.payouts.record_network_fees(await sent(journal, 4), "nobody says")
    days = [Span("one", NOW, clock.now), Span("two", clock.now, clock.now.replace(hour=23, minute=59))]
    found = {(one.date, one.of): one.sums for one in await journal.books.day_fees(days)}
    assert found["one", ETH][EntryKind.NETWORK_FEE] == (3, Decimal("0.006"))
    assert found["two", USDT][EntryKind.FEE_UNKNOWN] == (1, Decimal("9.90"))
    fees = await journal.books.seller_fees("seller-1", NOW, clock.now)
    assert fees[ETH][EntryKind.NETWORK_FEE].amount == Decimal("0.004")
    # They are in the coin, and no currency of a statement.
    assert set(await journal.books.seller_totals("seller-1", None, days[1].ends_at)) == {"USD"}


async def test_what_wallets_should_hold_is_the_same_wherever_it_was_added_up_to(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        await journal.payouts.record_network_fees(await sent(journal, number), {f"0x{number:064x}": TOOK})
    before = await journal.wallets.should(clock.now)
    monkeypatch.setattr(wallets, "SUMMED_AFTER", 0)
    for number in (3, 4, 5):
        assert await journal.wallets.should(clock.now) == before
        await journal.payouts.record_network_fees(await sent(journal, number), "nobody says")
        kept = await journal.wallets.should(clock.now)
        assert kept[USDT].booked == before[USDT].booked + Decimal("0.20")
        before = kept
    monkeypatch.setattr(wallets, "SUMMED_AFTER", 10**9)
    assert await journal.wallets.should(clock.now) == before
