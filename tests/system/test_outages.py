"""Bad days: a database that is frozen, a disk that is full, files that are gone, descriptors that are used up,
neighbours that drip. Readiness says so within its time, nothing that was acknowledged is lost, and the bridge stops
when it is told to."""

import fcntl
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

from bridge.workers.health.checks import CHECK_SECONDS
from tests.asking import client_of
from tests.commands import Command
from tests.conftest import BridgeProcess, StartBridge
from tests.postgresql import Cluster, journal_cluster
from tests.system.conftest import GATEWAY_KEY, Gateway, Line, Listener, StartListener
from tests.system.outages import few_descriptors, filled, is_in_time, small_disk
from tests.system.publications import publish, publish_until_kept, published
from tests.waiting import wait_until

STOP_SECONDS = 12.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with journal_cluster() as cluster:
        yield cluster


@pytest.fixture
def on_postgresql(make_bridge: StartBridge, cluster: Cluster) -> Iterator[BridgeProcess]:
    bridge = make_bridge(
        BRIDGE_DATABASE_URL=cluster.journal_url(), BRIDGE_STOP_SECONDS=str(STOP_SECONDS), BRIDGE_LOG_LEVEL="info"
    )
    yield bridge
    bridge.kill()


def readiness(client: httpx.Client) -> tuple[int, dict[str, str]]:
    begun = time.monotonic()
    answer = client.get("/health/ready")
    assert is_in_time(time.monotonic() - begun, CHECK_SECONDS)
    return answer.status_code, answer.json()["checks"]


def wait_for(client: httpx.Client, status: int, says: str = "") -> dict[str, str]:
    def stands() -> dict[str, str] | None:
        found, checks = readiness(client)
        return checks if found == status and says in str(checks) else None

    return wait_until(stands) or {}


def publish_until_refused(client: httpx.Client) -> int:
    """Publishes one number after the other; returns the first that is not kept."""
    number = 0
    while (status := publish(client, number)) == 202:
        number += 1
    assert status == 503
    return number


def answers(listener: Listener) -> list[Line]:
    return [line["answer"] for line in listener.heard if "asked" in line]


def stop_in_time(bridge: BridgeProcess) -> int:
    begun = time.monotonic()
    code = bridge.stop()
    assert is_in_time(time.monotonic() - begun, STOP_SECONDS)
    return code


# PostgreSQL


def test_while_the_database_is_frozen_readiness_says_so_and_reads_are_503(
    on_postgresql: BridgeProcess, cluster: Cluster
) -> None:
    with client_of(on_postgresql.url) as client:
        assert publish(client, 1) == 202
        with cluster.frozen():
            # What was asked a second ago is good for a second.
            wait_for(client, 503, "failed: no answer within 5 s")
            assert client.get("/health/live").status_code == 200
            answer = client.get("/api/payments", params={"requestId": "r"})
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert "nothing was changed" not in answer.text.casefold()
            assert publish(client, 2) == 503
        wait_for(client, 200)
        publish_until_kept(client, 2)  # kept once, whatever became of the first try
        assert publish(client, 3) == 202
        assert published(cluster.journal_url()) == [1, 2, 3]
    assert stop_in_time(on_postgresql) == 0


def test_what_is_not_known_to_be_kept_is_said_to_be_so(on_postgresql: BridgeProcess, cluster: Cluster) -> None:
    with client_of(on_postgresql.url) as client, cluster.frozen():
        event = {"event": "purchase-request-update", "data": {"type": "9", "requestId": "r1"}}
        answer = client.post("/api/events", json=event)
        assert answer.status_code == 503
        assert "not known whether this was stored" in answer.json()["detail"]
        assert "same Idempotency-Key" in answer.json()["detail"]


def test_it_stops_in_time_while_the_database_is_frozen(on_postgresql: BridgeProcess, cluster: Cluster) -> None:
    with client_of(on_postgresql.url) as client:
        assert publish(client, 1) == 202
        with cluster.frozen():
            asking = [threading.Thread(target=ask, args=(client, number)) for number in range(10)]
            for one in asking:
                one.start()
            stop_in_time(on_postgresql)
        for one in asking:
            one.join()
    assert 1 in published(cluster.journal_url())


def ask(client: httpx.Client, number: int) -> None:
    """Whatever comes of it."""
    try:
        publish(client, 100 + number)
        client.get("/api/payments", params={"requestId": "r"})
    except httpx.TransportError:
        pass


def test_a_server_that_ends_and_comes_back_is_503_meanwhile_and_needs_no_restart_of_the_bridge(
    on_postgresql: BridgeProcess, cluster: Cluster
) -> None:
    before = len(published(cluster.journal_url()))
    with client_of(on_postgresql.url) as client:
        for end in (cluster.stop, cluster.crash):
            assert client.get("/api/payments", params={"requestId": "r"}).status_code == 200
            end()
            wait_for(client, 503, "failed")
            assert client.get("/api/payments", params={"requestId": "r"}).status_code == 503
            assert publish(client, 50) == 503
            cluster.start(cluster.port)
            wait_for(client, 200)
            assert client.get("/api/payments", params={"requestId": "r"}).status_code == 200
        publish_until_kept(client, 51)
        assert len(published(cluster.journal_url())) == before + 1


# SQLite


def test_a_wal_that_is_deleted_stops_the_bridge_and_costs_nothing_that_was_acknowledged(
    make_bridge: StartBridge,
) -> None:
    bridge = make_bridge()
    with client_of(bridge.url) as client:
        kept = [number for number in range(20) if publish(client, number) == 202]
        Path(f"{bridge.database}-wal").unlink()
        number = 20
        while bridge.process.poll() is None:
            try:
                if publish(client, number) == 202:
                    kept.append(number)
            except httpx.TransportError:
                break
            number += 1
        assert bridge.process.wait() == 1
        assert "taken away" in bridge.log.read_text()
        bridge.start()
        assert set(published(bridge.database)) >= set(kept)
        assert publish(client, 999) == 202
    assert "a new history" not in bridge.log.read_text()


def test_a_full_disk_is_said_nothing_is_acknowledged_and_with_room_all_goes_on(
    make_bridge: StartBridge, tmp_path: Path
) -> None:
    with small_disk(tmp_path, 100) as disk:
        database = disk / "bridge.db"
        bridge = make_bridge(BRIDGE_DATABASE_URL=f"sqlite:///{database}")
        with client_of(bridge.url) as client:
            kept = [number for number in range(20) if publish(client, number) == 202]
            number = len(kept)
            with filled(disk):
                checks = wait_for(client, 503, "make room")
                assert checks["disk"].startswith("failed: 0 MB are free")
                # Into the room that its WAL has something may still go; some time nothing does.
                while (status := publish(client, number)) == 202:
                    kept.append(number)
                    number += 1
                assert status == 503
            wait_for(client, 200)
            publish_until_kept(client, number)
            kept.append(number)
            assert set(published(database)) >= set(kept)
        assert bridge.stop() == 0


def test_what_clients_ask_for_while_the_disk_is_full_is_answered_with_room_and_then_kept(
    make_bridge: StartBridge, listen: StartListener, gateway: Gateway, tmp_path: Path
) -> None:
    with small_disk(tmp_path, 100) as disk:
        bridge = make_bridge(
            BRIDGE_DATABASE_URL=f"sqlite:///{disk / 'bridge.db'}", BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY
        )
        stays = listen(bridge.url, [["join-request-room", "r1"]])
        goes = listen(bridge.url, [["join-request-room", "r1"]])
        notice = gateway.invoice("order-1", [("0x" + "1" * 64, 40)], 100)

        def notify(client: httpx.Client) -> int:
            return client.post("/webhooks/shkeeper", content=notice, headers=gateway.headers(notice)).status_code

        with client_of(bridge.url) as client, filled(disk):
            # What its WAL has room for is kept still.
            number = publish_until_refused(client)
            assert notify(client) == 503
            stays.join("join-request-room", "r2")
            goes.join("leave-request-room", "r1")
            wait_until(lambda: "sessions cannot be saved" in bridge.log.read_text())
            wait_for(client, 503, "make room")
            assert not answers(stays) + answers(goes)
        with client_of(bridge.url) as client:
            for listener, rooms in ((stays, ["request-r2"]), (goes, ["request-r1"])):
                listener.wait_for(lambda line: "asked" in line)
                assert answers(listener) == [{"ok": True, "rooms": rooms}]
            bridge.kill()  # what was answered is kept
            bridge.start()
            for listener in (stays, goes):
                assert listener.wait_for(lambda line: "ready" in line)["recovered"] is True
            publish_until_kept(client, number + 1, "r1")
            publish_until_kept(client, number + 2, "r2")
            for listener in (stays, goes):
                listener.fence()
            heard = [int(content["type"]) for _, [content, *_] in stays.events]
            assert heard == [*range(number), number + 1, number + 2]
            assert [int(content["type"]) for _, [content, *_] in goes.events] == [*range(number)]
            assert notify(client) == 202
            wait_for(client, 200)


# The process


def test_descriptors_that_are_used_up_are_said(make_bridge: StartBridge) -> None:
    bridge = make_bridge()
    with client_of(bridge.url, limits=httpx.Limits(max_keepalive_connections=1)) as client:
        wait_for(client, 200)
        with few_descriptors(bridge):
            checks = wait_for(client, 503, "file descriptors are left")
            assert checks["journal"] == "ok"
        wait_for(client, 200)


@contextmanager
def full_disk() -> Iterator[int]:
    with Path("/dev/full").open("wb") as full:
        yield full.fileno()


@contextmanager
def pipe_that_nobody_reads() -> Iterator[int]:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, select.PIPE_BUF)
    os.write(writing, b"x" * select.PIPE_BUF)
    yield writing
    os.close(writing)
    os.close(reading)


@pytest.mark.parametrize("place", [full_disk, pipe_that_nobody_reads])
def test_where_nothing_can_be_said_nothing_stops(
    make_bridge: StartBridge, place: Callable[[], AbstractContextManager[int]]
) -> None:
    with place() as where:

        class Mute(BridgeProcess):
            def launch(self) -> None:
                self.process = Command("serve", cwd=self._folder, env=self._environment, stdout=where, stderr=where)

        bridge = make_bridge(kind=Mute)
        with client_of(bridge.url) as client:
            assert publish(client, 1) == 202
            figures = client.get("/metrics").text
            [dropped] = [line for line in figures.splitlines() if line.startswith("bridge_log_lines_dropped_total ")]
            assert float(dropped.split()[1]) > 0
        assert bridge.stop() == 0


@contextmanager
def dripping() -> Iterator[str]:
    """A neighbour whose answers never end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        is_over = threading.Event()

        def serve() -> None:
            while not is_over.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=drip, args=(connection,), daemon=True).start()

        def drip(connection: socket.socket) -> None:
            with connection:
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
                    while not is_over.wait(0.1):
                        connection.sendall(b" ")
                except OSError:
                    pass

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            is_over.set()


def test_it_stops_in_time_while_neighbours_drip_and_clients_do_not_finish(make_bridge: StartBridge) -> None:
    with dripping() as url:
        bridge = make_bridge(
            BRIDGE_SHKEEPER_URL=url,
            BRIDGE_SHKEEPER_API_KEYS="a-key-of-some-length",
            BRIDGE_STOP_SECONDS=str(STOP_SECONDS),
        )
        with client_of(bridge.url) as client:
            _, checks = readiness(client)
            assert checks["journal"] == "ok"
            assert "failed" not in checks["shkeeper"]  # it can be done without
        clients = [socket.create_connection(("127.0.0.1", bridge.port)) for _ in range(50)]
        for one in clients:
            one.sendall(b"POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert stop_in_time(bridge) == 0
        for one in clients:
            one.close()
