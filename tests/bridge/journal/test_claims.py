"""Addresses and money that two payments claim: decided in one transaction, whichever of them comes first."""

import asyncio
from decimal import Decimal

import pytest

from bridge.journal import Journal
from coordinator.invoices import InvoiceOpened, InvoiceWanted
from coordinator.observations import InvoiceSnapshot, Standing, Transfer
from coordinator.payment_problems import ProblemKind, problems_of
from coordinator.payments import Payment
from tests.bridge.journal.conftest import NOW

ADDRESS = "0x9C1bc3C3cdee47e5c7Cc6311748241eF4356feeA"


def payment(number: int, *, opened_here: bool = False) -> Payment:
    return Payment(
        payment_id=f"pay_{number}",
        provider="shkeeper",
        external_id=f"pay_{number}" if opened_here else f"order-{number}",
        request_id=f"r{number}",
        buyer_id="b1",
        seller_id="s1",
        amount=Decimal(100),
        currency="USD",
        created_at=NOW,
    )


def paid(txid: str, address: str = ADDRESS) -> InvoiceSnapshot:
    transfer = Transfer(transfer_id=txid, asset="ETH-USDT", amount=Decimal(100), value=Decimal(100))
    return InvoiceSnapshot(
        standing=Standing.PAID,
        currency="USD",
        received=Decimal(100),
        transfers=(transfer,),
        caused_by=txid,
        address=address,
        coin="ETH-USDT",
    )


async def told(journal: Journal, number: int, txid: str, address: str = ADDRESS) -> None:
    await journal.record_observation(
        provider="shkeeper",
        external_id=f"order-{number}",
        key=f"{number} {txid} {address}",
        observation=paid(txid, address),
    )


async def opens(journal: Journal, number: int, address: str) -> None:
    wanted = InvoiceWanted(
        provider="shkeeper",
        external_id=f"pay_{number}",
        callback_url="http://127.0.0.1/",
        coin="ETH-USDT",
        amount=Decimal(100),
        currency="USD",
    )
    await journal.register_payment(payment(number, opened_here=True), None, wanted)
    [invoice] = await journal.unfinished.unopened_invoices(10)
    opened = InvoiceOpened(address=address, coin_amount=Decimal(100), payment_uri="x", exchange_rate=Decimal(1))
    await journal.unfinished.record_invoice(invoice, opened)


async def stands(journal: Journal, number: int) -> tuple[str, list[ProblemKind]]:
    record = await journal.payment_record(f"pay_{number}")
    assert record is not None
    return record.payment.status, [problem.kind for problem in problems_of(record.payment)]


FOREIGN = [ProblemKind.FOREIGN]


@pytest.mark.parametrize("again", ["0xab", "AB", "0xAB"])
async def test_two_orders_that_are_told_of_one_transaction_reach_a_person_and_the_second_does_not_complete(
    journal: Journal, again: str
) -> None:
    for number in (1, 2):
        await journal.register_payment(payment(number))
    await told(journal, 1, "0xab")
    assert await stands(journal, 1) == ("completed", [])
    await told(journal, 2, again, ADDRESS.lower())
    status, kinds = await stands(journal, 2)
    assert (status, kinds[0]) == ("pending", ProblemKind.FOREIGN)
    assert await stands(journal, 1) == ("completed", FOREIGN)
    # The same once more says nothing new.
    await told(journal, 2, again)
    assert (await stands(journal, 2))[0] == "pending"
    # Other money at the same address is other money.
    await told(journal, 2, "0xcd")
    assert (await stands(journal, 2))[0] == "completed"


async def test_of_two_that_are_told_of_it_in_the_same_moment_one_has_it(journal: Journal) -> None:
    for number in (1, 2):
        await journal.register_payment(payment(number))
    await asyncio.gather(told(journal, 1, "0xab"), told(journal, 2, "0xab"))
    found = [await stands(journal, number) for number in (1, 2)]
    assert sorted(status for status, _ in found) == ["completed", "pending"]
    assert all(ProblemKind.FOREIGN in kinds for _, kinds in found)


async def test_what_was_told_before_the_registration_claims_its_money_with_it(journal: Journal) -> None:
    await journal.register_payment(payment(1))
    await told(journal, 2, "0xab")
    await told(journal, 1, "0xab")
    await journal.register_payment(payment(2))
    assert (await stands(journal, 1))[0] == "completed"
    assert (await stands(journal, 2))[0] == "pending"


async def test_outputs_of_one_transaction_to_different_addresses_are_different_money(journal: Journal) -> None:
    for number in (1, 2):
        await journal.register_payment(payment(number))
        await told(journal, number, "0xab", f"0x{number:040}")
    assert [await stands(journal, number) for number in (1, 2)] == [("completed", []), ("completed", [])]


@pytest.mark.parametrize("again", [ADDRESS, ADDRESS.lower()])
async def test_an_address_that_was_given_out_before_reaches_a_person_and_the_second_does_not_complete_by_it(
    journal: Journal, again: str
) -> None:
    await opens(journal, 1, ADDRESS)
    await opens(journal, 2, again)
    assert [await stands(journal, number) for number in (1, 2)] == [("pending", FOREIGN), ("pending", FOREIGN)]
    for number in (1, 2):
        observation = paid(f"0x{number}", ADDRESS)
        await journal.record_observation(
            provider="shkeeper", external_id=f"pay_{number}", key=f"{number}", observation=observation
        )
    assert (await stands(journal, 1))[0] == "completed"
    assert (await stands(journal, 2))[0] == "confirming"


async def test_a_payment_that_is_given_its_own_address_again_borrows_nothing(journal: Journal) -> None:
    await opens(journal, 1, ADDRESS)
    record = await journal.payment_record("pay_1")
    assert record is not None
    opened = InvoiceOpened(address=ADDRESS.lower(), coin_amount=Decimal(100), payment_uri="x")
    await journal.unfinished.record_invoice(record.invoices[0], opened)
    assert await stands(journal, 1) == ("pending", [])


async def test_an_order_that_is_told_of_money_at_an_address_that_the_bridge_was_given_does_not_complete(
    journal: Journal,
) -> None:
    await opens(journal, 1, ADDRESS)
    await journal.register_payment(payment(2))
    await told(journal, 2, "0xab")
    assert (await stands(journal, 2))[0] == "pending"
    assert await stands(journal, 1) == ("pending", FOREIGN)
