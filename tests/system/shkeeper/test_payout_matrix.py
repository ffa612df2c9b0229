"""The fault matrix: every answer that SHKeeper and its daemons have to an order of payouts, of one and of several, on
a bridge that is left alone, killed before, while and after it asks, or restored from a backup of before or of then.

Whatever happens, no money leaves twice, what may be paid out again was not sent, what has arrived was, and of
everybody who has no money a person is told.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import combinations, product
from typing import Literal

import pytest

from providers.shkeeper.payouts.answers import REFUSALS, TASK_NOT_SENT
from providers.shkeeper.simulator.faults import Call, Happens, What
from tests.conftest import StartBridge
from tests.played_shkeeper import PlayedShkeeper
from tests.postgresql import Cluster, journal_cluster
from tests.system.shkeeper.conftest import Marketplace, settings_for
from tests.system.shkeeper.histories import is_held, note_wallets
from tests.system.shkeeper.journals import PostgresqlJournal, SqliteJournal
from tests.system.shkeeper.payout_cells import (
    UNDER_WAY,
    Cell,
    Restored,
    Round,
    Step,
    every_cell,
    kind_of,
    pairwise,
)
from tests.system.shkeeper.payout_matrix import Matrix
from tests.system.shkeeper.payout_rows import REFUSED_IN, ROWS, TASKS_THAT_SENT_NOTHING
from tests.waiting import wait_until

IS_LONG = "SOAK_MINUTES" in os.environ
# A long run has a journal for each test, since the list of what needs a person has an end.
SCOPE: Literal["function", "module"] = "function" if IS_LONG else "module"
PARTS = 11
ALL = [(row, size) for row in ROWS for size in row.sizes]
# Each row by itself, where it can be: among others some are played through kills.
SHORT = [(row, size) for row, size in ALL if size == row.sizes[0]]


SETTINGS = {
    # Nobody's turn is to end before a block has come, however busy the machine is.
    "BRIDGE_PAYOUT_TURN_SECONDS": "15",
    # Hundreds that are asked about without a pause would keep it busy.
    "BRIDGE_RECONCILE_INTERVAL_SECONDS": "1",
}


@pytest.fixture(scope=SCOPE, params=["sqlite", "postgresql"] if IS_LONG else ["sqlite"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster | None]:
    """None of a journal in a file."""
    with journal_cluster() if request.param == "postgresql" else nullcontext() as cluster:
        yield cluster


@pytest.fixture(scope=SCOPE)
def matrix(make_bridge: StartBridge, shkeeper: PlayedShkeeper, cluster: Cluster | None) -> Iterator[Matrix]:
    settings = settings_for(shkeeper) | SETTINGS
    if cluster is not None:
        settings["BRIDGE_DATABASE_URL"] = cluster.journal_url()
    bridge = make_bridge(**settings)
    marketplace = Marketplace(bridge, shkeeper)
    journal = SqliteJournal(bridge) if cluster is None else PostgresqlJournal(cluster)
    yield Matrix(marketplace, journal)
    marketplace.client.close()
    bridge.kill()
    journal.close()


def check(matrix: Matrix) -> None:
    """Whether somebody is told is looked at in the end, which is later where all share a bridge."""
    assert matrix.wrongs_now() == []
    if IS_LONG:
        matrix.two_days_pass()
        assert matrix.wrongs() == []


def test_every_row_of_the_tables_of_proofs_is_played() -> None:
    for refusal in REFUSALS:
        assert any(refusal.words.fullmatch(words) for words in REFUSED_IN[refusal.by]), refusal
    for pattern in TASK_NOT_SENT:
        assert any(pattern.fullmatch(words) for words in TASKS_THAT_SENT_NOTHING), pattern


def test_few_cells_have_every_pair() -> None:
    played = [
        (kind_of(cell.row), cell.size, "while" if cell.step in UNDER_WAY else cell.step, restored)
        for turn, restored in enumerate(Restored)
        for cell in pairwise(turn)
    ]
    sizes = {(kind_of(row), size) for row in ROWS for size in row.sizes}
    kinds, steps = {kind for kind, _ in sizes}, {step for _, _, step, _ in played}
    expected: set[tuple[object, ...]] = set(sizes)
    for one, other in ((kinds, steps), (kinds, Restored), ((1, 2), steps), ((1, 2), Restored), (steps, Restored)):
        expected |= set(product(one, other))
    assert len(steps) == 3
    assert expected - {pair for one in played for pair in combinations(one, 2)} == set()


def test_every_cell_is_laid_out_and_one_a_coin_is_under_way() -> None:
    played = Counter(cell for cells in every_cell() for cell in cells)
    assert played == Counter(Cell(row, size, step) for row, size in ALL for step in Step)
    for cells in (*every_cell(), *map(pairwise, range(len(Restored)))):
        coins = [cell.row.coin for cell in cells if cell.step in UNDER_WAY]
        assert len(coins) == len(set(coins))


# Before the others, and in parts, since the books of all that was played are compared, each payment in each coin.
@pytest.mark.parametrize("part", range(PARTS) if IS_LONG else [0])
@pytest.mark.parametrize("restored", Restored)
def test_a_bridge_that_is_killed_and_restored_at_each_step_pays_nobody_twice(
    matrix: Matrix, cluster: Cluster | None, restored: Restored, part: int
) -> None:
    """Each cell on SQLite in a long run; a few of them, with every pair, otherwise."""
    if cluster is not None and part:
        pytest.skip("what is decided is the same on PostgreSQL, so few are played there")
    has_few = not IS_LONG or cluster is not None
    rounds = [pairwise(list(Restored).index(restored))] if has_few else every_cell()[part::PARTS]
    for number, cells in enumerate(rounds):
        play(matrix, cells, restored, f"{number}, killed, and begins with {restored}")


def play(matrix: Matrix, cells: Round, restored: Restored, group: str) -> None:
    orders = matrix.orders((cell.row, cell.size) for cell in cells)
    at = list(zip(cells, orders, strict=True))
    note_wallets(matrix.bridge)
    matrix.copy()
    # Who has not answered yet when the copy is taken does so before the bridge dies, or never.
    for cell, order in at:
        call = Call.PAYOUT if order.size == 1 else Call.MULTIPAYOUT
        if cell.step in UNDER_WAY:
            happens = Happens.AFTER if cell.step is Step.DONE else Happens.BEFORE
            matrix.shkeeper.goes_wrong(call, What.TIMEOUT, happens, about=order.affected)
        elif cell.step is Step.WAITING:
            matrix.shkeeper.goes_wrong(Call.PAYOUT_STATUS, What.TIMEOUT, about=order.affected)
    answered = [order for cell, order in at if cell.step is Step.ANSWERED]
    matrix.tell_shkeeper(orders)
    matrix.ask(orders, group)
    if restored is Restored.WHILE:
        wait_until(lambda: any(order.affected in matrix.asked_for() for order in orders))
        matrix.copy()
    due = [order for cell, order in at if cell.step is not Step.WAITING]
    wait_until(lambda: {place for order in due for place in order.destinations} <= matrix.asked_for())
    wait_until(lambda: matrix.are_answered(answered))
    matrix.bridge.kill()
    matrix.shkeeper.works_again()
    # Whoever asks for the others again is not to be kept from it.
    matrix.tell_shkeeper(order for cell, order in at if cell.step in (Step.WAITING, Step.TAKEN))
    if restored is Restored.NOTHING:
        matrix.bridge.start()
    else:
        differing = matrix.restore()
        # A person is asked for what left a wallet, nobody wrote down and the journal has forgotten, before all else.
        unknown = matrix.unknown_coins()
        assert unknown == {coin for coin in unknown if any(f"{coin}, where" in said for said in differing)}
        assert is_held(matrix.marketplace) or not unknown
        matrix.go_on(orders, group)
    matrix.come_to_rest(group)
    check(matrix)


def test_every_answer_is_read_for_what_it_proves(matrix: Matrix) -> None:
    orders = matrix.orders(ALL if IS_LONG else SHORT)
    matrix.tell_shkeeper(orders)
    matrix.ask(orders, "left alone")
    matrix.come_to_rest("left alone")
    alone = {order.payment_ids[0] for order in orders if order.size == 1}
    ends = matrix.ends(one for one in matrix.played.values() if one.payment_id in alone)
    assert ends == {row.name: row.ends for row in ROWS if 1 in row.sizes}
    check(matrix)


@pytest.mark.skipif(IS_LONG, reason="a long run looks at each by itself")
def test_in_the_end_of_everybody_who_has_no_money_somebody_is_told(matrix: Matrix) -> None:
    matrix.two_days_pass()
    assert matrix.wrongs() == []
