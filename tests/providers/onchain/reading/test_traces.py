"""What contracts send of a chain's own coin: who shows it, who is waited for, and what is gone over without."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr
from tenacity import wait_none

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.chains import Chain
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError
from providers.onchain.reading.traces import TRACES_ASKED_AGAIN_SECONDS, TRACES_AWAITED_SECONDS, Traces
from tests.anvil import BOB, CAROL, Anvil
from tests.providers.onchain.conftest import Contracts
from tests.providers.onchain.liar import Liar, Refusal
from tests.scripted_gateway import scripted_gateway
from tests.waiting import GIVE_UP_SECONDS

METHOD = "debug_traceBlockByHash"


class Clock:
    """Time that stands still."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Traced:
    """A chain of two endpoints, and a block in which a contract sends its own coin to Bob and to Carol."""

    traces: Traces
    rpc: ChainRpc
    clock: Clock
    refusing: Liar
    traced: Liar
    block: BlockId
    transactions: list[dict[str, Any]]
    to_bob: str

    async def units(self) -> list[int] | None:
        found = await self.traces.sent_on(self.block, self.transactions)
        return None if found is None else [one.units for one, _ in found]


@asynccontextmanager
async def tracing(chain: Chain, anvil: Anvil, contracts: Contracts) -> AsyncIterator[Traced]:
    """The second endpoint alone shows what contracts send."""
    to_bob, _ = (
        anvil.send(contracts.forwarder, units, data=anvil.call_data("Forwarder", "forward", to))
        for units, to in ((8, BOB), (9, CAROL))
    )
    anvil.mine()
    clock = Clock()
    async with scripted_gateway() as without, scripted_gateway() as gateway:
        refusing, traced = Liar(without, anvil), Liar(gateway, anvil)
        refusing.answers = {METHOD: Refusal(-32601, "the method does not exist")}
        urls = tuple(SecretStr(liar.url) for liar in (refusing, traced))
        at = chain.model_copy(update={"endpoints": urls})
        rpc = ChainRpc(at, timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none(), clock=clock)
        await rpc.start()
        content = await rpc.block(anvil.head(), with_transactions=True)
        block = BlockId(number=anvil.head(), hash=content["hash"])
        yield Traced(Traces(at, rpc, clock), rpc, clock, refusing, traced, block, content["transactions"], to_bob)
        await rpc.aclose()


async def test_an_endpoint_that_shows_what_contracts_send_is_waited_for_but_not_for_ever(
    anvil: Anvil, contracts: Contracts, chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    async with tracing(chain, anvil, contracts) as it:
        assert await it.units() == [8, 9]
        it.traced.is_dead = True
        for _ in range(3):
            with pytest.raises(ChainUnavailableError, match="what contracts send in block"):
                await it.units()
        it.clock.now += TRACES_AWAITED_SECONDS
        assert await it.units() is None
        assert f"block {it.block.number} is gone over without" in caplog.text
        it.traced.is_dead = False
        it.clock.now += 300  # it is no longer set aside
        assert await it.units() == [8, 9]
        it.traced.answers = {METHOD: Refusal(-32000, "required state is pruned")}
        with pytest.raises(ChainUnavailableError):  # waited for anew
            await it.units()


@pytest.mark.parametrize("code", [-32601, -32004])
async def test_where_no_endpoint_offers_it_nothing_is_waited_for_and_all_are_asked_again_later(
    anvil: Anvil, contracts: Contracts, chain: Chain, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with tracing(chain, anvil, contracts) as it:
        it.traced.answers = {METHOD: Refusal(code, "debug is not available on your plan", status=403)}
        for _ in range(3):
            assert await it.units() is None
        assert caplog.text.count("no endpoint shows what contracts send") == 1
        assert [endpoint.last_fault for endpoint in it.rpc.endpoints] == [None, None]
        it.traced.answers = {}  # the plan is another one since
        it.clock.now += TRACES_ASKED_AGAIN_SECONDS
        assert await it.units() == [8, 9]


@pytest.mark.parametrize(
    "words", ["method handler crashed", "not available", "unsupported state", "disabled for now", "plan of the query"]
)
async def test_the_words_of_a_refusal_turn_nothing_off(
    anvil: Anvil, contracts: Contracts, chain: Chain, words: str
) -> None:
    async with tracing(chain, anvil, contracts) as it:
        it.traced.answers = {METHOD: Refusal(-32603, words)}
        with pytest.raises(ChainUnavailableError):
            await it.units()
        it.traced.answers = {}
        assert await it.units() == [8, 9]


async def test_a_transaction_that_cannot_be_traced_harms_no_other(
    anvil: Anvil, contracts: Contracts, chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    async with tracing(chain, anvil, contracts) as it:
        whole = anvil.ask(METHOD, it.block.hash, {"tracer": "callTracer"})

        def failing(parameters: list[Any]) -> Any:
            fault = {"txHash": it.to_bob, "error": "execution timeout"}
            return [fault if one["txHash"] == it.to_bob else one for one in whole]

        it.traced.answers = {METHOD: failing}
        assert await it.units() == [9]
        assert f"what contracts send in {it.to_bob} is not shown" in caplog.text
        it.refusing.answers = {}
        it.clock.now += TRACES_ASKED_AGAIN_SECONDS
        assert await it.units() == [8, 9]  # the other endpoint shows it


STRUCT_LOGS = {"gas": 21000, "failed": False, "returnValue": "", "structLogs": []}


async def test_traces_of_a_client_that_does_not_name_transactions_are_taken_by_their_places(
    anvil: Anvil, contracts: Contracts, chain: Chain
) -> None:
    async with tracing(chain, anvil, contracts) as it:
        it.traced.changes(METHOD, lambda parameters, traces: [{"result": one["result"]} for one in traces])
        assert await it.units() == [8, 9]
        of_the_chain = {
            "hash": "0x" + "5" * 64,
            "gas": "0x0",
        }  # with which it notes something, and which nobody traces
        it.transactions.append(of_the_chain)
        assert await it.units() == [8, 9]
        it.traced.answers = {}
        assert await it.units() == [8, 9]
        assert it.rpc.endpoints[1].last_fault is None


async def test_a_transaction_that_is_left_out_of_traces_is_asked_of_another_endpoint_and_named_in_the_log(
    anvil: Anvil, contracts: Contracts, chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    async with tracing(chain, anvil, contracts) as it:
        it.traced.changes(METHOD, lambda parameters, traces: traces[1:])
        assert await it.units() == [9]
        assert f"what contracts send in {it.to_bob} is not shown" in caplog.text
        it.refusing.answers = {}
        it.clock.now += TRACES_ASKED_AGAIN_SECONDS
        assert sorted(await it.units() or ()) == [8, 9]


async def test_traces_that_leave_out_all_transactions_are_waited_for(
    anvil: Anvil, contracts: Contracts, chain: Chain
) -> None:
    async with tracing(chain, anvil, contracts) as it:
        it.traced.answers = {METHOD: []}
        with pytest.raises(ChainUnavailableError, match="what contracts send in block"):
            await it.units()
        it.transactions.clear()
        assert await it.units() == []  # of a block without any there is nothing to tell


async def test_a_client_that_knows_no_call_tracer_offers_no_traces(
    anvil: Anvil, contracts: Contracts, chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers all the same, in the form that it knows, of which calls cannot be read."""
    async with tracing(chain, anvil, contracts) as it:
        it.traced.changes(METHOD, lambda parameters, traces: [one | {"result": STRUCT_LOGS} for one in traces])
        assert await it.units() is None
        assert "no endpoint shows what contracts send on" in caplog.text
        assert it.rpc.endpoints[1].last_fault is None


@pytest.mark.parametrize("answer", [None, {}, [None], [{"result": {}}]])
async def test_traces_that_are_none_are_waited_for_like_an_endpoint_that_is_away(
    anvil: Anvil, contracts: Contracts, chain: Chain, answer: Any
) -> None:
    async with tracing(chain, anvil, contracts) as it:
        it.traced.answers = {METHOD: answer}
        for _ in range(3):
            with pytest.raises(ChainUnavailableError):
                await it.units()
        it.clock.now += TRACES_AWAITED_SECONDS
        assert await it.units() is None
