"""An afternoon of payouts, in many coins and in requests of one and of many, on a bridge that is killed and held
meanwhile, and a SHKeeper with everything wrong that can be: each is accounted for in the end.

What takes minutes at a real SHKeeper (a task, a block, its rounds) takes a fraction of a second here; nothing else is
shorter. A thousand payouts with SOAK_MINUTES, whatever its number; without it, as in `make test`, forty. SOAK_SEED
repeats a run.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from providers.shkeeper.simulator.faults import Call, What
from providers.shkeeper.simulator.terms.daemons import State
from tests.conftest import StartBridge
from tests.played_shkeeper import PlayedShkeeper, played_shkeeper
from tests.resuming import resume
from tests.system.shkeeper.conftest import Marketplace, settings_for
from tests.system.shkeeper.journals import SqliteJournal
from tests.system.shkeeper.payout_matrix import Matrix
from tests.system.shkeeper.payout_rows import AMOUNTS, ROWS, Row

IS_LONG = "SOAK_MINUTES" in os.environ
SEED = int(os.environ.get("SOAK_SEED", time.time_ns() % 1_000_000))
PAYOUTS = 1_000 if IS_LONG else 40
SIZES = (1, 1, 1, 2, 5, 20) if IS_LONG else (1, 1, 2, 4)
# Between what happens to the bridge and to SHKeeper.
ORDERS_BETWEEN = 12 if IS_LONG else 4
# Of every ten requests so many are of the matrix.
TROUBLED_OF_TEN = 3
GROUP = "an afternoon"
# What never comes into a block keeps its chain's other payouts for as long as a turn lasts, so that is not played.
TROUBLE = [row for row in ROWS if row.coin not in ("POLYGON-USDT", "ETH", "BNB-USDT", "TON")]
SETTINGS = {"BRIDGE_PAYOUT_TURN_SECONDS": "15"}


# Asked for at once, and sent by two wallets that have to wait for their blocks.
AT_ONCE = ("ETH-USDT", "BNB", "ETH", "ETH-USDC", "BNB-USDT")


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    """Its blocks take a while, so that what is sent too early is replaced."""
    with played_shkeeper(confirm_seconds=1, read_timeout_seconds=0.5) as shkeeper:
        yield shkeeper


def well(coin: str) -> Row:
    return Row(f"{coin}, well", coin, "completed")


def plan(random: Random) -> list[tuple[Row, int]]:
    """What is asked for, in this order."""
    planned = [(well(coin), 1) for coin in AT_ONCE]
    left = PAYOUTS - len(AT_ONCE)
    while left:
        row = random.choice(TROUBLE)
        size = random.choice(row.sizes)
        if random.randrange(10) >= TROUBLED_OF_TEN:
            coin = random.choice(list(AMOUNTS))
            row = well(coin)
            size = 1 if coin in ("FIRO", "XMR") else random.choice(SIZES)
        size = min(size, left)
        planned.append((row, size))
        left -= size
    return planned


class Trouble:
    """What happens to the bridge and to SHKeeper while payouts are asked for."""

    def __init__(self, matrix: Matrix, marketplace: Marketplace, random: Random) -> None:
        self._matrix = matrix
        self._marketplace = marketplace
        self._random = random
        self._daemons = matrix.shkeeper.gateway.daemons.by_coin

    def befall(self) -> str:
        self._mend_wallets()
        deed = self._random.choice((self._kill, self._hold, self._break_wallets, self._lose_notices))
        deed()
        return deed.__name__

    def end(self) -> None:
        self._mend_wallets()
        self._resume()

    def _kill(self) -> None:
        self._matrix.restart()

    def _hold(self) -> None:
        self._marketplace.client.post("/api/payouts/hold", json={}).raise_for_status()
        booked = len(self._matrix.shkeeper.gateway.payouts.payouts)
        self._matrix.restart()
        assert len(self._matrix.shkeeper.gateway.payouts.payouts) == booked
        self._resume()

    def _resume(self) -> None:
        resume(self._marketplace.client).raise_for_status()

    def _break_wallets(self) -> None:
        for coin in self._random.sample(list(AMOUNTS), 3):
            self._daemons[coin].state = self._random.choice((State.DOWN, State.ERRORS, State.HANGS))

    def _mend_wallets(self) -> None:
        for daemon in self._daemons.values():
            daemon.state = State.WELL

    def _lose_notices(self) -> None:
        what = self._random.choice((What.LOST, What.DUPLICATE, What.NOT_NOTED, What.WRONG_KEY))
        self._matrix.shkeeper.goes_wrong(Call.NOTICE, what, times=5)


def test_every_payout_of_an_afternoon_is_accounted_for(
    make_bridge: StartBridge, shkeeper: PlayedShkeeper, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\nafternoon: seed {SEED}\n")
    random = Random(SEED)
    marketplace = Marketplace(make_bridge(**settings_for(shkeeper) | SETTINGS), shkeeper)
    matrix = Matrix(marketplace, SqliteJournal(marketplace.bridge))
    orders = matrix.orders(plan(random))
    matrix.tell_shkeeper(orders)
    trouble = Trouble(matrix, marketplace, random)
    befallen: Counter[str] = Counter()
    begun = time.monotonic()
    for number, order in enumerate(orders, 1):
        matrix.ask([order], GROUP)
        if number % ORDERS_BETWEEN == 0:
            befallen[trouble.befall()] += 1
    trouble.end()
    asked = time.monotonic()
    matrix.come_to_rest(GROUP)
    at_rest = time.monotonic()
    wrongs = matrix.wrongs_now()
    matrix.two_days_pass()
    wrongs += matrix.wrongs()
    statuses = Counter(matrix.statuses())
    with capsys.disabled():
        sys.stdout.write(
            f"\nafternoon: {len(orders)} requests in {asked - begun:.0f} s,"
            f" all at rest {at_rest - asked:.0f} s later, {(at_rest - begun) / PAYOUTS * 1000:.0f} ms a payout;"
            f" {dict(statuses)}, {dict(befallen)}\n"
        )
    assert wrongs == []
    assert statuses.total() == PAYOUTS
    # Of a wallet that waits for its blocks nothing was sent too early.
    assert shkeeper.gateway.payouts.replaced == []
    marketplace.client.close()
