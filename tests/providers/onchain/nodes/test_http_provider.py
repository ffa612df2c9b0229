"""An endpoint that mixes up its answers over HTTP, or a proxy before it: each is to its own question, or to none."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.onchain.chains import Chain
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.node import FaultyError, Node, RefusedByNodeError
from tests.anvil import CHAIN_ID
from tests.scripted_gateway import Request, scripted_gateway
from tests.waiting import GIVE_UP_SECONDS

Document = dict[str, Any]


def answered(said: object, status: int = 200) -> bytes:
    body = json.dumps(said).encode()
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def honest(request: Request) -> Document:
    """The number of the question is the answer, but for that of the chain."""
    asked = request.content
    result = hex(CHAIN_ID if asked["method"] == "eth_chainId" else asked["id"])
    return {"jsonrpc": "2.0", "id": asked["id"], "result": result}


@pytest.mark.parametrize(
    "mixed_up",
    [
        lambda said: said | {"id": said["id"] + 1},
        lambda said: said | {"id": None},
        lambda said: {name: value for name, value in said.items() if name != "id"},
        lambda said: [said],
        lambda said: [said, said],
        lambda said: [],
        lambda said: said | {"error": {"code": -32000, "message": "and an error"}},
        lambda said: {"jsonrpc": "2.0", "id": said["id"]},
    ],
    ids=["another id", "no id", "without id", "one in a list", "two in a list", "none", "both", "half"],
)
async def test_what_is_no_answer_to_the_question_is_its_endpoints_fault(
    chain: Chain, mixed_up: Callable[[Document], object]
) -> None:
    async with scripted_gateway() as gateway:
        lies = [False, True]

        def said(request: Request) -> bytes:
            answer = honest(request)
            return answered(mixed_up(answer) if lies and lies.pop(0) else answer)

        gateway.answers(said)
        node = Node(gateway.url, chain, timeout_seconds=GIVE_UP_SECONDS)
        try:
            with pytest.raises(FaultyError) as raised:
                await node.ask("eth_blockNumber")
            assert raised.value.fault is Fault.UNREACHABLE
            assert await node.ask("eth_blockNumber") == "0x2"
        finally:
            await node.aclose()


async def test_an_answer_that_comes_twice_is_none_to_the_next_question(chain: Chain) -> None:
    async with scripted_gateway() as gateway:
        gateway.answers(lambda request: 2 * answered(honest(request)))
        node = Node(gateway.url, chain, timeout_seconds=GIVE_UP_SECONDS)
        try:
            for _ in range(6):
                before = len(gateway.requests)
                try:
                    answer = await node.ask("eth_blockNumber")
                except FaultyError:
                    continue
                assert answer == hex(gateway.requests[-1].content["id"])
                assert len(gateway.requests) > before
        finally:
            await node.aclose()


async def test_an_error_of_null_beside_a_result_is_none(chain: Chain) -> None:
    async with scripted_gateway() as gateway:
        gateway.answers(lambda request: answered(honest(request) | {"error": None}))
        node = Node(gateway.url, chain, timeout_seconds=GIVE_UP_SECONDS)
        try:
            assert await node.ask("eth_blockNumber") == "0x1"
        finally:
            await node.aclose()


async def test_a_number_that_is_written_as_text_is_the_number_and_a_refusal_needs_none_of_ours(chain: Chain) -> None:
    async with scripted_gateway() as gateway:
        refused = {"jsonrpc": "2.0", "id": 1_000, "error": {"code": -32602, "message": "up to a 100 block range"}}
        gateway.answers(
            lambda request: answered(honest(request)),
            lambda request: answered(honest(request) | {"id": str(request.content["id"])}),
            lambda request: answered(refused, 400),
        )
        node = Node(gateway.url, chain, timeout_seconds=GIVE_UP_SECONDS)
        try:
            assert await node.ask("eth_blockNumber") == "0x1"
            with pytest.raises(RefusedByNodeError, match="up to a 100 block range"):
                await node.ask("eth_getLogs", {})
        finally:
            await node.aclose()
