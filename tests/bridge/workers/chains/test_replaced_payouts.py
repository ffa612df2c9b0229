"""Payouts whose transaction is not there any more: nobody is told that one was not sent which may still be."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bridge.http.ops.overview import needs_a_person
from coordinator.payouts.approval import Approver, NothingToApproveError, NotTheirOwnError
from coordinator.payouts.statuses import PayoutStatus
from providers.onchain.confirming.claim_rounds import MAY_STILL_COME, REPLACED
from tests.anvil import ALICE, BOB, CAROL
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed, gets_paid, goes_on

BROADCAST, DROPPED = PayoutStatus.BROADCAST, PayoutStatus.DROPPED
COMPLETED, FAILED = PayoutStatus.COMPLETED, PayoutStatus.FAILED
CHEAP, DEAR = hex(2 * 10**9), hex(9 * 10**9)
Transaction = dict[str, str]


async def sent(it: Followed) -> tuple[str, Transaction]:
    """A payout whose transaction waits to be mined, since it offers little. Returns its hash, and what it says."""
    await gets_paid(it)
    nonce = it.anvil.ask("eth_getTransactionCount", ALICE, "latest")
    said = {
        "from": ALICE,
        "to": it.token,
        "data": it.anvil.call_data("Token", "transfer", CAROL, 7 * 10**6),
        "nonce": nonce,
        "gas": hex(500_000),
        "gasPrice": CHEAP,
    }
    tx_hash = it.anvil.ask("eth_sendTransaction", said)
    await it.pay_out(tx_hash, to=CAROL)
    await it.follow()
    return tx_hash, said


async def test_a_payout_is_called_replaced_only_once_that_is_final(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        tx_hash, said = await sent(it)
        it.anvil.send(BOB, 1, nonce=said["nonce"], gasPrice=DEAR)
        it.anvil.mine()
        await it.follow(CONFIRMATIONS - 2)
        assert (await it.payout()).status == BROADCAST
        it.anvil.reorganise(CONFIRMATIONS - 1, [(said, 0)])  # the other one is gone, and it is mined after all
        it.anvil.mine()
        await goes_on(it)
        payout = await it.payout()
        assert (payout.status, payout.facts.tx_hashes) == (COMPLETED, (tx_hash,))


async def test_what_replaced_a_payout_is_counted_anew_after_a_reorganisation(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        _, said = await sent(it)
        instead = {"from": ALICE, "to": BOB, "value": "0x1", "nonce": said["nonce"], "gasPrice": DEAR}
        it.anvil.ask("eth_sendTransaction", instead)
        it.anvil.mine()
        await it.follow(CONFIRMATIONS - 2)
        it.anvil.reorganise(CONFIRMATIONS - 1, [(instead, CONFIRMATIONS - 2)])
        it.anvil.mine()
        await it.follow()
        assert (await it.payout()).status == BROADCAST
        await goes_on(it)
        payout = await it.payout()
        assert (payout.status, [REPLACED in one for one in payout.reasons]) == (DROPPED, [True])


async def test_a_payout_that_no_node_knows_may_still_come_and_says_so(follow: Follow) -> None:
    """As one that offered too little while the fees rose: whoever has it may send it once more."""
    async with follow(endpoints=2) as it:
        tx_hash, said = await sent(it)
        it.anvil.ask("anvil_dropTransaction", tx_hash)
        await goes_on(it, blocks=5 * CONFIRMATIONS + 5)
        payout = await it.payout()
        assert (payout.status, payout.reasons) == (DROPPED, (f"{tx_hash}: {MAY_STILL_COME}",))
        assert it.anvil.ask("eth_sendTransaction", said) == tx_hash
        await goes_on(it)
        assert (await it.payout()).status == COMPLETED


async def test_a_payout_of_a_sender_that_was_sent_anew_is_completed_by_the_transaction_that_a_person_names(
    follow: Follow,
) -> None:
    """Its first transaction went with its block, and another one took its nonce."""
    async with follow(endpoints=2) as it:
        await gets_paid(it)
        await it.pay_out(None, to=CAROL, sender=ALICE)
        nonce = it.anvil.ask("eth_getTransactionCount", ALICE, "latest")
        first = it.pay(7, CAROL)
        await it.follow()
        assert (await it.payout()).tx_hash == first
        it.anvil.reorganise(1)
        it.anvil.send(BOB, 1, nonce=nonce)
        again = it.pay(7, CAROL)
        await goes_on(it, blocks=5 * CONFIRMATIONS + 5)
        assert (await it.payout()).status == DROPPED
        [item] = [one for one in await needs_a_person(it.journal, timedelta(days=3)) if one.tx_hash == again]
        assert "it is just what out_1 is to pay by another transaction" in item.detail
        assert "resolve that one as sent, with this transaction" in item.advice
        payout, _ = await it.journal.console.record_resolution("out_1", "sent", again, by="Ada", note=None)
        assert payout.status == BROADCAST
        await goes_on(it)
        payout = await it.payout()
        assert (payout.status, payout.verification) == (COMPLETED, "verified")
        assert await it.journal.chains.unmatched_transfers(10) == []


async def test_a_payout_that_its_wallet_sends_again_is_on_the_list_and_not_where_another_one_was_meant(
    follow: Follow,
) -> None:
    async with follow(endpoints=2) as it:
        await gets_paid(it)
        await it.pay_out(None, to=CAROL, sender=ALICE)
        it.pay(7, CAROL)
        await goes_on(it)
        again, less = it.pay(7, CAROL), it.pay(6, CAROL)
        await goes_on(it)
        assert ((await it.payout()).status, (await it.payout()).excess) == (COMPLETED, Decimal(0))
        listed = {one.tx_hash: one for one in await needs_a_person(it.journal, timedelta(days=3))}
        assert [(listed[one].kind, listed[one].payout_id) for one in (again, less)] == [
            ("payout-paid-twice", "out_1"),
            ("transfer-unmatched", None),
        ]
        # It was for another payment, whose payout is told of late.
        await it.pay_out(again, "out_2", to=CAROL)
        await goes_on(it)
        assert (await it.payout("out_2")).status == COMPLETED
        assert {one.tx_hash for one in await needs_a_person(it.journal, timedelta(days=3))} == {less}


async def test_a_payout_of_a_wallet_is_withdrawn_until_it_is_seen_and_told_of_where_it_is_sent_all_the_same(
    follow: Follow,
) -> None:
    async with follow(endpoints=2) as it:
        await gets_paid(it)
        asked_by = Approver("Ada")
        for number in (1, 2):
            await it.pay_out(None, f"out_{number}", amount=6 + number, to=CAROL, sender=ALICE, asked_by="Ada")
        with pytest.raises(NotTheirOwnError):
            await it.journal.approvals.withdraw("out_1", by=Approver("Bo"), note=None)
        withdrawn, _ = await it.journal.approvals.withdraw("out_1", by=asked_by, note="another wallet sends it")
        assert (withdrawn.status, withdrawn.facts.found_by) == (FAILED, frozenset({"Ada"}))
        seen = it.pay(8, CAROL)
        await it.follow()
        assert (await it.payout("out_2")).tx_hash == seen
        with pytest.raises(NothingToApproveError):
            await it.journal.approvals.withdraw("out_2", by=asked_by, note=None)
        sent = it.pay(7, CAROL)
        await goes_on(it)
        assert (await it.payout("out_1")).status == FAILED
        [item] = [one for one in await needs_a_person(it.journal, timedelta(days=3)) if one.tx_hash == sent]
        assert (item.kind, item.payout_id) == ("payout-paid-twice", "out_1")
