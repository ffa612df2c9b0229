"""Following a chain, measured: what a block costs with 10, 1,000 and 100,000 payments that wait, how fast a long
absence is caught up with, and beside it the loop that people write by hand, which asks for each payment's receipt
each block. How many questions a block costs in which setting is counted last (`chain_questions.py`).

`make bench-onchain` runs it, on a real node (anvil) with a real journal (SQLite). CPU is this process's own.
What fails is said and left out; the exit code is 1 if it was the bridge.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from benchmarks.chain_questions import print_questions, questions
from benchmarks.processes import end_on_signals
from benchmarks.report import Failure, closing, exit_code, one_line, ratio_of_all
from bridge.journal import Journal
from bridge.workers.chains.store import JournalChainStore
from coordinator.payments.agreed.agreements import DirectPayment
from coordinator.payments.payments import Payment
from providers.onchain.chains import Chain, Token
from providers.onchain.follower import ChainFollower
from providers.onchain.nodes.rpc import ChainRpc
from providers.onchain.nodes.web3_library import AsyncWeb3, Web3
from tests.anvil import CHAIN_ID, Anvil, running_anvil

MINED_AT_ONCE = 500
BLOCK_SECONDS = 1
REGISTERED_AT_ONCE = 500
OURS, BY_HAND = "the bridge", "a receipt for each, by hand"
MEASURE_SECONDS = 900.0
"""For one measurement, of which the longest takes three minutes: past it, it has failed."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    watched: tuple[int, ...] = (10, 1_000, 100_000)
    blocks: int = 60
    transfers_per_block: int = 5
    catching_up: int = 1_000
    """With how many payments a long absence is caught up with."""
    catch_up_blocks: int = 10_000
    by_hand: tuple[int, ...] = (10, 1_000)
    blocks_by_hand: int = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """What each of many blocks cost."""

    questions: list[float]
    cpu_ms: list[float]


@dataclass(frozen=True, slots=True)
class CatchUp:
    """How a long absence was caught up with."""

    blocks: int
    blocks_per_second: float
    questions: float


Measured = TypeVar("Measured")
Peer = Callable[[Anvil, str, int, int], Awaitable[Cost]]


def account(number: int) -> str:
    return Web3.to_checksum_address(f"0x{number + 2**100:040x}")


def payment(number: int) -> Payment:
    return Payment(
        payment_id=f"pay_{number:08d}",
        provider="onchain",
        external_id=f"pay_{number:08d}",
        request_id=f"r{number}",
        buyer_id="b1",
        seller_id="s1",
        amount=Decimal(100),
        currency="USDT",
        created_at=datetime.now(UTC),
        direct=DirectPayment(chain="anvil", recipient=account(number)),
    )


async def measured(mine: Callable[[], None], follow: Callable[[], Awaitable[None]], blocks: int) -> Cost:
    asked, spent = [], []
    for _ in range(blocks):
        mine()
        before, cpu = questions(), time.process_time()
        await follow()
        asked.append(questions() - before)
        spent.append((time.process_time() - cpu) * 1000)
    return Cost(asked, spent)


@asynccontextmanager
async def following(anvil: Anvil, token: str, watched: int, folder: Path) -> AsyncIterator[ChainFollower]:
    """A chain that is followed for so many payments."""
    chain = Chain(
        name="anvil",
        chain_id=CHAIN_ID,
        confirmations=12,
        block_seconds=BLOCK_SECONDS,
        tokens=(Token(symbol="USDT", decimals=6, address=token),),
        endpoints=(SecretStr(anvil.url),),
    )
    async with AsyncExitStack() as stack:
        journal = await Journal.open(f"sqlite:///{folder}/{watched}.db")
        stack.push_async_callback(journal.close)
        for start in range(0, watched, REGISTERED_AT_ONCE):
            numbers = range(start, min(start + REGISTERED_AT_ONCE, watched))
            await asyncio.gather(*(journal.register_payment(payment(number)) for number in numbers))
        rpc = ChainRpc(chain)
        stack.push_async_callback(rpc.aclose)
        await rpc.start()
        follower = ChainFollower(chain, rpc, JournalChainStore(journal, {"anvil": chain}, days=7))
        await follower.round()
        yield follower


async def follow_with(
    anvil: Anvil, token: str, watched: int, folder: Path, sizes: Sizes
) -> tuple[Cost, CatchUp | None]:
    """The cost of a block, and that of a long absence."""
    transfers = iter(range(10**9))

    def mine() -> None:
        for _ in range(sizes.transfers_per_block):  # most of them to strangers, as on a real chain
            number = next(transfers)
            anvil.transfer(token, account(number % watched if number % 5 == 0 else 10**9 + number), 1)
        anvil.mine()

    async with following(anvil, token, watched, folder) as follower:
        cost = await measured(mine, follower.round, sizes.blocks)
    return cost, await catch_up(watched, sizes.catch_up_blocks) if watched == sizes.catching_up else None


async def catch_up(watched: int, blocks: int) -> CatchUp:
    """On a chain of its own: so many blocks in a moment nobody believes, and their times lead the clock's."""
    with tempfile.TemporaryDirectory() as folder, running_anvil() as anvil:
        async with following(anvil, anvil.deploy("Token"), watched, Path(folder)) as follower:
            for start in range(0, blocks, MINED_AT_ONCE):
                anvil.mine(min(MINED_AT_ONCE, blocks - start), apart_seconds=BLOCK_SECONDS)
            asked, began = questions(), time.perf_counter()
            await follower.round()
            return CatchUp(blocks, blocks / (time.perf_counter() - began), questions() - asked)


async def by_hand(anvil: Anvil, token: str, watched: int, blocks: int) -> Cost:
    """The peer: each block, each payment's transaction is asked for its receipt."""
    web3 = AsyncWeb3(AsyncWeb3.AsyncHTTPProvider(anvil.url))
    hashes = [anvil.transfer(token, account(number), 1) for number in range(watched)]
    asked = 0

    async def ask_for_all() -> None:
        nonlocal asked
        head = await web3.eth.block_number
        asked += 1
        for tx_hash in hashes:
            receipt = await web3.eth.get_transaction_receipt(tx_hash)  # type: ignore[arg-type]
            asked += 1
            if head < receipt["blockNumber"]:
                raise ValueError("a receipt of a block that is not there yet")

    anvil.mine(5)
    asked_each, spent = [], []
    try:
        for _ in range(blocks):
            anvil.mine()
            before, cpu = asked, time.process_time()
            await ask_for_all()
            asked_each.append(float(asked - before))
            spent.append((time.process_time() - cpu) * 1000)
    finally:
        await web3.provider.disconnect()
    return Cost(asked_each, spent)


async def tried(
    failures: list[Failure], who: str, watched: int, measuring: Awaitable[Measured], *, is_ours: bool
) -> Measured | None:
    """What was measured. Whatever it fails of is noted and said, and costs nothing else."""
    try:
        async with asyncio.timeout(MEASURE_SECONDS):
            return await measuring
    except Exception as error:
        why = str(error) or type(error).__name__
        failures.append(Failure(who, 1, f"{watched:,} payments", why, is_ours))
        print(f"{who:>34} {watched:>9,} failed: {one_line(why)}", flush=True)
        return None


async def benchmark(anvil: Anvil, folder: Path, sizes: Sizes, peer: Peer = by_hand) -> int:
    """Prints what it measures; returns the exit code."""
    token = anvil.deploy("Token")
    failures: list[Failure] = []
    print(
        "Medians of blocks. A ratio is the median of the ratios of each block of the one to each of the other, with\n"
        f"the quartiles of them.\n{'':>34} {'payments':>9} {'questions/block':>16} {'CPU ms/block':>13}"
    )
    costs: dict[int, Cost] = {}
    for watched in sizes.watched:
        following = follow_with(anvil, token, watched, folder, sizes)
        found = await tried(failures, OURS, watched, following, is_ours=True)
        if found is not None:
            costs[watched], absence = found
            print_cost(OURS, watched, costs[watched])
            print_absence(costs[watched], absence)
    for watched in sizes.by_hand:
        asking = peer(anvil, token, watched, sizes.blocks_by_hand)
        cost = await tried(failures, BY_HAND, watched, asking, is_ours=False)
        if cost is not None:
            print_cost(BY_HAND, watched, cost)
        print_ratio("the bridge to it", costs.get(watched), cost)
    least, most = sizes.watched[0], sizes.watched[-1]
    print_ratio(f"{most:,} payments to {least:,}", costs.get(most), costs.get(least))
    if failures:
        print(closing(failures))
    return exit_code(failures)


def print_cost(who: str, watched: int, cost: Cost) -> None:
    asked, spent = statistics.median(cost.questions), statistics.median(cost.cpu_ms)
    print(f"{who:>34} {watched:>9,} {asked:>16.1f} {spent:>13.2f}", flush=True)


def print_absence(cost: Cost, absence: CatchUp | None) -> None:
    if absence is None:
        return
    per_block = statistics.median(cost.questions) * absence.blocks / absence.questions
    print(
        f"{f'{absence.blocks:,} blocks of absence':>34} {absence.blocks_per_second:,.0f} blocks/s with"
        f" {absence.questions:.0f} questions, {per_block:,.0f} times fewer than block by block",
        flush=True,
    )


def print_ratio(label: str, ours: Cost | None, theirs: Cost | None) -> None:
    if ours is None or theirs is None:
        print(f"{label:>34} no ratio: one of them failed", flush=True)
        return
    for name, one, other in (
        ("questions", ours.questions, theirs.questions),
        ("CPU", ours.cpu_ms, theirs.cpu_ms),
    ):
        found = ratio_of_all(one, other)
        words = "none" if found is None else f"{found.median:.4f}x, {found.least:.4f} to {found.most:.4f}"
        print(f"{label:>34} {name:>9} {words}", flush=True)


async def all_of_it(anvil: Anvil, folder: Path) -> int:
    code = await benchmark(anvil, folder, Sizes())
    await print_questions(anvil)
    return code


def main() -> int:
    end_on_signals()
    with tempfile.TemporaryDirectory() as folder, running_anvil() as anvil:
        return asyncio.run(all_of_it(anvil, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
