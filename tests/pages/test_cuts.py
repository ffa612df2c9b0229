"""Pages whose connection is cut after each packet of their first dozen, each on one of three pages, or in `make soak`
of their first hundred, each on all three; or whose bridge is killed while they are set up: each is live again, and
hears what is told there.

A page opens a WebSocket at once, and polls never. Until it is live it takes six to ten packets; what comes then is
pings, and one packet for each event. Where there are tokens, nothing about payments is told to everyone, so that a
page which is out of its rooms is deaf.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, cycle

import httpx
import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.asking import client_of
from tests.conftest import IS_LONG, BridgeProcess, StartBridge
from tests.pages.browsing import Browsing
from tests.pages.test_restart import GONE
from tests.pages.test_tokens import ORDER, SECRET, SERVICE_TOKEN, SERVICES, token
from tests.system.conftest import Hearing, Script
from tests.waiting import wait_until

# So many are open at once; the first of them are cut while they are set up.
CUTS_AT_ONCE = 20
# One recipe keeps all of them in their rooms.
PAGES = ("pay", "checkout", "console")
CHECKOUT = {
    "provider": "shkeeper",
    "buyerId": "b1",
    "currency": "USD",
    "shares": [{"requestId": "r7", "sellerId": "s1", "amount": "49.90"}],
}


class Proxies(Hearing):
    """A proxy for each cut: `tests/javascript/cut-pages.mjs`."""

    def __init__(self, url: str, cuts: range) -> None:
        super().__init__()
        self._script = Script("cut-pages.mjs", url, *map(str, cuts), take=self.lines.put)
        self.cuts = cuts
        self.urls = [f"http://127.0.0.1:{self.wait_for(lambda line: 'port' in line)['port']}" for _ in self.cuts]

    def are_done(self) -> bool:
        """Whether each has cut."""
        while not self.lines.empty():
            self.wait_for(lambda _: True)
        return {line["cut"] for line in self.heard if "isCut" in line} == set(self.cuts)

    def close(self) -> None:
        self._script.close()


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, tmp_path_factory: pytest.TempPathFactory) -> BridgeProcess:
    services = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES.replace("publishes = []", 'publishes = ["payment"]'))
    services.chmod(0o600)
    return make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS=SECRET,
        BRIDGE_SERVICES_FILE=str(services),
        BRIDGE_SHKEEPER_API_KEYS="a-key-for-tests-only-0123456789",
    )


@contextmanager
def pages_that_are_cut(
    browsing: Browsing, bridge: BridgeProcess, path: str, *whose: str, cuts: range, tell: Callable[[], None]
) -> Iterator[list[Page]]:
    """Pages of one address, each cut after another packet, when all are live again; of several tokens they have one
    each in turn. `tell` has them told something, which is one packet more."""
    browsing.expect_trouble(GONE)
    proxies = Proxies(bridge.url, cuts)
    pages = []
    for url, token_of_one in zip(proxies.urls, cycle(whose), strict=False):
        page = browsing.page()
        page.goto(f"{url}{path}#token={token_of_one}")
        pages.append(page)

    def all_are_cut() -> bool:
        if not (are_done := proxies.are_done()):
            tell()
        return are_done

    wait_until(all_are_cut)
    for page in pages:
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
    yield pages
    for page in pages:
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
    proxies.close()


def cuts_of(page: str) -> list[range]:
    """After which packets one of PAGES is cut, so many at once."""
    if IS_LONG:
        return [range(first, first + CUTS_AT_ONCE) for first in range(1, 101, CUTS_AT_ONCE)]
    return [range(1 + PAGES.index(page), 13, len(PAGES))]


@pytest.fixture
def service(bridge: BridgeProcess) -> Iterator[httpx.Client]:
    with client_of(bridge.url, headers={"Authorization": f"Bearer {SERVICE_TOKEN}"}) as service:
        yield service


def told_of(service: httpx.Client, payment_id: str, request_id: str) -> Callable[[], None]:
    """Has the parties told of a payment, which its page then looks up anew."""
    update = {
        "event": "payment-update",
        "target": {"requestId": request_id, "buyerId": "b1", "sellerId": "s1"},
        "data": {"paymentId": payment_id, "status": "pending"},
    }

    def tell() -> None:
        service.post("/api/events", json=update).raise_for_status()

    return tell


def expect_cancelled(service: httpx.Client, payment_id: str, pages: list[Page]) -> None:
    service.post(f"/api/payments/{payment_id}/cancellation", json={}).raise_for_status()
    for page in pages:
        expect(page.locator(".line")).to_have_attribute("data-status", "cancelled")


@pytest.mark.parametrize("cuts", cuts_of("pay"), ids=str)
def test_a_payments_page_hears_of_it_after_any_cut(
    browsing: Browsing, bridge: BridgeProcess, service: httpx.Client, cuts: range
) -> None:
    order = {**ORDER, "externalId": f"cut-{cuts.start}"}
    payment_id = service.post("/api/payments", json=order).raise_for_status().json()["paymentId"]
    whose, tell = token("b1", requests=["r1"]), told_of(service, payment_id, "r1")
    with pages_that_are_cut(browsing, bridge, f"/pay/{payment_id}", whose, cuts=cuts, tell=tell) as pages:
        expect_cancelled(service, payment_id, pages)


@pytest.mark.parametrize("cuts", cuts_of("checkout"), ids=str)
def test_a_checkouts_page_hears_of_it_after_any_cut(
    browsing: Browsing, bridge: BridgeProcess, service: httpx.Client, cuts: range
) -> None:
    checkout_id = f"cut-checkout-{cuts.start}"
    order = {**CHECKOUT, "checkoutId": checkout_id, "externalId": checkout_id}
    checkout = service.post("/api/template-checkouts", json=order).raise_for_status().json()
    payment_id = checkout["payment"]["paymentId"]
    buyer, seller = token("b1", checkouts=[checkout_id]), token("s1", checkouts=[checkout_id], requests=["r7"])
    path, tell = f"/checkout/{checkout_id}", told_of(service, payment_id, "r7")
    with pages_that_are_cut(browsing, bridge, path, buyer, seller, seller, cuts=cuts, tell=tell) as pages:
        expect_cancelled(service, payment_id, pages)


@pytest.mark.parametrize("cuts", cuts_of("console"), ids=str)
def test_the_console_hears_of_the_bridge_after_any_cut(
    browsing: Browsing, bridge: BridgeProcess, service: httpx.Client, cuts: range
) -> None:
    whose, numbers = token("ada", staff=True), count(1)

    def register() -> None:
        order = {**ORDER, "externalId": f"console-{cuts.start}-{next(numbers)}"}
        service.post("/api/payments", json=order).raise_for_status()

    with pages_that_are_cut(browsing, bridge, "/ops/system", whose, cuts=cuts, tell=register) as pages:
        register()
        status = service.get("/api/ops/system", headers={"Authorization": f"Bearer {whose}"}).raise_for_status()
        newest = status.json()["journal"]["newestOffset"]
        for page in pages:
            expect(page.get_by_text(f"event {newest} of {newest} is delivered")).to_be_visible()


# The frames that open Engine.IO and Socket.IO, and the joins with their answers.
SET_UP = {"pay": 3 + 4, "checkout": 3 + 6}
KILLS = [(page, packets) for page, frames in SET_UP.items() for packets in range(1, frames + 1)]


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
