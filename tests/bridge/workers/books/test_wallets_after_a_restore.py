"""Wallets after a restore: sending goes on by itself only if each holds what the books explain, so that what the
provider sent and did not write down, and the journal forgot, is not sent once more."""

from decimal import Decimal
from pathlib import Path

import pytest

from bridge.journal import Journal
from bridge.journal.maintenance import declare_restored
from bridge.workers.wallets.comparing import WalletComparisons
from providers.shkeeper.asking.api import ShkeeperApi
from tests.bridge.workers.books.gateway_books import (
    FLOAT,
    Books,
    asked_for,
    compared,
    comparing,
    is_held,
    name,
    wallets_of,
)
from tests.bridge.workers.conftest import paid
from tests.clock import Clock

FEE = {"ETH-USDT": Decimal("0.5")}
HELD_AND_EXPLAINED = "shkeeper holds 10002 ETH-USDT, where the books explain 10100: 98 are missing"


async def sold(journal: Journal, books: Books) -> None:
    """Somebody has paid, and it is in the wallet."""
    await paid(journal)
    books.held["ETH-USDT"] += 100


async def test_nothing_differs_where_every_wallet_holds_what_the_books_explain(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    await sold(journal, books)
    found = await compared(comparing(journal, api, tolerances={}), journal)
    assert (found.agrees, await is_held(journal)) == (True, False)


async def test_what_left_unwritten_holds_payouts_with_what_is_held_and_what_is_explained(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    """It is less than a percent of what the wallet holds, which the daily comparison lets pass."""
    await sold(journal, books)
    books.held["ETH-USDT"] -= 98
    found = await compared(comparing(journal, api, tolerances=FEE), journal)
    assert await is_held(journal)
    assert await journal.history.to_compare() is None  # it is a person's from here on
    [said] = found.differing
    assert said.startswith(HELD_AND_EXPLAINED)
    assert "100 came lately" in said


@pytest.mark.parametrize(("missing", "holds"), [("0.5", False), ("0.6", True), ("-0.5", False), ("-0.6", True)])
async def test_no_more_may_differ_than_the_coin_s_own_tolerance(
    journal: Journal, api: ShkeeperApi, books: Books, missing: str, holds: bool
) -> None:
    """What came and is not known may hide what left."""
    await sold(journal, books)
    books.held["ETH-USDT"] -= Decimal(missing)
    found = await compared(comparing(journal, api, tolerances=FEE), journal)
    assert (await is_held(journal), len(found.differing)) == (holds, int(holds))


async def test_a_payout_that_is_on_its_way_explains_what_it_takes(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    await sold(journal, books)
    await asked_for(journal)
    books.has(name(1, 0), txid=None, status="IN_PROGRESS")
    for left in (0, 98):
        books.held["ETH-USDT"] -= left
        assert not (await compared(comparing(journal, api, tolerances={}), journal)).differing
    books.held["ETH-USDT"] -= 1
    assert len((await compared(comparing(journal, api, tolerances={}), journal)).differing) == 1


async def test_a_wallet_that_does_not_say_what_it_holds_is_asked_again(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    books.lagging.add("BTC")
    comparison = comparing(journal, api, tolerances={})
    found = await compared(comparison, journal)
    assert (await is_held(journal), found.differing) == (True, ())
    assert "what it holds of BTC" in found.not_asked[0]
    books.lagging.clear()
    await comparison.run()
    [hold] = await journal.console.payout_holds()
    assert "has found nothing that differs" in (hold.note or "")


async def test_what_was_missing_before_the_backup_is_on_another_list(
    api: ShkeeperApi, books: Books, tmp_path: Path, clock: Clock
) -> None:
    before = await Journal.open(f"sqlite:///{tmp_path / 'before.db'}", clock, mark_file=tmp_path / "before.mark")
    for _ in range(2):
        await compared_daily(wallets_of(api, before, {}))
        books.held["ETH-USDT"] -= 40
    books.held["ETH-USDT"] += 40
    again = await restored(before, tmp_path, clock, "before")
    found = await compared(comparing(again, api, tolerances={}), again)
    assert (found.differing, await is_held(again)) == ((), False)
    await again.close()


async def test_what_was_noted_after_the_restore_says_nothing_of_before(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    """As when somebody has the wallets compared while the provider cannot be asked about payouts yet."""
    await sold(journal, books)
    books.held["ETH-USDT"] -= 98
    clock.move(minutes=1)
    await compared_daily(wallets_of(api, journal, {}))
    found = await compared(comparing(journal, api, tolerances={}), journal)
    assert "shkeeper holds 10002 ETH-USDT, where the books explain 10100, and no comparison" in str(found.differing)
    assert await is_held(journal)


async def test_wallets_of_which_nothing_was_noted_hold_payouts_unless_they_are_empty(
    tmp_path: Path, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    books.held["BTC"] = Decimal(0)
    never = await Journal.open(f"sqlite:///{tmp_path / 'never.db'}", clock, mark_file=tmp_path / "never.mark")
    again = await restored(never, tmp_path, clock, "never")
    found = await compared(comparing(again, api, tolerances={}), again)
    [said] = found.differing
    assert said.startswith(f"shkeeper holds {FLOAT} ETH-USDT, where the books explain 0, and no comparison")
    assert await is_held(again)
    await again.close()


async def compared_daily(wallets: WalletComparisons) -> None:
    assert await wallets.compare()


async def restored(journal: Journal, folder: Path, clock: Clock, called: str) -> Journal:
    await journal.close()
    url, mark = f"sqlite:///{folder / f'{called}.db'}", folder / f"{called}.mark"
    declare_restored(url, mark, "once more", clock())
    return await Journal.open(url, clock, mark_file=mark)
