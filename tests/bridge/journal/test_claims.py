"""Addresses and money that two payments claim: decided in one transaction, whichever of them comes first."""

import asyncio
from decimal import Decimal

import pytest

from bridge.journal import Journal, all_read
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.observed.observations import InvoiceSnapshot, Standing, Transfer
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, problems_of
from coordinator.payments.problems.rulings import acceptance
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.payouts import Payout
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


async def received(journal: Journal, number: int) -> Decimal:
    record = await journal.payment_record(f"pay_{number}")
    assert record is not None
    return record.payment.received


async def accepts(journal: Journal, payment_id: str) -> None:
    await journal.rulings.record(
        payment_id,
        by="Ada",
        action="accept",
        said="seen",
        key=f"accepted:{payment_id}",
        rule=acceptance("Ada", "seen"),
    )


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


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_money_of_another_payment_is_not_this_ones_by_a_persons_word(
    journal: Journal, order: tuple[int, int]
) -> None:
    """Two at one address are told of one transaction: whoever accepts the second does not have the money twice."""
    await opens(journal, 1, ADDRESS)
    await opens(journal, 2, ADDRESS)
    for number in order:
        await journal.record_observation(
            provider="shkeeper", external_id=f"pay_{number}", key=f"{number}", observation=paid("0xab")
        )
    await accepts(journal, "pay_2")
    found = [await journal.payment_record(f"pay_{number}") for number in (1, 2)]
    assert [(one.payment.status, one.payment.received) for one in found if one is not None] == [
        ("completed", Decimal(100)),
        ("completed", Decimal(0)),
    ]


async def test_once_the_first_is_told_of_its_money_the_second_has_it_no_more_at_once(journal: Journal) -> None:
    await opens(journal, 1, ADDRESS)
    await opens(journal, 2, ADDRESS.lower())
    for number in (2, 1):
        await journal.record_observation(
            provider="shkeeper", external_id=f"pay_{number}", key=f"{number}", observation=paid("0xab")
        )
        if number == 2:
            await accepts(journal, "pay_2")
            assert await received(journal, 2) == 100
    assert [await received(journal, number) for number in (1, 2)] == [100, 0]
    assert [await stands(journal, number) for number in (1, 2)] == [("completed", FOREIGN), ("completed", FOREIGN)]


async def test_money_that_was_told_of_as_anothers_is_not_had_by_an_invoice_that_is_opened_there_later(
    journal: Journal,
) -> None:
    await journal.register_payment(payment(2))
    await told(journal, 2, "0xab")
    assert await stands(journal, 2) == ("completed", [])
    await opens(journal, 1, ADDRESS)
    await journal.record_observation(provider="shkeeper", external_id="pay_1", key="1", observation=paid("0xab"))
    found = [await stands(journal, number) for number in (1, 2)]
    assert (found[0][0], found[1]) == ("pending", ("completed", FOREIGN))
    assert ProblemKind.FOREIGN in found[0][1]
    # What comes there from now on is its own.
    await journal.record_observation(provider="shkeeper", external_id="pay_1", key="2", observation=paid("0xcd"))
    assert await received(journal, 1) == 100


async def test_money_whose_place_is_known_only_once_the_provider_was_asked_is_claimed_then(journal: Journal) -> None:
    for number in (1, 2):
        await journal.register_payment(payment(number))
        untold = paid("0xab").model_copy(update={"address": None})
        looked_up = untold.model_copy(update={"agreed": Decimal(100), "places": {"0xab": ADDRESS}})
        for key, observation in (("told", untold), ("looked up", looked_up)):
            await journal.record_observation(
                provider="shkeeper", external_id=f"order-{number}", key=f"{number} {key}", observation=observation
            )
    assert [await received(journal, number) for number in (1, 2)] == [100, 0]
    for number in (1, 2):
        assert ProblemKind.FOREIGN in (await stands(journal, number))[1]


async def test_of_three_payments_of_one_request_each_knows_of_both_others(journal: Journal) -> None:
    for number in (1, 2, 3):
        await journal.register_payment(payment(number).model_copy(update={"request_id": "r"}))
        await told(journal, number, f"0x{number}", f"0x{number:040}")
    for number in (1, 2, 3):
        record = await journal.payment_record(f"pay_{number}")
        assert record is not None
        assert record.payment.facts.completed_siblings == {f"pay_{one}" for one in {1, 2, 3} - {number}}


async def test_a_payout_of_an_accepted_payment_whose_money_turns_out_to_be_anothers_awaits_approval(
    journal: Journal,
) -> None:
    await opens(journal, 1, ADDRESS)
    await opens(journal, 2, ADDRESS)
    await journal.record_observation(provider="shkeeper", external_id="pay_2", key="2", observation=paid("0xab"))
    await accepts(journal, "pay_2")
    await journal.record_observation(provider="shkeeper", external_id="pay_1", key="1", observation=paid("0xab"))
    payout = Payout(
        payout_id="out_1",
        provider="shkeeper",
        payment_id="pay_2",
        seller_id="s1",
        destination="0xAb",
        coin="ETH-USDT",
        amount=Decimal(98),
        worth=Decimal(98),
        worth_currency="USD",
        created_at=NOW,
    )
    await journal.payouts.register([payout], rules=PayoutRules(limits={}))
    [registered] = all_read(await journal.payouts.of_payment("pay_2"))
    assert registered.payout.status == "awaiting_approval"
    assert "with it more leaves for s1 than the 0 USD that came" in "; ".join(registered.payout.facts.withheld)
