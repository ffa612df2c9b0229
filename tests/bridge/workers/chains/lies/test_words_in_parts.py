"""Money of which one endpoint tells one part and another the rest, because the first stumbled in between: each part
has one word alone, and who told it does not confirm itself."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from tests.anvil import BOB, CAROL
from tests.bridge.workers.chains.followed_chain import Follow, Followed, goes_on, listed

COMPLETED, CONFIRMING, PENDING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING, PaymentStatus.PENDING
Document = dict[str, Any]


async def is_held(it: Followed) -> None:
    """What only one endpoint tells of does not count, and what is true does later."""
    await goes_on(it)
    assert (await it.payment()).status == CONFIRMING
    assert len(await listed(it)) == 1


async def test_what_contracts_send_is_not_confirmed_by_who_told_of_it(follow: Follow) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency="ETH")

        def diverted(parameters: list[Any], traced: Any) -> Any:
            return json.loads(json.dumps(traced).replace(CAROL.lower(), BOB.lower()))

        for method in ("debug_traceBlockByHash", "debug_traceTransaction"):
            it.liars[1].changes(method, diverted)
        it.liars[0].stumbles("debug_traceBlockByHash")
        it.anvil.send(forwarder, 100 * 10**18, data=it.anvil.call_data("Forwarder", "forward", CAROL))
        it.anvil.mine()
        await it.follow()
        await is_held(it)


async def test_that_a_transaction_succeeded_is_not_confirmed_by_who_told_of_it(follow: Follow) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow()
        await it.register(currency="ETH", recipient=it.token)
        it.liars[1].changes("eth_getTransactionReceipt", lambda _, receipt: receipt | {"status": "0x1"})
        it.liars[0].stumbles("eth_getTransactionReceipt")
        it.anvil.send(it.token, 100 * 10**18)  # a contract that takes none
        it.anvil.mine()
        await it.follow()
        await is_held(it)


async def test_what_a_transaction_that_is_named_carries_is_not_confirmed_by_who_told_of_it(follow: Follow) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow()
        tx_hash = it.anvil.send(BOB, 10**18)
        it.anvil.mine()
        await it.follow()
        await it.register(currency="ETH")
        value = {"value": hex(100 * 10**18)}
        it.liars[1].changes("eth_getTransactionByHash", lambda _, transaction: transaction and transaction | value)

        def generous(parameters: list[Any], block: Document) -> Document:
            return block | {
                "transactions": [one | value if isinstance(one, dict) else one for one in block["transactions"]]
            }

        it.liars[1].changes("eth_getBlockByNumber", generous)
        it.liars[0].stumbles("eth_getTransactionByHash")
        await it.hint("pay_1", tx_hash)
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING


@pytest.mark.parametrize("is_named", [True, False])
async def test_when_a_block_was_made_is_not_confirmed_by_who_told_of_it(follow: Follow, is_named: bool) -> None:
    """Money of before its payment, which one endpoint says to be of after it."""
    async with follow(endpoints=2) as it:
        await it.follow()
        registered_at = datetime.now(UTC) + timedelta(hours=1)
        await it.register(created_at=registered_at)
        later = hex(int((registered_at + timedelta(hours=1)).timestamp()))
        it.liars[1].changes("eth_getBlockByNumber", lambda _, block: block and block | {"timestamp": later})
        it.liars[1].changes("eth_getLogs", lambda _, logs: [one | {"blockTimestamp": later} for one in logs])
        tx_hash = it.pay()
        if is_named:
            await it.hint("pay_1", tx_hash)

        def once(parameters: list[Any]) -> Any:
            if parameters[0] == "latest":
                return ...
            del it.liars[0].answers["eth_getBlockByNumber"]
            return 503

        it.anvil.mine()
        it.liars[0].answers["eth_getBlockByNumber"] = once
        await it.follow()
        await goes_on(it)
        assert (await it.payment()).status in (CONFIRMING, PENDING)
