"""PostgreSQL fails over to its replica while bridges run: with one that is replicated to synchronously nothing that
was acknowledged is lost; of what another loses the bridges know. Either way they begin one new history."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.asking import get
from tests.conftest import BridgeProcess, StartBridge
from tests.postgresql import OWNER, Cluster, journal_cluster
from tests.system.conftest import GATEWAY_KEY, StartListener
from tests.system.nodes.test_faults import Publisher
from tests.system.nodes.test_three_nodes import hears, numbers, publish
from tests.waiting import wait_until

ROOM = "failover"
PUBLISHED = "SELECT json_agg((payload::json)->>'type' ORDER BY \"offset\") FROM events"


@dataclass(frozen=True, slots=True)
class Site:
    """Bridges that know both servers by their names, as PostgreSQL's own clients may."""

    nodes: list[BridgeProcess]
    primary: Cluster
    replica: Cluster

    def fail_over(self) -> None:
        self.primary.crash()
        self.replica.promote()

    def begin_anew(self) -> None:
        """Each bridge ends by itself, as soon as it sees the other server, and is started by what looks after it."""
        for node in self.nodes:
            assert node.process.wait() == 1
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_until_ready()

    def is_followed(self) -> None:
        """The replica has all that is committed."""
        here = self.primary.ask("SELECT pg_current_wal_flush_lsn()::text")
        wait_until(lambda: self.replica.ask(f"SELECT pg_last_wal_replay_lsn() >= '{here}'::pg_lsn"))

    def published(self) -> list[int]:
        """What the journal has, in order."""
        return [int(number) for number in self.replica.ask(PUBLISHED, "journal") or ()]


@pytest.fixture
def site(make_bridge: StartBridge) -> Iterator[Site]:
    with journal_cluster() as primary, primary.replicated("replica") as replica:
        url = f"postgresql://{OWNER}@127.0.0.1:{primary.port},127.0.0.1:{replica.port}/journal"
        variables = {
            "BRIDGE_DATABASE_URL": f"{url}?target_session_attrs=read-write",
            "BRIDGE_SHKEEPER_API_KEYS": GATEWAY_KEY,
        }
        nodes = [make_bridge(**variables) for _ in range(2)]
        yield Site(nodes, primary, replica)
        for node in nodes:
            node.kill()


def histories(node: BridgeProcess) -> list[dict[str, object]]:
    found: list[dict[str, object]] = get(f"{node.url}/api/ops/histories").json()["histories"]
    return found


def test_a_synchronous_replica_that_takes_over_has_all_that_was_acknowledged(
    site: Site, listen: StartListener
) -> None:
    site.primary.execute("ALTER SYSTEM SET synchronous_standby_names = 'replica'")
    site.primary.execute("SELECT pg_reload_conf()")
    first, second = site.nodes
    client = listen(second.url, [["join-request-room", ROOM]])
    publisher = Publisher(first.url, ROOM)
    with publisher.going_on():
        hears(client, 20)
        site.fail_over()
        site.begin_anew()
        hears(client, publisher.count + 20)
    publish(second.url, publisher.count, ROOM)
    hears(client, publisher.count)
    assert site.published() == [*range(publisher.count + 1)]
    for node in site.nodes:
        assert [one["beginning"] for one in histories(node)] == ["promoted", "new"]
    assert numbers(client) == sorted(set(numbers(client)))


def test_what_an_asynchronous_replica_has_not_is_known_to_be_missing(site: Site, listen: StartListener) -> None:
    first, second = site.nodes
    client = listen(second.url, [["join-request-room", ROOM]])
    for number in range(10):
        publish(first.url, number, ROOM)
    site.is_followed()
    site.replica.stop()
    for number in range(10, 20):
        publish(first.url, number, ROOM)
    hears(client, 19)
    assert "is heard late" not in second.log.read_text()
    for node in site.nodes:
        mark = node.database.parent / "var" / "journal.mark"
        wait_until(lambda: mark.exists() and '"events": 20' in mark.read_text())  # noqa: B023
    site.primary.crash()
    site.replica.start(site.replica.port)
    site.replica.promote()
    site.begin_anew()
    assert site.published() == [*range(10)]
    client.wait_for(lambda line: "ready" in line)  # it begins anew, and hears what comes from then on
    publish(second.url, 20, ROOM)
    hears(client, 20)
    for node in site.nodes:
        [present, _] = histories(node)
        assert present["beginning"] == "promoted"
        assert "it had 20 events, and has 10" in str(present["evidence"])
