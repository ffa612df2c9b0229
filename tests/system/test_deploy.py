"""The configurations of deploy/ in real proxies with TLS, before two bridges that share a journal in PostgreSQL."""

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from itertools import count, islice
from pathlib import Path

import httpx
import jwt
import pytest
from playwright.sync_api import Browser

from benchmarks.servers import free_port
from tests.asking import post
from tests.certificates import issued
from tests.conftest import BridgeProcess, StartBridge
from tests.fronts import FRONTS, NAME, Front, with_tls
from tests.pages.browsing import WAIT_MS, running_browser
from tests.postgresql import journal_cluster
from tests.proxies import Proxy
from tests.system.attacks.strangers import Answer, Stranger
from tests.system.conftest import GATEWAY_KEY, JAVASCRIPT, Gateway, Listener, StartListener
from tests.waiting import wait_until

SECRET = "a secret of at least thirty-two bytes"
SERVICE = {"Authorization": "Bearer the-token-of-every-service"}
SERVICES = """
[everything]
token = "the-token-of-every-service"
publishes = ["marketplace"]
registers = ["payments"]
reads = true
"""
TOKEN = jwt.encode(
    {"sub": "b1", "exp": 4_102_444_800, "requests": [*FRONTS], "checkouts": ["fence-1"]}, SECRET, "HS256"
)
SESSIONS = 3
CLIENT = JAVASCRIPT / "node_modules" / "socket.io-client" / "dist" / "socket.io.min.js"
TRANSPORTS = ("websocket", "polling", "polling,websocket")


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {kind: free_port() for kind in FRONTS}


@pytest.fixture(scope="module")
def bridges(
    make_bridge: StartBridge, ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[BridgeProcess]]:
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    with journal_cluster() as cluster:
        settings = {
            "FRONTEND_URL": ",".join(["http://localhost:3000", *(f"https://{NAME}:{one}" for one in ports.values())]),
            "BRIDGE_DATABASE_URL": cluster.journal_url(),
            "BRIDGE_ACCESS": "jwt",
            "BRIDGE_JWT_SECRETS": SECRET,
            "BRIDGE_SERVICES_FILE": str(services),
            "BRIDGE_SHKEEPER_API_KEYS": GATEWAY_KEY,
            "BRIDGE_CONNECTIONS_PER_ADDRESS": str(SESSIONS),
        }
        bridges = [make_bridge(**settings) for _ in range(2)]
        yield bridges
        for bridge in bridges:
            bridge.kill()


@pytest.fixture(scope="module")
def fronts(
    bridges: list[BridgeProcess], ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Front]]:
    certificate = issued(tmp_path_factory.mktemp("certificate"), NAME)
    with ExitStack() as stack:
        yield {
            kind: stack.enter_context(with_tls(kind, tmp_path_factory.mktemp(kind), port, certificate, bridges))
            for kind, port in ports.items()
        }


@pytest.fixture(scope="module", params=[*FRONTS])
def front(request: pytest.FixtureRequest, fronts: dict[str, Front]) -> Front:
    return fronts[request.param]


def ask_raw(front: Front, content: bytes, proxy: Proxy | None = None, preface: bytes = b"") -> Answer:
    """What is answered to what no library would send."""
    with Stranger(proxy or front.proxy, preface=preface, tls=(front.certificate.trusted(), NAME)) as stranger:
        stranger.send(content)
        return stranger.answer()


def own_addresses(front: Front, kind: int) -> Iterator[str]:
    """Addresses of the loopback that nobody else comes from."""
    return (f"127.{1 + front.proxy.port % 250}.{kind}.{number}" for number in count(1))


class Sale:
    """A payment that is paid in many parts, and what those who listen hear of it."""

    def __init__(self, front: Front, gateway: Gateway, room: str, name: str) -> None:
        self._front, self._gateway, self._name = front, gateway, name
        self._paid: list[tuple[str, int]] = []
        self.statuses: list[int] = []
        """Of each try of each webhook; 0 where there was no answer."""
        registration = {
            "provider": "shkeeper",
            "externalId": name,
            "requestId": room,
            "buyerId": "b1",
            "sellerId": "s1",
            "amount": "10000",
            "currency": "USD",
        }
        with front.client() as http:
            answer = http.post("/api/payments", json=registration, headers=SERVICE)
        assert answer.status_code == 201, answer.text
        self._id = answer.json()["paymentId"]

    def pay_a_part(self) -> None:
        """Has the gateway tell of one more transfer, as it does: again where it is asked to."""
        number = len(self._paid)
        self._paid.append((f"0x{sha256(f'{self._name}/{number}'.encode()).hexdigest()}", 1))
        wait_until(self._is_told)

    def _is_told(self) -> bool:
        body = self._gateway.invoice(self._name, self._paid, 10_000)
        try:
            with self._front.client() as http:
                answer = http.post("/webhooks/shkeeper", content=body, headers=self._gateway.headers(body))
            self.statuses.append(answer.status_code)
        except httpx.TransportError:
            self.statuses.append(0)
        return self.statuses[-1] != 503

    def is_heard(self, listener: Listener) -> None:
        """Each part once and in order."""
        last = str(len(self._paid))
        while last not in self._heard(listener):
            listener.wait_for(lambda line: line.get("event") == "payment-progress")
        listener.fence()
        assert self._heard(listener) == [str(number) for number in range(1, len(self._paid) + 1)]

    def _heard(self, listener: Listener) -> list[str]:
        told = [content[0] for event, content in listener.events if event == "payment-progress"]
        return [one["received"] for one in told if one["paymentId"] == self._id]


@pytest.mark.parametrize("transports", TRANSPORTS)
def test_a_stock_client_hears_of_a_webhook(
    front: Front, listen: StartListener, gateway: Gateway, transports: str
) -> None:
    source = next(own_addresses(front, TRANSPORTS.index(transports)))
    sale = Sale(front, gateway, "nginx", f"{front.proxy.port}-{transports}")
    listener = listen(
        front.url, [["join-request-room", "nginx"]], TOKEN, transports=transports, asking=front.asking(source)
    )
    for _ in range(5):
        sale.pay_a_part()
    sale.is_heard(listener)
    assert set(sale.statuses) == {202}
    assert not [line for line in listener.heard if "disconnected" in line]


def test_one_bridge_after_another_is_replaced_and_nobody_notices(
    fronts: dict[str, Front], bridges: list[BridgeProcess], listen: StartListener, gateway: Gateway
) -> None:
    """No webhook is answered anything but 202, or 503 and then 202; no client misses anything or hears it twice."""
    sales = {kind: Sale(front, gateway, kind, f"{kind}-replaced") for kind, front in fronts.items()}
    clients = {
        kind: [
            listen(
                front.url, [["join-request-room", kind]], TOKEN, transports=transports, asking=front.asking(source)
            )
            for transports, source in zip(TRANSPORTS * 2, own_addresses(front, 10), strict=False)
        ]
        for kind, front in fronts.items()
    }
    is_over = threading.Event()

    def sell(sale: Sale) -> None:
        while not is_over.wait(0.1):
            sale.pay_a_part()

    selling = [threading.Thread(target=sell, args=[sale]) for sale in sales.values()]
    for one in selling:
        one.start()
    try:
        for bridge in bridges:
            assert bridge.stop() == 0
            bridge.start()
    finally:
        is_over.set()
        for one in selling:
            one.join()
    for kind, sale in sales.items():
        sale.pay_a_part()
        assert set(sale.statuses) <= {202, 503}, (kind, sale.statuses)
        for client in clients[kind]:
            sale.is_heard(client)
            assert all(line["recovered"] for line in client.heard[1:] if "ready" in line), (kind, client.heard)
            assert "disconnected" in [name for line in client.heard for name in line], kind


# Joins a room as a front end does, and says by what it is connected and what its polls went over.
JOIN = """async ([token, room, transports]) => {
    const socket = io({ auth: { token }, transports });
    window.heard = [];
    socket.on("payment-progress", ({ received }) => heard.push(received));
    await new Promise((done, fail) => socket.on("connect", done).on("connect_error", fail));
    while (socket.io.engine.transport.name !== transports.at(-1)) await new Promise((done) => setTimeout(done, 10));
    const { ok } = await socket.emitWithAck("join-request-room", room);
    const polls = performance.getEntriesByType("resource").filter(({ name }) => name.includes("transport=polling"));
    return [ok, socket.io.engine.transport.name, [...new Set(polls.map(({ nextHopProtocol }) => nextHopProtocol))]];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser(f"--host-resolver-rules=MAP {NAME} 127.0.0.1") as browser:
        yield browser


@pytest.mark.parametrize("transports", TRANSPORTS)
def test_a_browser_is_told_too_and_polls_over_http_2(
    front: Front, browser: Browser, gateway: Gateway, transports: str
) -> None:
    sale = Sale(front, gateway, "nginx", f"{front.proxy.port}-{transports}-browser")
    with browser.new_context(ignore_https_errors=True, bypass_csp=True) as context:
        page = context.new_page()
        page.goto(f"{front.url}/brand.json")
        page.add_script_tag(path=CLIENT)
        polled = ["h2"] if "polling" in transports else []
        wanted = [True, transports.rpartition(",")[2], polled]
        assert page.evaluate(JOIN, [TOKEN, "nginx", transports.split(",")]) == wanted
        sale.pay_a_part()
        page.wait_for_function("heard.length > 0", timeout=WAIT_MS)
        assert page.evaluate("heard") == ["1"]


def test_a_stream_of_events_is_passed_on_as_they_come(front: Front, bridges: list[BridgeProcess]) -> None:
    headers, query = {**SERVICE, "Accept": "text/event-stream"}, "/api/events?all=true&after=now"
    with front.client(headers=headers) as client, client.stream("GET", query) as answer:
        ids = (line for line in answer.iter_lines() if line.startswith("id: "))
        next(ids)  # the place where it begins
        event = {"event": "delivery-confirmed", "data": {"requestId": "nginx"}}
        published = post(f"{bridges[0].url}/api/events", json=event, headers=SERVICE)
        assert next(ids) == f"id: {published.json()['offsets'][0]}"


@pytest.mark.parametrize("kind", ["nginx", "haproxy", "caddy"])
def test_who_comes_without_tls_is_told_where_to_go(fronts: dict[str, Front], kind: str) -> None:
    answer = post(f"{fronts[kind].plain.url}/webhooks/shkeeper?a=b", headers={"Host": NAME}, content=b"{}")
    assert answer.status_code == 308
    assert re.fullmatch(rf"https://{NAME}(:\d+)?/webhooks/shkeeper\?a=b", answer.headers["Location"])


def test_what_is_longer_than_the_bridge_takes_is_refused(front: Front, gateway: Gateway) -> None:
    body = b" " * 262_145
    with front.client() as http:
        assert http.post("/api/events", content=b" " * 1_000_001, headers=SERVICE).status_code == 413
        # One that is not signed is refused by the bridge before it has come.
        assert http.post("/webhooks/shkeeper", content=body, headers=gateway.headers(body)).status_code == 413
        assert http.get(f"/api/payments?requestId={'r' * 17_000}", headers=SERVICE).status_code in (400, 414)
        assert http.get("/api/payments", headers={"X": "x" * 66_000}).status_code in (400, 431)


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
    answer = ask_raw(front, f"GET {target} HTTP/1.1\r\nHost: bridge.example\r\n\r\n".encode())
    # To the bridge, and so to HAProxy, this is a view of the console, whose page says that there is none.
    is_console = target.startswith("/ops/") and answer.headers.get("content-type", "").startswith("text/html")
    assert answer.status in (400, 404) or is_console, answer


def test_whoever_polls_counts_by_their_own_address(front: Front, listen: StartListener) -> None:
    source, other = islice(own_addresses(front, 20), 2)
    # At two bridges, to whichever they are led.
    many = [
        listen(front.url, [], TOKEN, transports="polling", asking=front.asking(source))
        for _ in range(2 * SESSIONS + 1)
    ]
    assert 1 <= sum("connectError" in client.heard[0] for client in many) <= SESSIONS + 1
    assert "ready" in listen(front.url, [], TOKEN, asking=front.asking(other)).heard[0]


POLL = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: bridge.example\r\n"


def polls(front: Front, numbers: range, preface: str = "", source: str = "") -> list[int]:
    """What is answered to new sessions of one browser, which says that it comes from elsewhere."""
    statuses, cookie = [], ""
    for number in numbers:
        elsewhere = f"X-Forwarded-For: 198.51.100.{number}\r\nForwarded: for=198.51.100.1\r\n"
        with Stranger(
            front.behind if preface else front.proxy,
            source=source,
            preface=preface.format(number).encode(),
            tls=(front.certificate.trusted(), NAME),
        ) as stranger:
            stranger.send(f"{POLL}{elsewhere}{cookie}\r\n".encode())
            answer = stranger.answer()
        statuses.append(answer.status)
        if "set-cookie" in answer.headers:
            cookie = f"Cookie: {answer.headers['set-cookie'].partition(';')[0]}\r\n"
    return statuses


def test_nobody_counts_by_the_address_that_they_say_is_theirs(front: Front, bridges: list[BridgeProcess]) -> None:
    source = next(own_addresses(front, 30))
    assert polls(front, range(SESSIONS + 1), source=source) == [200] * SESSIONS + [503]
    assert source in front.proxy.log.read_text()
    assert "198.51.100" not in "".join(bridge.log.read_text() for bridge in bridges)


@pytest.mark.parametrize("front", ["nginx", "haproxy", "traefik"], indirect=True)
def test_of_ipv6_a_network_counts(front: Front) -> None:
    network = f"2001:db8:{front.proxy.port % 9_999}"
    neighbours, elsewhere = (f"PROXY TCP6 {network}:{host}:0:0:1 ::1 1000 443\r\n" for host in ("0:{}", "1:{}"))
    assert polls(front, range(1, SESSIONS + 2), neighbours) == [200] * SESSIONS + [503]
    assert polls(front, range(1), elsewhere) == [200]


@pytest.mark.parametrize("front", ["nginx", "haproxy", "traefik"], indirect=True)
def test_whoever_asks_for_much_is_slowed_down_by_the_proxy_and_nobody_else(front: Front, gateway: Gateway) -> None:
    source, other = islice(own_addresses(front, 40), 2)
    asking, at_once, asked = b"GET /brand.json HTTP/1.1\r\nHost: bridge.example\r\n\r\n", 500, 0
    is_slowed_down = False
    while not is_slowed_down:
        assert (asked := asked + at_once) <= 10_000
        with Stranger(front.proxy, source=source, tls=(front.certificate.trusted(), NAME)) as stranger:
            stranger.send(asking * at_once)
            answers = [stranger.answer() for _ in range(at_once)]
        # The bridge's own 429 is JSON.
        is_slowed_down = any(
            one.status == 429 and "json" not in one.headers.get("content-type", "") for one in answers
        )
    with front.client(other) as http:
        assert http.get("/brand.json").status_code == 200
    body = gateway.invoice("unknown", [("0x01", 1)], 1)
    with front.client(source) as http:
        answer = http.post("/webhooks/shkeeper", content=body, headers=gateway.headers(body))
    assert answer.status_code == 202


def test_only_a_web_socket_is_let_through_as_one(front: Front) -> None:
    """Any other upgrade is a request as any, and what follows its body is not read as part of it."""
    ask = "{} HTTP/1.1\r\nHost: bridge.example\r\nConnection: Upgrade\r\nUpgrade: {}\r\n{}\r\n"
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    for line, upgrade, status in (
        ("GET /socket.io/?EIO=4&transport=websocket", "websocket", 101),
        ("GET /socket.io/?EIO=4&transport=polling", "h2c", 200),
        ("GET /api/payments", "websocket", 401),
    ):
        assert ask_raw(front, ask.format(line, upgrade, key).encode()).status == status


def test_the_bridge_asks_for_nothing_else_of_a_proxy(front: Front) -> None:
    """What a browser asks across origins goes through, and so do the pages."""
    with front.client() as http:
        answer = http.options("/api/payments", headers={"Origin": "http://localhost:3000"})
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
        for page in ("/", "/sales", "/orders", "/ops", "/brand.css", "/brand.json"):
            assert http.get(page).headers["content-security-policy"]
