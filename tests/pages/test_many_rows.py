"""Five thousand payouts in the console's table, of which the page holds only those in sight."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.anvil import ALICE, Anvil, running_anvil
from tests.conftest import StartBridge
from tests.pages.browsing import PHONE, Browsing
from tests.system.onchain.conftest import CONFIRMATIONS, Market, address, chains_file, deploy

ROWS = 5_000
AT_ONCE = 100
IN_PAGE = 60
Document = dict[str, Any]


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


@pytest.fixture(scope="module")
def market(make_bridge: StartBridge, anvil: Anvil, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """With payouts that are expected of a wallet, which has sent none of them yet."""
    contracts = deploy(anvil)
    chains = chains_file(tmp_path_factory.mktemp("chains"), contracts)
    bridge = make_bridge(BRIDGE_CHAINS_FILE=str(chains), BRIDGE_ENDPOINTS_ANVIL=anvil.websocket_url)
    market = Market(bridge, anvil, contracts)
    payment = market.create("many")
    market.pay("usdt", address("many"), 100)
    market.mine()
    market.settle(payment)
    for batch in range(ROWS // AT_ONCE):
        payouts = [
            {
                "paymentId": payment["paymentId"],
                "chain": "anvil",
                "coin": "USDT",
                "amount": str(1 + number),
                "destination": address(f"seller {batch}"),
                "sender": ALICE,
            }
            for number in range(AT_ONCE)
        ]
        market.post("/api/payouts", {"payouts": payouts, "another": True}, 202)
    yield market
    market.client.close()


@pytest.fixture(scope="module")
def newest_first(market: Market) -> list[Document]:
    """Every payout, as REST lists them."""
    found: list[Document] = []
    after = None
    while True:
        query = httpx.QueryParams({"limit": 1000} | ({"after": after} if after else {}))
        page = market.get(f"/api/ops/payouts?{query}")
        found += page["payouts"]
        after = page["next"]
        if after is None:
            return found


@pytest.fixture
def console(browsing: Browsing, market: Market) -> Page:
    page = browsing.page()
    page.goto(f"{market.bridge.url}/ops")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_text("5,000 payouts")).to_be_visible()
    return page


def shown(page: Page) -> list[tuple[int, str]]:
    """The rows that the page holds: their number and the payout that they link to."""
    rows: list[list[Any]] = page.evaluate(
        """() => [...document.querySelectorAll(".grid-body [role=row]")].map((row) => [
            Number(row.getAttribute("aria-rowindex")) - 2, row.querySelector("a")?.getAttribute("href") ?? ""])"""
    )
    return [(number, link.removeprefix("/ops/payouts/")) for number, link in rows]


def expect_rows_from(page: Page, first: int, newest_first: list[Document]) -> None:
    """The rows in sight are the right ones, all of them loaded, and few are in the page."""
    identifier = newest_first[first]["payoutId"]
    expect(page.locator(f"a[href='/ops/payouts/{identifier}']")).to_be_visible()
    expect(page.locator(".grid-row.is-empty")).to_have_count(0)
    rows = shown(page)
    assert 5 < len(rows) <= IN_PAGE
    assert rows == [(number, newest_first[number]["payoutId"]) for number, _ in rows]


def test_scrolling_shows_the_right_rows_and_the_page_stays_small(console: Page, newest_first: list[Document]) -> None:
    assert len(newest_first) == ROWS
    grid = console.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", str(ROWS + 1))
    expect_rows_from(console, 0, newest_first)
    for row in (150, 2_500, 4_990, 1_234):
        grid.evaluate("(grid, top) => { grid.scrollTop = top; }", row * 48)
        expect_rows_from(console, row, newest_first)
    assert console.evaluate("document.querySelectorAll('*').length") < 1_500


def test_the_keyboard_reaches_the_last_row_and_the_first(console: Page, newest_first: list[Document]) -> None:
    console.get_by_role("grid").focus()
    console.keyboard.press("End")
    expect_rows_from(console, ROWS - 1, newest_first)
    expect(console.locator(".grid-row.is-active")).to_have_attribute("aria-rowindex", str(ROWS + 1))
    console.keyboard.press("PageUp")
    console.keyboard.press("Home")
    expect_rows_from(console, 0, newest_first)


def test_a_row_far_down_moves_in_place_while_one_looks_at_it(
    console: Page, market: Market, newest_first: list[Document]
) -> None:
    place = 3_000
    payout = newest_first[place]
    grid = console.get_by_role("grid")
    grid.evaluate("(grid, top) => { grid.scrollTop = top; }", place * 48)
    expect_rows_from(console, place, newest_first)
    market.pay("usdt", payout["destination"], int(payout["amount"]))
    row = console.get_by_role("row").filter(has=console.locator(f"a[href='/ops/payouts/{payout['payoutId']}']"))
    market.mine()
    expect(row).to_contain_text("confirming")
    expect(row.locator(".flash")).to_have_count(1)
    market.mine(CONFIRMATIONS)
    expect(row).to_contain_text("completed")
    assert grid.evaluate("(grid) => grid.scrollTop") == place * 48
    expect(console.get_by_text("5,000 payouts")).to_be_visible()


def test_a_phone_scrolls_through_them_too(browsing: Browsing, market: Market, newest_first: list[Document]) -> None:
    page = browsing.page(PHONE)
    page.goto(f"{market.bridge.url}/ops")
    grid = page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", str(ROWS + 1))
    grid.evaluate("(grid, top) => { grid.scrollTop = top; }", 4_321 * 92)
    expect_rows_from(page, 4_321, newest_first)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
