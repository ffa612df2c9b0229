"""Payments that are paid over another chain than the one that was agreed: an address is the same on both."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import SecretStr
from tenacity import wait_none

from bridge.http.ops.overview import needs_a_person
from bridge.workers.chains.store import JournalChainStore
from coordinator.payments.observed.observations import Stage
from coordinator.payments.payments import PaymentStatus
from providers.onchain.chains import Chain, Token
from providers.onchain.follower import ChainFollower
from providers.onchain.nodes.rpc import ChainRpc
from tests.anvil import ALICE, BOB, CAROL, Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, USDT, Follow, Followed, goes_on
from tests.providers.onchain.liar import Liar
from tests.scripted_gateway import scripted_gateway
from tests.waiting import GIVE_UP_SECONDS

OTHER_ID = 31338


@pytest.fixture(scope="module")
def other() -> Iterator[Anvil]:
    with running_anvil(OTHER_ID) as other:
        yield other


@asynccontextmanager
async def beside(it: Followed, other: Anvil) -> AsyncIterator[tuple[str, Liar]]:
    """Has it follow another chain too, over two endpoints; with its token, and the second of them."""
    token = other.deploy("Token")
    async with scripted_gateway() as one, scripted_gateway() as two:
        liars = [Liar(gateway, other) for gateway in (one, two)]
        chain = Chain(
            name="elsewhere",
            chain_id=OTHER_ID,
            confirmations=CONFIRMATIONS,
            block_seconds=1,
            tokens=(Token(symbol="USDT", decimals=6, address=token),),
            endpoints=tuple(SecretStr(liar.url) for liar in liars),
        )
        rpc = ChainRpc(chain, timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none(), clock=it.clock)
        await rpc.start()
        store = JournalChainStore(it.journal, {"anvil": it.chain, "elsewhere": chain}, days=7)
        it.follower = ChainFollower(it.chain, it.rpc, store, it.clock, [(chain, rpc)])
        yield token, liars[1]
        await rpc.aclose()


async def unmatched(it: Followed) -> list[str]:
    found = await needs_a_person(it.journal, timedelta(days=3))
    return [one.detail for one in found if one.kind == "transfer-unmatched"]


async def test_what_came_over_another_chain_is_listed_once_it_is_final_there_and_does_not_count(
    follow: Follow, other: Anvil
) -> None:
    async with follow() as it, beside(it, other) as (token, _):
        await it.follow()
        await it.register()
        tx_hash = other.transfer(token, BOB, 100 * USDT)
        other.mine()
        await it.hint("pay_1", tx_hash)
        await goes_on(it)
        assert await unmatched(it) == []
        other.mine(CONFIRMATIONS)
        await goes_on(it)
        said = "it came over elsewhere, and pay_1 is to be paid over anvil"
        assert await unmatched(it) == [f"100 USDT from {ALICE} to {BOB}; {said}"]
        [listed] = await it.journal.chains.unmatched_transfers(10)
        assert (listed.transfer.chain, listed.transfer.tx_hash) == ("elsewhere", tx_hash)
        payment = await it.payment()
        [told] = payment.facts.sightings
        assert (told.stage, told.reason) == (Stage.FAILED, "it pays 100 USDT to this address over elsewhere")
        assert (payment.status, payment.received) == (PaymentStatus.PENDING, Decimal(0))
        it.pay()  # and what comes as it was agreed counts
        await goes_on(it)
        assert (await it.payment()).status == PaymentStatus.COMPLETED


async def test_what_one_endpoint_of_another_chain_alone_says_is_not_listed(follow: Follow, other: Anvil) -> None:
    async with follow() as it, beside(it, other) as (token, second):
        await it.follow()
        await it.register()
        tx_hash = other.transfer(token, BOB, 100 * USDT)
        other.mine(1 + CONFIRMATIONS)
        second.answers["eth_getTransactionByHash"] = None
        await it.hint("pay_1", tx_hash)
        await goes_on(it)
        assert await unmatched(it) == []
        second.answers = {}
        second.changes("eth_getTransactionReceipt", lambda _, receipt: receipt | {"logs": []})
        await goes_on(it)
        assert await unmatched(it) == []
        second.answers = {}
        await goes_on(it)
        assert len(await unmatched(it)) == 1


async def test_what_pays_somebody_else_there_and_what_is_older_is_not_listed(follow: Follow, other: Anvil) -> None:
    async with follow() as it, beside(it, other) as (token, _):
        await it.follow()
        older = other.transfer(token, BOB, 100 * USDT)
        other.mine()
        payment = await it.register()
        other.ask("evm_setNextBlockTimestamp", int((payment.created_at + timedelta(hours=1)).timestamp()))
        elsewhere = other.transfer(token, CAROL, 100 * USDT)
        other.mine(1 + CONFIRMATIONS)
        await it.register("pay_2", recipient=CAROL, created_at=payment.created_at + timedelta(minutes=30))
        for payment_id, tx_hash in (("pay_1", elsewhere), ("pay_2", older)):
            await it.hint(payment_id, tx_hash)
        await goes_on(it)
        assert await unmatched(it) == []
