"""Two thousand payments in the console's table, of which the page holds only those in sight."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from bridge.journal import Journal
from coordinator.ids import new_id
from coordinator.payments.observed.observations import InvoiceSnapshot, Standing
from coordinator.payments.payments import Payment
from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.pages.browsing import PHONE, Browsing, meanwhile
from tests.system.conftest import GATEWAY_KEY, Gateway

ROWS = 2_000
LISTED = 200
WRONG = LISTED + 13
IN_PAGE = 60
Document = dict[str, Any]


async def register_all(url: str) -> None:
    """Has the journal register them, all of them at once: over HTTP it would take longer than all that is looked at
    here."""
    journal = await Journal.open(url)
    now = datetime.now(UTC)
    payments = (
        Payment(
            payment_id=new_id("pay", now),
            provider="shkeeper",
            external_id=f"order-{number}",
            request_id=f"request-{number}",
            buyer_id=f"buyer-{number % 40}",
            seller_id=f"seller-{number % 7}",
            amount=Decimal(100),
            currency="USD",
            created_at=now,
        )
        for number in range(ROWS)
    )
    await asyncio.gather(*(journal.register_payment(payment) for payment in payments))
    told = InvoiceSnapshot(standing=Standing.PAID, currency="EUR", received=Decimal(100), transfers=())
    await asyncio.gather(
        *(
            journal.record_observation(
                provider="shkeeper", external_id=f"order-{number}", key=f"other-{number}", observation=told
            )
            for number in range(WRONG)
        )
    )
    await journal.close()


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge) -> BridgeProcess:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY)
    bridge.kill()
    with ThreadPoolExecutor(1) as thread:  # the browser's loop runs in this one
        thread.submit(asyncio.run, register_all(f"sqlite:///{bridge.database}")).result()
    bridge.start()
    return bridge


@pytest.fixture(scope="module")
def client(bridge: BridgeProcess) -> Iterator[httpx.Client]:
    with client_of(bridge.url) as client:
        yield client


@pytest.fixture(scope="module")
def newest_first(client: httpx.Client) -> list[Document]:
    """Every payment, as REST lists them."""
    found: list[Document] = []
    after = None
    while True:
        query = {"limit": "1000"} | ({"after": after} if after else {})
        page = client.get("/api/ops/payments", params=query).json()
        found += page["payments"]
        after = page["next"]
        if after is None:
            return found


@pytest.fixture
def console(browsing: Browsing, bridge: BridgeProcess) -> Page:
    page = browsing.page()
    page.goto(f"{bridge.url}/ops?view=payments")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_text("2,000 payments")).to_be_visible()
    return page


def shown(page: Page) -> list[tuple[int, str]]:
    """The rows that the page holds: their number and the payment that they link to."""
    rows: list[list[Any]] = page.evaluate(
        """() => [...document.querySelectorAll(".grid-body [role=row]")].map((row) => [
            Number(row.getAttribute("aria-rowindex")) - 2, row.querySelector("a")?.getAttribute("href") ?? ""])"""
    )
    return [(number, link.removeprefix("/ops/payments/")) for number, link in rows]


def expect_rows_from(page: Page, first: int, newest_first: list[Document]) -> None:
    """The rows in sight are the right ones, all of them loaded, and few are in the page."""
    identifier = newest_first[first]["paymentId"]
    expect(page.locator(f"a[href='/ops/payments/{identifier}']")).to_be_visible()
    expect(page.locator(".grid-row.is-empty")).to_have_count(0)
    rows = shown(page)
    assert 5 < len(rows) <= IN_PAGE
    assert rows == [(number, newest_first[number]["paymentId"]) for number, _ in rows]


def test_scrolling_shows_the_right_rows_and_the_page_stays_small(console: Page, newest_first: list[Document]) -> None:
    assert len(newest_first) == ROWS
    grid = console.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", str(ROWS + 1))
    expect_rows_from(console, 0, newest_first)
    for row in (150, 1_200, 1_990, 634):
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
    console: Page, client: httpx.Client, newest_first: list[Document]
) -> None:
    place, gateway = 1_500, Gateway(GATEWAY_KEY)
    payment = newest_first[place]
    grid = console.get_by_role("grid")
    grid.evaluate("(grid, top) => { grid.scrollTop = top; }", place * 48)
    expect_rows_from(console, place, newest_first)
    row = console.get_by_role("row").filter(has=console.locator(f"a[href='/ops/payments/{payment['paymentId']}']"))
    flashes = f"""document.querySelector("[role=row]:has(a[href='/ops/payments/{payment["paymentId"]}']) .flash")"""
    for paid, status in (([("0xa", 40)], "partly paid"), ([("0xa", 40), ("0xb", 60)], "completed")):
        body = gateway.invoice(payment["externalId"], paid, 100)
        with meanwhile(console, flashes):
            assert client.post("/webhooks/shkeeper", content=body, headers=gateway.headers(body)).status_code == 202
            expect(row).to_contain_text(status)
        expect(row.locator(".flash")).to_have_count(0)
    assert grid.evaluate("(grid) => grid.scrollTop") == place * 48
    expect(console.get_by_text("2,000 payments")).to_be_visible()


def test_what_is_wrong_and_not_listed_is_counted_and_found_in_the_table(console: Page) -> None:
    attention = console.get_by_role("region", name="Needs a person")
    expect(attention.locator(".badge")).to_have_text(str(WRONG))
    attention.get_by_role("button", name=f"Show all {LISTED}").click()
    expect(attention.locator(".item")).to_have_count(LISTED)
    attention.get_by_role("button", name=f"{WRONG - LISTED} more: Other currency").click()
    expect(console.get_by_text(f"{WRONG} payments")).to_be_visible()


def test_a_phone_scrolls_through_them_too(
    browsing: Browsing, bridge: BridgeProcess, newest_first: list[Document]
) -> None:
    page = browsing.page(PHONE)
    page.goto(f"{bridge.url}/ops?view=payments")
    grid = page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", str(ROWS + 1))
    grid.evaluate("(grid, top) => { grid.scrollTop = top; }", 1_321 * 92)
    expect_rows_from(page, 1_321, newest_first)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
