"""Growth: what a bridge costs with a journal that is full, beside one that holds ten thousand payments: a start,
webhooks, publications, clients that come back, and every list and search of the console. `make bench-growth` runs it.

One sale, with its payout, is written by the journal itself, and then copied by the database. CPU is the bridge's, in
which SQLite is; of a PostgreSQL the times are what can be compared.
"""

import argparse
import asyncio
import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import uvloop
from sqlalchemy import Connection, String, Table, text

from benchmarks.attacks import on_core_of_clients
from benchmarks.clients import Heard, Poster, connect_each, request_of
from benchmarks.crowd_members import Member
from benchmarks.plans import SIZES, webhooks_plan
from benchmarks.processes import cpu_seconds, end_on_signals, memory_kb
from benchmarks.servers import SERVERS, running
from bridge.journal import Journal
from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.tables import schema
from coordinator.payments.observed.observations import InvoiceSnapshot, Standing, Transfer
from coordinator.payments.payments import Payment
from coordinator.payouts.observations import PayoutAccepted, PayoutConfirmed, PayoutObservation, PayoutSent
from coordinator.payouts.payouts import Payout

FEW = 10_000
TIMES = 3
"""How often each list is asked for, of which the median counts."""
EVENTS_OF_A_PAYMENT = 10
RETURNING, WEBHOOKS, PUBLICATIONS = 200, 300, 300
ANSWER_SECONDS = 300.0
# In every name of the sale that is copied; each copy has another in its place.
NUMBER, FIRST_NUMBER = "7777777", 1_000_000
AT_ONCE = 100_000
SECONDS_APART = 31
"""So that a million are spread over a year."""
NEVER = "no-such-thing"

LISTS: Mapping[str, str] = {
    "payments, first page": "/api/ops/payments",
    "payments by a usual status": "/api/ops/payments?status=completed",
    "payments by a rare status (1 in 1,000)": "/api/ops/payments?status=failed",
    "payments by a rare status or another": "/api/ops/payments?status=failed,cancelled",
    "payments of the usual provider": "/api/ops/payments?provider=shkeeper",
    "payments of that, by a usual status": "/api/ops/payments?provider=shkeeper&status=completed",
    "payments by a rare status and a usual currency": "/api/ops/payments?status=failed&currency=USD",
    "payments by a rare currency (1 in 1,000)": "/api/ops/payments?currency=EUR",
    "payments by a currency that none has": "/api/ops/payments?currency=CHF",
    "payments with any problem": "/api/ops/payments?problem=any",
    "payments, search for a whole transaction": f"/api/ops/payments?search=0xpaid{FIRST_NUMBER + 17}",
    "payments, search for what is usual": "/api/ops/payments?search=order",
    "payments, search for what there is not": f"/api/ops/payments?search={NEVER}",
    "payouts, first page": "/api/ops/payouts",
    "payouts by a usual status": "/api/ops/payouts?status=completed",
    "payouts by a coin that none has": "/api/ops/payouts?coin=BTC",
    "payouts, search for what there is not": f"/api/ops/payouts?search={NEVER}",
    "transfers, first page": "/api/ops/transfers",
    "what needs a person": "/api/ops/attention",
    "a purchase request's payments": f"/api/payments?requestId=request-{FIRST_NUMBER + 17}",
    "a seller's payments": "/api/payments?sellerId=seller-17",
}


class Cost(NamedTuple):
    cpu_ms: float
    ms: float


async def make_a_sale(database_url: str, mark: Path) -> None:
    """Paid in full, and paid out to its seller."""
    journal = await Journal.open(database_url, mark_file=mark)
    paid = Payment(
        payment_id=f"pay_{NUMBER}",
        provider="shkeeper",
        external_id=f"order-{NUMBER}",
        request_id=f"request-{NUMBER}",
        buyer_id=f"buyer-{NUMBER}",
        seller_id="seller-1",
        amount=Decimal("49.90"),
        currency="USD",
        created_at=datetime.now(UTC),
    )
    transfer = Transfer(transfer_id=f"0xPaid{NUMBER}", asset="ETH-USDT", amount=paid.amount)
    told = InvoiceSnapshot(standing=Standing.PAID, currency="USD", received=paid.amount, transfers=(transfer,))
    out = Payout(
        payout_id=f"out_{NUMBER}",
        provider="shkeeper",
        payment_id=paid.payment_id,
        seller_id=paid.seller_id,
        destination=f"0xDestination{NUMBER}",
        coin="ETH-USDT",
        amount=paid.amount,
        worth=paid.amount,
        created_at=paid.created_at,
    )
    sent: Sequence[PayoutObservation] = (
        PayoutAccepted(task_id=f"task-{NUMBER}"),
        PayoutSent(tx_hashes=(f"0xSent{NUMBER}",)),
        PayoutConfirmed(),
    )
    try:
        await journal.register_payment(paid)
        await journal.record_observation(
            provider=paid.provider, external_id=paid.external_id, key=f"told-{NUMBER}", observation=told
        )
        await journal.payouts.register([out], another=False, rules=None)
        for place, observation in enumerate(sent):
            await journal.payouts.record_observation(out.payout_id, f"sent-{NUMBER}-{place}", observation)
    finally:
        await journal.close()


COPIED: Mapping[Table, str | None] = {
    schema.payments: None,
    schema.claims: None,
    schema.observations: "observation_id",
    schema.payouts: None,
    schema.payout_observations: "observation_id",
    schema.book_entries: "entry_id",
}
"""The tables whose rows of the sale are copied, each with the number that its rows are counted by."""


# By `{n}` each copy has its number; SQLite and PostgreSQL put the same together in another order.
INSERTS = {
    "sqlite": "INSERT INTO {into} {series} SELECT {values}",
    "postgresql": "{series} INSERT INTO {into} SELECT {values}",
}
AGO = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', {moment}, '-' || ({seconds}) || ' seconds') || '000'",
    "postgresql": "{moment} - ({seconds}) * interval '1 second'",
}


def copy_sale(connection: Connection, numbers: range) -> None:
    """Copies it under each of some numbers. A few are of another status or currency than most."""
    for table, counted in COPIED.items():
        of_sale = (
            f"payout_id = 'out_{NUMBER}'" if table is schema.payout_observations else f"payment_id = 'pay_{NUMBER}'"
        )
        in_sale = connection.scalar(text(f"SELECT count(*) FROM {table.name} WHERE {of_sale}"))  # noqa: S608 (of our own names)
        special = {
            counted: f"1000 + (n - {FIRST_NUMBER}) * {in_sale} + {counted}",
            "created_at": AGO[connection.dialect.name].format(
                moment="created_at", seconds=f"(n - {FIRST_NUMBER}) * {SECONDS_APART}"
            ),
            "seller_id": "CASE WHEN seller_id IS NOT NULL THEN 'seller-' || CAST(n % 1000 AS VARCHAR(9)) END",
        }
        if table is schema.payments:
            special["status"] = "CASE WHEN n % 1000 = 7 THEN 'failed' ELSE status END"
            special["currency"] = "CASE WHEN n % 1000 = 9 THEN 'EUR' ELSE currency END"
        values = [
            special.get(column.name)
            or (
                f"replace({column.name}, '{NUMBER}', CAST(n AS VARCHAR(9)))"
                if isinstance(column.type, String)
                else column.name
            )
            for column in table.columns
        ]
        columns = ", ".join(column.name for column in table.columns)
        _insert(
            connection,
            numbers,
            f"{table.name} ({columns})",
            f"{', '.join(values)} FROM series, {table.name} WHERE {of_sale}",
        )


def make_events(connection: Connection, offsets: range) -> None:
    """Each about one of the payments, for two rooms."""
    number = f"CAST({FIRST_NUMBER} + n / {EVENTS_OF_A_PAYMENT} AS VARCHAR(9))"
    rooms = [f"'request-' || {number}", f"'user-' || {number}"]
    payload = f"""'{{"type":"' || CAST(n AS VARCHAR(9)) || '","requestId":"request-' || {number} || '"}}'"""
    heard = f"""'["' || {rooms[0]} || '","' || {rooms[1]} || '"]'"""
    columns = "offset, name, everyone, rooms, payload, payment_id, subject, committed_at"
    about = f"n, 'purchase-request-update', {{false}}, {heard}, {payload}, 'pay_' || {number}, {rooms[0]}"
    is_sqlite = connection.dialect.name == "sqlite"
    about = about.replace("{false}", "0" if is_sqlite else "false")
    columns = columns.replace("offset", '"offset"')
    _insert(
        connection,
        offsets,
        f"events ({columns})",
        f"{about}, committed_at FROM series, (SELECT max(updated_at) AS committed_at FROM payments) AS now",  # noqa: S608
    )
    for room in rooms:
        offset = "CAST(n AS VARCHAR(9))"
        _insert(
            connection,
            offsets,
            "room_events (room, last_offset, offsets)",
            f"{room}, n, '[' || {offset} || ']' FROM series",
        )


def _insert(connection: Connection, numbers: range, into: str, values: str) -> None:
    begin, further = f"SELECT {numbers.start}", f"SELECT n + 1 FROM series WHERE n + 1 < {numbers.stop}"  # noqa: S608
    series = f"WITH RECURSIVE series(n) AS ({begin} UNION ALL {further})"
    statement = INSERTS[connection.dialect.name].format(into=into, series=series, values=values)
    connection.execute(text(statement.replace(":", "\\:")))


async def fill(database_url: str, mark: Path, payments: int) -> None:
    await make_a_sale(database_url, mark)
    engine = writing_engine(parse_database_url(database_url))
    with engine.begin() as connection:
        after = (connection.scalar(text('SELECT max("offset") FROM events')) or 0) + 1
    for made, start in ((copy_sale, FIRST_NUMBER), (make_events, after)):
        count = payments if made is copy_sale else payments * EVENTS_OF_A_PAYMENT
        for first in range(start, start + count, AT_ONCE):
            with engine.begin() as connection:
                made(connection, range(first, min(first + AT_ONCE, start + count)))
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def asked(pid: int, port: int, path: str) -> Cost:
    """For what is asked for a few times over a connection that is there, the medians."""
    costs = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    for _ in range(1 + TIMES):
        cpu, began = cpu_seconds(pid), time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read()
        costs.append(Cost((cpu_seconds(pid) - cpu) * 1000, (time.perf_counter() - began) * 1000))
        if answer.status != http.HTTPStatus.OK:
            raise SystemExit(f"{path} was answered {answer.status}: {content[:300]!r}")
    connection.close()
    measured = costs[1:]
    return Cost(statistics.median(one.cpu_ms for one in measured), statistics.median(one.ms for one in measured))


async def written(pid: int, port: int) -> list[tuple[str, Cost]]:
    """Of one webhook and one publication, one after the other."""
    posting = Poster(port, ANSWER_SECONDS)
    await posting.open()
    plan = webhooks_plan(SERVERS["bridge"], replace(SIZES, webhooks=WEBHOOKS))
    registrations = [request_of("/api/payments", body) for body in plan["registrations"]]
    webhooks = [
        request_of(plan["path"], body, "".join(f"{name}: {value}\r\n" for name, value in headers.items()))
        for body, headers in plan["deliveries"]
    ]
    publications = [
        request_of(
            "/api/events",
            json.dumps({"event": "purchase-request-update", "data": {"type": "x", "requestId": f"r{number}"}}),
        )
        for number in range(PUBLICATIONS)
    ]
    found = []
    for name, requests in (
        ("a registration", registrations),
        ("a webhook", webhooks),
        ("a publication", publications),
    ):
        cpu, began = cpu_seconds(pid), time.perf_counter()
        for request in requests:
            await posting.post(request)
        share = 1000 / len(requests)
        found.append((name, Cost((cpu_seconds(pid) - cpu) * share, (time.perf_counter() - began) * share)))
    return found


async def came_back(pid: int, port: int) -> Cost:
    """Of one client that was in a room, missed an event there, and comes back."""
    heard, joined = Heard(ANSWER_SECONDS, b'42["purchase-request-update"'), Heard(ANSWER_SECONDS, b'{"ok":true')
    members = [Member(heard, joined, number, "") for number in range(RETURNING)]
    await connect_each(port, members)

    async def join() -> None:
        for member in members:
            member.join()

    posting = Poster(port, ANSWER_SECONDS)
    await posting.open()
    news = request_of(
        "/api/events", json.dumps({"event": "purchase-request-update", "data": {"type": "x", "requestId": "crowd"}})
    )
    await joined.after(join(), RETURNING)
    await heard.after(posting.post(news), RETURNING)
    for member in members:
        member.leave()
    await posting.post(news)
    back = [Member(heard, joined, one.number, "", one.pid, one.offset) for one in members]
    cpu, began = cpu_seconds(pid), time.perf_counter()
    await heard.after(connect_each(port, back), RETURNING)
    share = 1000 / RETURNING
    if not all(one.is_recovered for one in back):
        raise SystemExit("not everybody was recovered")
    return Cost((cpu_seconds(pid) - cpu) * share, (time.perf_counter() - began) * share)


async def measure(database_url: str | None, payments: int) -> dict[str, Cost]:
    with tempfile.TemporaryDirectory() as folder:
        url, mark = database_url or f"sqlite:///{folder}/growth.db", Path(folder) / "growth.mark"
        began = time.perf_counter()
        await fill(url, mark, payments)
        print(
            f"{payments:,} payments, {payments * EVENTS_OF_A_PAYMENT:,} events: {time.perf_counter() - began:.0f} s",
            flush=True,
        )
        environment = {"BRIDGE_DATABASE_URL": url, "BRIDGE_JOURNAL_MARK_FILE": str(mark), "BRIDGE_LOG_LEVEL": "error"}
        with running(replace(SERVERS["bridge"], environment=environment)) as (pid, port), on_core_of_clients():
            found = {"a start, CPU and MB": Cost(cpu_seconds(pid) * 1000, memory_kb(pid) / 1024)}
            found |= await written(pid, port)
            found["a client that comes back"] = await came_back(pid, port)
            found |= {name: await asyncio.to_thread(asked, pid, port, path) for name, path in LISTS.items()}
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=1_000_000, help="ten events are made for each")
    parser.add_argument("--few", type=int, default=FEW, help="what that is compared with")
    parser.add_argument("--database-urls", nargs=2, help="Two empty databases of a PostgreSQL; else SQLite files")
    options = parser.parse_args()
    end_on_signals()
    few_url, many_url = options.database_urls or (None, None)
    few = uvloop.run(measure(few_url, options.few))
    many = uvloop.run(measure(many_url, options.payments))
    print(f"| CPU ms (ms) | {options.few:,} payments | {options.payments:,} | ratio of CPU, of time |")
    print("| --- | ---: | ---: | ---: |")
    for name, cost in many.items():
        before = few[name]
        times = f"{cost.cpu_ms / before.cpu_ms:.2f}, {cost.ms / before.ms:.2f}"
        print(f"| {name} | {before.cpu_ms:.2f} ({before.ms:.1f}) | {cost.cpu_ms:.2f} ({cost.ms:.1f}) | {times} |")


if __name__ == "__main__":
    main()
