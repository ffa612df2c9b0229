"""The demonstration's past as finance looks at it: the pages of the books have a row of every kind, and so do the
files that they save."""

import asyncio
import csv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from bridge.cli.demo.past import SELLERS, play_past
from coordinator.books.entries import EntryKind
from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.pages.browsing import Browsing
from tests.pages.test_accessibility import expect_no_violation
from tests.played_shkeeper import KEY


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, tmp_path_factory: pytest.TempPathFactory) -> BridgeProcess:
    folder: Path = tmp_path_factory.mktemp("past")
    url = f"sqlite:///{folder / 'bridge.db'}"
    with ThreadPoolExecutor() as beside:  # the browser's has an event loop of its own
        beside.submit(lambda: asyncio.run(play_past(url, KEY, days=4, random=Random(7)))).result()
    return make_bridge(BRIDGE_DATABASE_URL=url, BRIDGE_SHKEEPER_API_KEYS=KEY)


@pytest.fixture(scope="module")
def client(bridge: BridgeProcess) -> Iterator[httpx.Client]:
    with client_of(bridge.url) as client:
        yield client


def busiest(client: httpx.Client) -> tuple[str, str]:
    """A seller and a month of which a statement has most to say."""
    months = {one["date"][:7] for one in client.get("/api/ops/totals").json()["days"]}
    queries = [{"sellerId": seller, "month": month} for seller in SELLERS for month in months]

    def lines(query: dict[str, str]) -> int:
        found = client.get("/api/ops/statement", params={**query, "timeZone": "UTC"}).json()["currencies"]
        names = ("refunds", "shortfall", "covered", "payouts", "sales")
        return sum(float(one[name]) != 0 for one in found for name in names)

    most = max(queries, key=lines)
    assert lines(most) >= 3
    return most["sellerId"], most["month"]


def rows_saved(page: Page, button: Any) -> list[dict[str, str]]:
    with page.expect_download() as saved:
        button.click()
    return list(csv.DictReader(Path(saved.value.path()).read_text(encoding="utf-8-sig").splitlines()))


def test_wallets_what_moved_and_what_the_network_took_are_shown(browsing: Browsing, bridge: BridgeProcess) -> None:
    page = browsing.page()
    page.goto(f"{bridge.url}/ops/books")
    of_tokens, of_fees = (page.get_by_role("row", name=f"{coin} shkeeper") for coin in ("ETH-USDT", "ETH"))
    expect(of_tokens).to_contain_text("fees unknown for")
    expect(of_fees.last).to_contain_text("network fees taken off")
    moved = page.get_by_role("region", name="What moved without the bridge")
    for reason in ("to the cold wallet", "put in, for fees of the network"):
        expect(moved.get_by_text(reason).first).to_be_visible()
    expect_no_violation(page)
    fees = rows_saved(page, page.get_by_role("button", name="Network fees day by day, as CSV"))
    assert {row["coin"] for row in fees} == {"ETH", "ETH-USDT"}
    compared = rows_saved(page, page.get_by_role("button", name="day by day, as CSV").first)
    assert {row["standing"] for row in compared} >= {"agrees", "differs"}


def test_a_statement_has_what_went_back_and_what_was_paid_out(
    browsing: Browsing, bridge: BridgeProcess, client: httpx.Client
) -> None:
    seller, month = busiest(client)
    page = browsing.page()
    page.goto(f"{bridge.url}/ops/books")
    statement = page.get_by_role("region", name="A seller's statement")
    statement.get_by_label("Seller").fill(seller)
    statement.get_by_label("Month").fill(month)
    statement.get_by_role("button", name="Show").click()
    for name in ("Sales", "Payouts"):
        expect(statement.get_by_role("row", name=name).first).to_be_visible()
    lines = rows_saved(page, statement.get_by_role("button", name="CSV"))
    assert {"sale", "payout"} <= {line["kind"] for line in lines}
    assert {line["kind"] for line in lines} & {"refund", "shortfall", "covered"}


def test_the_days_have_refunds_and_the_lists_every_ending(
    browsing: Browsing, bridge: BridgeProcess, client: httpx.Client
) -> None:
    page = browsing.page()
    page.goto(f"{bridge.url}/ops")
    page.get_by_role("button", name="As a table").click()
    totals = page.get_by_role("region", name="Totals by day")
    days = client.get("/api/ops/totals").raise_for_status().json()["days"]
    least = min(Decimal(one["refunds"]) for one in days if Decimal(one["refunds"]))
    assert least < 1_000  # which is written without a space
    expect(totals).to_contain_text(f"{least}\u00a0USD")
    for status in ("returned", "mismatch", "failed"):
        [*_, row] = client.get("/api/ops/payouts", params={"status": status}).raise_for_status().json()["payouts"]
        page.goto(f"{bridge.url}/ops?status={status}")
        link = page.locator(f"a[href='/ops/payouts/{row['payoutId']}']")
        expect(page.get_by_role("row").filter(has=link)).to_be_visible()
    entries = client.get("/api/ops/entries.csv").raise_for_status().text.splitlines()
    assert {row["kind"] for row in csv.DictReader(entries)} == {kind.value for kind in EntryKind}
