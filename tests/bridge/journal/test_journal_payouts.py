"""Payouts in the journal, on both databases: once for each payment, asked for once, escrow released with them."""

import asyncio
from collections import Counter
from decimal import Decimal

import pytest
from alembic import command

from bridge.journal import IdempotencyKey, IdempotencyKeyReusedError, Journal, PayoutRefusedError, all_read
from coordinator.payments.observed.observations import InvoiceSnapshot, Standing, Transfer
from coordinator.payments.payments import Payment
from coordinator.payouts.named_transactions import TransactionTakenError
from coordinator.payouts.observations import (
    PayoutAccepted,
    PayoutConfirmed,
    PayoutFailed,
    PayoutNotAsked,
    PayoutObservation,
    PayoutSent,
    PayoutUnclear,
)
from coordinator.payouts.payouts import Payout
from coordinator.payouts.resolution import NothingToResolveError
from coordinator.payouts.statuses import PayoutStatus
from tests.attempts import begin_attempts
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.older_journals import migrate
from tests.clock import Clock


async def paid(journal: Journal, number: int, *, seller_id: str = "s1") -> str:
    """A payment that is completed, so that its escrow is funded."""
    payment = Payment(
        payment_id=f"pay_{number}",
        provider="shkeeper",
        external_id=f"order-{number}",
        request_id="r1",
        buyer_id="b1",
        seller_id=seller_id,
        amount=Decimal(100),
        currency="USD",
        created_at=NOW,
    )
    await journal.register_payment(payment)
    transfer = Transfer(transfer_id=f"0xE{number}", asset="ETH-USDT", amount=Decimal(100))
    await journal.record_observation(
        provider="shkeeper",
        external_id=payment.external_id,
        key=f"paid-{number}",
        observation=InvoiceSnapshot(
            standing=Standing.PAID, currency="USD", received=Decimal(100), transfers=(transfer,)
        ),
    )
    return payment.payment_id


def payout(payment_id: str, number: int = 1, *, seller_id: str = "s1", amount: str = "98.00") -> Payout:
    return Payout(
        payout_id=f"out_{payment_id}_{number}",
        provider="shkeeper",
        payment_id=payment_id,
        seller_id=seller_id,
        destination="0xAb",
        coin="ETH-USDT",
        amount=Decimal(amount),
        worth=Decimal(amount),
        created_at=NOW,
    )


async def escrow(journal: Journal, payment_id: str) -> str:
    record = await journal.payment_record(payment_id)
    assert record is not None
    return record.payment.escrow_state


async def events(journal: Journal) -> list[str]:
    stretch = await journal.room_events(["user-s1"], everyone=True, hidden=(), after=0, limit=500)
    told = [(journaled.event.name, journaled.event.payload) for journaled in stretch.events]
    return [
        f"{name} {payload.get('escrowState') or payload.get('status')}"
        for name, payload in told
        if name.startswith(("payment-update", "payout"))
    ]


async def test_a_payout_is_followed_with_its_payments_escrow(journal: Journal) -> None:
    payment_id = await paid(journal, 1)
    await journal.payouts.register([payout(payment_id)], rules=None)
    assert await escrow(journal, payment_id) == "releasing"
    payout_id = f"out_{payment_id}_1"
    assert await begin_attempts(journal, payout_id) == {payout_id: 1}
    life: list[PayoutObservation] = [
        PayoutAccepted(task_id="t"),
        PayoutSent(tx_hashes=("0x1",)),
        PayoutConfirmed(),
    ]
    for number, observation in enumerate(life):
        for _ in range(2):  # each is told twice
            await journal.payouts.record_observation(payout_id, f"o{number}", observation)
    assert await escrow(journal, payment_id) == "released"
    assert await events(journal) == [
        "payment-update funded",
        "payment-update releasing",
        "payout-created None",
        "payout-updated broadcast",
        "payout-updated completed",
        "payout-completed None",
        "payment-update released",
    ]
    [record] = await journal.payouts.records([payout_id, "out_unknown"])
    assert record.payout.status is PayoutStatus.COMPLETED
    assert [entry.observation.kind for entry in record.history] == [
        "payout-asked",
        "payout-accepted",
        "payout-sent",
        "payout-confirmed",
    ]
    assert await journal.payouts.to_follow(failed_since=journal.clock(), limit=10) == []


async def test_a_batch_that_comes_between_two_pages_is_followed_as_a_whole_or_not_yet(journal: Journal) -> None:
    """Ids follow from digests: half of a batch may come before the page's last payout, and half after it."""
    payment_ids = [await paid(journal, number) for number in range(9)]
    for number in (3, 4, 5):
        await journal.payouts.register([payout(payment_ids[number])], rules=None)
    before = await journal.payouts.to_follow(failed_since=journal.clock(), limit=2)
    for number, batch_id in enumerate(("a", f"out_{payment_ids[4]}_0", "z")):
        batch = [
            payout(payment_ids[one]).model_copy(update={"batch_id": batch_id, "destination": f"0x{one}"})
            for one in (number, number + 6)
        ]
        await journal.payouts.register(batch, rules=None)
    after = before[-1]
    found = [*before]
    while page := await journal.payouts.to_follow(after=after, failed_since=journal.clock(), limit=1):
        found += page
        after = page[-1]
    assert len(found) == len({one.payout_id for one in found})
    assert Counter(one.batch_id for one in found if one.batch_id is not None) == {"z": 2}
    assert {one.payment_id for one in found} >= {payment_ids[number] for number in (3, 4, 5)}


async def test_a_payment_is_paid_out_once_unless_it_failed_or_another_is_wanted(journal: Journal) -> None:
    payment_id = await paid(journal, 1)
    await journal.payouts.register([payout(payment_id, 1)], rules=None)
    with pytest.raises(PayoutRefusedError, match="already"):
        await journal.payouts.register([payout(payment_id, 2)], rules=None)
    await journal.payouts.record_observation(f"out_{payment_id}_1", "failed", PayoutFailed(reason="no money"))
    assert await escrow(journal, payment_id) == "funded"
    await journal.payouts.register([payout(payment_id, 3, amount="60")], rules=None)
    with pytest.raises(PayoutRefusedError, match="already"):
        await journal.payouts.register([payout(payment_id, 4, amount="1")], rules=None)
    with pytest.raises(PayoutRefusedError, match=r"40 USD are left to be paid out to s1, and this is worth 40\.01"):
        await journal.payouts.register([payout(payment_id, 5, amount="40.01")], another=True, rules=None)
    await journal.payouts.register([payout(payment_id, 5, amount="40")], another=True, rules=None)
    records = all_read(await journal.payouts.of_payment(payment_id))
    assert [record.payout.payout_id[-1] for record in records] == ["1", "3", "5"]


async def test_of_many_who_want_it_at_once_one_gets_the_payout(journal: Journal) -> None:
    payment_id = await paid(journal, 1)
    outcomes = await asyncio.gather(
        *(journal.payouts.register([payout(payment_id, number)], rules=None) for number in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, PayoutRefusedError) for outcome in outcomes) == 19
    assert len(await journal.payouts.to_follow(failed_since=journal.clock(), limit=100)) == 1


async def test_one_that_may_not_be_paid_out_stops_the_whole_request(journal: Journal) -> None:
    funded, other = await paid(journal, 1), await paid(journal, 2, seller_id="s2")
    await journal.register_payment(
        Payment(
            payment_id="pay_3",
            provider="shkeeper",
            external_id="order-3",
            request_id="r1",
            buyer_id="b1",
            seller_id="s1",
            amount=Decimal(100),
            currency="USD",
            created_at=NOW,
        )
    )
    for number, (wrong, words) in enumerate(
        (
            (payout("pay_9"), "no payment"),
            (payout("pay_3"), "is pending, not completed"),
            (payout(other), "not for the seller s1"),
            (payout(funded, 2), "already"),
        )
    ):
        with pytest.raises(PayoutRefusedError, match=words) as caught:
            await journal.payouts.register([payout(funded), wrong], rules=None)
        assert caught.value.number == 1, number
    assert await journal.payouts.to_follow(failed_since=journal.clock(), limit=10) == []
    assert await escrow(journal, funded) == "funded"


async def test_an_idempotency_key_answers_with_the_first_payouts(journal: Journal) -> None:
    payment_id = await paid(journal, 1)
    key = IdempotencyKey("payouts", "k", "digest")
    first = await journal.payouts.register([payout(payment_id, 1)], key, rules=None)
    again = await journal.payouts.register([payout(payment_id, 2)], key, rules=None)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.payout_ids == first.payout_ids
    with pytest.raises(IdempotencyKeyReusedError):
        await journal.payouts.register([payout(payment_id, 3)], IdempotencyKey("payouts", "k", "other"), rules=None)


async def test_an_attempt_begins_once_however_many_want_to(journal: Journal, database_url: str) -> None:
    payment_id = await paid(journal, 1)
    await journal.payouts.register([payout(payment_id)], rules=None)
    payout_id = f"out_{payment_id}_1"
    attempts = await asyncio.gather(*(begin_attempts(journal, payout_id) for _ in range(20)))
    assert sorted(attempts, key=len) == [*[{}] * 19, {payout_id: 1}]
    await journal.close()
    reopened = await Journal.open(database_url, Clock(NOW))
    assert await begin_attempts(reopened, payout_id) == {}
    await reopened.payouts.record_observation(payout_id, "vain", PayoutNotAsked(attempt=1, reason="not reached"))
    assert await begin_attempts(reopened, payout_id) == {payout_id: 2}
    await reopened.close()


HASH = "00" * 31 + "a7"


async def test_an_invoice_is_paid_once_whatever_payment_it_is_named_for(journal: Journal) -> None:
    first, second = payout(await paid(journal, 1)), payout(await paid(journal, 2))
    both = {first.payout_id: HASH, second.payout_id: HASH}
    with pytest.raises(PayoutRefusedError, match=f"its invoice is that of {first.payout_id}, .* which is created"):
        await journal.payouts.register([first, second], rules=None, payment_hashes=both)
    await journal.payouts.register([first], rules=None, payment_hashes=both)
    with pytest.raises(PayoutRefusedError, match=f"its invoice is that of {first.payout_id}"):
        await journal.payouts.register([second], rules=None, payment_hashes=both)
    # The node calls the transaction by the payment's hash.
    await journal.payouts.record_observation(first.payout_id, "sent", PayoutSent(tx_hashes=(HASH,)))
    with pytest.raises(PayoutRefusedError, match="which is broadcast"):
        await journal.payouts.register([second], rules=None, payment_hashes=both)
    third = payout(await paid(journal, 3))
    await journal.payouts.register([third], rules=None, payment_hashes={third.payout_id: "b8"})
    await journal.payouts.record_observation(third.payout_id, "failed", PayoutFailed(reason="no route"))
    # It was certainly not paid, so it still can be.
    await journal.payouts.register([second], rules=None, payment_hashes={second.payout_id: "B8"})


async def test_a_transaction_that_a_person_names_is_no_other_payouts_unless_they_have_seen_it(
    journal: Journal, database_url: str
) -> None:
    payouts = [payout(await paid(journal, number)) for number in (1, 2, 3)]
    await journal.payouts.register(payouts, rules=None)
    first, second, third = (one.payout_id for one in payouts)
    for one in (first, second, third):
        await journal.payouts.record_observation(one, "unclear", PayoutUnclear(reason="no answer"))
    await journal.console.record_resolution(first, "sent", "0xAb", by="Ada")
    for outcome in ("sent", "arrived"):
        with pytest.raises(TransactionTakenError, match=f"ab is {first}'s already, a payout of payment pay_1"):
            await journal.console.record_resolution(second, outcome, "ab", by="Bo")
    await journal.console.record_resolution(first, "returned", "0xCd", by="Ada")
    await journal.close()
    # A journal of before is searched for all of them.
    await asyncio.to_thread(migrate, database_url, command.downgrade, "0029")
    again = await Journal.open(database_url)
    for tx_hash in ("0xAB", "0xCD"):
        with pytest.raises(TransactionTakenError):
            await again.console.record_resolution(second, "sent", tx_hash, by="Bo")
    resolved, _ = await again.console.record_resolution(second, "sent", "0xAB", by="Bo", for_several=True)
    assert resolved.status is PayoutStatus.BROADCAST
    for tx_hash, taken in (("0xab", f"is {first}'s already"), ("e1", "is what the buyer of payment pay_1 paid with")):
        with pytest.raises(TransactionTakenError, match=f"{tx_hash} {taken}"):
            await again.console.record_resolution(third, "arrived", tx_hash, by="Bo")
    with pytest.raises(NothingToResolveError):  # it is looked for whole
        await again.console.record_resolution(first, "returned", "e", by="Bo")
    arrived, _ = await again.console.record_resolution(third, "arrived", "e1", by="Bo", for_several=True)
    assert arrived.status is PayoutStatus.COMPLETED
    await again.close()


@pytest.mark.parametrize(
    ("named", "batch_id", "reason"),
    [
        (" 0xe1", None, "shkeeper names  0xe1, which is what the buyer paid with"),
        ("0xF2", None, "shkeeper names 0xF2, which is out_pay_2_1's"),
        ("0xF2", "one-order", None),  # which one transaction may carry
        ("0xF1", None, None),
    ],
)
async def test_a_transaction_that_did_something_else_is_no_proof_of_a_payout(
    journal: Journal, named: str, batch_id: str | None, reason: str | None
) -> None:
    both = [payout(await paid(journal, number)).model_copy(update={"batch_id": batch_id}) for number in (1, 2)]
    await journal.payouts.register(both, rules=None)
    one, other = (each.payout_id for each in both)
    await begin_attempts(journal, one, other)
    sent: PayoutObservation = PayoutSent(tx_hashes=("0xF2",))
    confirmed: PayoutObservation = PayoutConfirmed()
    await journal.payouts.record_observations(other, [("sent", sent), ("confirmed", confirmed)])
    await journal.payouts.record_outcomes([(one, 1, PayoutSent(tx_hashes=(named,)))])
    seen = (await journal.payouts.record_observations(one, [("confirmed", confirmed)])).payout
    assert seen.status is (PayoutStatus.COMPLETED if reason is None else PayoutStatus.MISMATCH)
    assert seen.reasons == (() if reason is None else (reason,))
    # With the right one it has arrived, and what was told before is looked at all the same.
    right: PayoutObservation = PayoutSent(tx_hashes=("0xF1",))
    after = (await journal.payouts.record_observations(one, [("right", right)])).payout
    assert (after.status, after.ended_in_doubt) == (PayoutStatus.COMPLETED, reason is not None)
