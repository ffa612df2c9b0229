"""Pages whose connection is cut, or whose bridge is killed, after each packet of the set-up: each is live again, and
hears what is told there.

Where there are tokens, nothing about payments is told to everyone, so that a page which is out of its rooms is deaf.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.asking import client_of
from tests.conftest import IS_LONG, BridgeProcess, StartBridge
from tests.pages.browsing import Browsing
from tests.pages.test_restart import GONE
from tests.pages.test_tokens import ORDER, SECRET, SERVICE_TOKEN, SERVICES, token
from tests.system.conftest import Hearing, Script

CUTS = 12
"""As many packets as it takes a page until it is live, and some more."""
CHECKOUT = {
    "checkoutId": "checkout-1",
    "provider": "shkeeper",
    "externalId": "order-2",
    "buyerId": "b1",
    "currency": "USD",
    "shares": [{"requestId": "r7", "sellerId": "s1", "amount": "49.90"}],
}


class Proxies(Hearing):
    """A proxy for each cut: `tests/javascript/cut-pages.mjs`."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._script = Script("cut-pages.mjs", url, str(CUTS), take=self.lines.put)
        self.urls = [f"http://127.0.0.1:{self.wait_for(lambda line: 'port' in line)['port']}" for _ in range(CUTS)]

    def wait_until_cut(self, count: int) -> None:
        """Waits until what is cut after so many packets, or fewer, was cut."""
        wanted = set(range(1, count + 1))

        def are_cut(_: Any) -> bool:
            return wanted <= {line["cut"] for line in self.heard if "isCut" in line}

        if not are_cut(None):
            self.wait_for(are_cut)

    def close(self) -> None:
        self._script.close()


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, tmp_path_factory: pytest.TempPathFactory) -> BridgeProcess:
    services = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    services.chmod(0o600)
    return make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS=SECRET,
        BRIDGE_SERVICES_FILE=str(services),
        BRIDGE_SHKEEPER_API_KEYS="a-key-for-tests-only-0123456789",
        BRIDGE_PING_INTERVAL_SECONDS="1",  # so that the last cut comes soon
    )


@contextmanager
def pages_that_are_cut(browsing: Browsing, bridge: BridgeProcess, path: str, *whose: str) -> Iterator[list[Page]]:
    """Pages of one address, each cut after another packet, when all are live again; of several tokens they have one
    each in turn."""
    browsing.expect_trouble(GONE)
    proxies = Proxies(bridge.url)
    pages = []
    for url, token_of_one in zip(proxies.urls, cycle(whose), strict=False):
        page = browsing.page()
        page.goto(f"{url}{path}#token={token_of_one}")
        pages.append(page)
    proxies.wait_until_cut(SET_UP[path.split("/")[1]])
    for page in pages:
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
    yield pages
    proxies.wait_until_cut(CUTS)
    for page in pages:
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
    proxies.close()


# The opening of the WebSocket, of Engine.IO and of Socket.IO, and the joins with their answers.
SET_UP = {"pay": 4 + 4, "checkout": 4 + 6, "ops": 4 + 2}


@pytest.fixture
def service(bridge: BridgeProcess) -> Iterator[httpx.Client]:
    with client_of(bridge.url, headers={"Authorization": f"Bearer {SERVICE_TOKEN}"}) as service:
        yield service


def test_a_payments_page_hears_of_it_after_any_cut(
    browsing: Browsing, bridge: BridgeProcess, service: httpx.Client
) -> None:
    payment_id = service.post("/api/payments", json=ORDER).raise_for_status().json()["paymentId"]
    with pages_that_are_cut(browsing, bridge, f"/pay/{payment_id}", token("b1", requests=["r1"])) as pages:
        service.post(f"/api/payments/{payment_id}/cancellation", json={}).raise_for_status()
        for page in pages:
            expect(page.locator(".line")).to_have_attribute("data-status", "cancelled")


def test_a_checkouts_page_hears_of_it_after_any_cut(
    browsing: Browsing, bridge: BridgeProcess, service: httpx.Client
) -> None:
    checkout = service.post("/api/template-checkouts", json=CHECKOUT).raise_for_status().json()
    buyer, seller = token("b1", checkouts=["checkout-1"]), token("s1", checkouts=["checkout-1"], requests=["r7"])
    with pages_that_are_cut(browsing, bridge, "/checkout/checkout-1", buyer, seller, seller) as pages:
        payment_id = checkout["payment"]["paymentId"]
        service.post(f"/api/payments/{payment_id}/cancellation", json={}).raise_for_status()
        for page in pages:
            expect(page.locator(".line")).to_have_attribute("data-status", "cancelled")


def test_the_console_hears_of_the_bridge_after_any_cut(
    browsing: Browsing, bridge: BridgeProcess, service: httpx.Client
) -> None:
    whose = token("ada", staff=True)
    with pages_that_are_cut(browsing, bridge, "/ops/system", whose) as pages:
        service.post("/api/payments", json={**ORDER, "externalId": "order-3"}).raise_for_status()
        status = service.get("/api/ops/system", headers={"Authorization": f"Bearer {whose}"}).raise_for_status()
        newest = status.json()["journal"]["newestOffset"]
        for page in pages:
            expect(page.get_by_text(f"event {newest} of {newest} is delivered")).to_be_visible()


KILLS = [(page, packets) for page in ("pay", "checkout") for packets in range(1, SET_UP[page] + 1)]


@pytest.mark.parametrize(("which", "packets"), KILLS if IS_LONG else KILLS[4::9])
def test_a_page_hears_of_its_payment_though_the_bridge_is_killed(
    browsing: Browsing, bridge: BridgeProcess, service: httpx.Client, which: str, packets: int
) -> None:
    browsing.expect_trouble(GONE)
    name = f"{which}-{packets}"
    if which == "pay":
        answer = service.post("/api/payments", json={**ORDER, "externalId": name}).raise_for_status()
        payment_id, whose = answer.json()["paymentId"], token("b1", requests=["r1"])
        path = f"/pay/{payment_id}"
    else:
        order = {**CHECKOUT, "checkoutId": name, "externalId": name}
        answer = service.post("/api/template-checkouts", json=order).raise_for_status()
        payment_id, whose = answer.json()["payment"]["paymentId"], token("b1", checkouts=[name])
        path = f"/checkout/{name}"
    page = browsing.page()
    passed: list[object] = []

    def kill_in_time(packet: object) -> None:
        passed.append(packet)
        if len(passed) == packets:
            bridge.kill()

    def follow(websocket: WebSocket) -> None:
        websocket.on("framesent", kill_in_time)
        websocket.on("framereceived", kill_in_time)

    page.on("websocket", follow)
    page.goto(f"{bridge.url}{path}#token={whose}")
    while len(passed) < packets:
        page.wait_for_timeout(10)
    bridge.start()
    # The page is about to come back, or does it just now.
    service.post(f"/api/payments/{payment_id}/cancellation", json={}).raise_for_status()
    expect(page.locator(".line")).to_have_attribute("data-status", "cancelled")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
