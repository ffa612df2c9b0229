"""Asking a real node, and going on with another when one fails, throttles, lags or lies."""

import asyncio
import time
from typing import Any

import pytest

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.transfers import distinct, from_log, from_transaction
from providers.onchain.chains import Chain, ChainsError
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, RefusedByNodeError
from providers.onchain.reading.traces import Traces
from tests.anvil import BOB, CAROL, Anvil, running_anvil
from tests.providers.onchain.conftest import Contracts, OpenRpc
from tests.providers.onchain.liar import Liar
from tests.scripted_gateway import scripted_gateway
from tests.waiting import GIVE_UP_SECONDS

SECRET = "the-key-of-the-endpoint"
NOBODY = f"http://127.0.0.1:9/{SECRET}"


async def block_at(rpc: ChainRpc, number: int) -> tuple[BlockId, Any]:
    block = await rpc.block(number, with_transactions=True)
    return BlockId(number=number, hash=block["hash"]), block


async def test_transfers_of_every_kind_are_found_in_their_block(
    anvil: Anvil, contracts: Contracts, chain: Chain, open_rpc: OpenRpc
) -> None:
    rpc = await open_rpc(anvil.url)
    anvil.transfer(contracts.token, BOB, 5)
    anvil.transfer(contracts.silent_token, BOB, 6)
    anvil.transfer(contracts.token, contracts.forwarder, 100)
    twice = anvil.call_data("Forwarder", "forwardToken", contracts.token, [BOB, BOB, CAROL], 7)
    anvil.send(contracts.forwarder, data=twice)
    anvil.send(BOB, 8)
    forwarded = anvil.send(contracts.forwarder, 9, data=anvil.call_data("Forwarder", "forward", BOB))
    anvil.mine()
    at, block = await block_at(rpc, anvil.head())
    tokens = [contracts.token, contracts.silent_token]
    logs = await rpc.logs(at, block["logsBloom"], tokens, None)
    of_tokens = distinct(transfer for log in logs.answer if (transfer := from_log(chain, log)))
    reported = [(one.token.symbol, one.recipient, one.units, one.log_index) for one in of_tokens]
    assert reported == [
        ("USDT", BOB, 5, 0),
        ("OLD", BOB, 6, 1),
        ("USDT", contracts.forwarder, 100, 2),
        ("USDT", BOB, 7, 3),
        ("USDT", BOB, 7, 4),
        ("USDT", CAROL, 7, 5),
    ]
    direct = [one for transaction in block["transactions"] if (one := from_transaction(chain, transaction))]
    assert [(one.recipient, one.units) for one in direct] == [(BOB, 8), (contracts.forwarder, 9)]
    inner = await Traces(chain, rpc, time.monotonic).sent_on(at, block["transactions"]) or []
    assert [(one.tx_hash, one.sender, one.recipient, one.units) for one, _ in inner] == [
        (forwarded, contracts.forwarder, BOB, 9)
    ]


async def test_recipients_narrow_what_is_asked_for(
    anvil: Anvil, contracts: Contracts, chain: Chain, open_rpc: OpenRpc
) -> None:
    rpc = await open_rpc(anvil.url)
    first = anvil.head() + 1
    for recipient in (BOB, CAROL, contracts.forwarder):
        anvil.transfer(contracts.token, recipient, 1)
        anvil.mine()
    found = await rpc.logs_between(first, anvil.head(), [contracts.token], [BOB, contracts.forwarder])
    recipients = [transfer.recipient for log in found.answer if (transfer := from_log(chain, log))]
    assert recipients == [BOB, contracts.forwarder]


async def test_a_node_of_another_chain_is_an_error_at_the_start(open_rpc: OpenRpc) -> None:
    with running_anvil(5) as other:
        with pytest.raises(ChainsError) as raised:
            await open_rpc(f"{other.url}/?key={SECRET}")
        assert "is a node of chain 5, not of anvil (31337)" in str(raised.value)
        assert SECRET not in str(raised.value)


async def test_another_endpoint_is_asked_when_one_is_away_and_no_url_is_shown(
    anvil: Anvil, open_rpc: OpenRpc, caplog: pytest.LogCaptureFixture
) -> None:
    rpc = await open_rpc(NOBODY, anvil.url)
    assert (await rpc.head()).number == anvil.head()
    assert rpc.endpoints[0].last_fault is Fault.UNREACHABLE
    assert rpc.endpoints[1].last_fault is None
    alone = await open_rpc(NOBODY)
    with pytest.raises(ChainUnavailableError) as raised:
        await alone.head()
    assert SECRET not in str(raised.value) + caplog.text
    assert "127.0.0.1:9" in caplog.text


async def test_an_endpoint_that_is_killed_is_replaced_within_one_question(anvil: Anvil, open_rpc: OpenRpc) -> None:
    with running_anvil() as other:
        rpc = await open_rpc(other.url, anvil.url)
        assert (await rpc.head()).number == 0
    assert (await rpc.head()).number == anvil.head()


async def test_an_endpoint_that_throttles_or_talks_nonsense_is_set_aside(anvil: Anvil, open_rpc: OpenRpc) -> None:
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        for answers, fault in (
            ({"eth_getBlockByNumber": 429}, Fault.THROTTLED),
            ({"eth_getBlockByNumber": 503}, Fault.UNREACHABLE),
            ({"eth_getBlockByNumber": "soon"}, Fault.INCONSISTENT),
        ):
            rpc = await open_rpc(gateway.url, anvil.url)
            liar.answers = answers
            assert (await rpc.head()).number == anvil.head()
            assert rpc.endpoints[0].last_fault is fault
            liar.answers = {}


async def test_an_endpoint_that_lags_is_set_aside(anvil: Anvil, open_rpc: OpenRpc) -> None:
    anvil.mine(5)
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        liar.stands_at(anvil.head() - 4)
        rpc = await open_rpc(gateway.url, anvil.url)
        assert (await rpc.head()).number == anvil.head() - 4  # it knows no better yet
        assert await rpc.read_heads() == anvil.head()
        assert rpc.endpoints[0].last_fault is Fault.LAGGING
        assert (await rpc.head()).number == anvil.head()
        behind = await open_rpc(gateway.url, anvil.url)
        liar.answers = {"eth_getBlockByNumber": None}
        assert (await behind.block(anvil.head()))["number"] == hex(anvil.head())
        assert behind.endpoints[0].last_fault is Fault.LAGGING


async def test_an_endpoint_that_leaves_out_logs_is_found_out_by_the_blooms(
    anvil: Anvil, contracts: Contracts, open_rpc: OpenRpc
) -> None:
    anvil.transfer(contracts.token, BOB, 1)
    anvil.mine()
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        rpc = await open_rpc(gateway.url, anvil.url)
        at, block = await block_at(rpc, anvil.head())
        liar.answers = {"eth_getLogs": []}
        assert len((await rpc.logs(at, block["logsBloom"], [contracts.token], None)).answer) == 1
        assert rpc.endpoints[0].last_fault is Fault.INCONSISTENT
        # Where the bloom filter rules logs out, nobody else is asked.
        anvil.mine()
        empty, block = await block_at(rpc, anvil.head())
        asked = len(gateway.requests)
        assert (await rpc.logs(empty, block["logsBloom"], [contracts.token], None)).answer == []
        assert len(gateway.requests) <= asked + 1


async def test_logs_of_another_block_are_not_taken(anvil: Anvil, contracts: Contracts, open_rpc: OpenRpc) -> None:
    anvil.transfer(contracts.token, BOB, 1)
    anvil.mine()
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        rpc = await open_rpc(gateway.url, anvil.url)
        at, block = await block_at(rpc, anvil.head())
        [log] = (await rpc.logs(at, block["logsBloom"], [contracts.token], None)).answer
        liar.answers = {"eth_getLogs": [log | {"blockHash": "0x" + "1" * 64}]}
        assert (await rpc.logs(at, block["logsBloom"], [contracts.token], None)).answer == [log]
        assert rpc.endpoints[0].last_fault is Fault.INCONSISTENT


async def test_logs_of_other_blocks_than_were_asked_for_are_not_taken(
    anvil: Anvil, contracts: Contracts, open_rpc: OpenRpc
) -> None:
    anvil.transfer(contracts.token, BOB, 1)
    anvil.mine(3)
    async with scripted_gateway() as gateway:
        liar, head = Liar(gateway, anvil), anvil.head()
        rpc = await open_rpc(gateway.url, anvil.url)
        lower = {"fromBlock": hex(head - 2), "toBlock": hex(head - 2), "address": contracts.token}
        liar.answers = {"eth_getLogs": anvil.ask("eth_getLogs", lower)}
        reported = await rpc.logs_between(head - 1, head, [contracts.token], None)
        assert (reported.place, reported.answer) == (1, [])
        assert rpc.endpoints[0].last_fault is Fault.INCONSISTENT


async def test_what_a_node_refuses_is_told_apart_from_a_node_that_is_away(anvil: Anvil, open_rpc: OpenRpc) -> None:
    rpc = await open_rpc(anvil.url)
    with pytest.raises(RefusedByNodeError):
        await rpc.call("eth_noSuchMethod")
    assert rpc.endpoints[0].last_fault is None


async def test_new_blocks_wake_whoever_subscribes(anvil: Anvil, open_rpc: OpenRpc) -> None:
    rpc = await open_rpc(anvil.websocket_url)
    woken = asyncio.Event()
    task = asyncio.create_task(rpc.subscribed(woken.set))
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while not woken.is_set():
            await asyncio.to_thread(anvil.mine)
            await asyncio.sleep(0.05)
    assert (await rpc.head()).number == anvil.head()  # on the same connection
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
