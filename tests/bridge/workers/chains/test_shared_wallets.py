"""Payments that share a wallet: whose money it is that comes, whatever a buyer says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coordinator.payments.payments import PaymentStatus
from coordinator.payouts.statuses import PayoutStatus
from providers.onchain.matching.matching import DUST, MANY_TRANSFERS
from tests.anvil import ALICE, BOB, CAROL
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed

COMPLETED, PENDING = PaymentStatus.COMPLETED, PaymentStatus.PENDING


async def statuses(it: Followed, *payment_ids: str) -> list[str]:
    return [(await it.payment(payment_id)).status for payment_id in payment_ids or ("pay_1", "pay_2")]


async def unmatched(it: Followed) -> list[str]:
    return [one.transfer.tx_hash for one in await it.journal.chains.unmatched_transfers(10)]


@pytest.mark.parametrize("before", [True, False])
async def test_naming_anothers_transaction_takes_no_money_from_a_payment_that_asks_for_as_much(
    follow: Follow, before: bool
) -> None:
    async with follow() as it:
        await it.follow()
        await it.register("pay_1")
        await it.register("pay_2")
        tx_hash = it.pay()
        if before:
            await it.hint("pay_2", tx_hash)
        await it.follow()
        await it.hint("pay_2", tx_hash)
        await it.follow(CONFIRMATIONS + 1)
        assert await statuses(it) == [PENDING, PENDING]
        assert await unmatched(it) == [tx_hash]
        await it.hint("pay_1", tx_hash)  # both name it: nobody's still
        await it.follow(2)
        assert await statuses(it) == [PENDING, PENDING]
        assert await unmatched(it) == [tx_hash]
        await it.hint("pay_1", tx_hash, found_by="ada")
        await it.follow(2)
        assert await statuses(it) == [COMPLETED, PENDING]
        assert await unmatched(it) == []


@pytest.mark.parametrize("before", [True, False])
async def test_the_sender_outranks_what_a_buyer_names(follow: Follow, before: bool) -> None:
    async with follow() as it:
        await it.follow()
        await it.register("pay_1", payer=ALICE)
        await it.register("pay_2")
        tx_hash = it.pay(150)
        if before:
            await it.hint("pay_2", tx_hash)
        await it.follow()
        await it.hint("pay_2", tx_hash)
        await it.follow(CONFIRMATIONS + 1)
        assert await statuses(it) == [COMPLETED, PENDING]


async def test_what_is_named_is_its_payments_where_it_fits_no_other(follow: Follow) -> None:
    async with follow() as it:
        await it.follow()
        await it.register("pay_1")
        await it.register("pay_2")
        tx_hash = it.pay(150)
        await it.follow()
        assert await unmatched(it) == [tx_hash]
        await it.hint("pay_2", tx_hash)
        await it.follow(CONFIRMATIONS)
        assert await statuses(it) == [PENDING, COMPLETED]


async def test_what_was_nobodys_before_a_payment_was_registered_is_not_its_without_a_person(follow: Follow) -> None:
    async with follow() as it:
        await it.follow()
        await it.register("pay_1", payer=CAROL)
        tx_hash = it.pay()
        await it.follow()
        assert await unmatched(it) == [tx_hash]
        await it.register("pay_2", created_at=datetime.now(UTC) + timedelta(seconds=40))
        await it.hint("pay_2", tx_hash)
        await it.follow(CONFIRMATIONS + 1)
        assert await statuses(it) == [PENDING, PENDING]
        assert await unmatched(it) == [tx_hash]
        await it.hint("pay_2", tx_hash, found_by="ada")
        await it.follow(2)
        assert await statuses(it) == [PENDING, COMPLETED]


async def test_a_person_gives_each_transfer_of_one_transaction_to_a_payment_of_its_own(follow: Follow) -> None:
    async with follow() as it:
        forwarder = it.anvil.deploy("Forwarder")
        it.pay(400, forwarder)
        await it.follow()
        payments = [await it.register(f"pay_{number}") for number in (1, 2, 3)]
        data = it.anvil.call_data("Forwarder", "forwardToken", it.token, [BOB, BOB, CAROL], 100 * 10**6)
        tx_hash = it.anvil.send(forwarder, data=data)
        it.anvil.mine()
        await it.hint("pay_1", tx_hash)
        await it.follow(CONFIRMATIONS)
        listed = await it.journal.chains.unmatched_transfers(10)
        first, second = sorted(one.transfer.place for one in listed)
        await it.hint("pay_1", tx_hash, found_by="ada", place=second)
        await it.follow(1)
        assert await statuses(it) == [COMPLETED, PENDING]
        assert [one.transfer.place for one in await it.journal.chains.unmatched_transfers(10)] == [first]
        await it.hint("pay_1", tx_hash, found_by="ada", place=first)
        await it.follow(1)
        assert [(await it.payment(one.payment_id)).received for one in payments] == [Decimal(200), 0, 0]
        assert await unmatched(it) == []


@pytest.mark.parametrize("before", [True, False])
async def test_a_transfer_of_before_its_payment_pays_no_payout(follow: Follow, before: bool) -> None:
    async with follow() as it:
        await it.follow()
        tx_hash = it.pay(7)
        if before:
            await it.follow(CONFIRMATIONS)
        it.anvil.ask("evm_increaseTime", 3600)
        await it.register("pay_1", recipient=CAROL, created_at=datetime.now(UTC) + timedelta(minutes=30))
        it.pay(100, CAROL)
        await it.follow(CONFIRMATIONS)
        await it.pay_out(tx_hash, to=BOB)
        await it.follow(CONFIRMATIONS + 2)
        payout = await it.payout()
        assert payout.status == PayoutStatus.MISMATCH
        assert any("before the payment was registered" in reason for reason in payout.reasons)


async def test_a_transfer_that_was_sent_before_its_payout_was_registered_pays_it(follow: Follow) -> None:
    async with follow() as it:
        await it.follow()
        await it.register("pay_1", recipient=CAROL)
        it.pay(100, CAROL)
        tx_hash = it.pay(7)
        await it.follow(CONFIRMATIONS)
        await it.pay_out(tx_hash, to=BOB)
        await it.follow(CONFIRMATIONS + 2)
        assert (await it.payout()).status == PayoutStatus.COMPLETED


@pytest.mark.parametrize("before", [True, False])
async def test_a_payout_whose_transaction_another_wallet_sent_is_not_verified_and_says_who_did(
    follow: Follow, before: bool
) -> None:
    async with follow() as it:
        await it.follow()
        await it.register("pay_1", recipient=CAROL)
        it.pay(100, CAROL)
        await it.follow(CONFIRMATIONS)
        it.anvil.transfer(it.token, CAROL, 7 * 10**6)
        tx_hash = it.anvil.transfer(it.token, BOB, 7 * 10**6, sender=CAROL)
        if before:
            it.anvil.mine()
            await it.follow()
        await it.pay_out(tx_hash, to=BOB, sender=ALICE)
        await it.follow(CONFIRMATIONS + 2)
        payout = await it.payout()
        assert payout.status == PayoutStatus.MISMATCH
        assert payout.reasons == (f"{tx_hash}: it is sent by {CAROL}, not by {ALICE} (signed by {CAROL})",)


async def test_a_payout_that_is_paid_too_little_says_who_paid_that(follow: Follow) -> None:
    async with follow() as it:
        await it.follow()
        await it.register("pay_1", recipient=CAROL)
        it.pay(100, CAROL)
        await it.follow(CONFIRMATIONS)
        tx_hash = it.pay(6)
        await it.pay_out(tx_hash, to=BOB)
        await it.follow(CONFIRMATIONS + 1)
        assert (await it.payout()).reasons == (f"{tx_hash} pays 6 USDT of 7, sent by {ALICE}",)


async def test_dust_of_strangers_does_not_make_a_payment_grow_without_end(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        wallet = it.anvil.deploy("Wallet")
        it.pay(10, wallet)
        await it.follow(3)
        await it.register()
        for _ in range(2):
            some = 2 * MANY_TRANSFERS
            dust = [it.anvil.call_data("Token", "transfer", BOB, 1)] * some
            call = it.anvil.call_data("Wallet", "execute", [it.token] * some, [0] * some, dust)
            it.anvil.send(wallet, data=call, gas=hex(29_000_000))
            it.anvil.mine()
        it.pay(60)
        await it.follow(CONFIRMATIONS)
        payment = await it.payment()
        assert len(payment.facts.sightings) == MANY_TRANSFERS + 1
        assert payment.paid == Decimal(60) + Decimal("0.000001") * MANY_TRANSFERS
        listed = await it.journal.chains.unmatched_transfers(10)
        assert [one.transfer.reason for one in listed] == [DUST] * 4
        assert listed[-1].smaller == 3 * MANY_TRANSFERS - 4
        it.pay(40)
        await it.follow(CONFIRMATIONS)
        assert await statuses(it, "pay_1") == [COMPLETED]
