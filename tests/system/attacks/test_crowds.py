"""Crowds: whoever takes all connections that there are, what matters most is still answered, and the rest is told."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asking import client_of, get
from tests.commands import COLD
from tests.conftest import BridgeProcess, StartBridge
from tests.system.attacks.strangers import LIVE, Stranger, figure, honest_traffic, own_address
from tests.system.conftest import GATEWAY_KEY, Gateway, StartListener
from tests.system.soak.lines import HANDSHAKE
from tests.waiting import wait_until

PLACES = 40
NEVER_SECONDS = "3600"
PATIENT = {
    "BRIDGE_SHKEEPER_API_KEYS": GATEWAY_KEY,
    "BRIDGE_HEAD_TIMEOUT_SECONDS": NEVER_SECONDS,
    "BRIDGE_BODY_TIMEOUT_SECONDS": NEVER_SECONDS,
    "BRIDGE_CONNECT_TIMEOUT_SECONDS": NEVER_SECONDS,
    "BRIDGE_PING_TIMEOUT_SECONDS": NEVER_SECONDS,
}
AT_ONCE = 10
"""How many connections one address may open within moments, of a bridge that is as strict as this."""
STRICT = {"BRIDGE_CONNECTIONS_PER_SECOND": str(AT_ONCE / 100)}


@pytest.fixture
def small(make_bridge: StartBridge) -> Iterator[BridgeProcess]:
    """A bridge with few places, which waits for everybody as long as they like."""
    bridge = make_bridge(BRIDGE_MAX_CONNECTIONS=str(PLACES), **PATIENT, **STRICT)
    yield bridge
    bridge.kill()


@contextlib.contextmanager
def web_sockets(bridge: BridgeProcess, count: int, *, host: str = "127.0.0.1") -> Iterator[list[int]]:
    """So many who try to open one; of each, the status of what they were answered."""
    with contextlib.ExitStack() as stack:
        statuses = []
        for _ in range(count):
            stranger = stack.enter_context(Stranger(bridge, host=host))
            try:
                stranger.send(HANDSHAKE)
                statuses.append(stranger.answer("HEAD").status)
            except (AssertionError, OSError):  # it was closed before it was read what it asks
                statuses.append(503)
        yield statuses


def test_when_all_places_are_taken_webhooks_and_health_still_find_one(
    small: BridgeProcess, gateway: Gateway, listen: StartListener
) -> None:
    with (
        honest_traffic(small, gateway, listen),
        web_sockets(small, PLACES + 20) as statuses,
        web_sockets(small, 20) as more,
        contextlib.ExitStack() as still_more,
    ):
        assert PLACES - 3 <= statuses.count(101) <= PLACES
        assert set(statuses) == {101, 503}
        assert more.count(503) >= 17

        def are_taken() -> bool:
            """One may have become free since, as an honest client's connection ended."""
            if get(f"{small.url}/api/payments").status_code == 503:
                return True
            still_more.enter_context(web_sockets(small, 5))
            return False

        wait_until(are_taken)
        for path, status in (("/health/live", 200), ("/health/ready", 200), ("/ops", 503)):
            assert get(f"{small.url}{path}").status_code == status
        wait_until(lambda: get(f"{small.url}/health/ready").json()["checks"]["connections"].startswith("degraded: "))
        said = get(f"{small.url}/health/ready").json()["checks"]["connections"]
        assert f"of {PLACES} places are taken" in said
    # They have gone, and everybody is let in again.
    wait_until(lambda: get(f"{small.url}/api/payments?requestId=1").status_code == 200)
    assert figure(small, 'bridge_door_refused_total{reason="full"}') >= 20
    assert get(f"{small.url}/api/ops/system").json()["turnedAway"] >= 20


def test_it_is_said_once_in_the_log_however_many_are_turned_away(small: BridgeProcess) -> None:
    with web_sockets(small, PLACES + 30) as statuses:
        assert statuses.count(503) >= 30
    told = [line for line in small.log.read_text().splitlines() if "turning connections away" in line]
    assert len(told) == 1
    assert f"all {PLACES} places are taken (max_connections" in told[0]


def test_who_asks_nothing_makes_room_for_who_does(small: BridgeProcess) -> None:
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(Stranger(small)) for _ in range(3 * PLACES)]
        for stranger in silent:
            with contextlib.suppress(OSError):
                stranger.send(b"GET / HTTP/1.1\r\n")
        wait_until(lambda: get(f"{small.url}/api/payments?requestId=1").status_code == 200)
        for _ in range(PLACES):
            assert get(f"{small.url}/api/payments?requestId=1").status_code == 200
        assert silent[0].is_closed()
        # They are told of as those are who are not let in.
        wait_until(lambda: get(f"{small.url}/health/ready").json()["checks"]["connections"].startswith("degraded: "))
        silent[-1].send(b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert silent[-1].answer().status in (200, 404)


def test_who_sends_a_body_without_an_end_takes_no_webhooks_place(
    small: BridgeProcess, gateway: Gateway, listen: StartListener
) -> None:
    slow = LIVE.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 100\r\n\r\n")
    # Which may be signed, for all that can be said before the body has come.
    signature = b"X-Shkeeper-Timestamp: %d\r\nX-Shkeeper-Signature: " % time.time() + b"0" * 64
    claimed = slow.replace(b"\r\n\r\n", b"\r\n" + signature + b"\r\n\r\n")
    with contextlib.ExitStack() as stack, honest_traffic(small, gateway, listen):
        for number in range(6 * PLACES):
            stranger = stack.enter_context(Stranger(small))
            with contextlib.suppress(OSError):
                if number % 2:
                    stranger.send(claimed.replace(b"/health/live", b"/webhooks/shkeeper"))
                else:
                    stranger.send(slow.replace(b"/health/live", b"/api/payments"))
        body = gateway.invoice("nobody's", [], 1)
        with client_of(small.url) as http:  # on a connection of its own
            answer = http.post("/webhooks/shkeeper", content=body, headers=gateway.headers(body))
        assert answer.status_code == 202
        assert get(f"{small.url}/health/live").status_code == 200


def test_one_address_may_not_take_all_places_and_proxies_may(make_bridge: StartBridge) -> None:
    address = own_address()
    for trusted, most in (("127.0.0.1", 10), (f"10.9.9.9,{address}/32", 20)):
        bridge = make_bridge(
            BRIDGE_HOST="0.0.0.0",
            BRIDGE_OPEN_TO_NETWORK="true",
            BRIDGE_CONNECTIONS_PER_ADDRESS="10",
            BRIDGE_TRUSTED_PROXIES=trusted,
            BRIDGE_MAX_CONNECTIONS="1000",
            **PATIENT,
        )
        with web_sockets(bridge, 20, host=address) as statuses:
            assert statuses == [101] * most + [503] * (20 - most)
            assert get(f"{bridge.url}/health/live").status_code == 200
        assert figure(bridge, 'bridge_door_refused_total{reason="address"}') == 20 - most
        bridge.kill()


def test_who_opens_connection_after_connection_is_closed_unheard_and_nobody_else_is(
    small: BridgeProcess, gateway: Gateway, listen: StartListener
) -> None:
    def is_let_in(source: str) -> bool:
        try:
            with Stranger(small, source=source) as stranger:
                stranger.send(LIVE)
                return stranger.answer().status == 200
        except (AssertionError, ConnectionError):
            return False

    with honest_traffic(small, gateway, listen):
        assert [is_let_in("127.0.0.2") for _ in range(AT_ONCE)] == [True] * AT_ONCE
        wait_until(lambda: not is_let_in("127.0.0.2"))
        assert is_let_in("127.0.0.3")
        assert all(is_let_in("127.0.0.1") for _ in range(2 * AT_ONCE))
    assert figure(small, 'bridge_door_refused_total{reason="rate"}') >= 1
    assert "were turned away within a minute" in get(f"{small.url}/health/ready").json()["checks"]["connections"]
    [told] = [line for line in small.log.read_text().splitlines() if "turning connections away" in line]
    assert "127.0.0.2 opens more than 1 connections a second" in told


class WithFewFiles(BridgeProcess):
    """A bridge on a system that lets it have few files open, as many services are started."""

    FILES = 256

    def launch(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # type: ignore[assignment]
                ["sh", "-c", f"ulimit -n {self.FILES} && exec {COLD} serve"],
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=log,
            )


@pytest.fixture
def with_few_files(tmp_path: Path) -> Iterator[BridgeProcess]:
    bridge = WithFewFiles(tmp_path, PATIENT)
    bridge.start()
    yield bridge
    bridge.process.kill()
    bridge.process.wait()


def test_the_journal_keeps_its_files_when_connections_would_take_them_all(
    with_few_files: BridgeProcess, gateway: Gateway, listen: StartListener
) -> None:
    bridge = with_few_files
    with honest_traffic(bridge, gateway, listen), web_sockets(bridge, 400) as statuses:
        assert 100 < statuses.count(101) < WithFewFiles.FILES - 50
        assert len(list(Path(f"/proc/{bridge.process.pid}/fd").iterdir())) < WithFewFiles.FILES - 30
        with client_of(bridge.url) as client:
            ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["checks"]["journal"]) == (200, "ok")
    assert "Too many open files" not in bridge.log.read_text()
