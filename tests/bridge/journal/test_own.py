"""What buyers and sellers list of themselves, on both databases."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

from alembic import command
from sqlalchemy import Connection, event, text

from bridge.journal import Journal, OwnFilter, PageEnd, Party, all_read
from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.queries.own import own_payments, own_payouts
from bridge.journal.tables import schema
from bridge.journal.tables.rows import payment_row
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payouts.observations import PayoutConfirmed, PayoutSent
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.older_journals import migrate
from tests.bridge.journal.sales import observe, paid, paid_out, payment, payout, snapshot

ANY = OwnFilter()


def at(number: int) -> dict[str, Any]:
    return {"created_at": NOW + timedelta(minutes=number)}


def checkout(number: int, *seller_ids: str) -> dict[str, Any]:
    shares = tuple(
        Share(request_id=f"request-{number}-{place}", seller_id=seller_id, amount=Decimal("5.05"))
        for place, seller_id in enumerate(seller_ids)
    )
    return {"checkout": Checkout(checkout_id=f"checkout-{number}", shares=shares), "seller_id": seller_ids[0]}


async def payments_of(journal: Journal, party: Party, user_id: str, wanted: OwnFilter = ANY) -> list[str]:
    """From page to page; whatever the size of those is, the same."""
    found: dict[int, list[str]] = {}
    for limit in (1, 3, 100):
        after, found[limit] = None, []
        while page := all_read(await journal.own.payments(party, user_id, wanted, after, limit)):
            assert len(page) <= limit
            found[limit] += [record.payment.payment_id for record in page]
            after = PageEnd(page[-1].payment.created_at, page[-1].payment.payment_id)
    assert found[1] == found[3] == found[100]
    return found[100]


async def test_a_seller_finds_what_pays_them_also_by_a_share_and_a_buyer_what_they_pay(journal: Journal) -> None:
    await journal.register_payment(payment(0, seller_id="me", **at(0)))
    await journal.register_payment(payment(1, **checkout(1, "another", "me", "third", "me"), **at(1)))
    await journal.register_payment(payment(2, **checkout(2, "me", "another", "me"), buyer_id="me", **at(2)))
    await journal.register_payment(payment(3, seller_id="another", buyer_id="me", **at(2)))
    assert await payments_of(journal, Party.SELLER, "me") == ["pay_2", "pay_1", "pay_0"]
    assert await payments_of(journal, Party.SELLER, "another") == ["pay_3", "pay_2", "pay_1"]
    assert await payments_of(journal, Party.BUYER, "me") == ["pay_3", "pay_2"]
    assert await payments_of(journal, Party.SELLER, "nobody") == []


async def test_own_payments_are_filtered_by_status_and_time(journal: Journal) -> None:
    await paid(journal, 0, seller_id="me", **at(0))
    await journal.register_payment(payment(1, **checkout(1, "another", "me"), **at(1)))
    await observe(journal, 1, "k", snapshot("0xShares"))
    await journal.register_payment(payment(2, seller_id="me", **at(2)))
    completed = OwnFilter(statuses=("completed",))
    assert await payments_of(journal, Party.SELLER, "me", completed) == ["pay_1", "pay_0"]
    since, until = OwnFilter(created_from=at(1)["created_at"]), OwnFilter(created_before=at(1)["created_at"])
    assert await payments_of(journal, Party.SELLER, "me", since) == ["pay_2", "pay_1"]
    assert await payments_of(journal, Party.SELLER, "me", until) == ["pay_0"]


async def test_a_checkout_that_an_older_bridge_has_registered_is_found_as_soon_as_it_moves(
    journal: Journal, database_url: str
) -> None:
    await journal.register_payment(payment(1, **checkout(1, "another", "me")))

    with beside(database_url) as connection:
        connection.execute(schema.checkout_sellers.delete())
    assert await payments_of(journal, Party.SELLER, "me") == []
    for key in ("first", "again"):
        await observe(journal, 1, key, snapshot(key))
    assert await payments_of(journal, Party.SELLER, "me") == ["pay_1"]


async def test_a_seller_finds_the_payouts_to_them_and_none_that_carries_a_refund(journal: Journal) -> None:
    for number in range(3):
        await paid(journal, number, seller_id="me")
    await paid_out(journal, payout(0, seller_id="me", **at(0)), PayoutSent(tx_hashes=("0x1",)), PayoutConfirmed())
    await paid_out(journal, payout(1, seller_id="me", **at(1)))
    await paid_out(journal, payout(2, seller_id="me", refund_id="ref_1", buyer_id="b1", **at(2)))

    async def found(wanted: OwnFilter = ANY, after: PageEnd | None = None, limit: int = 100) -> list[str]:
        return [one.payout.payout_id for one in all_read(await journal.own.payouts("me", wanted, after, limit))]

    assert await found() == ["out_1", "out_0"]
    assert await found(limit=1) == ["out_1"]
    assert await found(after=PageEnd(at(1)["created_at"], "out_1")) == ["out_0"]
    assert await found(OwnFilter(statuses=("completed",))) == ["out_0"]


@contextmanager
def beside(database_url: str) -> Iterator[Connection]:
    """Writes into the database past the journal."""
    engine = writing_engine(parse_database_url(database_url))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def plan(connection: Connection, *wanted: Any) -> str:
    """How the database finds what a query asks it."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    query, *arguments = wanted
    event.listen(connection, "before_cursor_execute", note)
    query(connection, *arguments)
    event.remove(connection, "before_cursor_execute", note)
    statement, parameters = asked[0]
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    return "\n".join(str(row[-1]) for row in rows)


async def test_what_is_somebodys_own_is_found_by_an_index_among_that_of_all_others(
    journal: Journal, database_url: str
) -> None:
    row = payment_row(payment(0), NOW)
    others = [
        {**row, "payment_id": f"pay_{number}", "external_id": f"e{number}", "seller_id": f"s{number % 97}"}
        for number in range(3_000)
    ]
    with beside(database_url) as connection:
        connection.execute(schema.payments.insert(), others)
        if journal.folder is None:
            connection.execute(text("ANALYZE payments"))
    after = PageEnd(NOW + timedelta(days=1), "pay_1")
    for party, index in ((Party.SELLER, "ix_payments_seller"), (Party.BUYER, "ix_payments_buyer")):
        how = await journal._read(plan, own_payments, party, "me", ANY, after, 3)
        assert index in how, how
        assert not re.search("(SCAN|Seq Scan on) payments", how), how
    if journal.folder is not None:
        assert "ix_payouts_seller_id" in await journal._read(plan, own_payouts, "me", ANY, after, 3)


def test_the_sellers_of_an_older_journals_checkouts_find_them(empty_database_url: str) -> None:
    row = payment_row(payment(1, **checkout(1, "first", "me", "first")), NOW)
    migrate(empty_database_url, command.upgrade, "0041")
    with beside(empty_database_url) as connection:
        connection.execute(schema.payments.insert(), [row, payment_row(payment(2), NOW)])

    async def found() -> list[str]:
        journal = await Journal.open(empty_database_url)
        of_me = await payments_of(journal, Party.SELLER, "me")
        await journal.close()
        return of_me

    assert asyncio.run(found()) == ["pay_1"]
    migrate(empty_database_url, command.downgrade, "0041")
