"""The pages where people bring tokens: staff sign in, buyers and sellers come by a link."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.sync_api import Page, expect

from tests.asking import post
from tests.conftest import BridgeProcess, StartBridge
from tests.pages.browsing import Browsing
from tests.python_clients import PythonClient
from tests.waiting import GIVE_UP_SECONDS, wait_until

SECRET = "a secret of at least thirty-two bytes"
SERVICE_TOKEN = "the-token-of-the-marketplace"
SERVICES = f"""
[marketplace]
token = "{SERVICE_TOKEN}"
publishes = []
registers = ["payments", "payouts"]
"""
ORDER = {
    "provider": "shkeeper",
    "externalId": "order-1",
    "requestId": "r1",
    "buyerId": "b1",
    "sellerId": "s1",
    "amount": "49.90",
    "currency": "USD",
}


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, tmp_path_factory: pytest.TempPathFactory) -> BridgeProcess:
    services = tmp_path_factory.mktemp("services") / "services.toml"
    Path(services).write_text(SERVICES)
    services.chmod(0o600)
    return make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS=SECRET,
        BRIDGE_SERVICES_FILE=str(services),
        BRIDGE_SHKEEPER_API_KEYS="a-key-for-tests-only-0123456789",
    )


@pytest.fixture(scope="module")
def payment_id(bridge: BridgeProcess) -> str:
    answer = post(f"{bridge.url}/api/payments", json=ORDER, headers={"Authorization": f"Bearer {SERVICE_TOKEN}"})
    assert answer.status_code == 201, answer.text
    identifier: str = answer.json()["paymentId"]
    return identifier


NEVER = 4_102_444_800
"""When a token expires that is to outlive the tests, however long they take: in the year 2100."""
LEEWAY_SECONDS = 30
"""By how much clocks may differ, before the bridge takes a token for expired."""


def token(subject: str, expires_at: float = NEVER, **claims: Any) -> str:
    return jwt.encode({"sub": subject, "exp": expires_at, **claims}, SECRET, algorithm="HS256")


def sign_in(page: Page, given: str) -> None:
    page.get_by_label("Token").fill(given)
    page.get_by_role("button", name="Sign in").click()


def test_staff_sign_in_and_out_by_their_token(browsing: Browsing, bridge: BridgeProcess, payment_id: str) -> None:
    page = browsing.page()
    page.goto(f"{bridge.url}/ops?view=payments")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, token("ada", staff=True))
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.locator(".signed-in")).to_contain_text("ada")
    expect(page.locator(f"a[href='/ops/payments/{payment_id}']")).to_be_visible()
    assert "token" not in page.url
    page.reload()  # the token stays with the tab
    expect(page.locator(f"a[href='/ops/payments/{payment_id}']")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (token("b1"), "That token is not one of staff"),
        (token("ada", time.time() - 600, staff=True), "That token has expired"),
        ("not a token at all", "The bridge does not accept that token"),
    ],
    ids=["a buyer's", "expired", "nonsense"],
)
def test_who_may_not_in_is_told_why_and_may_try_again(
    browsing: Browsing, bridge: BridgeProcess, given: str, said: str
) -> None:
    page = browsing.page()
    page.goto(f"{bridge.url}/ops")
    sign_in(page, given)
    expect(page.get_by_role("alert")).to_contain_text(said)
    sign_in(page, token("ada", staff=True))
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_a_link_lets_buyer_and_seller_in_and_leaves_no_token_in_the_address(
    browsing: Browsing, bridge: BridgeProcess, payment_id: str
) -> None:
    for subject, headline in (("b1", "Waiting for your payment"), ("s1", "Waiting for the buyer to pay")):
        page = browsing.page()
        page.goto(f"{bridge.url}/pay/{payment_id}#token={token(subject)}")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        expect(page.locator("#line-headline")).to_have_text(headline)
        expect(page).to_have_url(f"{bridge.url}/pay/{payment_id}")
        page.reload()
        expect(page.locator("#line-headline")).to_have_text(headline)


def test_a_stranger_learns_nothing_of_a_payment(browsing: Browsing, bridge: BridgeProcess, payment_id: str) -> None:
    page = browsing.page()
    page.goto(f"{bridge.url}/pay/{payment_id}")
    expect(page.get_by_role("heading", name="This page does not know you")).to_be_visible()
    browsing.expect_trouble("404")
    page.goto("about:blank")
    page.goto(f"{bridge.url}/pay/{payment_id}#token={token('x1')}")
    expect(page.get_by_role("heading", name="There is no such payment")).to_be_visible()


def test_a_token_that_expires_on_an_open_console_asks_for_another(browsing: Browsing, bridge: BridgeProcess) -> None:
    browsing.expect_trouble("401")
    lives_seconds, is_seen_live = 2.0, False
    # Where it took so long to sign in that the token had expired by then, one that lives for longer is tried.
    while not is_seen_live:
        assert lives_seconds < GIVE_UP_SECONDS
        page = browsing.page()
        page.goto(f"{bridge.url}/ops")
        sign_in(page, token("ada", time.time() + lives_seconds - LEEWAY_SECONDS, staff=True))
        live = page.get_by_text("Live", exact=True)
        expect(live.or_(page.get_by_role("alert")).first).to_be_visible()
        is_seen_live = live.is_visible()
        lives_seconds *= 2
    expect(page.get_by_role("alert")).to_contain_text("That token has expired")


def looked(page: Page) -> bool:
    """Whether what was searched for has come."""
    with page.expect_response("**/api/ops/connections?*") as answer:
        page.get_by_role("button", name="Look").click()
    return answer.value.ok and page.locator("table, .notice").count() > 0


def test_staff_see_who_is_connected_and_close_connections(browsing: Browsing, bridge: BridgeProcess) -> None:
    buyer = PythonClient()
    ended: list[str] = []
    connected: list[str | None] = []
    buyer.on("connect", lambda: connected.append(buyer.get_sid()))
    buyer.on("session-ended", lambda told, *_: ended.append(told["reason"]))
    buyer.connect(bridge.url, auth={"token": token("b7", chats=["c7"])}, transports=["polling"])
    buyer.call("join-chat-room", "c7")
    page = browsing.page()
    page.goto(f"{bridge.url}/ops/connections?room=chat-c7")
    sign_in(page, token("ada", staff=True))
    row = page.get_by_role("row", name="b7")
    expect(row).to_contain_text("chat-c7")
    page.get_by_label("Room").fill("")
    page.get_by_label("User").fill("b7")
    page.get_by_role("button", name="Look").press("Enter")
    page.wait_for_url("**?userId=b7")
    for what in ("Disconnect", "Revoke tokens"):
        row.get_by_role("button", name=what).press("Enter")
        assert ended == ["disconnected"] * (what == "Revoke tokens")
        row.get_by_role("button", name=f"{what}, sure?").press("Enter")
        expect(page.get_by_role("status").filter(has_text="Done")).to_be_visible()
        wanted = {"Disconnect": "disconnected", "Revoke tokens": "token_revoked"}[what]
        wait_until(lambda: wanted in ended)  # noqa: B023
        if what == "Disconnect":
            # It came back: whoever is between two connections when its tokens are revoked is refused, and not told.
            wait_until(lambda: len(connected) == 2)
            wait_until(lambda: looked(page) and row.count() == 1)
    expect(page.get_by_text("Nobody is connected who is sought.")).to_be_visible()
    buyer.shutdown()  # also the thread that tries to come back


@pytest.mark.parametrize(("path", "me"), [("orders", "b1"), ("sales", "s1")])
def test_a_buyer_and_a_seller_see_their_own_by_their_token(
    browsing: Browsing, bridge: BridgeProcess, payment_id: str, path: str, me: str
) -> None:
    page = browsing.page()
    page.goto(f"{bridge.url}/{path}#token={token(me)}")
    expect(page.locator(f"[data-id='{payment_id}']")).to_be_visible()
    expect(page).to_have_url(f"{bridge.url}/{path}")
    browsing.expect_trouble("40[13]")
    for who, given in ((f"?sellerId={me}&buyerId={me}", ""), ("", f"#token={token('x1', NEVER)[:-2]}xx")):
        stranger = browsing.page()
        stranger.goto(f"{bridge.url}/{path}{who}{given}")
        expect(stranger.get_by_role("heading", name="This page does not know you")).to_be_visible()
        expect(stranger.locator(f"[data-id='{payment_id}']")).to_have_count(0)
