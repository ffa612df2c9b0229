"""SHKeeper's circuits: whose trouble a failure is, and whom it keeps back."""

import asyncio

import pytest

from providers.shkeeper.asking.circuits import (
    ALL_WALLETS,
    CALLS_OF_A_COIN,
    COIN_FAILURES,
    COIN_OPEN_SECONDS,
    CircuitOpenError,
    Circuits,
    CoinCircuitOpenError,
    Failure,
    blamed_coin,
)


@pytest.mark.parametrize(
    ("failure", "coin", "blamed"),
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
def test_what_needs_a_wallet_blames_its_coin_and_what_does_not_the_gateway(
    failure: Failure, coin: str | None, blamed: str | None
) -> None:
    assert blamed_coin(failure, coin) == blamed


def test_a_coin_that_hangs_is_left_alone_and_keeps_back_no_other() -> None:
    now = 100.0
    circuits = Circuits(lambda: now)
    for _ in range(10 * COIN_FAILURES):
        circuits.fail(Failure.TOO_SLOW, "LTC", "too slow")
    with pytest.raises(CoinCircuitOpenError, match="LTC"):
        circuits.admit("LTC")
    circuits.admit("BTC")
    circuits.admit(None)
    circuits.check()
    assert circuits.troubles() == {"LTC": "too slow"}
    now += COIN_OPEN_SECONDS
    circuits.admit("LTC")
    with pytest.raises(CoinCircuitOpenError):
        circuits.admit("LTC")  # one is enough to find out
    circuits.succeed("LTC")
    circuits.admit("LTC")
    assert circuits.troubles() == {}


def test_a_gateway_that_is_away_is_asked_for_nothing() -> None:
    circuits = Circuits(lambda: 100.0)
    for _ in range(5):
        circuits.fail(Failure.NOT_REACHED, "LTC", "not reached")
    for coin in ("LTC", "BTC", None):
        with pytest.raises(CircuitOpenError, match="not reached"):
            circuits.admit(coin)
    assert circuits.troubles() == {}


def test_a_gateway_that_complains_of_its_database_or_of_a_wallet_is_there() -> None:
    circuits = Circuits(lambda: 100.0)
    for _ in range(4):
        circuits.fail(Failure.TOO_SLOW, None, "too slow")
    circuits.fail(Failure.OWN, None, "database is locked")
    for _ in range(4):
        circuits.fail(Failure.TOO_SLOW, None, "too slow")
    circuits.fail(Failure.WALLET, "LTC", "its wallet is down")
    circuits.fail(Failure.TOO_SLOW, None, "too slow")
    circuits.check()


def test_what_nobody_has_asked_about_for_long_is_no_trouble_any_more() -> None:
    now = 100.0
    circuits = Circuits(lambda: now)
    circuits.fail(Failure.TOO_SLOW, "LTC", "too slow")
    now += 601
    assert circuits.troubles() == {}


async def test_no_coin_has_more_than_a_few_questions_under_way() -> None:
    circuits, under_way, most, done = Circuits(lambda: 100.0), 0, 0, asyncio.Event()

    async def ask() -> None:
        nonlocal under_way, most
        async with circuits.place("LTC"):
            under_way += 1
            most = max(most, under_way)
            await done.wait()
            under_way -= 1

    asking = [asyncio.create_task(ask()) for _ in range(20)]
    await asyncio.sleep(0)
    async with circuits.place("BTC"), circuits.place(None):
        pass  # which do not wait for it
    done.set()
    await asyncio.gather(*asking)
    assert most == CALLS_OF_A_COIN
