"""Addresses that a provider gave for a payment: all of them stay known, also those of an older journal."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from bridge.journal import Journal
from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.database.schema_versions import MIGRATIONS
from coordinator.payments.agreed.invoices import Invoice, InvoiceOpened, InvoiceWanted
from coordinator.payments.payments import Payment
from tests.clock import Clock

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
BEFORE = "0013"
PAYMENT = Payment(
    payment_id="pay_1",
    provider="shkeeper",
    external_id="pay_1",
    request_id="r1",
    buyer_id="b1",
    seller_id="s1",
    amount=Decimal(100),
    currency="USD",
    created_at=NOW,
    return_url="https://shop.example/orders/7",
)


def wanted(coin: str) -> InvoiceWanted:
    return InvoiceWanted(
        provider="shkeeper", external_id="pay_1", callback_url="", coin=coin, amount=Decimal(100), currency="USD"
    )


def opened(address: str, **changes: object) -> InvoiceOpened:
    answer = InvoiceOpened(address=address, coin_amount=Decimal(1), payment_uri=address)
    return answer.model_copy(update=changes)


async def invoices(journal: Journal) -> list[Invoice]:
    record = await journal.payment_record("pay_1")
    assert record is not None
    assert record.payment.return_url == PAYMENT.return_url
    return list(record.invoices)


async def answer(journal: Journal, coin: str, said: InvoiceOpened) -> None:
    """The provider is asked, and answers."""
    await journal.unfinished.want_invoice("pay_1", wanted(coin))
    [first, *_] = await invoices(journal)
    assert (first.wanted.coin, first.opened) == (coin, None)
    await journal.unfinished.record_invoice(first, said)


async def test_every_address_that_was_ever_given_stays_known_and_the_newest_answer_counts(
    journal: Journal, clock: Clock
) -> None:
    await journal.register_payment(PAYMENT, None, wanted("BTC-LIGHTNING"))
    for number, (coin, address) in enumerate(
        [("BTC-LIGHTNING", "ln" * 300), ("BTC", "bc1"), ("BTC-LIGHTNING", "ln-2"), ("BTC", "bc1")]
    ):
        clock.move(minutes=1)
        await answer(journal, coin, opened(address, coin_amount=Decimal(number)))
    [bitcoin, lightning] = await invoices(journal)
    assert (bitcoin.addresses, lightning.addresses) == (("bc1",), ("ln" * 300, "ln-2"))
    assert bitcoin.opened is not None
    assert bitcoin.opened.coin_amount == 3
    assert lightning.opened is not None
    assert lightning.opened.address == "ln-2"


async def test_only_the_invoice_to_pay_is_left_to_be_opened(journal: Journal, clock: Clock) -> None:
    await journal.register_payment(PAYMENT, None, wanted("BTC"))
    clock.move(minutes=1)
    await journal.unfinished.want_invoice("pay_1", wanted("DOGE"))
    assert [invoice.wanted.coin for invoice in await journal.unfinished.unopened_invoices(10)] == ["DOGE"]
    await journal.unfinished.record_invoice((await invoices(journal))[0], opened("D7"))
    assert await journal.unfinished.unopened_invoices(10) == []


async def test_prices_end_by_when_the_invoice_was_first_opened(journal: Journal, clock: Clock) -> None:
    await journal.register_payment(PAYMENT, None, wanted("BTC"))
    await answer(journal, "BTC", opened("bc1", price_seconds=3_600))
    first = clock()
    clock.move(minutes=10)
    await answer(journal, "DOGE", opened("D7", price_seconds=7_200))
    found = {invoice.wanted.coin: invoice.opened for invoice in await invoices(journal)}
    ends = {coin: opened and opened.quoted_until for coin, opened in found.items()}
    assert ends == {"BTC": first + timedelta(hours=1), "DOGE": first + timedelta(hours=2)}


def test_the_addresses_of_an_older_journal_stay_known_there_and_back(empty_database_url: str) -> None:
    engine, config = writing_engine(parse_database_url(empty_database_url)), Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
    said = {"address": "0x86", "coinAmount": "1", "exchangeRate": "1", "displayName": None, "paymentUri": "0x86"}
    with engine.begin() as connection:
        _insert_invoices(connection, json.dumps(said))
    asyncio.run(_open_and_close(empty_database_url))
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT payment_id, coin, address FROM invoice_addresses")).all()
        assert [tuple(row) for row in rows] == [("pay_1", "ETH", "0x86")]
        newer = opened("0x86", whole_only=True, quoted_until=NOW).model_dump_json()
        connection.execute(text("UPDATE invoices SET opened = :opened WHERE coin = 'ETH'"), {"opened": newer})
        connection.commit()
        config.attributes["connection"] = connection
        command.downgrade(config, BEFORE)
        [(document,)] = connection.execute(text("SELECT opened FROM invoices WHERE coin = 'ETH'")).all()
    assert set(json.loads(document)) == set(said)
    engine.dispose()


def _insert_invoices(connection: Connection, document: str) -> None:
    statement = text(
        "INSERT INTO invoices (payment_id, coin, wanted, wanted_at, opened)"
        " VALUES ('pay_1', :coin, :wanted, '2026-05-01 12:00:00.000000', :opened)"
    )
    for coin, answer in (("ETH", document), ("BTC", None)):
        given = {"coin": coin, "wanted": wanted(coin).model_dump_json(), "opened": answer}
        connection.execute(statement, given)


async def _open_and_close(database_url: str) -> None:
    await (await Journal.open(database_url)).close()
