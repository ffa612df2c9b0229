"""Whatever one of two endpoints says of the transactions of payouts, beside reorganisations: a payout is paid where
its transaction pays it by the books of the honest node, and nowhere else.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.payouts.statuses import PayoutStatus
from providers.onchain.blocks.transfers import topic_of
from tests.anvil import CAROL, Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, USDT, following
from tests.bridge.workers.chains.lies.lengths import WAYS, lists_of
from tests.bridge.workers.chains.lies.test_any_lies import LIES, Document, Lie, Play, playing
from tests.system.onchain.conftest import address

BY_HASH, RECEIPT = "eth_getTransactionByHash", "eth_getTransactionReceipt"
PAID, NOT_PAID = PayoutStatus.COMPLETED, PayoutStatus.MISMATCH


def _receipts(**changes: Any) -> dict[str, Lie]:
    return {RECEIPT: lambda _, receipt: receipt and receipt | changes}


def _logs_of_receipts(change: Any) -> dict[str, Lie]:
    def changed(_: list[Any], receipt: Document | None) -> Document | None:
        return receipt and receipt | {"logs": [one for log in receipt["logs"] for one in change(log)]}

    return {RECEIPT: changed}


def _turned(log: Document) -> Document:
    """As much, the other way."""
    signature, sender, recipient = log["topics"]
    return log | {"topics": [signature, recipient, sender], "logIndex": "0x63"}


PAYOUT_LIES: dict[str, dict[str, Lie]] = {
    "knows no transactions": {BY_HASH: lambda *_: None},
    "calls all failed": _receipts(status="0x0"),
    "has receipts without logs": _receipts(logs=[]),
    "has receipts of another block": _receipts(blockHash="0x" + "3" * 64),
    "has all given back": _logs_of_receipts(lambda log: [log, _turned(log)]),
    "has ten times as much": _logs_of_receipts(lambda log: [log | {"data": f"0x{10 * int(log['data'], 16):064x}"}]),
    "has others paid": _logs_of_receipts(lambda log: [log | {"topics": [*log["topics"][:2], topic_of(CAROL)]}]),
    "has sent a million": {"eth_getTransactionCount": lambda *_: hex(10**6)},
    **{name: LIES[name] for name in ("doubles", "drops", "forges", "forks", "has no receipts", "says another time")},
}
STEPS = st.one_of(
    st.tuples(st.sampled_from(["pay out", "pay out late", "pay out less"]), st.integers(1, 50), st.just(0)),
    st.tuples(st.just("mine"), st.integers(1, 3), st.just(0)),
    st.tuples(st.just("reorganise"), st.integers(1, CONFIRMATIONS + 2), st.just(0)),
    st.tuples(st.just("lie"), st.sampled_from(sorted(PAYOUT_LIES)), st.just(0)),
    st.tuples(st.just("roll back"), st.integers(1, 4), st.just(0)),
    st.tuples(st.just("stumble"), st.sampled_from([BY_HASH, RECEIPT, "eth_getLogs"]), st.integers(1, 3)),
    st.tuples(st.sampled_from(["die", "be honest", "restart"]), st.just(0), st.just(0)),
)


@dataclass
class PayoutPlay(Play):
    """One way that it can go."""

    lies = PAYOUT_LIES
    sent: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """By payout, its transaction, and whether that pays it, if it is mined."""
    were_final: set[str] = field(default_factory=set)
    """Payouts whose transactions were deep enough to be final when the chain took them back."""

    def mined_at(self, tx_hash: str) -> int | None:
        receipt = self.it.anvil.ask(RECEIPT, tx_hash)
        return None if receipt is None else int(receipt["blockNumber"], 16)

    def note_taken_back(self, left: int) -> None:
        final = self.it.anvil.head() - CONFIRMATIONS + 1
        mined = {name: self.mined_at(tx_hash) for name, (tx_hash, _) in self.sent.items()}
        self.were_final |= {name for name, number in mined.items() if number is not None and left < number <= final}

    async def pay_out(self, how: str, amount: int) -> None:
        name = f"out_{len(self.sent)}"
        to = address(f"{self.it.token} {name}")
        tx_hash = self.it.anvil.transfer(self.it.token, to, amount * USDT)
        if how == "pay out late":  # it is named once its block was followed
            self.it.anvil.mine(CONFIRMATIONS)
            await self.follow(1)
        self.sent[name] = tx_hash, how != "pay out less"
        await self.it.pay_out(tx_hash, name, amount=amount if how != "pay out less" else 2 * amount, to=to)
        self.it.anvil.mine()

    async def are_all_done(self) -> bool:
        deep = self.it.anvil.head() - CONFIRMATIONS
        numbers = {name: self.mined_at(tx_hash) for name, (tx_hash, _) in self.sent.items()}
        are_deep = [name for name, number in numbers.items() if number is not None and number <= deep]
        return all([(await self.it.payout(name)).status in (PAID, NOT_PAID) for name in are_deep])

    async def hold_against_the_books(self) -> None:
        for name, (tx_hash, is_paid) in self.sent.items():
            payout = await self.it.payout(name)
            is_there = self.mined_at(tx_hash) is not None or name in self.were_final
            assert payout.status != PAID or (is_paid and is_there), "a payout is paid that was not"
            assert payout.status != NOT_PAID or not is_paid, "a payout is not paid that was"


async def play(anvil: Anvil, liar: int, some: list[tuple[str, Any, int]]) -> None:
    anvil.begin_anew()
    with tempfile.TemporaryDirectory() as folder:
        async with following(anvil, Path(folder), endpoints=2) as it:
            await it.follow(2 * CONFIRMATIONS)
            await it.register()
            it.pay()
            await it.follow(CONFIRMATIONS)
            at = PayoutPlay(it, liar, [], anvil.head())
            for step in some:
                if step[0].startswith("pay out"):
                    await at.pay_out(step[0], step[1])
                else:
                    at.do(step)
                await at.follow(1)
            await at.end()
            for name, (tx_hash, is_paid) in at.sent.items():
                if at.mined_at(tx_hash) is not None:
                    status = (await it.payout(name)).status
                    assert status == (PAID if is_paid else NOT_PAID), f"{name} is {status} in the end"


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


@pytest.mark.parametrize("liar", [0, 1])
@settings(playing, max_examples=WAYS)
@given(some=lists_of(STEPS, at_least=4))
def test_whatever_one_endpoint_says_of_payouts_just_those_are_paid_that_were(
    anvil: Anvil, liar: int, some: list[tuple[str, Any, int]]
) -> None:
    asyncio.run(play(anvil, liar, some))
