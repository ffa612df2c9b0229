"""Questions that following a chain costs, counted: for each block on the average, without money in it and with one
transfer to somebody who waits, over one endpoint and over two.

`make bench-onchain` prints it last, and `python -m benchmarks.chain_questions` alone; a count does not depend on how
busy the machine is.
"""

import asyncio
import contextlib
import itertools
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from benchmarks.processes import end_on_signals
from providers.onchain.nodes.node import QUESTIONS
from providers.onchain.nodes.web3_library import Web3
from tests.anvil import Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import Followed, following

__all__ = ["CONFIRMATIONS", "Setting", "all_settings", "count", "print_questions", "questions"]

BLOCKS = 64
CONFIRMATIONS: tuple[int | str, ...] = (12, "finalized")
# So deep is what anvil calls finalized, and so many blocks what is read once more.
WARMING_UP = 160


@dataclass(frozen=True, slots=True)
class Setting:
    """How a chain is followed, and what is in its blocks."""

    endpoints: int
    confirmations: int | str
    own_coin: bool
    """Whether somebody waits for the chain's own coin too."""
    money: str | None
    """In which coin each block has a transfer; None for blocks without one."""


def all_settings() -> Iterator[Setting]:
    for own_coin, endpoints, confirmations in itertools.product((False, True), (1, 2), CONFIRMATIONS):
        for money in (None, "USDT", *(["ETH"] if own_coin else [])):
            yield Setting(endpoints, confirmations, own_coin, money)


def questions() -> float:
    return sum(sample.value for metric in QUESTIONS.collect() for sample in metric.samples if "total" in sample.name)


async def count(anvil: Anvil, setting: Setting, blocks: int = BLOCKS) -> float:
    """Questions for each block, on the average of so many that come one by one."""
    with tempfile.TemporaryDirectory() as folder:
        async with following(
            anvil,
            Path(folder),
            endpoints=setting.endpoints,
            confirmations=setting.confirmations,
            own_coin=setting.own_coin,
        ) as it:
            anvil.mine(WARMING_UP)
            await it.follow()
            to = [
                Web3.to_checksum_address(f"0x{int(it.token, 16) // 2**20 + number:040x}") for number in range(blocks)
            ]
            for number, recipient in enumerate(to):
                await it.register(f"pay_{number}", recipient=recipient, currency=setting.money or "USDT")
            if setting.own_coin:
                await it.register("pay_own", recipient=Web3.to_checksum_address("0x" + 20 * "c1"), currency="ETH")
            for number in range(2 * blocks):
                pay(anvil, it, setting.money, to[number % blocks])
                if number == blocks:  # from here on each block has what comes of those before it
                    before = questions()
                anvil.mine()
                it.clock.now += 1
                await it.follower.round()
            asked = (questions() - before) / blocks
            if setting.money is not None and (await it.payment("pay_0")).paid < Decimal(1):
                raise RuntimeError("the bridge has not seen the money, so that its questions count for nothing")
            return asked


def pay(anvil: Anvil, it: Followed, money: str | None, to: str) -> None:
    if money == "USDT":
        anvil.transfer(it.token, to, 10**6)
    elif money == "ETH":
        anvil.send(to, 10**18)


async def print_questions(anvil: Anvil) -> None:
    print("Questions for each block, on the average")
    for setting in all_settings():
        whose = "one endpoint" if setting.endpoints == 1 else "two endpoints"
        awaited = "tokens and own coin" if setting.own_coin else "tokens"
        held = "without money" if setting.money is None else f"money in {setting.money}"
        asked = await count(anvil, setting)
        print(f"{whose:>14}, {awaited:<19} {setting.confirmations!s:>9} {held:<14} {asked:>6.1f}", flush=True)


def main() -> int:
    end_on_signals()
    with contextlib.ExitStack() as stack:
        asyncio.run(print_questions(stack.enter_context(running_anvil())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
