"""Totals, statements and exports of a real, running bridge: they agree with each other, whatever form they are in."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from providers.shkeeper.simulator.terms.daemons import State
from tests.asking import client_of
from tests.bridge.http.ops.sales import is_completed, register
from tests.bridge.http.ops.sheets import rows_of
from tests.made_destinations import destination
from tests.played_shkeeper import KEY, OPERATOR_PASSWORD, PlayedShkeeper, played_shkeeper
from tests.waiting import wait_until

TO = destination("ETH-USDT", "seller")
SELLERS = ("seller-1", "=1+1", "007")
FAR = "Pacific/Kiritimati"
"""Where it is the next day for most of the day."""


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper() as played:
        yield played


@pytest.fixture(scope="module")
def client(make_bridge: Any, shkeeper: PlayedShkeeper) -> Iterator[httpx.Client]:
    """Of a bridge in whose books are four sales, the first of which is paid out in part."""
    bridge = make_bridge(
        BRIDGE_SHKEEPER_API_KEYS=KEY,
        BRIDGE_SHKEEPER_URL=shkeeper.url,
        BRIDGE_SHKEEPER_USER="admin",
        BRIDGE_SHKEEPER_PASSWORD=OPERATOR_PASSWORD,
        BRIDGE_TIME_ZONE=FAR,
        BRIDGE_WALLETS='{"gathering_minutes": 0}',
    )
    with client_of(bridge.url) as client:
        payments = [
            register(client, number, seller_id=SELLERS[number % len(SELLERS)], amount="49.90") for number in range(4)
        ]
        for payment in payments:
            shkeeper.transfer(payment["invoices"][0]["address"])
        for payment in payments:
            wait_until(partial(is_completed, client, payment))
        made = {"paymentId": payments[0]["paymentId"], "coin": "ETH-USDT", "amount": "9.80", "destination": TO}
        client.post("/api/payouts", json={"payouts": [made]}).raise_for_status()
        wait_until(lambda: client.get("/api/ops/payouts?status=completed").json()["total"] == 1)
        yield client


def got(client: httpx.Client, path: str, **query: str) -> Any:
    return client.get(f"/api/ops/{path}", params=query).raise_for_status().json()


def lines(client: httpx.Client, path: str, **query: str) -> list[dict[str, str]]:
    answer = client.get(f"/api/ops/{path}.csv", params=query).raise_for_status()
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def cells(client: httpx.Client, path: str, **query: str) -> list[dict[str, tuple[str, str]]]:
    """The rows of a workbook: of each cell its kind and what it says."""
    answer = client.get(f"/api/ops/{path}.xlsx", params=query).raise_for_status()
    assert answer.headers["content-disposition"] == f'attachment; filename="{path}.xlsx"'
    return [{name: (cell.kind, cell.text) for name, cell in row.items()} for row in rows_of(answer.content)]


def month(zone: str) -> str:
    return f"{datetime.now(ZoneInfo(zone)):%Y-%m}"


def test_the_day_is_the_same_in_every_form(client: httpx.Client) -> None:
    totals = got(client, "totals")
    assert totals["timeZone"] == FAR
    days = totals["days"]
    assert sum(one["salesCount"] for one in days) == 4
    assert sum(Decimal(one["sales"]) for one in days) == Decimal("199.60")
    assert sum(Decimal(one["payouts"]) for one in days) == Decimal("9.80")
    assert all(re.fullmatch(r"-?[0-9]+\.[0-9]{2,}", one["sales"]) for one in days)
    for one in days:
        held = sum(Decimal(one[name]) for name in ("owed", "fees", "excess", "unsold"))
        held -= Decimal(one["sentBack"]) + Decimal(one["covered"])
        assert held == Decimal(one["held"])
    as_lines = lines(client, "totals")
    assert as_lines == [{name: str(value) for name, value in one.items()} for one in days]
    for row, line in zip(cells(client, "totals"), as_lines, strict=True):
        assert row["currency"] == ("inlineStr", "USD")
        assert row["sales"][0] == "n"
        assert row["sales"][1] == line["sales"]


def test_days_are_those_of_the_zone(client: httpx.Client) -> None:
    for zone in (FAR, "Pacific/Pago_Pago", "UTC"):
        days = got(client, "totals", timeZone=zone)["days"]
        sold = lines(client, "payments", status="completed", timeZone=zone)
        by_completion = [datetime.fromisoformat(row["completedAt"]).astimezone(ZoneInfo(zone)) for row in sold]
        dates = {f"{at:%Y-%m-%d}" for at in by_completion}
        assert {one["date"] for one in days if one["salesCount"]} == dates
        for date in dates:
            query = {"completedFrom": date, "completedTo": date, "timeZone": zone}
            [of_day] = [one for one in days if one["date"] == date]
            assert got(client, "payments", **query)["total"] == of_day["salesCount"]
            assert len(got(client, "totals", **{"from": date, "to": date, "timeZone": zone})["days"]) == 1
    before = f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%d}"
    assert got(client, "payments", completedTo=before)["total"] == 0


def test_a_statement_is_its_lines(client: httpx.Client) -> None:
    for seller in SELLERS:
        query = {"sellerId": seller, "month": month(FAR)}
        [statement] = got(client, "statement", **query)["currencies"]
        found = lines(client, "statement", **query)
        assert (statement["opening"], statement["closing"]) == ("0.00", statement["owed"])
        # What all have paid, and what is held for all, says nothing of one seller.
        assert statement.keys().isdisjoint({"received", "unsold", "held", "excess", "fees", "sentBack"})
        # What the network took is told in its coin, once it is known, and is owed to nobody.
        taken = [line for line in found if line["kind"] in ("network-fee", "fee-unknown")]
        assert all(Decimal(line["owed"]) == 0 for line in taken)
        found = [line for line in found if line not in taken]
        assert Decimal(found[-1]["balance"]) == Decimal(statement["closing"])
        assert {(line["kind"], line["owed"]) for line in found} <= {("sale", "49.90"), ("payout", "-9.80")}
    assert got(client, "statement", sellerId="nobody", month="2026-01")["currencies"] == []


def test_entries_are_behind_the_totals(client: httpx.Client) -> None:
    entries = lines(client, "entries")
    sums: dict[str, Decimal] = {}
    for entry in entries:
        sums[entry["kind"]] = sums.get(entry["kind"], Decimal()) + Decimal(entry["amount"])
    days = got(client, "totals")["days"]
    for kind, name in (("sale", "sales"), ("payout", "payouts"), ("received", "received")):
        assert sums[kind] == sum(Decimal(one[name]) for one in days)
    assert sums["coin-out"] == Decimal("9.80")
    assert {entry["wallet"] for entry in entries if entry["kind"].startswith("coin")} == {"shkeeper"}
    assert {entry["sellerId"] for entry in entries} == {"", "seller-1", "'=1+1", "007"}
    came = sum(Decimal(entry["amount"]) for entry in entries if entry["kind"] == "coin-in")
    [wallet] = got(client, "wallets")["wallets"]
    assert (wallet["wallet"], wallet["coin"]) == ("shkeeper", "ETH-USDT")
    assert Decimal(wallet["booked"]) == came - Decimal("9.80")
    assert lines(client, "entries", sellerId="007", to="2020-01-01") == []


def test_every_transfer_is_a_row(client: httpx.Client) -> None:
    rows = got(client, "transfers", limit="3")
    assert (len(rows["transfers"]), rows["next"] is None) == (3, False)
    found = lines(client, "transfers")
    assert len(found) == 4
    hashes = {tx_hash for row in got(client, "payments")["payments"] for tx_hash in row["txHashes"]}
    assert {row["txHash"] for row in found} == hashes
    for row in found:
        assert (row["coin"], row["currency"], row["confirmed"]) == ("ETH-USDT", "USD", "true")
        assert Decimal(row["coinAmount"]) * Decimal(row["rate"]) == Decimal(row["value"])


def test_a_workbook_has_text_as_text_and_no_formula(client: httpx.Client) -> None:
    rows = cells(client, "payments")
    assert {row["sellerId"] for row in rows} == {("inlineStr", seller) for seller in SELLERS}
    assert {row["amount"][1] for row in rows} == {"49.90"}
    assert {row["amount"][0] for row in rows} == {"n"}
    assert all(40_000 < Decimal(row["completedAt"][1]) < 80_000 for row in rows)


def test_where_nobody_says_what_the_network_took_that_is_what_is_said(client: httpx.Client) -> None:
    def unknown() -> Any:
        return got(client, "payouts?status=completed")["payouts"][0]["networkFeeUnknown"]

    wait_until(unknown)
    assert "shkeeper does not say what the network took" in unknown()
    [row] = lines(client, "payouts")
    assert (row["networkFee"], row["networkFeeUnknown"]) == ("", unknown())
    [day] = got(client, "network-fees")["days"]
    assert (day["coin"], day["fees"], day["unknownCount"], day["sentUnknown"]) == ("ETH-USDT", "0", 1, "9.80")
    [line] = lines(client, "network-fees")
    assert line["sentUnknown"] == "9.80"
    assert cells(client, "network-fees")[0]["sentUnknown"] == ("n", "9.80")
    assert "fee-unknown" in {one["kind"] for one in lines(client, "entries")}
    [wallet] = [one for one in got(client, "wallets")["wallets"] if one["coin"] == "ETH-USDT"]
    assert (wallet["networkFees"], wallet["feeUnknown"]) == ("0", "9.80")


def test_wallets_are_compared_on_request_and_what_moved_besides_is_on_record(
    client: httpx.Client, shkeeper: PlayedShkeeper
) -> None:
    def compared() -> Any:
        wallets = client.post("/api/ops/reconciliation").raise_for_status().json()["wallets"]
        [found] = [one["comparison"] for one in wallets if one["coin"] == "ETH-USDT"]
        return found

    first = compared()
    day = f"{datetime.fromisoformat(first['comparedAt']).astimezone(ZoneInfo(FAR)):%F}"
    assert (first["standing"], first["difference"], first["day"]) == ("agrees", "0", day)
    daemon = shkeeper.gateway.daemons.by_coin["ETH-USDT"]
    daemon.balance -= 50_000
    assert (compared()["standing"], compared()["difference"]) == ("differs", "-50000.00")
    daemon.state = State.DOWN
    unknown = compared()
    assert (unknown["standing"], unknown["held"]) == ("unknown", None)
    assert "Offline" in unknown["unknownBecause"]
    daemon.state = State.WELL
    assert compared()["standing"] == "differs"
    moved = {"wallet": "shkeeper", "coin": "ETH-USDT", "direction": "out", "amount": "50000", "by": "Ada"}
    said, key = moved | {"reason": "to the cold wallet"}, {"Idempotency-Key": "withdrawal-7"}
    too_many = client.post("/api/ops/wallet-movements", json=said | {"amount": "500000"}, headers=key)
    assert (too_many.status_code, too_many.json()["code"]) == (409, "movement_doubted")
    for amount in ("50000", "50000.00"):
        noted = client.post(
            "/api/ops/wallet-movements", json=said | {"amount": amount}, headers=key
        ).raise_for_status()
        assert (noted.json()["action"] is None) == (amount == "50000.00")
    other = client.post("/api/ops/wallet-movements", json=said | {"amount": "5"}, headers=key)
    assert (other.status_code, noted.json()["message"]) == (
        422,
        "It was noted already; nothing was noted once more.",
    )
    assert compared()["standing"] == "agrees"
    [latest, *_, oldest] = got(client, "wallet-movements")["movements"]
    assert (latest["amount"], latest["notedBy"], latest["reason"]) == ("-50000", "Ada", "to the cold wallet")
    assert oldest["notedBy"] == "the bridge"
    assert got(client, "actions")["actions"][0]["action"] == "wallet-movement"
    rows = got(client, "reconciliation")
    assert rows["timeZone"] == FAR
    of_coin = [one for one in rows["comparisons"] if one["coin"] == "ETH-USDT"]
    assert [one["standing"] for one in of_coin] == ["agrees"]
    [line] = [one for one in lines(client, "reconciliation") if one["coin"] == "ETH-USDT"]
    assert (line["held"], line["difference"]) == (of_coin[0]["held"], "0")
    [row] = [one for one in cells(client, "reconciliation") if one["coin"][1] == "ETH-USDT"]
    assert row["held"][1] == line["held"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"coin": "NOPE"}, "coin"),
        ({"wallet": "ethereum:0x0"}, "coin"),
        ({"amount": "0"}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"amount": "1.0000001"}, "amount"),
        ({"amount": "1e80"}, "amount"),
        ({"direction": "sideways"}, "direction"),
        ({"reason": ""}, "reason"),
        ({"by": None}, "by"),
    ],
)
def test_a_movement_that_makes_no_sense_is_refused(client: httpx.Client, changes: Any, field: str) -> None:
    moved = {"wallet": "shkeeper", "coin": "ETH-USDT", "direction": "in", "amount": "1", "reason": "x", "by": "Ada"}
    answer = client.post("/api/ops/wallet-movements", json=moved | changes)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("reconciliation?from=yesterday", "from"),
        ("reconciliation.csv?days=0", "days"),
        ("totals?timeZone=Mars/Base", "timeZone"),
        ("totals?days=0", "days"),
        ("totals?from=yesterday", "from"),
        ("totals?from=2026-02-01&to=2026-01-01", "from"),
        ("totals?from=2020-01-01&to=2026-01-01", "from"),
        ("totals?to=9999-12-31", "from"),
        ("payments?completedFrom=2026-13-01", "completedFrom"),
        ("payments.csv?completedFrom=2026-11-25&completedTo=2026-11-24", "completedFrom"),
        ("payments?from=2026-11-25T10:00:00Z&to=2026-11-25T09:00:00Z", "from"),
        ("transfers.csv?from=2026-11-25&to=2026-11-24", "from"),
        ("payouts.xlsx?from=2026-11-25&to=2026-11-24", "from"),
        ("statement?sellerId=s1&month=May", "month"),
        ("statement?sellerId=%20&month=2026-05", "sellerId"),
        ("entries.csv?to=never", "to"),
        ("entries.csv?from=2026-02-01&to=2026-01-01", "from"),
        ("attention?state=x", "state"),
        ("attention?assignedTo=%00", "assignedTo"),
        ("payouts.xlsx?timeZone=..", "timeZone"),
    ],
)
def test_a_wrong_query_is_named(client: httpx.Client, path: str, field: str) -> None:
    answer = client.get(f"/api/ops/{path}")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"{field}: ")
