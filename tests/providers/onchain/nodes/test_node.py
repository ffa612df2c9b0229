"""What an endpoint answers, told apart: its chain, what it refuses, what it cannot do, and what is wrong with it."""

import asyncio
from contextlib import suppress

import pytest

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.node import TooLargeError
from providers.onchain.nodes.rpc import ChainUnavailableError, RefusedByNodeError
from tests.anvil import BOB, CAROL, CHAIN_ID, Anvil, running_anvil
from tests.providers.onchain.conftest import Contracts, OpenRpc
from tests.providers.onchain.liar import Liar, Refusal
from tests.scripted_gateway import scripted_gateway
from tests.waiting import GIVE_UP_SECONDS

SECRET = "the-key-of-the-endpoint"


async def test_one_that_was_away_at_the_start_says_of_which_chain_it_is_before_it_counts(
    anvil: Anvil, open_rpc: OpenRpc
) -> None:
    with running_anvil(5) as other:
        other.mine(1_000)  # far ahead, as another chain may be
        async with scripted_gateway() as gateway:
            liar = Liar(gateway, other)
            liar.is_dead = True
            rpc = await open_rpc(gateway.url, anvil.url)
            assert rpc.endpoints[0].last_fault is Fault.UNREACHABLE
            liar.is_dead = False
            async with asyncio.timeout(GIVE_UP_SECONDS):
                while rpc.endpoints[0].last_reason != "it is a node of chain 5":  # it is tried again after a second
                    assert (await rpc.head()).number == anvil.head()
                    await asyncio.sleep(0.05)
            assert (await rpc.head()).number == anvil.head()


async def test_one_that_changes_sides_is_noticed_when_heads_are_compared(anvil: Anvil, open_rpc: OpenRpc) -> None:
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        rpc = await open_rpc(gateway.url, anvil.url)
        liar.answers = {"eth_chainId": "0x5"}
        await rpc.read_heads()
        assert rpc.endpoints[0].last_fault is Fault.WRONG_CHAIN
        assert rpc.endpoints[0].last_reason == "it is a node of chain 5"
        assert (await rpc.head()).number == anvil.head()


async def test_one_of_another_chain_is_not_asked_even_where_nobody_else_is_left(
    anvil: Anvil, open_rpc: OpenRpc
) -> None:
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        rpc = await open_rpc(gateway.url)
        liar.answers = {"eth_chainId": "0x5"}
        await rpc.read_heads()
        with pytest.raises(ChainUnavailableError, match="it is a node of chain 5"):
            await rpc.head()


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(-32600, "You can make eth_getLogs requests with up to a 500 block range.", status=400),
        Refusal(-32614, "eth_getLogs is limited to a 10,000 range", status=413),
        Refusal(-32602, "range 1000000 exceeds limit of 10000"),
        Refusal(-32005, "query returned more than 10000 results"),
        Refusal(-32005, "limit exceeded"),
        Refusal(-32000, "too many blocks requested, 1000 at most"),
        Refusal(35, "ranges over 10000 blocks are not supported", status=400),
        Refusal(-32602, "query exceeds max results 20000, retry with the range 1-2"),
    ],
    ids=lambda refusal: f"{refusal.status} {refusal.code}",
)
async def test_too_long_a_range_is_refused_in_many_ways_and_nobody_is_set_aside_for_it(
    anvil: Anvil, contracts: Contracts, open_rpc: OpenRpc, refusal: Refusal
) -> None:
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        rpc = await open_rpc(gateway.url)
        liar.answers = {"eth_getLogs": refusal}
        with pytest.raises(RefusedByNodeError, match=refusal.message[:20]):
            await rpc.logs_between(1, 2, [contracts.token], None)
        assert rpc.endpoints[0].last_fault is None


@pytest.mark.parametrize(
    ("answer", "fault", "reason"),
    [
        (429, Fault.THROTTLED, "HTTP status 429"),
        (Refusal(-32000, "slow down", status=429), Fault.THROTTLED, "HTTP status 429"),
        (Refusal(429, "compute units per second exceeded"), Fault.THROTTLED, "compute units per second exceeded"),
        (Refusal(-32005, "daily request count exceeded"), Fault.THROTTLED, "daily request count exceeded"),
        (Refusal(-32005, "project rate limited"), Fault.THROTTLED, "project rate limited"),
        (Refusal(-32007, "50/second limit reached"), Fault.THROTTLED, "50/second limit reached"),
        (Refusal(-32016, "over the limit"), Fault.THROTTLED, "over the limit"),
        (Refusal(-32090, "retry in 10s"), Fault.THROTTLED, "retry in 10s"),
        (Refusal(-32000, "429 Too Many Requests"), Fault.THROTTLED, "429 Too Many Requests"),
        (Refusal(-32603, "call rate limit exhausted"), Fault.THROTTLED, "call rate limit exhausted"),
        (401, Fault.UNREACHABLE, "HTTP status 401"),
        (503, Fault.UNREACHABLE, "HTTP status 503"),
    ],
)
async def test_what_is_wrong_with_one_is_told_by_its_answer(
    anvil: Anvil, contracts: Contracts, open_rpc: OpenRpc, answer: object, fault: Fault, reason: str
) -> None:
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        rpc = await open_rpc(gateway.url, anvil.url)
        liar.answers = {"eth_getLogs": answer}
        assert (await rpc.logs_between(1, 1, [contracts.token], None)).answer == []
        assert (rpc.endpoints[0].last_fault, rpc.endpoints[0].last_reason) == (fault, reason)


@pytest.mark.parametrize("is_websocket", [False, True])
async def test_calls_that_nest_as_deeply_as_a_stranger_pays_for_are_read_or_nobodys_fault(
    anvil: Anvil, open_rpc: OpenRpc, is_websocket: bool
) -> None:
    """Those of a contract that calls itself as long as there is gas."""
    contract = "0x" + "a8" * 20
    anvil.ask("anvil_setCode", contract, "0x60006000600060006000305af100")
    tx_hash = anvil.send(contract, gas=hex(16_000_000))
    anvil.mine()
    rpc = await open_rpc(anvil.websocket_url if is_websocket else anvil.url)
    with suppress(TooLargeError):  # before 3.12 Python reads no more than five hundred calls deep
        await rpc.call("debug_traceTransaction", tx_hash, {"tracer": "callTracer"})
    assert rpc.endpoints[0].last_fault is None
    assert await rpc.call("eth_chainId") == hex(CHAIN_ID)


async def test_what_a_node_says_is_shown_without_the_key_of_its_url(
    anvil: Anvil, open_rpc: OpenRpc, caplog: pytest.LogCaptureFixture
) -> None:
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        liar.answers = {"eth_chainId": Refusal(-32000, f"the key {SECRET} has expired", status=403)}
        for url in (f"{gateway.url}/v3/{SECRET}", f"{gateway.url}/?apikey={SECRET}"):
            rpc = await open_rpc(url)
            with pytest.raises(ChainUnavailableError, match="the key … has expired") as raised:
                await rpc.head()
            assert SECRET not in str(raised.value) + caplog.text


async def test_another_is_asked_for_the_logs_of_a_block_and_who_does_not_have_it_is_not_to_blame(
    anvil: Anvil, contracts: Contracts, open_rpc: OpenRpc
) -> None:
    anvil.transfer(contracts.token, BOB, 1)
    anvil.mine()
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        rpc = await open_rpc(gateway.url, anvil.url)
        block = await rpc.block(anvil.head())
        liar.answers = {"eth_getLogs": Refusal(-32000, "unknown block")}
        at = BlockId(number=anvil.head(), hash=block["hash"])
        assert len((await rpc.logs(at, block["logsBloom"], [contracts.token], None)).answer) == 1
        assert rpc.endpoints[0].last_fault is None


async def test_logs_that_are_for_others_are_asked_for_once(
    anvil: Anvil, contracts: Contracts, open_rpc: OpenRpc
) -> None:
    """On a busy chain every block has transfers; only those to the ones who wait would make an empty answer odd."""
    anvil.transfer(contracts.token, BOB, 1)
    anvil.mine()
    async with scripted_gateway() as gateway:
        Liar(gateway, anvil)
        rpc = await open_rpc(anvil.url, gateway.url)
        block = await rpc.block(anvil.head())
        at, asked = BlockId(number=anvil.head(), hash=block["hash"]), len(gateway.requests)
        assert (await rpc.logs(at, block["logsBloom"], [contracts.token], [CAROL])).answer == []
        assert len(gateway.requests) == asked


async def test_a_websocket_that_cannot_be_opened_is_tried_once_before_another_is_asked(
    anvil: Anvil, open_rpc: OpenRpc
) -> None:
    tries = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/{SECRET}"
        rpc = await open_rpc(url, anvil.url)
        assert tries == 1
        assert (await rpc.head()).number == anvil.head()
        assert (rpc.endpoints[0].last_fault, rpc.endpoints[0].last_reason) == (Fault.THROTTLED, "HTTP status 429")
