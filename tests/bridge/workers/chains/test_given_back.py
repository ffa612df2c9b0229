"""Payouts whose destination gives money back within the transaction that pays it: what it is left with counts."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from coordinator.payouts.payouts import Verification
from coordinator.payouts.statuses import PayoutStatus
from tests.bridge.workers.chains.followed_chain import USDT, Follow, Followed, goes_on


def sent(it: Followed, wallet: str, destination: str, paid: int, back: int) -> str:
    """One transaction that pays, and has the destination give some back."""
    calls = [it.anvil.call_data("Token", "transfer", destination, paid * USDT)]
    targets = [it.token]
    if back:
        calls.append(it.anvil.call_data("Forwarder", "forwardToken", it.token, [wallet], back * USDT))
        targets.append(destination)
    return carried(it, wallet, targets, calls)


def carried(it: Followed, wallet: str, targets: Sequence[str], calls: Sequence[str]) -> str:
    data = it.anvil.call_data("Wallet", "execute", targets, [0] * len(targets), calls)
    tx_hash = it.anvil.send(wallet, data=data)
    it.anvil.mine()
    return tx_hash


@pytest.mark.parametrize(("endpoints", "is_named"), [(1, True), (2, True), (2, False)])
@pytest.mark.parametrize(("back", "left"), [(0, 7), (2, 5), (7, 0)])
async def test_a_payout_is_paid_by_what_its_destination_is_left_with(
    follow: Follow, endpoints: int, is_named: bool, back: int, left: int
) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow()
        await it.register()
        wallet, destination = it.anvil.deploy("Wallet"), it.anvil.deploy("Forwarder")
        it.anvil.transfer(it.token, wallet, 100 * USDT)
        it.pay()
        await goes_on(it)
        if is_named:
            await it.pay_out(sent(it, wallet, destination, 7, back), to=destination)
        else:
            await it.pay_out(None, to=destination, sender=wallet)
            await it.follow()
            sent(it, wallet, destination, 7, back)
        await goes_on(it)
        payout = await it.payout()
        if left == 7:
            assert (payout.status, payout.verification) == (PayoutStatus.COMPLETED, Verification.VERIFIED)
        else:
            assert (payout.status, payout.verification) == (PayoutStatus.MISMATCH, Verification.MISMATCH)
            [reason] = payout.reasons
            assert f"gave back {back} of 7 USDT" in reason
            assert f"leaves {left} " in reason
        assert payout.excess == Decimal(0)


async def test_two_payouts_of_one_transaction_share_what_their_destination_is_left_with(follow: Follow) -> None:
    async with follow() as it:
        await it.follow()
        await it.register()
        wallet, destination = it.anvil.deploy("Wallet"), it.anvil.deploy("Forwarder")
        it.anvil.transfer(it.token, wallet, 100 * USDT)
        it.pay()
        await goes_on(it)
        pay = it.anvil.call_data("Token", "transfer", destination, 7 * USDT)
        back = it.anvil.call_data("Forwarder", "forwardToken", it.token, [wallet], 7 * USDT)
        tx_hash = carried(it, wallet, [it.token, it.token, destination], [pay, pay, back])
        for payout_id in ("out_1", "out_2"):
            await it.pay_out(tx_hash, payout_id, to=destination)
        await goes_on(it)
        assert [(await it.payout(one)).status for one in ("out_1", "out_2")] == [PayoutStatus.MISMATCH] * 2


@pytest.mark.parametrize("liar", [0, 1])
async def test_one_endpoint_alone_does_not_say_that_a_payout_was_given_back(follow: Follow, liar: int) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        wallet, destination = it.anvil.deploy("Wallet"), it.anvil.deploy("Forwarder")
        it.anvil.transfer(it.token, wallet, 100 * USDT)
        it.pay()
        await goes_on(it)

        def turned(parameters: list[Any], receipt: dict[str, Any]) -> dict[str, Any]:
            """With as much the other way."""
            log = receipt["logs"][0]
            signature, sender, recipient = log["topics"]
            back = log | {"topics": [signature, recipient, sender], "logIndex": "0x63"}
            return receipt | {"logs": [log, back]}

        it.liars[liar].changes("eth_getTransactionReceipt", turned)
        await it.pay_out(sent(it, wallet, destination, 7, 0), to=destination)
        await goes_on(it)
        assert (await it.payout()).status == PayoutStatus.CONFIRMING
        it.liars[liar].answers = {}
        it.clock.now += 120
        await goes_on(it)
        assert (await it.payout()).status == PayoutStatus.COMPLETED
