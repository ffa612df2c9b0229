"""The configurations of deploy/, as they are but for their addresses, in real proxies before running bridges."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import jwt
import pytest
import yaml  # type: ignore[import-untyped]

from benchmarks.servers import free_port
from bridge.settings import all_settings
from tests.asking import client_of, get, post, request
from tests.conftest import BridgeProcess, StartBridge
from tests.proxies import DEPLOY, Proxy, deployed, running_caddy, running_haproxy, running_nginx
from tests.system.attacks.strangers import Answer, Stranger
from tests.system.conftest import GATEWAY_KEY, Gateway, StartListener

SECRET = "a secret of at least thirty-two bytes"
SERVICE = {"Authorization": "Bearer the-token-of-every-service"}
SERVICES = """
[everything]
token = "the-token-of-every-service"
publishes = ["marketplace"]
registers = ["payments"]
reads = true
"""
TOKEN = jwt.encode({"sub": "b1", "exp": 4_102_444_800, "requests": ["r1"], "checkouts": ["fence-1"]}, SECRET, "HS256")
SESSIONS = 3
COUNTING = pytest.mark.parametrize("front", ["nginx", "haproxy"], indirect=True)


@dataclass(frozen=True, slots=True)
class Front:
    """A proxy, and what is behind it."""

    bridge: BridgeProcess
    proxy: Proxy
    behind: Proxy
    """The same proxy, where another one says for whom it asks (PROXY protocol, which Caddy 2.6 does not know)."""


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, tmp_path_factory: pytest.TempPathFactory) -> BridgeProcess:
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    return make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS=SECRET,
        BRIDGE_SERVICES_FILE=str(services),
        BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY,
        BRIDGE_CONNECTIONS_PER_ADDRESS=str(SESSIONS),
    )


@pytest.fixture(scope="module", params=["nginx", "haproxy", "caddy"])
def front(
    request: pytest.FixtureRequest, bridge: BridgeProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """Of the two bridges that each proxy asks one has gone."""
    folder, port, behind, gone = tmp_path_factory.mktemp(request.param), free_port(), free_port(), free_port()
    with ExitStack() as stack:
        if request.param == "nginx":
            configuration = deployed(
                "nginx.conf",
                {
                    "listen 80;": f"listen 127.0.0.1:{port}; listen 127.0.0.1:{behind} proxy_protocol;"
                    "set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;",
                    "server 127.0.0.1:8000 ": f"server 127.0.0.1:{bridge.port} ",
                    "# server 10.0.0.8:8000 ": f"server 127.0.0.1:{gone} ",
                },
            )
            proxy = stack.enter_context(running_nginx(folder, configuration, port))
        elif request.param == "caddy":
            configuration = deployed(
                "Caddyfile",
                {
                    "{\n\tservers {": "{\n\tadmin off\n\tauto_https off\n\tservers {",
                    "bridge.example {": f"http://:{port} {{\n\tbind 127.0.0.1\n\tlog",
                    "127.0.0.1:8000": f"127.0.0.1:{bridge.port}",
                    "# to 10.0.0.8:8000": f"to 127.0.0.1:{gone}",
                },
            )
            proxy = stack.enter_context(running_caddy(folder, configuration, port))
        else:
            configuration = deployed(
                "haproxy.cfg",
                {
                    "bind :80\n": f"bind 127.0.0.1:{port}\n    bind 127.0.0.1:{behind} accept-proxy\n",
                    "127.0.0.1:8000": f"127.0.0.1:{bridge.port}",
                    "# server two 10.0.0.8:8000": f"server two 127.0.0.1:{gone}",
                    "defaults\n": "global\n    log stdout format raw local0\ndefaults\n",
                },
            )
            proxy = stack.enter_context(running_haproxy(folder, configuration, port))
        yield Front(bridge, proxy, Proxy(behind, proxy.log))


def ask_raw(proxy: Proxy, content: bytes) -> Answer:
    """What is answered to what no library would send."""
    with Stranger(proxy) as stranger:
        stranger.send(content)
        return stranger.answer()


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
def test_a_stock_client_hears_of_a_webhook(
    front: Front, listen: StartListener, gateway: Gateway, transports: str
) -> None:
    url, name = front.proxy.url, f"{front.proxy.port}-{transports}"
    registration = {
        "provider": "shkeeper",
        "externalId": name,
        "requestId": "r1",
        "buyerId": "b1",
        "sellerId": "s1",
        "amount": "10",
        "currency": "USD",
    }
    assert post(f"{url}/api/payments", json=registration, headers=SERVICE).status_code == 201
    listener = listen(url, [["join-request-room", "r1"]], TOKEN, transports=transports)
    # Also those that the proxy gives first to the bridge that has gone are taken, and counted once.
    for paid in range(1, 6):
        transfers = [(f"0x{sha256(f'{name}/{number}'.encode()).hexdigest()}", 1) for number in range(paid)]
        body = gateway.invoice(name, transfers, 10)
        assert post(f"{url}/webhooks/shkeeper", content=body, headers=gateway.headers(body)).status_code == 202
    listener.fence()
    progress = [content[0]["received"] for event, content in listener.events if event == "payment-progress"]
    assert progress == ["1", "2", "3", "4", "5"]
    assert not [line for line in listener.heard if "disconnected" in line]


def test_whoever_was_there_is_recovered_when_the_bridge_was_started_again(
    front: Front, listen: StartListener
) -> None:
    clients = [
        listen(front.proxy.url, [["join-request-room", "r1"]], TOKEN, transports=transports)
        for transports in ("websocket", "polling")
    ]
    front.bridge.stop()
    front.bridge.start()
    for client in clients:
        assert client.wait_for(lambda line: "ready" in line)["recovered"] is True


def test_a_stream_of_events_is_passed_on_as_they_come(front: Front) -> None:
    headers, query = {**SERVICE, "Accept": "text/event-stream"}, "/api/events?all=true&after=now"
    with client_of(front.proxy.url, headers=headers) as client, client.stream("GET", query) as answer:
        ids = (line for line in answer.iter_lines() if line.startswith("id: "))
        next(ids)  # the place where it begins
        event = {"event": "delivery-confirmed", "data": {"requestId": "r1"}}
        published = post(f"{front.bridge.url}/api/events", json=event, headers=SERVICE)
        assert next(ids) == f"id: {published.json()['offsets'][0]}"


def test_what_is_longer_than_the_bridge_takes_is_refused(front: Front, gateway: Gateway) -> None:
    url, body = front.proxy.url, b" " * 262_145
    assert post(f"{url}/api/events", content=b" " * 1_000_001, headers=SERVICE).status_code == 413
    # One that is not signed is refused by the bridge before it has come.
    assert post(f"{url}/webhooks/shkeeper", content=body, headers=gateway.headers(body)).status_code == 413
    assert get(f"{url}/api/payments?requestId={'r' * 17_000}", headers=SERVICE).status_code in (400, 414)
    assert get(f"{url}/api/payments", headers={"X": "x" * 66_000}).status_code in (400, 431)


@pytest.mark.parametrize(
    "target",
    [
        *("/metrics", "/health/ready", "/health/live", "/schema/openapi.json", "//metrics", "/%6detrics"),
        *("/socket.io/../metrics", "/api/%2e%2e/metrics", "/api/..%2fmetrics", "/ops/../metrics", "/metrics/"),
        *(
            "http://bridge.example/metrics",
            "http://bridge.example/socket.io/../metrics",
            "/opsx",
            "/api/../health/live",
        ),
    ],
)
def test_what_is_not_for_the_outside_is_shut_however_it_is_written(front: Front, target: str) -> None:
    answer = ask_raw(front.proxy, f"GET {target} HTTP/1.1\r\nHost: bridge.example\r\n\r\n".encode())
    # To the bridge, and so to HAProxy, this is a view of the console, whose page says that there is none.
    is_console = target.startswith("/ops/") and answer.headers.get("content-type", "").startswith("text/html")
    assert answer.status in (400, 404) or is_console


@COUNTING
def test_whoever_polls_counts_by_their_own_address_whatever_they_say_it_is(front: Front) -> None:
    poll = (
        b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: bridge.example\r\n"
        b"X-Forwarded-For: 198.51.100.%d\r\nForwarded: for=198.51.100.1\r\n\r\n"
    )
    client = f"203.0.113.{1 + front.proxy.port % 250}"
    preface = f"PROXY TCP4 {client} 127.0.0.1 1000 80\r\n".encode()
    statuses = [ask_raw(front.behind, preface + poll % number).status for number in range(1, SESSIONS + 2)]
    assert statuses == [200] * SESSIONS + [503]
    # It says so once a minute, of whoever is the first.
    assert re.search(rf"203\.0\.113\.\d+ has {SESSIONS} connections", front.bridge.log.read_text())
    assert client in front.proxy.log.read_text()
    assert "198.51.100" not in front.bridge.log.read_text()
    # Of IPv6 a network counts, and its neighbour is another.
    network = f"2001:db8:{front.proxy.port % 9_999}::"
    for host, status in [*((f"{number}:0:0:1", 200) for number in range(SESSIONS)), ("5", 503)]:
        preface = f"PROXY TCP6 {network}{host} ::1 1000 80\r\n".encode()
        assert ask_raw(front.behind, preface + poll % 1).status == status
    preface = f"PROXY TCP6 {network[:-1]}1:0:0:0:1 ::1 1000 80\r\n".encode()
    assert ask_raw(front.behind, preface + poll % 1).status == 200


def test_only_a_web_socket_is_let_through_as_one(front: Front) -> None:
    """Any other upgrade is a request as any, and what follows its body is not read as part of it."""
    ask = "{} HTTP/1.1\r\nHost: bridge.example\r\nConnection: Upgrade\r\nUpgrade: {}\r\n{}\r\n"
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    for line, upgrade, status in (
        ("GET /socket.io/?EIO=4&transport=websocket", "websocket", 101),
        ("GET /socket.io/?EIO=4&transport=polling", "h2c", 200),
        ("GET /api/payments", "websocket", 401),
    ):
        assert ask_raw(front.proxy, ask.format(line, upgrade, key).encode()).status == status


@pytest.mark.parametrize("file", ["nginx.conf", "haproxy.cfg", "traefik.yaml", "Caddyfile"])
def test_the_numbers_are_those_of_the_bridge(file: str) -> None:
    fields = all_settings().model_fields
    named = set()
    for line in (DEPLOY / file).read_text().splitlines():
        said, _, comment = line.partition("# ")
        numbers = [int(number) for number in re.findall(r"\b(\d+)s?\b", said)]
        for name in re.findall(r"\w+", comment if numbers else ""):
            if name not in fields or name == "body_timeout_seconds":  # which is of the whole, and theirs of a part
                continue
            named.add(name)
            default = fields[name].default
            if name == "ping_interval_seconds":
                assert max(numbers) > default + fields["ping_timeout_seconds"].default
            elif name == "idle_timeout_seconds":
                assert max(numbers) < default
            else:
                assert default in numbers, line
    assert {"ping_interval_seconds"} | ({"connections_per_address"} if file != "Caddyfile" else set()) <= named


def test_the_configuration_of_traefik_is_whole() -> None:
    http = yaml.safe_load((DEPLOY / "traefik.yaml").read_text())["http"]
    for router in http["routers"].values():
        assert router["service"] in http["services"]
        assert set(router["middlewares"]) <= http["middlewares"].keys()


def test_the_bridge_asks_for_nothing_else_of_a_proxy(front: Front) -> None:
    """What a browser asks across origins goes through, and so do the pages."""
    answer = request("OPTIONS", f"{front.proxy.url}/api/payments", headers={"Origin": "http://localhost:3000"})
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    for page in ("/", "/sales", "/orders", "/ops", "/brand.css", "/brand.json"):
        assert get(f"{front.proxy.url}{page}").headers["content-security-policy"]
