"""A WebSocket endpoint that sends what nobody asked for, or what cannot be read, is hung up on and asked anew."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from providers.onchain.chains import Chain, Token
from providers.onchain.nodes.node import FaultyError, Node, TooLargeError
from tests.anvil import CHAIN_ID
from tests.waiting import GIVE_UP_SECONDS

Lie = Callable[[dict[str, object]], list[str | bytes]]
"""What is sent when a question comes."""


def honest(asked: dict[str, object]) -> list[str | bytes]:
    return [json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": hex(CHAIN_ID)})]


@asynccontextmanager
async def endpoint(*lies: Lie) -> AsyncIterator[str]:
    """One that answers each question as the next of these says, and honestly from then on."""
    waiting = list(lies)

    async def answer(connection: ServerConnection) -> None:
        async for message in connection:
            lie = waiting.pop(0) if waiting else honest
            for said in lie(json.loads(message)):
                await connection.send(said)

    async with serve(answer, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def chain() -> Chain:
    ether = Token(symbol="ETH", decimals=18)
    return Chain(name="anvil", chain_id=CHAIN_ID, confirmations=1, block_seconds=1, tokens=(ether,))


@pytest.mark.parametrize(
    "said",
    [
        "[" * 100_000,
        '{"id": 1, "result": ' + "9" * 1_000_000 + "}",
        "5",
        "[]",
        "null",
        "no JSON",
        b"\xff",
        '{"method": "eth_subscription"}',
        '{"method": "eth_subscription", "params": 5}',
        '{"jsonrpc": "2.0", "id": {}, "result": 1}',
        '{"jsonrpc": "2.0", "result": 1}',
        '{"jsonrpc": "2.0", "id": 4711, "result": 1}',
    ],
)
async def test_what_cannot_be_read_fails_the_question_and_the_next_is_answered(said: str | bytes) -> None:
    async with endpoint(lambda _: [said]) as url:
        node = Node(url, chain(), timeout_seconds=GIVE_UP_SECONDS)
        try:
            with pytest.raises(FaultyError):
                await node.ask("eth_blockNumber")
            assert await node.ask("eth_blockNumber") == hex(CHAIN_ID)
        finally:
            await node.aclose()


async def test_a_message_larger_than_an_answer_may_be_fails_the_question() -> None:
    async with endpoint(lambda _: [" " * 17_000_000]) as url:
        node = Node(url, chain(), timeout_seconds=GIVE_UP_SECONDS)
        try:
            with pytest.raises(FaultyError):
                await node.ask("eth_blockNumber")
            assert await node.ask("eth_blockNumber") == hex(CHAIN_ID)
        finally:
            await node.aclose()


async def test_a_trace_larger_than_an_answer_may_be_is_nobodys_fault() -> None:
    async with endpoint(honest, lambda _: [" " * 17_000_000]) as url:
        node = Node(url, chain(), timeout_seconds=GIVE_UP_SECONDS)
        try:
            with pytest.raises(TooLargeError):
                await node.ask("debug_traceTransaction", "0x1")
        finally:
            await node.aclose()


async def test_an_endpoint_that_never_answers_is_given_up_at_the_deadline() -> None:
    async with endpoint(lambda _: []) as url:
        node = Node(url, chain(), timeout_seconds=0.2)
        try:
            with pytest.raises(FaultyError, match="TimeoutError"):
                await node.ask("eth_blockNumber")
        finally:
            await node.aclose()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_an_endpoint_that_sends_the_bridge_elsewhere_is_not_followed(status: int) -> None:
    """To where another endpoint is, two words would be one; to an address inside, nobody meant to ask."""
    async with endpoint() as elsewhere:

        def refer(connection: ServerConnection, request: Request) -> Response:
            return Response(status, "X", Headers({"Location": f"{elsewhere}/key"}))

        async with serve(
            lambda connection: connection.wait_closed(), "127.0.0.1", 0, process_request=refer
        ) as server:
            url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            node = Node(url, chain(), timeout_seconds=GIVE_UP_SECONDS)
            try:
                with pytest.raises(FaultyError) as refused:
                    await node.ask("eth_blockNumber")
            finally:
                await node.aclose()
    assert str(refused.value) == f"HTTP status {status}"
