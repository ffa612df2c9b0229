"""Whatever one of two endpoints says of the chain's own coin, which stands in no log: in transactions, receipts and
traces. Held against the balances of the honest node, as `test_any_lies.py` does with tokens.
"""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.anvil import ALICE, Anvil, running_anvil
from tests.bridge.workers.chains.lies.lengths import WAYS, lists_of
from tests.bridge.workers.chains.lies.test_any_lies import (
    LIES,
    ByTurns,
    Document,
    Lie,
    Play,
    Step,
    play,
    playing,
    steps_of,
)
from tests.providers.onchain.liar import Refusal

__all__ = ["COIN_LIES", "CoinPlay"]

BLOCK, RECEIPT = "eth_getBlockByNumber", "eth_getTransactionReceipt"
TRACES = ("debug_traceBlockByHash", "debug_traceTransaction")

NOT_OFFERED = Refusal(-32601, "the method does not exist")


def _of_transactions(change: Any) -> dict[str, Lie]:
    def changed(parameters: list[Any], block: Document | None) -> Document | None:
        if block is None or not parameters[1]:
            return block
        return block | {"transactions": change(block["transactions"])}

    return {BLOCK: changed}


def _tenfold(call: Any) -> Any:
    """A call, or what is said of several, with ten times the value in each."""
    if isinstance(call, list):
        return [_tenfold(one) for one in call]
    if not isinstance(call, dict):
        return call
    within = {name: _tenfold(call[name]) for name in ("result", "calls") if name in call}
    value = {"value": hex(10 * int(call["value"], 16))} if "value" in call else {}
    return call | within | value


def _without_calls(parameters: list[Any], traced: Any) -> Any:
    """What transactions did themselves, without what contracts sent on."""
    if isinstance(traced, list):
        return [one | {"result": _without_calls(parameters, one["result"])} for one in traced]
    return {name: value for name, value in traced.items() if name != "calls"}


def _inflated(transactions: list[Document]) -> list[Document]:
    return [one | {"value": hex(10 * int(one["value"], 16))} for one in transactions]


COIN_LIES: dict[str, dict[str, Lie]] = {
    "inflates transactions": _of_transactions(_inflated),
    "inflates calls": {method: lambda parameters, said: _tenfold(said) for method in TRACES},
    "inflates all": {
        **_of_transactions(_inflated),
        **{method: (lambda parameters, said: _tenfold(said)) for method in TRACES},
    },
    "doubles": {
        **_of_transactions(lambda transactions: [*transactions, *transactions]),
        "debug_traceBlockByHash": lambda parameters, traces: [*traces, *traces],
    },
    "makes transactions up": _of_transactions(
        lambda transactions: [*transactions, *(one | {"hash": "0x" + "e" * 64} for one in transactions)]
    ),
    "moves transactions": _of_transactions(
        lambda transactions: [one | {"blockNumber": "0x1"} for one in transactions]
    ),
    "hides transactions": _of_transactions(lambda transactions: []),
    "hides calls": {"debug_traceBlockByHash": lambda parameters, traces: []},
    "shows half of the calls": {"debug_traceBlockByHash": lambda parameters, traces: traces[: len(traces) // 2]},
    "has no words for no errors": {
        "debug_traceBlockByHash": lambda parameters, traces: [
            one | {"result": one["result"] | {"error": None}} for one in traces
        ]
    },
    "hides calls by turns": {method: ByTurns(_without_calls) for method in TRACES},
    "calls all failed": {RECEIPT: lambda parameters, receipt: receipt and receipt | {"status": "0x0"}},
    "has receipts of others": {RECEIPT: lambda parameters, receipt: receipt and receipt | {"transactionHash": "0x1"}},
    **{
        name: LIES[name] | dict.fromkeys((RECEIPT, TRACES[0]), LIES["forks"][BLOCK])
        for name in ("forks", "forks with what there is")
    },
    "forks and cannot tell": {BLOCK: LIES["forks"][BLOCK], RECEIPT: lambda *_: 503, TRACES[0]: lambda *_: 503},
    "offers no traces": dict.fromkeys(TRACES, lambda *_: NOT_OFFERED),
    **{name: LIES[name] for name in ("says another time", "has no receipts", "sinks", "boasts")},
}


steps = st.one_of(steps_of(COIN_LIES), st.tuples(st.just("lose traces"), st.just(0), st.just(0)))


class CoinPlay(Play):
    """One way that it can go, where all pay with the chain's own coin, every second one through a contract."""

    currency: ClassVar[str] = "ETH"
    lies: ClassVar[dict[str, dict[str, Lie]]] = COIN_LIES

    def on_chain(self, recipient: str, last: int) -> Decimal:
        balance = self.it.anvil.ask("eth_getBalance", recipient, hex(max(last, 0)))
        return Decimal(int(balance, 16)).scaleb(-18)

    def lie(self, step: Step) -> None:
        for liar in self.it.liars:
            for method in TRACES:
                liar.answers.pop(method, None)
        super().lie(step)
        if step[0] == "lose traces":  # as long as nobody lies about them either
            for liar in self.it.liars:
                liar.answers |= dict.fromkeys(TRACES, NOT_OFFERED)

    def pay(self, recipient: str, amount: int) -> None:
        anvil = self.it.anvil
        anvil.ask("anvil_setBalance", ALICE, hex(10**24))
        if amount % 2:
            data = anvil.call_data("Forwarder", "forward", recipient)
            anvil.send(self.forwarder, amount * 10**18, data=data)
        else:
            anvil.send(recipient, amount * 10**18)

    @property
    def forwarder(self) -> str:
        """A contract that passes on what it is given, where it stands without having been deployed: whatever the
        chain takes back, it stays."""
        anvil, at = self.it.anvil, "0x" + "f0" * 20
        if anvil.ask("eth_getCode", at, "latest") == "0x":
            anvil.ask("anvil_setCode", at, anvil.ask("eth_getCode", anvil.deploy("Forwarder"), "latest"))
        return at


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


@pytest.mark.parametrize("liar", [0, 1])
@settings(playing, max_examples=max(WAYS // 2, 2))
@given(some=lists_of(steps))
def test_whatever_one_endpoint_says_of_the_chains_own_coin_just_what_came_counts(
    anvil: Anvil, liar: int, some: list[Step]
) -> None:
    asyncio.run(play(anvil, liar, some, CoinPlay))
