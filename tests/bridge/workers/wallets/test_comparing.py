"""Wallets that are compared with the books: against a local SHKeeper that is as unkind as the real one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import SecretStr
from tenacity import wait_none

from bridge.http.ops.overview import needs_a_person
from bridge.journal import Journal
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.wallets.comparing import PATIENCE_SECONDS, POLL_SECONDS, WalletComparisons
from bridge.workers.wallets.settings import WalletSettings
from coordinator.books.days import zone_named
from coordinator.books.wallets import Agreement, WalletCoin, WalletComparison
from coordinator.payouts.observations import PayoutConfirmed, PayoutKnown, PayoutSent
from providers.onchain.chains import Chain, Token
from providers.settings import SettingsError
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.simulator.faults import Call, What
from providers.shkeeper.simulator.terms.daemons import Daemon, State
from providers.shkeeper.wallets import ShkeeperWallets
from tests.anvil import CHAIN_ID, Anvil
from tests.bridge.workers.conftest import paid
from tests.bridge.workers.payouts.sending import wanted
from tests.clock import Clock, pass_seconds
from tests.played_shkeeper import KEY, PlayedShkeeper, played_shkeeper
from tests.waiting import GIVE_UP_SECONDS, until

OF = WalletCoin("shkeeper", "ETH-USDT")
FLOAT = Decimal(1_000)
WALLET = "0x0000000000000000000000000000000000000123"


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper(coins=["ETH-USDT"], read_timeout_seconds=0.1) as played:
        yield played


@pytest.fixture
def daemon(shkeeper: PlayedShkeeper) -> Daemon:
    """That of the coin, whose wallet holds a float."""
    shkeeper.works_again()
    fresh = Daemon(balance=FLOAT)
    shkeeper.gateway.daemons.by_coin["ETH-USDT"] = fresh
    return fresh


@pytest.fixture
async def comparisons(journal: Journal, shkeeper: PlayedShkeeper, daemon: Daemon) -> AsyncIterator[WalletComparisons]:
    api = ShkeeperApi(url=shkeeper.url, api_keys=[KEY], timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none())

    async def coins() -> list[str]:
        return ["ETH-USDT"]

    rules = WalletSettings(tolerance_percent=Decimal("0.5"), compare_at="12:30").rules(zone_named("UTC"), {})
    chains = ChainFollowers(journal, {}, days=7)
    found = WalletComparisons(journal, {"shkeeper": ShkeeperWallets(api, coins, {})}, chains, rules)
    yield found
    await found.aclose()
    await api.aclose()


async def compare(comparisons: WalletComparisons) -> WalletComparison:
    [found] = await comparisons.compare()
    assert found.of == OF
    return found


async def listed(journal: Journal) -> list[str]:
    found = await needs_a_person(journal, timedelta(days=3))
    return [f"{one.key}: {one.title}" for one in found if one.kind == "wallet-differs"]


async def test_a_wallet_is_what_was_there_and_what_came_and_went(
    journal: Journal, comparisons: WalletComparisons, daemon: Daemon
) -> None:
    opened = await compare(comparisons)
    assert (opened.standing, opened.opening) == (Agreement.AGREES, FLOAT)
    [movement] = await journal.wallets.movements(10)
    assert (movement.amount, movement.noted_by) == (FLOAT, "the bridge")
    payout_id = await wanted(journal)
    daemon.receive(Decimal(100))
    came = await compare(comparisons)
    assert came.standing is Agreement.AGREES
    assert (came.booked, came.noted, came.held) == (Decimal(100), FLOAT, FLOAT + 100)
    # A payout that was asked for may have left or not; once it has arrived it has.
    await journal.payouts.record_observations(payout_id, [("known", PayoutKnown())])
    for left in (0, 98):
        daemon.balance -= left
        going = await compare(comparisons)
        assert going.standing is Agreement.AGREES
        assert going.leaving == 98
    await journal.payouts.record_observations(payout_id, [("sent", PayoutSent(tx_hashes=("0x1",)))])
    await journal.payouts.record_observations(payout_id, [("arrived", PayoutConfirmed())])
    gone = await compare(comparisons)
    assert gone.standing is Agreement.AGREES
    assert (gone.booked, gone.leaving) == (Decimal(2), Decimal(0))
    assert len(await journal.wallets.movements(10)) == 1


async def test_what_is_missing_is_listed_until_somebody_says_where_it_went(
    journal: Journal, comparisons: WalletComparisons, daemon: Daemon, clock: Clock
) -> None:
    await compare(comparisons)
    daemon.balance -= 400
    assert (await compare(comparisons)).difference == -400
    assert await listed(journal) == []
    clock.move(minutes=11)
    await compare(comparisons)
    assert await listed(journal) == ["wallet-differs:shkeeper:ETH-USDT: 400 ETH-USDT are missing in a wallet"]
    action = await journal.wallets.note(OF, Decimal(-400), "to the cold wallet", by="Ada")
    assert action is not None
    assert (action.action, action.by, action.outcome) == (
        "wallet-movement",
        "Ada",
        "-400 ETH-USDT: to the cold wallet",
    )
    assert await listed(journal) == []
    assert (await compare(comparisons)).standing is Agreement.AGREES
    # What is put back is too much then, and is off the list by itself once it is taken out again.
    daemon.balance += 400
    for _ in range(2):
        clock.move(minutes=11)
        await compare(comparisons)
    assert await listed(journal) == ["wallet-differs:shkeeper:ETH-USDT: 400 ETH-USDT too many are in a wallet"]
    daemon.balance -= 400
    await compare(comparisons)
    assert await listed(journal) == []


@pytest.mark.parametrize("trouble", ["down", "hangs", "behind", "silent", "refused", "broken"])
async def test_a_wallet_that_cannot_be_asked_is_unknown_and_not_empty(
    comparisons: WalletComparisons, shkeeper: PlayedShkeeper, daemon: Daemon, trouble: str, journal: Journal
) -> None:
    await compare(comparisons)
    match trouble:
        case "down":
            daemon.state = State.DOWN
        case "hangs":
            daemon.state = State.HANGS
        case "behind":
            daemon.blocks_behind = 7
        case "silent":
            shkeeper.goes_wrong(Call.BALANCE, What.TIMEOUT)
        case "refused":
            shkeeper.goes_wrong(Call.BALANCE, What.WRONG_KEY)
        case "broken":
            shkeeper.goes_wrong(Call.BALANCE, What.GARBAGE)
    comparing = asyncio.create_task(compare(comparisons))
    if trouble == "silent":
        asked = shkeeper.count(Call.BALANCE)
        await until(lambda: shkeeper.count(Call.BALANCE) > asked)
        await pass_seconds(PATIENCE_SECONDS)
    found = await comparing
    assert (found.standing, found.held, found.difference) == (Agreement.UNKNOWN, None, None)
    assert found.unknown_because
    assert await listed(journal) == []


async def test_nothing_counts_only_if_it_is_said_twice(
    comparisons: WalletComparisons, daemon: Daemon, shkeeper: PlayedShkeeper
) -> None:
    await compare(comparisons)
    daemon.balance = Decimal(0)
    asked = shkeeper.count(Call.BALANCE)
    assert (await compare(comparisons)).difference == -FLOAT
    assert shkeeper.count(Call.BALANCE) - asked == 2


async def test_what_is_not_gathered_yet_is_missed_only_after_a_while(
    journal: Journal, comparisons: WalletComparisons, daemon: Daemon, clock: Clock
) -> None:
    await compare(comparisons)
    daemon.gathers = False
    await paid(journal)
    daemon.receive(Decimal(100))
    found = await compare(comparisons)
    assert found.standing is Agreement.AGREES
    assert (found.held, found.gathering) == (FLOAT, Decimal(100))
    clock.move(hours=3)
    assert (await compare(comparisons)).difference == -100
    daemon.gathers = True
    daemon.gather()
    assert (await compare(comparisons)).standing is Agreement.AGREES


async def test_it_is_compared_at_the_time_of_day_and_again_while_something_is_open(
    journal: Journal, comparisons: WalletComparisons, daemon: Daemon, shkeeper: PlayedShkeeper, clock: Clock
) -> None:
    running = asyncio.create_task(comparisons.run())  # at twelve
    asked = shkeeper.count(Call.BALANCE)

    async def passes(**time: float) -> None:
        """Lets so much pass, and whoever looks every minute look."""
        nonlocal asked
        asked = shkeeper.count(Call.BALANCE)
        clock.move(**time)
        await pass_seconds(POLL_SECONDS)

    async def is_compared() -> None:
        await until(lambda: shkeeper.count(Call.BALANCE) > asked)
        await comparisons.compare()  # that which is under way, or once more

    await passes(minutes=29)
    assert shkeeper.count(Call.BALANCE) == asked
    await passes(minutes=1)
    await is_compared()
    daemon.state = State.DOWN
    await passes(hours=24)
    await is_compared()
    daemon.state = State.WELL
    await passes(minutes=10)
    await is_compared()
    found = await journal.wallets.of_days("2026-05-01", "2026-05-31")
    assert [(day, one.standing, f"{one.compared_at:%H:%M}") for day, one in found] == [
        ("2026-05-01", "agrees", "12:30"),
        ("2026-05-02", "agrees", "12:40"),
    ]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_wallet_on_a_chain_is_asked_for_all_tokens_of_the_chain(journal: Journal, anvil: Anvil) -> None:
    token = anvil.deploy("Token")
    chain = Chain(
        name="anvil",
        chain_id=CHAIN_ID,
        confirmations=3,
        block_seconds=1,
        tokens=(Token(symbol="ETH", decimals=18), Token(symbol="USDT", decimals=6, address=token)),
        endpoints=(SecretStr(anvil.url),),
    )
    chains = ChainFollowers(journal, {"anvil": chain}, days=7)
    await chains.start()
    rules = WalletSettings(on_chains=(f"anvil:{WALLET.lower()}",)).rules(zone_named("UTC"), {"anvil": chain})
    found = WalletComparisons(journal, {}, chains, rules)
    anvil.transfer(token, WALLET, 5_000_000)
    anvil.mine(3)
    # Of what it never had nothing is said.
    [opened] = await found.compare()
    assert (opened.of, opened.opening) == (WalletCoin(f"anvil:{WALLET}", "USDT"), Decimal(5))
    anvil.transfer(token, WALLET, 1_000_000)
    anvil.mine(3)
    [more] = await found.compare()
    assert (more.difference, more.gathering) == (Decimal(1), Decimal(0))
    await chains.aclose()


def test_a_wallet_of_a_chain_that_nobody_follows_is_refused() -> None:
    for name in ("nowhere:0x0000000000000000000000000000000000000123", "anvil"):
        with pytest.raises(SettingsError, match=r"wallets\.on_chains"):
            WalletSettings(on_chains=(name,)).rules(zone_named("UTC"), {})
