"""Following a chain, measured: what a block costs with 10, 1,000 and 100,000 payments that wait, how fast a long
absence is caught up with, and beside it the loop that people write by hand, which asks for each payment's receipt
each block.

`make bench-onchain` runs it, on a real node (anvil) with a real journal (SQLite). CPU is this process's own.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from pydantic import SecretStr

from bridge.journal import Journal
from bridge.workers.chains import JournalChainStore
from coordinator.payments import DirectPayment, Payment
from providers.onchain.chains import Chain, Token
from providers.onchain.follower import ChainFollower
from providers.onchain.node import QUESTIONS
from providers.onchain.rpc import ChainRpc
from providers.onchain.web3_library import AsyncWeb3, Web3
from tests.anvil import CHAIN_ID, Anvil, running_anvil

WATCHED = (10, 1_000, 100_000)
BLOCKS = 60
TRANSFERS_PER_BLOCK = 5
CATCH_UP_BLOCKS = 10_000
CATCHING_UP = 1_000
MINED_AT_ONCE = 500
BY_HAND = (10, 1_000)
BLOCKS_BY_HAND = 5
REGISTERED_AT_ONCE = 500


@dataclass(frozen=True)
class Cost:
    """What one block cost, as medians over many."""

    questions: float
    cpu_ms: float


@dataclass(frozen=True)
class CatchUp:
    """How a long absence was caught up with."""

    blocks_per_second: float
    questions: float


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


def questions() -> float:
    return sum(sample.value for metric in QUESTIONS.collect() for sample in metric.samples if "total" in sample.name)


async def measured(mine: Callable[[], None], follow: Callable[[], Awaitable[None]], blocks: int) -> Cost:
    asked, spent = [], []
    for _ in range(blocks):
        mine()
        before, cpu = questions(), time.process_time()
        await follow()
        asked.append(questions() - before)
        spent.append((time.process_time() - cpu) * 1000)
    return Cost(statistics.median(asked), statistics.median(spent))


async def follow_with(anvil: Anvil, token: str, watched: int, folder: Path) -> tuple[Cost, CatchUp | None]:
    """The cost of a block, and that of a long absence."""
    chain = Chain(
        name="anvil",
        chain_id=CHAIN_ID,
        confirmations=12,
        block_seconds=1,
        tokens=(Token(symbol="USDT", decimals=6, address=token),),
        endpoints=(SecretStr(anvil.url),),
    )
    journal = await Journal.open(f"sqlite:///{folder}/{watched}.db")
    for start in range(0, watched, REGISTERED_AT_ONCE):
        numbers = range(start, min(start + REGISTERED_AT_ONCE, watched))
        await asyncio.gather(*(journal.register_payment(payment(number)) for number in numbers))
    rpc = ChainRpc(chain)
    await rpc.start()
    follower = ChainFollower(chain, rpc, JournalChainStore(journal, {"anvil": chain}, days=7))
    await follower.round()
    transfers = iter(range(10**9))

    def mine() -> None:
        for _ in range(TRANSFERS_PER_BLOCK):  # most of them to strangers, as on a real chain
            number = next(transfers)
            anvil.transfer(token, account(number % watched if number % 5 == 0 else 10**9 + number), 1)
        anvil.mine()

    cost = await measured(mine, follower.round, BLOCKS)
    rate = await catch_up(anvil, follower.round) if watched == CATCHING_UP else None
    await rpc.aclose()
    await journal.close()
    return cost, rate


async def catch_up(anvil: Anvil, follow: Callable[[], Awaitable[None]]) -> CatchUp:
    for _ in range(0, CATCH_UP_BLOCKS, MINED_AT_ONCE):
        anvil.mine(MINED_AT_ONCE)
    asked, began = questions(), time.perf_counter()
    await follow()
    return CatchUp(CATCH_UP_BLOCKS / (time.perf_counter() - began), questions() - asked)


async def by_hand(anvil: Anvil, token: str, watched: int) -> Cost:
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
    spent, counted = [], []
    for _ in range(BLOCKS_BY_HAND):
        anvil.mine()
        before, cpu = asked, time.process_time()
        await ask_for_all()
        counted.append(asked - before)
        spent.append((time.process_time() - cpu) * 1000)
    await web3.provider.disconnect()
    return Cost(statistics.median(counted), statistics.median(spent))


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_anvil() as anvil:
        token = anvil.deploy("Token")
        print(f"{'':>34} {'payments':>9} {'questions/block':>16} {'CPU ms/block':>13}")
        costs = {}
        for watched in WATCHED:
            costs[watched], absence = await follow_with(anvil, token, watched, Path(folder))
            cost = costs[watched]
            print(f"{'the bridge':>34} {watched:>9,} {cost.questions:>16.1f} {cost.cpu_ms:>13.2f}", flush=True)
            if absence is not None:
                per_block = cost.questions * CATCH_UP_BLOCKS / absence.questions
                print(
                    f"{'10,000 blocks of absence':>34} {absence.blocks_per_second:,.0f} blocks/s with"
                    f" {absence.questions:.0f} questions, {per_block:,.0f} times fewer than block by block",
                    flush=True,
                )
        for watched in BY_HAND:
            cost = await by_hand(anvil, token, watched)
            print(f"{'a receipt for each, by hand':>34} {watched:>9,} {cost.questions:>16.1f} {cost.cpu_ms:>13.2f}")
            ours = costs[watched]
            print(
                f"{'the bridge to it':>34} {'':>9} {ours.questions / cost.questions:>15.4f}x"
                f" {ours.cpu_ms / cost.cpu_ms:>12.4f}x",
                flush=True,
            )
        least, most = costs[WATCHED[0]], costs[WATCHED[-1]]
        print(
            f"{'100,000 payments to 10':>34} {'':>9} {most.questions / least.questions:>15.2f}x"
            f" {most.cpu_ms / least.cpu_ms:>12.2f}x"
        )


if __name__ == "__main__":
    asyncio.run(main())
