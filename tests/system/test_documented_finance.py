"""Closing a month as docs/finance.md says: every request of it is sent as it stands there, in its order, and for the
days of the demonstration's past; every sum that it names holds."""

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import httpx
import pytest

from bridge.cli.demo.past import play_past
from tests.asking import client_of
from tests.conftest import StartBridge
from tests.documented import chapters_of
from tests.played_shkeeper import KEY

PAGE = "finance.md"
CHAPTERS = ("The month, step by step", "Wallets", "Network fees")
MOVED = {"wallet": "shkeeper", "coin": "ETH-USDT", "direction": "out", "amount": "5", "seen": True}
MOVED |= {"reason": "to the cold wallet", "by": "Ada"}
# What stands in a request for a day or a month of one's own.
FIRST, LAST, DAY, MONTH = "2026-11-01", "2026-11-30", "2026-11-24", "month=2026-11"


class Asked(NamedTuple):
    """One request of the page."""

    method: str
    name: str
    form: str
    """`.csv` or `.xlsx`; nothing for JSON."""
    query: str


def requests_of_page() -> list[Asked]:
    """All of them in their order. One without a query has that of the one before, as the page says it."""
    found: list[Asked] = []
    for chapter in CHAPTERS:
        for span in re.findall(r"`([^`]+)`", chapters_of(PAGE)[chapter]):
            whole = re.fullmatch(r"(?:(GET|POST) )?/api/ops/([a-z-]+)()(\?\S+)?", span)
            part = re.fullmatch(r"()([a-z-]*)(\.csv|\.xlsx)(\?\S+)?", span)
            if more := re.fullmatch(r"…(&\S+)", span):
                found.append(found[-1]._replace(query=found[-1].query + more[1]))
            elif one := whole or part:
                before = found[-1] if found else None
                query = one[4] or (before.query if before and one[1] != "POST" else "")
                found.append(Asked(one[1] or "GET", one[2] or (before.name if before else ""), one[3], query))
    return found


def sums_of_page() -> list[tuple[str, list[tuple[int, str]]]]:
    """Every sum of a day that the page names, such as `netSales` = `sales` − `refunds`, or that is the same."""
    text = " ".join(chapters_of(PAGE)["The month, step by step"].split())
    text = text.replace(", and the same is ", ". `held` = ")
    found = []
    for name, sum_ in re.findall(r"`(\w+)` = (`\w+`(?: [+−] `\w+`)+)", text):
        found.append((name, [(-1 if sign == "−" else 1, one) for sign, one in re.findall(r"([+−]?) ?`(\w+)`", sum_)]))
    return found


@pytest.fixture(scope="module")
def client(make_bridge: StartBridge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Of a bridge in whose books are some days of sales, and all that came after them."""
    folder: Path = tmp_path_factory.mktemp("past")
    url = f"sqlite:///{folder / 'bridge.db'}"
    asyncio.run(play_past(url, KEY, days=4, random=Random(7)))
    bridge = make_bridge(BRIDGE_DATABASE_URL=url, BRIDGE_SHKEEPER_API_KEYS=KEY)
    with client_of(bridge.url) as client:
        yield client


@pytest.fixture(scope="module")
def days(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/ops/totals").raise_for_status().json()["days"]
    return found


def answered(client: httpx.Client, asked: Asked) -> httpx.Response:
    content = {"json": MOVED} if asked.name == "wallet-movements" else {}
    address = f"/api/ops/{asked.name}{asked.form}{asked.query}"
    return client.request(asked.method, address, **content).raise_for_status()  # type: ignore[arg-type]


def in_own_days(asked: Asked, days: list[dict[str, Any]]) -> Asked:
    """The same about days on which something was sold; the last is that of whoever asks."""
    of_sales = [one["date"] for one in days if one["salesCount"]]
    today = f"{datetime.now(UTC):%F}"
    query = asked.query.replace(FIRST, of_sales[0]).replace(LAST, today).replace(DAY, of_sales[1])
    return asked._replace(query=query.replace(MONTH, f"month={of_sales[1][:7]}"))


def test_the_page_has_a_request_for_every_list_and_file_of_the_books() -> None:
    names = {f"{one.method} {one.name}{one.form}" for one in requests_of_page()}
    assert names >= {
        *(f"GET {name}" for name in ("totals", "statement", "network-fees", "reconciliation", "payouts")),
        *(f"GET {name}.csv" for name in ("totals", "payments", "transfers", "statement", "entries", "payouts")),
        *(f"GET {name}.{form}" for name in ("network-fees", "reconciliation") for form in ("csv", "xlsx")),
        *("GET totals.xlsx", "GET statement.xlsx", "POST reconciliation", "POST wallet-movements"),
    }


@pytest.mark.parametrize("number", range(len(requests_of_page())))
def test_every_request_is_answered_as_it_stands_there_and_has_rows_for_ones_own_days(
    client: httpx.Client, days: list[dict[str, Any]], number: int
) -> None:
    asked = requests_of_page()[number]
    answered(client, asked)
    answer = answered(client, in_own_days(asked, days))
    if asked.form == ".csv":
        assert list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    elif asked.form == ".xlsx":
        assert answer.content.startswith(b"PK")
    elif asked.method == "GET":
        lists = [value for value in answer.json().values() if isinstance(value, list)]
        assert any(lists)


def test_every_sum_that_the_page_names_holds_on_every_day(days: list[dict[str, Any]]) -> None:
    *sums, of_statement = sums_of_page()
    assert [name for name, _ in sums] == ["netSales", "received", "held", "held"]
    assert of_statement[0] == "closing"
    for day in days:
        for name, parts in sums:
            assert Decimal(day[name]) == sum(sign * Decimal(day[one]) for sign, one in parts), (day["date"], name)
    # None of them holds since there is nothing.
    for name in ("refunds", "shortfall", "covered", "payouts", "fees", "excess", "sentBack"):
        assert any(Decimal(day[name]) for day in days), name


def test_a_days_sales_are_those_of_its_payments_and_its_entries(
    client: httpx.Client, days: list[dict[str, Any]]
) -> None:
    """Steps 1 and 5."""
    for day in days:
        date = day["date"]
        sold = answered(client, Asked("GET", "payments", ".csv", f"?completedFrom={date}&completedTo={date}"))
        entries = answered(client, Asked("GET", "entries", ".csv", f"?from={date}&to={date}"))
        for rows, column, wanted in ((sold, "sold", None), (entries, "amount", "sale")):
            lines = csv.DictReader(io.StringIO(rows.content.decode("utf-8-sig")))
            amounts = [Decimal(line[column]) for line in lines if wanted in (None, line.get("kind"))]
            assert sum(amounts) == Decimal(day["sales"]), date


def test_the_statements_of_all_sellers_are_the_days(client: httpx.Client, days: list[dict[str, Any]]) -> None:
    """Step 4."""
    *_, (name, parts) = sums_of_page()
    owed = []
    for number in range(1, 9):
        for month in {day["date"][:7] for day in days}:
            asked = Asked("GET", "statement", "", f"?sellerId=seller-{number}&month={month}")
            for one in answered(client, asked).json()["currencies"]:
                assert Decimal(one[name]) == sum(sign * Decimal(one[part]) for sign, part in parts)
                owed.append(Decimal(one["owed"]))
    assert sum(owed) == sum(Decimal(day["owed"]) for day in days)
