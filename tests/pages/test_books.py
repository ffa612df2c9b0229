"""`/ops/books`: what wallets hold against the books, what somebody notes that moved besides, and statements."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

import pytest
from playwright.sync_api import expect

from providers.shkeeper.simulator.terms.daemons import State
from tests.asking import client_of
from tests.bridge.http.ops.sales import is_completed, register
from tests.conftest import BridgeProcess, StartBridge
from tests.pages.browsing import PHONE, Browsing
from tests.pages.test_accessibility import expect_no_violation
from tests.played_shkeeper import KEY, PlayedShkeeper, played_shkeeper
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper(coins=["ETH-USDT"]) as played:
        yield played


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, shkeeper: PlayedShkeeper) -> BridgeProcess:
    return make_bridge(
        BRIDGE_SHKEEPER_API_KEYS=KEY,
        BRIDGE_SHKEEPER_URL=shkeeper.url,
        BRIDGE_WALLETS='{"gathering_minutes": 0}',
        BRIDGE_BRAND='{"name": "The Bicycle Shop", "accent": "#7a1f4d"}',
    )


def test_a_wallet_that_differs_agrees_once_somebody_says_where_the_money_went(
    browsing: Browsing, bridge: BridgeProcess, shkeeper: PlayedShkeeper
) -> None:
    with client_of(bridge.url) as client:
        payment = register(client, 1, seller_id="seller-1", amount="49.90")
        shkeeper.transfer(payment["invoices"][0]["address"])
        wait_until(partial(is_completed, client, payment))
    daemon = shkeeper.gateway.daemons.by_coin["ETH-USDT"]
    page = browsing.page()
    page.goto(f"{bridge.url}/ops/books")
    row = page.get_by_role("row", name="ETH-USDT shkeeper")
    expect(row).to_contain_text("not compared")
    page.get_by_role("button", name="Compare now").click()
    expect(row).to_contain_text("agrees")
    moved = page.get_by_role("region", name="What moved without the bridge")
    expect(moved).to_contain_text("the bridge")

    daemon.balance -= Decimal(5_000)
    page.get_by_role("button", name="Compare now").click()
    expect(row).to_contain_text("5\u202f000\u00a0ETH-USDT missing")
    expect_no_violation(page)
    daemon.state = State.DOWN
    page.get_by_role("button", name="Compare now").click()
    expect(row).to_contain_text("not known")
    expect(row).to_contain_text("Offline")
    daemon.state = State.WELL
    page.get_by_role("button", name="Compare now").click()
    expect(row).to_contain_text("missing")

    row.get_by_role("button", name="Note what moved").click()
    dialog = page.get_by_role("dialog")
    expect_no_violation(page)
    dialog.get_by_label("Amount in ETH-USDT").fill("nothing")
    dialog.get_by_label("Why").fill("to the cold wallet")
    dialog.get_by_label("Your name").fill("Ada")
    browsing.expect_trouble("400|409")
    dialog.get_by_role("button", name="Note it").click()
    expect(dialog).to_contain_text("An amount is a non-negative decimal string")
    dialog.get_by_label("Amount in ETH-USDT").fill("50000")  # a digit too many takes a second look
    dialog.get_by_role("button", name="Note it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("the books would differ by")
    expect(dialog.get_by_role("button", name="note it all the same")).to_be_visible()
    dialog.get_by_label("Amount in ETH-USDT").fill("5000")
    dialog.get_by_role("button", name="Note it").click()
    expect(moved).to_contain_text("to the cold wallet")
    page.get_by_role("button", name="Compare now").click()
    expect(row).to_contain_text("agrees")
    # What may be done about a wallet is in sight, and not where somebody would have to scroll to.
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.get_by_role("region", name="All wallets").evaluate(
        "(table) => table.scrollWidth <= table.clientWidth"
    )
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Network fees day by day, as CSV").click()
    assert saved.value.suggested_filename.startswith("network-fees-")


def test_a_sellers_month_is_shown_and_saved(browsing: Browsing, bridge: BridgeProcess) -> None:
    page = browsing.page()
    page.goto(f"{bridge.url}/ops/books")
    statement = page.get_by_role("region", name="A seller's statement")
    statement.get_by_label("Seller").fill("seller-1")
    statement.get_by_role("button", name="Show").click()
    expect(statement.get_by_role("row", name="Sales (1)")).to_contain_text("49.90\u00a0USD")
    expect(statement.get_by_role("row", name="Owed when it ended")).to_contain_text("49.90\u00a0USD")
    expect_no_violation(page)
    with page.expect_download() as saved:
        statement.get_by_role("button", name="CSV").click()
    assert saved.value.suggested_filename.startswith("statement-seller-1-")
    statement.get_by_label("Seller").fill("nobody")
    statement.get_by_role("button", name="Show").click()
    expect(statement).to_contain_text("Nothing was sold for nobody")


def test_the_pages_of_buyers_bear_the_shops_name_and_colour(browsing: Browsing, bridge: BridgeProcess) -> None:
    page = browsing.page()
    page.goto(f"{bridge.url}/orders?buyerId=b1")
    expect(page.get_by_text("The Bicycle Shop")).to_be_visible()
    accent = "getComputedStyle(document.documentElement).getPropertyValue('--accent').trim()"
    assert page.evaluate(accent) == "#7a1f4d"
    expect_no_violation(page)
