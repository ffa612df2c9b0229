"""Any books: whatever happens in a shop, every list, total, statement and export says what plain books say, to the
cent, whichever days it is asked for."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.journal import Journal
from coordinator.payouts.earnings import escrow_of
from tests.bridge.http.ops.finance import Asked, Finance, Row, added, asked_of, without_nothing
from tests.bridge.http.ops.plain_books import COINS, CURRENCIES, FEES, Line, total
from tests.bridge.http.ops.shop import SELLERS, Happening, Shop
from tests.bridge.journal.conftest import NOW
from tests.clock import Clock
from tests.conftest import IS_LONG

ZONES = ("UTC", "Asia/Tokyo", "America/New_York", "Asia/Kathmandu", "Europe/Berlin")
FIRST_DAY = date(2026, 4, 29)
# What entries are called where they are added up, by the names of what they are in.
NAMES = {
    "sale": "sales",
    "refund": "refunds",
    "shortfall": "shortfall",
    "covered": "covered",
    "payout": "payouts",
    "received": "received",
    "fee": "fees",
    "excess": "excess",
    "sent-back": "sentBack",
}
OWED = {"sale": 1, "shortfall": -1, "covered": 1, "refund": -1, "payout": -1}
OWED_NAMES = ("sales", "shortfall", "covered", "refunds", "payouts", "owed")
FEE_NAMES = {"network-fee": "fees", "fee-unknown": "sentUnknown"}


# What happens

PARTS = st.sampled_from(("1", "0.5", "0.333")).map(Decimal)
SALES = st.tuples(
    st.sampled_from(tuple(CURRENCIES)),
    st.sampled_from(tuple(COINS)),
    st.sampled_from(("49.90", "10.00", "23.57", "120.00")).map(Decimal),
    st.sampled_from(tuple(FEES)),
    st.sampled_from((Decimal(0), Decimal(5))),
    st.booleans(),
)
HOW: dict[str, st.SearchStrategy[Any]] = {
    "sale": SALES,
    "comes": st.sampled_from(("all", "all", "half", "short", "over")),
    "foreign": st.none(),
    "accepted": st.none(),
    "cancelled": st.none(),
    "refund": st.tuples(st.sampled_from(("goods", "goods", "excess")), PARTS),
    "payout": PARTS,
    "given-back": PARTS,
    "disputed": st.tuples(st.sampled_from(("open", "won", "lost", "lost")), PARTS),
    "outcome": st.sampled_from(("arrived", "arrived", "sent", "failed", "unclear", "mismatch")),
    "resolved": st.sampled_from(("sent", "not-sent", "arrived", "returned")),
    "back": st.none(),
    "charged": st.sampled_from((None, Decimal("0.0021"), Decimal("0.000000000000000001"))),
    "compared": st.sampled_from(("0", "5", "-3.5")).map(Decimal),
    "moved": st.sampled_from(("12.5", "-2")).map(Decimal),
    "later": st.none(),
}


def happening(what: str) -> st.SearchStrategy[Happening]:
    # Hours, of which some cross a month; or which one it is, of those that there are.
    which = st.sampled_from((0, 3, 30, 200, 400)) if what == "later" else st.integers(0, 11)
    return st.builds(Happening, st.just(what), which, HOW[what])


# Money has to come before it can go anywhere: what is sold first is mostly paid.
OPENING = st.lists(happening("sale"), min_size=3, max_size=5)
PAYING = st.lists(happening("comes"), min_size=2, max_size=6)
OFTEN = ("comes", "payout", "payout", "outcome", "outcome", "outcome", "refund", "refund", "later", "charged")
REST = st.lists(st.sampled_from((*OFTEN, *HOW)).flatmap(happening), min_size=12, max_size=50 if IS_LONG else 30)
STORY = [
    Happening("sale", 0, ("USD", "ETH-USDT", Decimal("49.90"), "percent", Decimal(5), False)),
    Happening("sale", 0, ("EUR", "BTC", Decimal("120.00"), "percent-at-least-fixed", Decimal(0), True)),
    Happening("sale", 0, ("KWD", "TRX", Decimal("23.57"), "fixed", Decimal(5), False)),
    Happening("sale", 0, ("USD", "TRX", Decimal("10.00"), "none", Decimal(5), True)),
    Happening("comes", 0, "over"),
    Happening("comes", 1, "half"),
    Happening("comes", 2, "half"),
    Happening("comes", 3, "short"),
    Happening("foreign", 1),
    Happening("later", 200),
    Happening("payout", 0, Decimal("0.5")),
    Happening("payout", 3, Decimal(1)),
    Happening("accepted", 1),
    Happening("refund", 2, ("goods", Decimal(1))),
    Happening("refund", 0, ("excess", Decimal(1))),
    Happening("refund", 0, ("goods", Decimal("0.333"))),
    Happening("payout", 1, Decimal(1)),
    *(Happening("outcome", number, "arrived") for number in (0, 1, 2, 3)),
    Happening("outcome", 4, "mismatch"),
    Happening("outcome", 5, "unclear"),
    Happening("later", 400),
    Happening("comes", 1, "all"),
    Happening("resolved", 4, "arrived"),
    Happening("resolved", 5, "not-sent"),
    Happening("charged", 0, Decimal("0.0021")),
    Happening("charged", 2),
    Happening("compared", 0, Decimal(5)),
    Happening("back", 0),
    Happening("later", 300),
    Happening("compared", 0, Decimal("-3.5")),
    Happening("moved", 0, Decimal(-2)),
    Happening("disputed", 0, ("open", Decimal("0.5"))),
    Happening("disputed", 1, ("open", Decimal(1))),
    Happening("disputed", 3, ("open", Decimal("0.333"))),
    Happening("given-back", 3, Decimal("0.5")),
    Happening("disputed", 0, ("won", Decimal(1))),
    Happening("later", 30),
    Happening("disputed", 1, ("lost", Decimal(1))),
    Happening("disputed", 3, ("lost", Decimal(1))),
    Happening("given-back", 0, Decimal(1)),
    Happening("given-back", 1, Decimal("0.5")),
    Happening("sale", 0, ("USD", "ETH-USDT", Decimal("10.00"), "none", Decimal(0), False)),
    Happening("comes", 4, "over"),
    Happening("given-back", 4, Decimal(1)),
]


# What has to hold


async def at_every_moment(shop: Shop, finance: Finance) -> None:
    """Received is held, released, refunded, fee and excess: of each payment, and of all in each currency."""
    held: dict[tuple[str], Decimal] = defaultdict(Decimal)
    for sale in shop.plain.sales:
        record = await shop.journal.payment_record(sale.payment_id)
        assert record is not None
        payouts = [one.payout for one in await shop.journal.payouts.of_payment(sale.payment_id)]  # type: ignore[union-attr]
        where = sale.where()
        found = escrow_of(record.payment, payouts)._asdict()
        assert {name: found[name] for name in where} == where, sale
        out = ("held", "released", "refunded", "fee", "excess")
        assert total([where["received"], where["overdrawn"]]) == total(where[name] for name in out)
        held[(sale.currency,)] += where["held"] + where["fee"] + where["excess"] - where["overdrawn"]
    days = (await finance.sees("totals", **since_ever(shop)))["days"]
    assert added(days, "currency", name="held") == without_nothing(held)
    for one in days:
        came, went, owned = (
            total(Decimal(one[name]) for name in names)
            for names in (
                ("received",),
                ("refunds", "payouts", "sentBack"),
                ("owed", "fees", "excess", "unsold"),
            )
        )
        assert Decimal(one["held"]) == came - went == owned - Decimal(one["sentBack"]) - Decimal(one["covered"])


def since_ever(shop: Shop) -> dict[str, str]:
    return {"from": f"{FIRST_DAY}", "to": f"{(shop.now + timedelta(days=2)):%F}"}


async def every_file_agrees(shop: Shop, finance: Finance, zone_name: str, border: date) -> None:
    border = min(border, shop.now.date())
    before = {"from": f"{FIRST_DAY}", "to": f"{border}", "timeZone": zone_name}
    after = {"from": f"{border + timedelta(days=1)}", "to": since_ever(shop)["to"], "timeZone": zone_name}
    at, lines = ZoneInfo(zone_name), shop.plain.lines
    days = [row for query in (before, after) for row in await finance.takes_what_it_sees("totals", "days", **query)]
    for kind, name in NAMES.items():
        assert added(days, "date", "currency", name=name) == by_day(lines, at, [kind]), kind
    charged = [
        row for query in (before, after) for row in await finance.takes_what_it_sees("network-fees", "days", **query)
    ]
    for kind, name in FEE_NAMES.items():
        assert added(charged, "date", "coin", name=name) == by_day(lines, at, [kind])
    entries = [row for query in (before, after) for row in await finance.takes("entries", **query)]
    assert len({row["entryId"] for row in entries}) == len(entries)
    entered = [{**row, "date": f"{datetime.fromisoformat(row['enteredAt']).astimezone(at):%F}"} for row in entries]
    of_lines: dict[Any, Decimal] = defaultdict(Decimal)
    for line in lines:
        of_lines[f"{line.at.astimezone(at):%F}", line.payment_id, *line.under] += line.amount
    named = ("date", "paymentId", "kind", "unit", "sellerId")
    assert added(entered, *named, name="amount") == without_nothing(of_lines)
    await the_lists_are_the_books(shop, finance, days, at)
    await statements_are_the_days(shop, finance, days, at)
    await wallets_are_what_came_and_went(shop, finance)


def by_day(lines: Sequence[Line], at: ZoneInfo, kinds: Sequence[str]) -> dict[Any, Decimal]:
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.under.kind in kinds:
            sums[f"{line.at.astimezone(at):%F}", line.under.unit] += line.amount
    return without_nothing(sums)


async def the_lists_are_the_books(shop: Shop, finance: Finance, days: Sequence[Row], at: ZoneInfo) -> None:
    plain = {sale.payment_id: sale for sale in shop.plain.sales}
    payments = await finance.turns_pages("payments")
    assert {row["paymentId"] for row in payments} == plain.keys()
    for row in payments:
        sale, where = plain[row["paymentId"]], plain[row["paymentId"]].where()
        shown = {name: Decimal(row[name]) for name in ("sold", "received", "fee", "excess", "refunded")}
        assert shown == {
            "sold": sale.amount if sale.sold_at else 0,
            "received": sale.received,
            "fee": sale.fee,
            "excess": sale.excess,
            "refunded": where["refunded"],
        }
        assert (row["completedAt"] is None) == (sale.sold_at is None)
    # The payments behind a day's sales add up to it.
    for (day, currency), amount in added(days, "date", "currency", name="sales").items():
        query = {"completedFrom": day, "completedTo": day, "timeZone": at.key, "currency": currency}
        assert total(Decimal(row["sold"]) for row in await finance.takes("payments", **query)) == amount
    transfers = await finance.turns_pages("transfers")
    values = {(name,): sale.paid for name, sale in plain.items() if sale.paid}
    assert added(transfers, "paymentId", name="value") == values
    lines = [{**line.under._asdict(), "amount": line.amount} for line in shop.plain.lines]
    came = added([line for line in lines if line["kind"] == "coin-in"], "unit", name="amount")
    assert added(transfers, "coin", name="coinAmount") == came
    payouts = await finance.turns_pages("payouts")
    standing = {out.payout_id: out for out in shop.plain.payouts}
    assert {row["payoutId"] for row in payouts} == standing.keys()
    arrived = [row for row in payouts if row["status"] == "completed"]
    assert {row["payoutId"] for row in arrived} == {
        name for name, out in standing.items() if out.standing == "arrived"
    }
    went = added([line for line in lines if line["kind"] == "coin-out"], "unit", name="amount")
    assert added(arrived, "coin", name="amount") == went
    paid_out = added([row for row in arrived if row["refundId"] is None], "worthCurrency", name="worth")
    assert paid_out == added(days, "currency", name="payouts")
    back = added([row for row in arrived if row["refundId"] is not None], "worthCurrency", name="worth")
    gone = [{**row, "back": Decimal(row["refunds"]) + Decimal(row["sentBack"])} for row in days]
    for sale in shop.plain.sales:
        # No payout carried what the provider or the buyer's bank took.
        taken = total(one.amount for one in sale.taken_back if one.has_gone)
        gone.append({"currency": sale.currency, "back": -taken})
    assert back == added(gone, "currency", name="back")
    took = added([line for line in lines if line["kind"] == "network-fee"], "unit", name="amount")
    charged = [row for row in payouts if row["networkFee"] is not None]
    assert added(charged, "networkFeeCoin", name="networkFee") == took


async def statements_are_the_days(shop: Shop, finance: Finance, days: Sequence[Row], at: ZoneInfo) -> None:
    closing: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    month, owed_in_all = FIRST_DAY.replace(day=1), []
    while month <= shop.now.date() + timedelta(days=1):
        for seller_id in SELLERS:
            query = {"sellerId": seller_id, "month": f"{month:%Y-%m}", "timeZone": at.key}
            statement, lines = await finance.sees("statement", **query), await finance.takes("statement", **query)
            owed = added(lines, "currency", name="owed")
            balances = {currency: closing[seller_id, currency] for currency in CURRENCIES}
            for told in (one for one in lines if one["currency"] in CURRENCIES):
                assert Decimal(told["owed"]) == OWED.get(told["kind"], 0) * Decimal(told["amount"])
                balances[told["currency"]] += Decimal(told["owed"])
                assert Decimal(told["balance"]) == balances[told["currency"]]
            for one in statement["currencies"]:
                key = (seller_id, one["currency"])
                assert Decimal(one["opening"]) == closing[key]
                closing[key] += owed.get((one["currency"],), Decimal(0))
                assert Decimal(one["owed"]) == owed.get((one["currency"],), Decimal(0))
                assert Decimal(one["closing"]) == closing[key] == balances[one["currency"]]
                owed_in_all.append({"month": f"{month:%Y-%m}", **one})
            took = [one for one in lines if one["kind"] == "network-fee"]
            assert added(statement["networkFees"], "coin", name="fees") == added(took, "currency", name="amount")
        month = (month + timedelta(days=31)).replace(day=1)
    of_days = [{**row, "month": row["date"][:7]} for row in days]
    plain: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in shop.plain.lines:
        month_of_line = f"{line.at.astimezone(at):%Y-%m}"
        if line.under.kind == "refund" and not line.under.seller_id:
            # What was taken back beyond all sellers' shares the marketplace bears.
            back = {"currency": line.under.unit, "refunds": line.amount, "owed": -line.amount}
            owed_in_all.append({"month": month_of_line, **dict.fromkeys(OWED_NAMES, 0), **back})
        else:
            plain[line.under.seller_id, line.under.unit] += OWED.get(line.under.kind, 0) * line.amount
    for name in OWED_NAMES:
        assert added(owed_in_all, "month", "currency", name=name) == added(of_days, "month", "currency", name=name)
    assert without_nothing(closing) == without_nothing(plain)


async def wallets_are_what_came_and_went(shop: Shop, finance: Finance) -> None:
    wallets = (await finance.sees("wallets"))["wallets"]
    for one in wallets:
        assert Decimal(one["booked"]) == shop.plain.wallet(one["coin"])
        assert Decimal(one["noted"]) == shop.noted.get(one["coin"], 0)
    known = {one["coin"] for one in wallets}
    assert {line.under.unit for line in shop.plain.lines if line.under.kind.startswith("coin-")} <= known
    query = since_ever(shop)
    rows = await finance.takes_what_it_sees("reconciliation", "comparisons", **query)
    assert {(row["day"], row["coin"]) for row in rows} == shop.comparisons.keys()
    for row in rows:
        assert Decimal(row["held"]) == shop.comparisons[row["day"], row["coin"]].held


async def events_tell_the_same(shop: Shop) -> None:
    """When each was sold, and what has arrived at whom."""
    for sale in shop.plain.sales:
        sold_at: datetime | None = None
        has_arrived: dict[str, bool] = {}
        for one in await shop.journal.console.payment_events(sale.payment_id):
            name, payload = one.event.name, one.event.payload
            if name == "payment-update" and payload["status"] == "completed":
                sold_at = sold_at or one.committed_at
            if name in ("refund-updated", "payout-updated", "payout-completed"):
                what = payload.get("refundId") or payload["payoutId"]
                has_arrived[what] = name == "payout-completed" or payload["status"] == "completed"
        assert sold_at == sale.sold_at
        arrived = {one.refund_id for one in sale.refunds if one.has_arrived}
        arrived |= {out.payout_id for out in sale.payouts if out.standing == "arrived" and out.refund is None}
        assert {what for what, is_there in has_arrived.items() if is_there} == arrived


async def agree(asked: Asked, url: str, happenings: Sequence[Happening], border: date, *zones: str) -> Shop:
    clock = Clock(NOW)
    journal = await Journal.open(url, clock)
    try:
        async with asked_of(asked, journal) as finance:
            shop = Shop(journal, clock)
            for happening in happenings:
                await shop.meets(happening)
                await at_every_moment(shop, finance)
            await events_tell_the_same(shop)
            for zone_name in zones:
                await every_file_agrees(shop, finance, zone_name, border)
            return shop
    finally:
        await journal.close()


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    """Files are put together of pages of a few rows, so that none may be lost or come twice between two."""
    with pytest.MonkeyPatch.context() as patched:
        for module in ("books", "lists"):
            patched.setattr(f"bridge.http.ops.{module}.ROWS_LIMIT", 4)
        yield Asked()


# A journal of its own for each: a tenth of the examples that pure tests have.
@settings(max_examples=settings().max_examples // 10)
@example(happenings=STORY, zone_name="Asia/Tokyo", border=date(2026, 5, 10))
@given(
    happenings=st.tuples(OPENING, PAYING, REST).map(lambda parts: [*parts[0], *parts[1], *parts[2]]),
    zone_name=st.sampled_from(ZONES),
    border=st.dates(FIRST_DAY, FIRST_DAY + timedelta(days=90)),
)
def test_every_file_and_every_page_says_what_plain_books_say(
    asked: Asked, happenings: list[Happening], zone_name: str, border: date
) -> None:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'journal.db'}"
        asyncio.run(agree(asked, url, happenings, border, zone_name))


async def test_a_story_with_all_of_it_agrees_on_both_databases(asked: Asked, database_url: str) -> None:
    shop = await agree(asked, database_url, STORY, date(2026, 5, 10), "Europe/Berlin", "America/New_York")
    kinds = {line.under.kind for line in shop.plain.lines}
    assert kinds == {*NAMES, *FEE_NAMES, "coin-in", "coin-out"}
    assert {out.standing for out in shop.plain.payouts} >= {"arrived", "failed", "returned"}
    assert {one.standing for sale in shop.plain.sales for one in sale.taken_back} == {"won", "lost", "gone"}
    # Some of it is out of sellers' shares, some beyond all of them, and some of what came too much.
    assert {bool(line.under.seller_id) for line in shop.plain.lines if line.under.kind == "refund"} == {True, False}
    [last] = shop.plain.sales[4:]
    assert (last.refunds, last.gone_back("excess")) == ([], Decimal("7.00"))
