"""SHKeeper's circuits: whose trouble a failure is, and whom it keeps back."""

import asyncio
from dataclasses import dataclass, field

import pytest

from providers.shkeeper.asking.circuits import (
    ALL_WALLETS,
    CALLS_OF_A_COIN,
    COIN,
    GATEWAY,
    Blamed,
    CircuitOpenError,
    Circuits,
    CoinCircuitOpenError,
    Failure,
    suspected_coin,
)
from tests.waiting import until


@dataclass
class Asking:
    """Circuits with a clock that stands still, and what would be answered to harmless questions."""

    now: float = 100.0
    away: set[str | None] = field(default_factory=set)
    harmless: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.circuits = Circuits(lambda: self.now, self._is_there)

    async def _is_there(self, coin: str | None) -> bool:
        self.harmless.append(coin)
        return coin not in self.away

    async def fails(self, failure: Failure, coin: str | None, reason: str = "too slow", tries: int = 1) -> Blamed:
        """A question is put, tried, and given up."""
        put = self.circuits.admit(coin)
        for _ in range(tries):
            if not self.circuits.fail(failure, coin, reason):
                break
        return await self.circuits.blame(failure, coin, put)


@pytest.fixture
def asking() -> Asking:
    return Asking()


@pytest.mark.parametrize(
    ("failure", "coin", "suspected"),
    [
        (Failure.NOT_REACHED, "LTC", None),
        (Failure.NOT_REACHED, None, None),
        (Failure.TOO_SLOW, "LTC", "LTC"),
        (Failure.BROKEN, "LTC", "LTC"),
        (Failure.SERVER_ERROR, "LTC", "LTC"),
        (Failure.WALLET, "LTC", "LTC"),
        (Failure.TOO_SLOW, None, None),
        (Failure.SERVER_ERROR, None, None),
        (Failure.TOO_SLOW, ALL_WALLETS, ALL_WALLETS),
        (Failure.SERVER_ERROR, ALL_WALLETS, None),
    ],
)
def test_what_needs_a_wallet_may_be_its_coins_trouble_and_what_does_not_the_gateways(
    failure: Failure, coin: str | None, suspected: str | None
) -> None:
    assert suspected_coin(failure, coin) == suspected


@pytest.mark.parametrize("failure", [Failure.TOO_SLOW, Failure.BROKEN, Failure.SERVER_ERROR])
@pytest.mark.parametrize("coin", [None, "LTC"])
async def test_a_question_that_always_fails_keeps_back_no_other(
    asking: Asking, failure: Failure, coin: str | None
) -> None:
    for _ in range(50):
        assert await asking.fails(failure, coin, tries=3) is Blamed.QUESTION
        asking.circuits.check()
        asking.circuits.admit(coin)
        assert asking.circuits.troubles() == {}
    assert set(asking.harmless) == {coin}


async def test_a_coin_that_hangs_is_left_alone_and_keeps_back_no_other(asking: Asking) -> None:
    asking.away = {"LTC"}
    for _ in range(COIN.failures // 2 + 1):
        assert await asking.fails(Failure.TOO_SLOW, "LTC") is Blamed.COIN
    with pytest.raises(CoinCircuitOpenError, match="LTC"):
        asking.circuits.admit("LTC")
    asking.circuits.admit("BTC")
    asking.circuits.admit(None)
    asking.circuits.check()
    assert asking.circuits.troubles() == {"LTC": "too slow"}
    asking.now += COIN.open_seconds
    asking.circuits.admit("LTC")
    with pytest.raises(CoinCircuitOpenError):
        asking.circuits.admit("LTC")  # one is enough to find out
    asking.circuits.succeed("LTC")
    asking.circuits.admit("LTC")
    assert asking.circuits.troubles() == {}
    await asking.circuits.aclose()


async def test_a_gateway_that_is_away_is_asked_for_nothing(asking: Asking) -> None:
    asking.away = {None}
    for _ in range(2):
        assert await asking.fails(Failure.NOT_REACHED, "LTC", "not reached", tries=3) is Blamed.GATEWAY
    for coin in ("LTC", "BTC", None):
        with pytest.raises(CircuitOpenError, match="not reached"):
            asking.circuits.admit(coin)
    assert asking.circuits.troubles() == {}


async def test_the_harmless_question_finds_out_that_a_gateway_is_back_whatever_comes_of_who_comes_first(
    asking: Asking,
) -> None:
    asking.away = {None}
    for _ in range(2):
        await asking.fails(Failure.BROKEN, None, tries=3)
    asking.now += GATEWAY.open_seconds
    asking.away.clear()
    asking.circuits.admit(None)  # of a question that may never be answered
    with pytest.raises(CircuitOpenError):
        asking.circuits.admit("LTC")
    await until(lambda: not asking.circuits.is_open)
    asking.circuits.admit("LTC")


async def test_who_answers_late_is_there(asking: Asking) -> None:
    asking.away = {None}
    put = asking.circuits.admit(None)
    for _ in range(2):
        await asking.fails(Failure.TOO_SLOW, None)
    asking.circuits.fail(Failure.TOO_SLOW, None, "too slow")
    asking.circuits.succeed("LTC")
    assert await asking.circuits.blame(Failure.TOO_SLOW, None, put) is Blamed.QUESTION
    asking.circuits.check()


async def test_a_gateway_that_complains_of_its_database_or_of_a_wallet_is_there(asking: Asking) -> None:
    asking.away = {None, "LTC"}
    await asking.fails(Failure.TOO_SLOW, None)
    await asking.fails(Failure.TOO_SLOW, None)
    assert await asking.fails(Failure.OWN, None, "database is locked") is Blamed.QUESTION
    await asking.fails(Failure.TOO_SLOW, None)
    await asking.fails(Failure.TOO_SLOW, None)
    assert await asking.fails(Failure.WALLET, "LTC", "its wallet is down") is Blamed.COIN
    await asking.fails(Failure.TOO_SLOW, None)
    asking.circuits.check()


async def test_what_nobody_has_asked_about_for_long_is_no_trouble_any_more(asking: Asking) -> None:
    asking.away = {"LTC"}
    await asking.fails(Failure.TOO_SLOW, "LTC")
    assert asking.circuits.troubles() == {"LTC": "too slow"}
    asking.now += 601
    assert asking.circuits.troubles() == {}


async def test_of_coins_that_somebody_names_and_that_are_no_trouble_nothing_is_remembered(asking: Asking) -> None:
    asking.away.add("LTC")
    while await asking.fails(Failure.TOO_SLOW, "LTC") is not Blamed.COIN:
        pass
    for number in range(100):
        asking.circuits.succeed(f"COIN-{number}")
    async with asking.circuits.place("BTC"):
        put = asking.circuits.admit("BTC")
        asking.circuits.succeed("BTC")  # another one's answer, while this one waits for its own
        assert asking.circuits.troubles().keys() == {"LTC"}
        assert asking.circuits._coins.keys() == {"BTC", "LTC"}
        asking.circuits.fail(Failure.TOO_SLOW, "BTC", "too slow")
        assert await asking.circuits.blame(Failure.TOO_SLOW, "BTC", put) is Blamed.QUESTION
    asking.circuits.troubles()
    assert asking.circuits._coins.keys() == {"LTC"}


async def test_no_coin_has_more_than_a_few_questions_under_way(asking: Asking) -> None:
    circuits, under_way, most, done = asking.circuits, 0, 0, asyncio.Event()

    async def ask() -> None:
        nonlocal under_way, most
        async with circuits.place("LTC"):
            under_way += 1
            most = max(most, under_way)
            await done.wait()
            under_way -= 1

    questions = [asyncio.create_task(ask()) for _ in range(20)]
    await asyncio.sleep(0)
    async with circuits.place("BTC"), circuits.place(None):
        pass  # which do not wait for it
    done.set()
    await asyncio.gather(*questions)
    assert most == CALLS_OF_A_COIN
