"""A newest block that one endpoint made up, with all that it would stand on: what it hides is found once it vanishes,
and nobody says that the chain took anything back.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.follower import ROUNDS_BETWEEN_COMPARISONS
from providers.onchain.nodes.rpc import ChainUnavailableError
from tests.anvil import Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed, contradictions, goes_on

Document = dict[str, Any]


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


def invent(it: Followed, liar: int, blocks: int) -> None:
    """Has an endpoint show so many empty blocks upon the newest."""
    anvil, first = it.anvil, it.anvil.head() + 1
    below = anvil.ask("eth_getBlockByNumber", hex(first - 1), False)
    made_up: dict[str, Document] = {}
    for number in range(first, first + blocks):
        seconds = int(below["timestamp"], 16) + 1
        bloom, block_hash = "0x" + 512 * "0", f"0x{number:064x}"
        below = below | {
            "number": hex(number),
            "hash": block_hash,
            "parentHash": below["hash"],
            "timestamp": hex(seconds),
            "logsBloom": bloom,
        }
        made_up[hex(number)] = below
    newest = below

    def shown(parameters: list[Any]) -> Any:
        return newest if parameters[0] == "latest" else made_up.get(parameters[0], ...)

    def logs(parameters: list[Any]) -> Any:
        [asked] = parameters
        return [] if "blockHash" in asked or int(asked["toBlock"], 16) >= first else ...

    it.liars[liar].answers = {"eth_getBlockByNumber": shown, "eth_getLogs": logs}


@pytest.mark.parametrize(("liar", "takes_over"), [(0, True), (1, False)])
async def test_whose_blocks_are_others_below_an_invented_head_is_said_at_once_though_it_lags(
    follow: Follow, anvil: Anvil, liar: int, takes_over: bool
) -> None:
    async with follow(endpoints=2) as it:
        await it.follow(2)
        number = it.anvil.head()
        invent(it, liar, 150)
        await it.follow()
        for _ in range(ROUNDS_BETWEEN_COMPARISONS):
            anvil.mine()
            with contextlib.suppress(ChainUnavailableError):  # whom to follow is said in the next round
                await it.follower.round()
        # Who is further is followed, but for whoever has others in the place of blocks that were final.
        assert it.follower.head == (number + 150 if takes_over else anvil.head())
        [(kind, where)] = await it.alarms()
        assert kind == "contradicted"
        assert where > number
        assert f"two endpoints have different blocks, of which one is {where}" in str(it.follower.waiting)


@pytest.mark.parametrize(
    ("liar", "blocks", "waits_before", "is_taken_out"),
    [(0, 30, True, False), (0, 150, True, True), (1, 150, False, False)],
)
async def test_money_below_an_invented_head_is_found_once_that_vanishes(
    follow: Follow, anvil: Anvil, liar: int, blocks: int, waits_before: bool, is_taken_out: bool
) -> None:
    async with follow(endpoints=2) as it:
        await it.follow(2)
        if waits_before:
            await it.register()
        # Many a node says of blocks that it does not have that there is nothing in them.
        it.liars[1 - liar].answers["eth_getLogs"] = lambda asked: anvil.answer("eth_getLogs", *asked).get(
            "result", []
        )
        invent(it, liar, blocks)
        for _ in range(ROUNDS_BETWEEN_COMPARISONS):
            await it.follow()
        assert it.follower.head == it.anvil.head() + blocks
        if not waits_before:
            await it.register()
        it.pay()
        it.liars[liar].answers = {}
        if is_taken_out:
            await it.restart(1 - liar)
        it.clock.now += 600
        await goes_on(it, blocks=4 * CONFIRMATIONS)
        assert (await it.payment()).status is PaymentStatus.COMPLETED
        assert {kind for kind, _ in await it.alarms()} == {"contradicted"}
        [listed] = await contradictions(it)
        assert "was followed by the word of one endpoint alone" in listed.detail
