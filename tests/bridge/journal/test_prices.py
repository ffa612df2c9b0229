"""What a coin was worth is found in the invoices of the days before, on both databases."""

from datetime import timedelta
from decimal import Decimal

from bridge.journal import Journal
from coordinator.payments.agreed.invoices import Invoice, InvoiceOpened, InvoiceWanted
from coordinator.payments.observed.observations import InvoiceSnapshot, Standing, Transfer
from coordinator.payments.problems.coin_prices import EarlierPrice
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import observe, payment
from tests.clock import Clock

RIGHT, SLIPPED, PAID_AT = Decimal(100_000), Decimal(100), Decimal(80_000)


async def asked(
    journal: Journal, clock: Clock, number: int, days_ago: float, rate: Decimal = RIGHT, *, paid_in: str | None = None
) -> None:
    """A price that a buyer was asked for, and something that came."""
    clock.now = NOW - timedelta(days=days_ago)
    made = payment(number, created_at=clock())
    wanted = InvoiceWanted(
        provider="shkeeper",
        external_id=made.external_id,
        callback_url="http://127.0.0.1/webhooks",
        coin="BTC",
        amount=made.amount,
        currency="USD",
    )
    await journal.register_payment(made, None, wanted)
    address = f"bc1q{number}"
    opened = InvoiceOpened(
        address=address, coin_amount=Decimal("0.000101"), exchange_rate=rate, payment_uri=f"bitcoin:{address}"
    )
    invoice = Invoice(payment_id=made.payment_id, wanted=wanted, wanted_at=clock())
    await journal.unfinished.record_invoice(invoice, opened)
    if paid_in is not None:
        amount = made.amount / PAID_AT
        transfer = Transfer(transfer_id=f"0x{number}", asset=paid_in, amount=amount, value=made.amount)
        told = InvoiceSnapshot(
            standing=Standing.PAID,
            currency="USD",
            received=made.amount,
            transfers=(transfer,),
            address=address,
        )
        await observe(journal, number, f"paid-{number}", told)
    clock.now = NOW


async def found(journal: Journal) -> list[EarlierPrice]:
    return list(await journal.approvals.earlier_prices("shkeeper", "BTC", "USD", NOW))


async def test_prices_of_the_days_before_are_found_and_none_of_today(journal: Journal, clock: Clock) -> None:
    for number, days_ago in enumerate((0.1, 0.9, 1.1, 2.5, 7.5, 8.5)):
        await asked(journal, clock, number, days_ago)
    assert [(NOW - one.at) / timedelta(days=1) for one in await found(journal)] == [1.1, 2.5, 7.5]
    assert await journal.approvals.usual_price("shkeeper", "BTC", "USD", NOW) == RIGHT
    for coin, currency in (("LTC", "USD"), ("BTC", "EUR")):
        assert await journal.approvals.usual_price("shkeeper", coin, currency, NOW) is None


async def test_of_a_day_those_who_paid_are_found_first_and_no_more_than_some(journal: Journal, clock: Clock) -> None:
    await asked(journal, clock, 1, 1.9, paid_in="BTC")
    await asked(journal, clock, 2, 1.8, paid_in="ETH-USDT")
    for number in range(3, 40):
        await asked(journal, clock, number, 1.1, SLIPPED)
    prices = await found(journal)
    assert (len(prices), {one.paid for one in prices}) == (20, {None, PAID_AT})


async def test_a_new_price_counts_from_when_it_was_asked_for(journal: Journal, clock: Clock) -> None:
    await asked(journal, clock, 1, 3)
    record = await journal.payment_record("pay_1")
    assert record is not None
    await journal.unfinished.want_invoice("pay_1", record.invoices[0].wanted, record.invoices[0].opened)
    [price] = await found(journal)
    assert price.at == NOW
