"""The console's lists of a real, running bridge: filters and pages as they stand in an address, and exports."""

import csv
import io
import itertools
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.http.ops.csv import defused
from tests.asking import client_of
from tests.bridge.http.ops.sales import is_completed, register
from tests.made_destinations import destination
from tests.played_shkeeper import KEY, OPERATOR_PASSWORD, PlayedShkeeper, played_shkeeper
from tests.waiting import wait_until

TO = destination("ETH-USDT", "seller")
SELLERS = ("seller-1", "=cmd|'/c calc'!A1", "@seller-3")


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper() as played:
        yield played


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, shkeeper: PlayedShkeeper) -> Any:
    return make_bridge(
        BRIDGE_SHKEEPER_API_KEYS=KEY,
        BRIDGE_SHKEEPER_URL=shkeeper.url,
        BRIDGE_SHKEEPER_USER="admin",
        BRIDGE_SHKEEPER_PASSWORD=OPERATOR_PASSWORD,
    )


@pytest.fixture(scope="module")
def client(bridge: Any, shkeeper: PlayedShkeeper) -> Iterator[httpx.Client]:
    """Of a bridge in whose books are twelve payments, nine of which are paid out."""
    with client_of(bridge.url) as client:
        payments = [
            register(client, number, seller_id=SELLERS[number % len(SELLERS)], amount="10.00") for number in range(12)
        ]
        for payment in payments[:9]:
            shkeeper.transfer(payment["invoices"][0]["address"])
        for payment in payments[:9]:
            wait_until(partial(is_completed, client, payment))
            made = {"paymentId": payment["paymentId"], "coin": "ETH-USDT", "amount": "9.80", "destination": TO}
            client.post("/api/payouts", json={"payouts": [made]}).raise_for_status()
        wait_until(lambda: client.get("/api/ops/payouts?status=completed").json()["total"] == 9)
        yield client


def found(client: httpx.Client, payment: dict[str, Any]) -> dict[str, Any]:
    looked_up: dict[str, Any] = client.get(f"/api/ops/payments/{payment['paymentId']}").raise_for_status().json()
    return looked_up


def pages(client: httpx.Client, kind: str, limit: int) -> Iterator[dict[str, Any]]:
    after: dict[str, str] = {}
    while True:
        page = client.get(f"/api/ops/{kind}", params={"limit": limit, **after}).raise_for_status().json()
        yield page
        if page["next"] is None:
            return
        after = {"after": page["next"]}


@pytest.mark.parametrize(("kind", "count"), [("payouts", 9), ("payments", 12)])
@pytest.mark.parametrize("limit", [1, 3, 4, 9, 1000])
def test_pages_together_are_the_whole_newest_first(client: httpx.Client, kind: str, count: int, limit: int) -> None:
    read = list(pages(client, kind, limit))
    rows = list(itertools.chain.from_iterable(page[kind] for page in read))
    assert {page["total"] for page in read} == {count}
    assert len(read) == -(-count // limit)
    assert len({row["paymentId"] for row in rows}) == len(rows) == count
    assert [row["createdAt"] for row in rows] == sorted((row["createdAt"] for row in rows), reverse=True)


def test_a_payout_is_a_row_by_itself_and_in_the_list(client: httpx.Client) -> None:
    row = client.get("/api/ops/payouts?limit=1").json()["payouts"][0]
    assert row == client.get(f"/api/ops/payouts/{row['payoutId']}").json()
    assert {name: row[name] for name in ("provider", "coin", "amount", "destination", "status", "overdue")} == {
        "provider": "shkeeper",
        "coin": "ETH-USDT",
        "amount": "9.80",
        "destination": TO,
        "status": "completed",
        "overdue": False,
    }
    assert row["taskId"]
    assert len(row["txHashes"]) == 1


def test_a_payment_is_a_row_by_itself_and_in_the_list(client: httpx.Client) -> None:
    rows = client.get("/api/ops/payments").json()["payments"]
    assert [found(client, row) for row in rows] == rows
    paid = [row for row in rows if row["status"] == "completed"]
    assert {(row["received"], row["missing"], row["escrowState"]) for row in paid} == {("10.00", "0.00", "released")}
    assert all(len(row["txHashes"]) == 1 and row["completedAt"] for row in paid)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"status": "completed"}, 9),
        ({"status": "failed,completed"}, 9),
        ({"status": "failed"}, 0),
        ({"status": "", "provider": "", "coin": "", "sellerId": "", "search": " ", "from": "", "to": ""}, 9),
        ({"provider": "shkeeper", "coin": "ETH-USDT"}, 9),
        ({"coin": "BTC"}, 0),
        ({"sellerId": "@seller-3"}, 3),
        ({"search": "seller-3"}, 3),
        ({"search": "SELLER-"}, 6),
        ({"from": "2020-01-01", "to": "2999-12-31"}, 9),
        ({"to": "2020-01-01"}, 0),
        ({"from": "2020-01-01T00:00:00+02:00"}, 9),
        # What stands for any text where a database looks for a pattern stands for itself.
        ({"search": "%"}, 0),
        ({"search": "out_%"}, 0),
        ({"search": "seller_3"}, 0),
        ({"search": "\\"}, 0),
        ({"search": "/c calc"}, 3),
    ],
)
def test_filters_choose(client: httpx.Client, query: dict[str, str], count: int) -> None:
    answer = client.get("/api/ops/payouts", params=query).raise_for_status().json()
    assert (len(answer["payouts"]), answer["total"], answer["next"]) == (count, count, None)
    exported = client.get("/api/ops/payouts.csv", params=query).raise_for_status()
    assert len(list(csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig"))))) == count


LISTS = ("payouts.csv", "payments.csv", "transfers.csv", "entries.csv")


@pytest.mark.parametrize(
    ("name", "ends"),
    [*((name, ("from", "to")) for name in LISTS), ("payments.csv", ("completedFrom", "completedTo"))],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_day_is_whole_where_a_stretch_ends_with_it(
    client: httpx.Client, name: str, ends: tuple[str, str], zone: str
) -> None:
    """All of it is of today, or of yesterday where midnight was just passed, as the zone has them."""

    def rows(begins: date, until: date) -> int:
        query = {ends[0]: begins.isoformat(), ends[1]: until.isoformat(), "timeZone": zone}
        exported = client.get(f"/api/ops/{name}", params=query).raise_for_status().content.decode("utf-8-sig")
        return len(list(csv.DictReader(io.StringIO(exported))))

    today = datetime.now(ZoneInfo(zone)).date()
    day = timedelta(days=1)
    everything = rows(today - 2 * day, today + day)
    assert everything
    assert rows(today - day, today) == everything
    assert rows(today - 9 * day, today - 2 * day) == 0


def test_a_transaction_finds_its_payout_and_its_payment(client: httpx.Client) -> None:
    for kind, name in (("payouts", "payoutId"), ("payments", "paymentId")):
        row = client.get(f"/api/ops/{kind}?status=completed").json()[kind][3]
        tx_hash = row["txHashes"][0]
        assert [one[name] for one in client.get(f"/api/ops/{kind}?search={tx_hash[8:40]}").json()[kind]] == [
            row[name]
        ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("payouts?status=gone", "status"),
        ("payments?status=created", "status"),
        ("payouts?limit=0", "limit"),
        ("payouts?limit=1001", "limit"),
        ("payouts?after=1", "after"),
        ("payouts?after=9999999999999999999999-x", "after"),
        ("payouts?after=999999999999999999-out_1", "after"),
        ("payments?from=yesterday", "from"),
        ("payments?to=2026-02-30", "to"),
        ("payments?to=0001-01-01T00:00:00%2B14:00", "to"),
        ("payments?from=2026-01-01T00:00:00", "from"),
        ("payments?to=1764288000", "to"),
        ("payments.csv?completedTo=20261124", "completedTo"),
        ("payments?status=failed&status=completed", "status"),
        ("payments.csv?problem=any&problem=any", "problem"),
        ("transfers?from=2026-01-01&from=2026-01-02", "from"),
        ("payouts.xlsx?search=&search=x", "search"),
        ("entries.csv?sellerId=a&sellerId=b", "sellerId"),
        ("totals?days=1&days=2", "days"),
        ("payouts?search=%00", "search"),
        (f"payouts.csv?search={'x' * 201}", "search"),
        ("payouts?sellerId=%01", "sellerId"),
        ("payments.csv?currency=%01", "currency"),
    ],
)
def test_a_wrong_query_is_named(client: httpx.Client, query: str, field: str) -> None:
    answer = client.get(f"/api/ops/{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"{field}: ")


@pytest.mark.parametrize("path", ["payouts/out_x", "payments/pay_x", "payouts/out_x/story", "payments/%01/story"])
def test_what_there_is_not_is_not_found(client: httpx.Client, path: str) -> None:
    assert client.get(f"/api/ops/{path}").status_code == 404


def test_exports_hold_every_row_and_no_formula(client: httpx.Client) -> None:
    for kind, name in (("payouts", "payoutId"), ("payments", "paymentId")):
        answer = client.get(f"/api/ops/{kind}.csv").raise_for_status()
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.headers["content-disposition"] == f'attachment; filename="{kind}.csv"'
        # Spreadsheets know by its first bytes that it is UTF-8, and one mark is enough.
        assert (answer.content[:3], answer.text.count("\ufeff")) == (b"\xef\xbb\xbf", 1)
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        listed = client.get(f"/api/ops/{kind}").json()[kind]
        assert [row[name] for row in rows] == [row[name] for row in listed]
        assert rows[0].keys() == listed[0].keys()
        assert {row["sellerId"] for row in rows} == {"seller-1", "'=cmd|'/c calc'!A1", "'@seller-3"}
        assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


@given(st.text(), st.sampled_from(["", "=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"]))
def test_no_cell_begins_a_formula_and_every_cell_can_be_read_back(text: str, begin: str) -> None:
    cell = defused(begin + text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert cell.replace("'", "") == (begin + text).replace("'", "")


BLANKS = st.text(alphabet=" \t\xa0", max_size=2)


@given(
    st.lists(
        st.tuples(
            BLANKS, st.sampled_from(["", "=", "+1", "-", "@", "＝", "a", "'", '"', ","]), st.sampled_from(";\t\r\n")
        )
    )
)
@example([("", "a", ";"), ("", "=", "\n")])
@example([(" ", "=", ";")])
def test_no_cell_begins_a_formula_behind_a_blank_or_for_who_splits_at_semicolons_or_tabs(
    parts: list[tuple[str, str, str]],
) -> None:
    cell = defused("".join(itertools.chain.from_iterable(parts)))
    pieces = [cell, *re.split(r"[;\t\r\n]", cell)]
    assert not [piece for piece in pieces if piece.strip().startswith(("=", "+", "-", "@", "＝"))]


def test_attention_of_a_good_day(client: httpx.Client) -> None:
    assert client.get("/api/ops/attention").json() == {
        "items": [],
        "leftOut": [],
        "awaitingAddress": 0,
        "elsewhere": {},
    }


def facts_of(bridge: Any, payment_id: str, facts: str | None = None) -> str:
    """What is stored of a payment; with `facts`, that from then on, as somebody's hand would write it."""
    with closing(sqlite3.connect(bridge.database)) as database, database:
        [(stored,)] = database.execute("SELECT facts FROM payments WHERE payment_id = ?", [payment_id])
        if facts is not None:
            database.execute("UPDATE payments SET facts = ? WHERE payment_id = ?", [facts, payment_id])
    return str(stored)


def test_what_cannot_be_read_is_named_everywhere_and_hides_nothing_else(client: httpx.Client, bridge: Any) -> None:
    rows = client.get("/api/ops/payments").json()["payments"]
    spoiled = next(row for row in rows if row["status"] == "completed")
    payment_id = spoiled["paymentId"]
    before = facts_of(bridge, payment_id, "{}}")
    said = f"What is stored of payment {payment_id} cannot be read."
    try:
        page = client.get("/api/ops/payments").raise_for_status().json()
        assert page["payments"] == [row for row in rows if row != spoiled]
        assert [(one["id"], one["detail"]) for one in page["unreadable"]] == [(payment_id, said)]
        assert page["total"] == len(rows)
        paged = [one["id"] for part in pages(client, "payments", 1) for one in part["unreadable"]]
        assert paged == [payment_id]
        lines = list(csv.reader(io.StringIO(client.get("/api/ops/payments.csv").content.decode("utf-8-sig"))))
        assert len(lines) == 1 + len(rows)
        assert [line for line in lines if line[0] == payment_id] == [[payment_id, said]]
        assert client.get("/api/ops/payments.xlsx").raise_for_status().content
        assert client.get("/api/ops/transfers").raise_for_status().json()["unreadable"] == page["unreadable"]
        listed = client.get("/api/payments", params={"sellerId": spoiled["sellerId"]}).raise_for_status().json()
        assert [one["id"] for one in listed["unreadable"]] == [payment_id]
        assert listed["payments"]
        alone = client.get(f"/api/payments/{payment_id}")
        assert (alone.status_code, alone.json()["code"]) == (500, "unreadable")
        assert said in alone.json()["detail"]

        def items() -> list[dict[str, Any]]:
            found = client.get("/api/ops/attention").raise_for_status().json()["items"]
            return [one for one in found if one["kind"] == "row-unreadable"]

        [item] = wait_until(items)
        assert (item["title"] + ".", item["paymentId"], item["severity"]) == (said, payment_id, "critical")
        counted = 'bridge_attention{kind="row-unreadable"} 1.0'
        wait_until(lambda: counted in client.get("/metrics").text)
    finally:
        facts_of(bridge, payment_id, before)
    wait_until(lambda: not items())
    assert client.get("/api/ops/payments").json() == {**page, "payments": rows, "unreadable": []}
