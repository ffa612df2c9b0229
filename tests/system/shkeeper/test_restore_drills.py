"""Restore drills on PostgreSQL, as docs/operations.md has them: a point in time, a promoted replica, and a server
that crashed and lost nothing. No front end misses an event without being told, and no payout is sent twice."""

import re
from collections.abc import Iterator, Mapping

import pytest

from tests.conftest import BridgeProcess, StartBridge
from tests.documented import blocks_of
from tests.made_destinations import destination
from tests.played_shkeeper import PlayedShkeeper
from tests.postgresql import Cluster, journal_cluster
from tests.system.conftest import Listener, StartListener
from tests.system.shkeeper.conftest import Marketplace, settings_for
from tests.system.shkeeper.histories import attention, compared, history, is_held, settle
from tests.waiting import wait_until

JOINS = [["join-user-room", "s1"], ["join-request-room", "r1"]]


class Primary:
    """A cluster that archives its WAL, a base backup of it, and who takes its place."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self._archive = cluster, cluster.data.parent / "archive"
        self._archive.mkdir()
        self._archive.chmod(0o777)
        cluster.stop()
        self._other = cluster.copy("other")
        cluster.start(cluster.port, archive_mode="on", archive_command=f"cp %p {self._archive}/%f")

    def restore(self, moment: str) -> None:
        """Restores the base backup to a point in time, in the place of the cluster, with the settings that
        docs/operations.md has."""
        written = {"/backups/wal": str(self._archive), "2026-05-01 12:00:00+00": moment}
        last = self.cluster.ask("SELECT pg_walfile_name(pg_switch_wal())")
        wait_until((self._archive / str(last)).exists)
        self.cluster.stop()
        self._other.is_told("recovery.signal")
        self._other.start(self.cluster.port, **documented_settings(written))
        self._other.wait_until_it_writes()

    def replicate(self) -> None:
        """Has a replica catch up. What is written from then on does not get there."""
        self._other.is_told("standby.signal")
        self._other.start(primary_conninfo=f"host=127.0.0.1 port={self.cluster.port} user=bridge")
        wait_until(lambda: self._other.ask("SELECT pg_last_wal_receive_lsn()") is not None)
        written = self.cluster.ask("SELECT pg_current_wal_flush_lsn()")
        wait_until(lambda: self._other.ask(f"SELECT pg_last_wal_replay_lsn() >= '{written}'"))
        self._other.stop()

    def fail_over(self) -> None:
        """The cluster is gone, and the replica takes its place."""
        self.cluster.crash()
        self._other.start(self.cluster.port)
        self._other.promote()

    def close(self) -> None:
        self._other.stop()


def documented_settings(others: Mapping[str, str]) -> dict[str, str]:
    """Those of a restore, with what is written there replaced by others."""
    [text] = [block.text for block in blocks_of("operations.md", "PostgreSQL") if "restore_command" in block.text]
    for written, other in others.items():
        assert written in text
        text = text.replace(written, other)
    return dict(re.findall(r"^(\w+) = '(.*)'$", text, re.MULTILINE))


@pytest.fixture
def primary() -> Iterator[Primary]:
    with journal_cluster() as cluster:
        primary = Primary(cluster)
        yield primary
        primary.close()


class Drill:
    """A bridge on a cluster, a seller who watches, and a payment that nobody has paid yet."""

    def __init__(self, bridge: BridgeProcess, shkeeper: PlayedShkeeper, listen: StartListener) -> None:
        self.bridge, self.shkeeper = bridge, shkeeper
        self.marketplace = Marketplace(bridge, shkeeper)
        self.listener: Listener = listen(bridge.url, JOINS)
        payment = self.marketplace.create(requestId="r2")
        self.payment_id: str = payment["paymentId"]
        self._address: str = payment["invoices"][0]["address"]
        self.kept = self.marketplace.paid()
        """A payment that was completed and paid out before."""
        self._pay_out(self.kept)

    def goes_on(self) -> None:
        """The payment is completed and paid out, and the seller hears of it."""
        self.shkeeper.transfer(self._address)
        self.marketplace.wait_for(self.payment_id, "completed")
        payout_id = self._pay_out(self.payment_id)
        arrived = {"payoutId": payout_id, "status": "completed"}
        self.listener.wait_for(lambda line: line.get("event") == "payout-updated" and line["args"][0] == arrived)

    def _pay_out(self, payment_id: str) -> str:
        [payout] = self.marketplace.pay_out(payment_id)
        self.marketplace.settle([payout], "completed")
        payout_id: str = payout["payoutId"]
        return payout_id

    def sent(self, payment_id: str) -> int:
        """How often money went where a payment is paid out to."""
        to = destination("ETH-USDT", payment_id)
        return sum(one.destination == to for one in list(self.shkeeper.gateway.payouts.sent))

    def came_back(self, *, recovered: bool) -> None:
        """The seller's front end is connected again, and was told whether it has heard all."""
        assert self.listener.wait_for(lambda line: "ready" in line)["recovered"] is recovered

    def begins_anew(self, offset: str) -> None:
        """It is another history: who asks for what it does not hold is told, and what was sent is not sent again."""
        self.came_back(recovered=False)
        for path in ("/api/events?room=user-s1", "/api/events?everyone=true"):
            assert self.marketplace.client.get(f"{path}&after={offset}").status_code == 410
        # The gateway is asked about the payment, and about payouts that the journal has forgotten.
        self.marketplace.wait_for(self.payment_id, "completed")
        report = compared(self.marketplace)
        assert report["beginning"] == "promoted"
        assert [one["paymentId"] for one in report["comparison"]["forgotten"]] == [self.payment_id]
        assert is_held(self.marketplace)
        assert len(attention(self.marketplace, "payout-forgotten")) == 1
        settle(self.marketplace)
        self._pay_out(self.payment_id)  # which the marketplace has forgotten too
        self.marketplace.pay_out(self.kept, status=409)
        assert (self.sent(self.payment_id), self.sent(self.kept)) == (1, 1)


@pytest.fixture
def drill(
    primary: Primary, make_bridge: StartBridge, shkeeper: PlayedShkeeper, listen: StartListener
) -> Iterator[Drill]:
    url = primary.cluster.journal_url()
    drill = Drill(make_bridge(**settings_for(shkeeper) | {"BRIDGE_DATABASE_URL": url}), shkeeper, listen)
    yield drill
    drill.marketplace.client.close()
    drill.bridge.stop()


def test_a_server_that_crashed_and_lost_nothing_holds_nothing_up(primary: Primary, drill: Drill) -> None:
    drill.goes_on()
    primary.cluster.crash()
    drill.bridge.kill()
    primary.cluster.start(primary.cluster.port)
    drill.bridge.start()
    drill.came_back(recovered=True)
    assert (history(drill.marketplace)["beginning"], is_held(drill.marketplace)) == ("new", False)


def test_a_cluster_that_was_restored_to_a_point_in_time(primary: Primary, drill: Drill) -> None:
    moment = primary.cluster.ask("SELECT clock_timestamp()::text")
    drill.goes_on()
    offset = drill.listener.offsets[-1]
    drill.bridge.kill()
    primary.restore(moment)
    drill.bridge.start()
    drill.begins_anew(offset)


def test_a_replica_that_lacks_the_last_events_and_is_promoted_under_a_running_bridge(
    primary: Primary, drill: Drill
) -> None:
    primary.replicate()
    drill.goes_on()
    offset = drill.listener.offsets[-1]
    primary.fail_over()
    assert drill.bridge.process.wait() == 1  # it stops by itself, before it has written anything
    drill.bridge.start()
    drill.begins_anew(offset)
