"""The fault matrix: every answer that SHKeeper and its daemons have to an order of payouts, of one and of several, on
a bridge that is left alone, killed before, while and after it asks, or restored from a backup of before or of then.

Whatever happens, no money leaves twice, what may be paid out again was not sent, what has arrived was, and of
everybody who has no money a person is told.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Literal

import pytest

from providers.shkeeper.payouts.answers import REFUSALS, TASK_NOT_SENT
from providers.shkeeper.simulator.faults import Call, Happens, What
from tests.conftest import StartBridge
from tests.played_shkeeper import PlayedShkeeper
from tests.postgresql import Cluster, journal_cluster
from tests.system.shkeeper.conftest import Marketplace, settings_for
from tests.system.shkeeper.journals import PostgresqlJournal, SqliteJournal
from tests.system.shkeeper.payout_matrix import PAYOUT_CALLS, Matrix, Order
from tests.system.shkeeper.payout_rows import REFUSED_IN, ROWS, TASKS_THAT_SENT_NOTHING, Row
from tests.waiting import wait_until

IS_LONG = "SOAK_MINUTES" in os.environ
# A long run has a journal for each test, since the list of what needs a person has an end.
SCOPE: Literal["function", "module"] = "function" if IS_LONG else "module"
ALL = [(row, size) for row in ROWS for size in row.sizes]
# Each row by itself, and some among others: which of them are by turns.
SHORT = [(row, size) for number, (row, size) in enumerate(ALL) if size == 1 or row.sizes == (2,) or number % 7 == 0]


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


def every(number: int, of: Sequence[tuple[Row, int]], *, beginning: int = 0) -> list[tuple[Row, int]]:
    return list(of[beginning::number])


def first_of_each_queue(orders: Sequence[Order]) -> list[Order]:
    """Those that are given at once: the first in each coin."""
    return list({order.row.coin: order for order in reversed(orders)}.values())


def test_every_row_of_the_tables_of_proofs_is_played() -> None:
    for refusal in REFUSALS:
        assert any(refusal.words.fullmatch(words) for words in REFUSED_IN[refusal.by]), refusal
    for pattern in TASK_NOT_SENT:
        assert any(pattern.fullmatch(words) for words in TASKS_THAT_SENT_NOTHING), pattern


# Before the others, since the books of all that was played are compared, each payment in each coin. A backup of
# before is restored in `test_restored_journal.py` too.
@pytest.mark.parametrize("copied", ["before", "while"] if IS_LONG else ["while"])
def test_a_journal_that_is_restored_pays_nobody_twice(matrix: Matrix, copied: str) -> None:
    """What SHKeeper sent and never wrote down, and the journal has forgotten, only a wallet shows, and
    `test_restored_journal.py` plays that."""
    booked = [(row, size) for row, size in ALL if row.is_booked]
    orders = matrix.orders(every(1 if IS_LONG else 9, booked, beginning=["before", "while"].index(copied)))
    matrix.copy()
    if copied == "while":
        for order in first_of_each_queue(orders):
            for call in PAYOUT_CALLS:
                matrix.shkeeper.goes_wrong(call, What.SLOW, Happens.AFTER, times=1, seconds=1, about=order.affected)
    matrix.tell_shkeeper(orders)
    group = f"restored from {copied}"
    matrix.ask(orders, group)
    if copied == "while":
        firsts = {place for order in first_of_each_queue(orders) for place in order.destinations}
        wait_until(lambda: firsts <= matrix.asked_for())
        matrix.copy()
    matrix.come_to_rest(group)
    matrix.restore()
    matrix.ask(orders, group)
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


def test_a_bridge_that_is_killed_at_each_step_pays_nobody_twice(matrix: Matrix) -> None:
    """In each coin the first order is at another step when the bridge dies: before it is given, while SHKeeper has
    not looked at it or has done it and not answered, or it is answered; the others wait behind it."""
    orders = matrix.orders(every(1 if IS_LONG else 7, ALL))
    firsts = first_of_each_queue(orders)
    steps = [
        lambda call, place: matrix.shkeeper.goes_wrong(Call.PAYOUT_STATUS, What.TIMEOUT, about=place),
        lambda call, place: matrix.shkeeper.goes_wrong(call, What.TIMEOUT, Happens.BEFORE, about=place),
        lambda call, place: matrix.shkeeper.goes_wrong(call, What.TIMEOUT, Happens.AFTER, about=place),
        lambda call, place: None,
    ]
    for number, order in enumerate(firsts):
        call = Call.PAYOUT if order.size == 1 else Call.MULTIPAYOUT
        steps[number % len(steps)](call, order.affected)
    matrix.tell_shkeeper(orders)
    matrix.ask(orders, "killed")
    wait_until(
        lambda: (
            {place for number, order in enumerate(firsts) if number % len(steps) for place in order.destinations}
            <= matrix.asked_for()
        )
    )
    matrix.bridge.kill()
    matrix.shkeeper.works_again()
    matrix.tell_shkeeper(orders)
    matrix.bridge.start()
    matrix.come_to_rest("killed")
    check(matrix)


@pytest.mark.skipif(IS_LONG, reason="a long run looks at each by itself")
def test_in_the_end_of_everybody_who_has_no_money_somebody_is_told(matrix: Matrix) -> None:
    matrix.two_days_pass()
    assert matrix.wrongs() == []
