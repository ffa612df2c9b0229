"""A bridge and its PostgreSQL that are killed at once, at each step of an order, and one of two bridges that share a
journal. The fault matrix plays all answers on SQLite, and on both in a long run; what differs here is which commits
were lost, who goes on, and how the list is looked up."""

from collections import Counter
from collections.abc import Iterator

import pytest

from providers.shkeeper.simulator.faults import Call, Happens, What
from tests.conftest import StartBridge
from tests.played_shkeeper import PlayedShkeeper
from tests.postgresql import Cluster, journal_cluster
from tests.system.shkeeper.conftest import Marketplace, settings_for
from tests.system.shkeeper.journals import PostgresqlJournal
from tests.system.shkeeper.payout_matrix import Matrix
from tests.system.shkeeper.payout_rows import Row
from tests.waiting import wait_until

# Each has a queue of its own, and is worth what it stands for.
COINS = ("SOLANA-USDT", "SOLANA-PYUSD", "USDT", "USDC", "ETH-USDC", "BNB-USDT", "POLYGON-USDT", "TON-USDT")
# Before the order, while SHKeeper has not looked at it, while it has done it and not answered, and once it has.
STEPS: tuple[tuple[Call, Happens] | None, ...] = (
    (Call.PAYOUT_STATUS, Happens.BEFORE),
    (Call.PAYOUT, Happens.BEFORE),
    (Call.PAYOUT, Happens.AFTER),
    None,
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with journal_cluster() as cluster:
        yield cluster


def test_a_bridge_and_a_database_that_are_killed_at_each_step_pay_nobody_twice(
    make_bridge: StartBridge, shkeeper: PlayedShkeeper, cluster: Cluster
) -> None:
    bridge = make_bridge(**settings_for(shkeeper) | {"BRIDGE_DATABASE_URL": cluster.journal_url()})
    marketplace = Marketplace(bridge, shkeeper)
    matrix = Matrix(marketplace, PostgresqlJournal(cluster), needs_prices=False)
    orders = matrix.orders((Row(f"{coin} arrives", coin, "completed"), 1) for coin in COINS)
    asked: set[str] = set()
    for number, order in enumerate(orders):
        step = STEPS[number % len(STEPS)]
        if step is not None:
            call, happens = step
            shkeeper.goes_wrong(call, What.TIMEOUT, happens, about=order.affected)
        if step is None or step[0] is Call.PAYOUT:
            asked |= set(order.destinations)
    matrix.ask(orders, "killed")
    wait_until(lambda: asked <= matrix.asked_for())
    cluster.kill()
    bridge.kill()
    shkeeper.works_again()
    cluster.start(cluster.port)
    bridge.start()
    matrix.come_to_rest("killed")
    assert matrix.wrongs_now() == []
    # What SHKeeper had not looked at before is for a person to tell, and all else has arrived.
    assert Counter(matrix.statuses()) == {"completed": 6, "ambiguous": 2}
    assert set(matrix.sent_to().values()) == {1}
    matrix.two_days_pass()
    assert matrix.wrongs() == []
    marketplace.client.close()
    bridge.kill()


def test_of_two_bridges_one_goes_on_where_the_other_was_killed_and_pays_nobody_twice(
    make_bridge: StartBridge, shkeeper: PlayedShkeeper, cluster: Cluster
) -> None:
    cluster.execute("CREATE DATABASE shared OWNER plain")
    # Long enough that whatever completes was told by a webhook.
    settings = settings_for(shkeeper) | {
        "BRIDGE_DATABASE_URL": cluster.journal_url("shared"),
        "BRIDGE_RECONCILE_INTERVAL_SECONDS": "600",
    }
    holder = make_bridge(**settings, BRIDGE_PAYMENT_EXPIRY_SECONDS="1")
    journal = PostgresqlJournal(cluster, "shared")

    def senders() -> set[str]:
        return set(journal.read("SELECT node, name FROM leases WHERE name = 'payouts' AND expires_at > now()"))

    [first] = wait_until(senders)
    # The webhooks of what it registers come to the other one.
    other = make_bridge(**settings, BRIDGE_PUBLIC_URL=holder.url)
    marketplace = Marketplace(other, shkeeper)
    matrix = Matrix(marketplace, journal, needs_prices=False)
    orders = matrix.orders((Row(f"{coin} arrives", coin, "completed"), 1) for coin in COINS[: len(STEPS)])
    asked: set[str] = set()
    for order, step in zip(orders, STEPS, strict=True):
        if step is not None:
            call, happens = step
            shkeeper.goes_wrong(call, What.TIMEOUT, happens, about=order.affected)
        if step is None or step[0] is Call.PAYOUT:
            asked |= set(order.destinations)
    matrix.ask(orders, "killed")
    wait_until(lambda: asked <= matrix.asked_for())
    assert senders() == {first}
    holder.kill()
    shkeeper.works_again()
    [second] = wait_until(lambda: senders() - {first})
    holder.start()
    expiring = Marketplace(holder, shkeeper).create()["paymentId"]
    matrix.come_to_rest("killed")
    marketplace.wait_for(expiring, "expired")
    assert matrix.wrongs_now() == []
    # As above: of what SHKeeper had not looked at before it cannot be known.
    assert Counter(matrix.statuses()) == {"completed": 3, "ambiguous": 1}
    assert {matrix.sent_to()[order.affected.lower()] for order in orders} <= {0, 1}
    assert senders() == {second}
    marketplace.client.close()
    for bridge in (holder, other):
        bridge.kill()
