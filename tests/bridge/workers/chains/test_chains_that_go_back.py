"""A chain that goes back beyond what was final, and goes on from there: it is followed where it is, by what two
endpoints say, and a person is told at once; an endpoint that lags for a moment causes none of it.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bridge.http.ops.overview import needs_a_person
from coordinator.payments.payments import PaymentStatus
from providers.onchain.confirming.reorganisations import BELOW_FINAL_SECONDS, ROLLED_BACK_AFTER_BLOCKS
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.rpc import ChainUnavailableError
from tests.anvil import CAROL, Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed, goes_on, listed
from tests.providers.onchain.liar import Liar, other_hash
from tests.system.onchain.conftest import address

Document = dict[str, Any]
COMPLETED, PENDING = PaymentStatus.COMPLETED, PaymentStatus.PENDING
FAR_BLOCKS = 60


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


async def alarms_of(it: Followed) -> list[str]:
    """What a person is told of what was final."""
    found = await needs_a_person(it.journal, timedelta(days=3))
    return [one.detail for one in found if one.kind == "chain-alarm"]


async def completed(it: Followed, *, before: int = 0, after: int = 0) -> str:
    """A payment that is completed in a block that is about to go, among blocks that are caught up with at once if
    there are many before and after it. Returns its transaction."""
    await it.register("pay_gone", recipient=CAROL)
    it.anvil.mine(before)
    tx_hash = it.pay(to=CAROL)
    it.anvil.mine(after)
    await goes_on(it)
    assert (await it.payment("pay_gone")).status is COMPLETED
    return tx_hash


async def low(it: Followed) -> None:
    """Rounds with a head that has sunk, until it is not taken for a lag any more."""
    await it.follower.round()
    it.clock.now += BELOW_FINAL_SECONDS
    it.anvil.mine()
    await it.follower.round()


def be_elsewhere(liar: Liar, above: int) -> None:
    """Has an endpoint show other blocks than its node above this one."""

    def shown(parameters: list[Any], block: Document | None) -> Document | None:
        number = -1 if block is None else int(block["number"], 16)
        names = {"hash": above, "parentHash": above + 1}
        return block and block | {name: other_hash(block[name]) for name, last in names.items() if number > last}

    liar.changes("eth_getBlockByNumber", shown)
    liar.answers["eth_getLogs"] = []


@pytest.mark.parametrize(("endpoints", "restarted"), [(1, "never"), (2, "before"), (1, "meanwhile"), (2, "after")])
async def test_a_chain_that_went_back_far_is_followed_where_it_is_and_a_person_is_told(
    follow: Follow, endpoints: int, restarted: str
) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow(2)
        gone = await completed(it, before=FAR_BLOCKS, after=FAR_BLOCKS)
        recipient = address(f"{it.token} low")
        await it.register(recipient=recipient)
        was_at = it.follower.head
        it.anvil.go_back(FAR_BLOCKS + FAR_BLOCKS // 2)
        it.pay(to=recipient)
        if restarted == "before":
            await it.restart()
        await it.follower.round()
        assert it.follower.blocks_behind is None  # how many are to be followed is not known
        assert await it.alarms() == []
        it.clock.now += ROLLED_BACK_AFTER_BLOCKS * it.chain.block_seconds
        await it.follower.round()
        assert f"below {was_at}, up to which it was followed" in str(it.follower.waiting)
        if restarted == "meanwhile":
            await it.restart()
        await low(it)
        assert it.follower.blocks_behind == 0
        [said] = await alarms_of(it)
        assert f"pay_gone ({gone})" in said
        assert "above the last known block that is there still" in said
        if restarted == "after":
            await it.restart()
        await goes_on(it)
        assert (await it.payment()).status is COMPLETED
        assert it.follower.head < was_at
        await goes_on(it, blocks=2)
        assert it.follower.waiting is None
        assert len(await alarms_of(it)) == 1  # it is said once


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_another_block_at_a_height_that_is_known_proves_it_at_once(follow: Follow, endpoints: int) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow(2)
        await completed(it)
        await goes_on(it, blocks=12)
        recipient = address(f"{it.token} low")
        await it.register(recipient=recipient)
        was_at = it.follower.head
        it.anvil.go_back(2 * CONFIRMATIONS)
        it.pay(to=recipient)
        it.anvil.mine(1)
        await it.follower.round()
        assert it.follower.head < was_at
        [said] = await alarms_of(it)
        assert "is another now" in said
        assert "nothing that had completed is gone" in said
        await goes_on(it)
        assert (await it.payment()).status is COMPLETED


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_an_endpoint_that_is_behind_for_a_while_takes_nothing_back(follow: Follow, endpoints: int) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow(2)
        await completed(it)
        await goes_on(it, blocks=12)
        recipient = address(f"{it.token} other")
        await it.register(recipient=recipient)
        it.pay(to=recipient)
        await it.follower.round()
        following = await it.journal.chains.following("anvil")
        head = it.anvil.head()
        for number in (head - 9, head - 5):
            for liar in it.liars:
                liar.stands_at(number)
            it.clock.now += 0.4 * BELOW_FINAL_SECONDS if endpoints == 2 else 4
            await it.follower.round()
        assert await it.journal.chains.following("anvil") == following or endpoints == 2
        for liar in it.liars:
            liar.answers = {}
        it.clock.now += BELOW_FINAL_SECONDS
        await goes_on(it)
        assert await it.alarms() == []
        assert (await it.payment()).status is COMPLETED


@pytest.mark.parametrize(("liar", "restarts"), [(0, True), (1, False)])
async def test_of_two_endpoints_the_one_that_went_back_is_doubted(
    follow: Follow, anvil: Anvil, liar: int, restarts: bool
) -> None:
    async with follow(endpoints=2) as it:
        await it.follow(2)
        await completed(it)
        await goes_on(it, blocks=4 * CONFIRMATIONS)
        be_elsewhere(it.liars[liar], it.anvil.head() - 2 * CONFIRMATIONS)
        for _ in range(4 * CONFIRMATIONS):
            if restarts:
                it.follower = it.new_follower()
            it.anvil.mine()
            it.clock.now += 1
            try:
                await it.follower.round()
            except ChainUnavailableError:
                assert it.rpc.endpoints[liar].last_fault is Fault.INCONSISTENT
        await it.follower.round()
        assert await alarms_of(it) == []
        assert len(await listed(it)) == 1
        assert "different blocks" in str(it.follower.waiting)
        assert it.follower.head == anvil.head()
        recipient = address(f"{it.token} honest")
        await it.register(recipient=recipient)
        it.pay(to=recipient)
        await it.follower.round()
        assert [one.stage for one in (await it.payment()).facts.sightings] == ["mined"]
        it.liars[liar].answers = {}
        it.clock.now += 600
        await goes_on(it, blocks=4 * CONFIRMATIONS)
        assert (await it.payment()).status is COMPLETED
        assert await listed(it) == []
        assert it.follower.waiting is None


async def test_while_a_second_endpoint_says_nothing_one_is_waited_for_before_it_is_believed(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow(2)
        gone = await completed(it)
        it.liars[1].is_dead = True
        it.anvil.go_back(3 * CONFIRMATIONS)
        it.pay(1)
        it.anvil.mine(4 * CONFIRMATIONS)
        for _ in range(3):
            it.clock.now += 1
            with pytest.raises(ChainUnavailableError, match="no other answers"):
                await it.follower.round()
        assert await it.alarms() == []
        it.clock.now += BELOW_FINAL_SECONDS
        await it.follower.round()
        [said] = await alarms_of(it)
        assert gone in said


async def test_a_chain_that_began_anew_is_read_from_before_the_first_that_waits(follow: Follow, anvil: Anvil) -> None:
    anvil.begin_anew()
    async with follow() as it:
        anvil.mine(FAR_BLOCKS)
        await it.follow(2)
        await it.register()
        anvil.begin_anew()
        assert anvil.deploy("Token") == it.token
        it.pay()
        await low(it)
        [said] = await alarms_of(it)
        assert "no block is known that is there still, and it is followed anew from" in said
        await goes_on(it)
        assert (await it.payment()).status is COMPLETED


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_a_chain_that_goes_back_to_before_it_was_followed_is_read_from_there(
    follow: Follow, endpoints: int
) -> None:
    async with follow(endpoints=endpoints) as it:
        it.anvil.mine(2 * CONFIRMATIONS)
        await it.follow()
        recipient = address(f"{it.token} below")
        await it.register(recipient=recipient)
        it.anvil.go_back(CONFIRMATIONS)
        it.pay(to=recipient)
        it.anvil.mine(2 * CONFIRMATIONS)
        await goes_on(it)
        assert (await it.payment()).status is COMPLETED


async def test_what_is_called_finalized_of_the_chain_before_is_not_taken_for_final_on_the_one_after(
    follow: Follow,
) -> None:
    async with follow(endpoints=2, confirmations="finalized") as it:
        await it.follow(2)
        it.anvil.mine(2 * FAR_BLOCKS)
        await it.follow()
        recipient = address(f"{it.token} low")
        await it.register(recipient=recipient)
        it.anvil.go_back(2 * FAR_BLOCKS)
        it.pay(to=recipient)
        await low(it)
        assert it.follower.blocks_behind == 0
        it.liar.changes(  # one that calls the newest finalized is believed alone no more than before
            "eth_getBlockByNumber",
            lambda parameters, block: (
                it.anvil.ask("eth_getBlockByNumber", "latest", False) if parameters[0] == "finalized" else block
            ),
        )
        await it.follow(1)
        assert (await it.payment()).status is PaymentStatus.CONFIRMING
        it.liar.answers = {}
        it.anvil.mine(2 * FAR_BLOCKS)
        await it.follow(1)
        assert (await it.payment()).status is COMPLETED


async def test_a_claim_is_looked_into_on_a_chain_that_went_back(follow: Follow) -> None:
    async with follow() as it:
        await it.follow(2)
        await it.register(recipient=address(f"{it.token} claimed"))
        it.anvil.mine(FAR_BLOCKS)
        await it.hint("pay_1", "0x" + "7" * 64)
        await it.follow(2)
        it.anvil.go_back(FAR_BLOCKS)
        await low(it)
        it.liar.asked.clear()
        await it.follow(1)
        assert "eth_getTransactionByHash" in it.liar.asked


@pytest.mark.parametrize("liar", [0, 1])
async def test_endpoints_that_are_far_apart_for_long_are_said_to_be(follow: Follow, liar: int) -> None:
    async with follow(endpoints=2) as it:
        await it.follow(2)
        it.liars[liar].stands_at(it.anvil.head())
        await goes_on(it, blocks=16)  # as many a one is behind all the time
        it.clock.now += 60
        await goes_on(it, blocks=8)
        assert it.follower.waiting is None
        it.anvil.mine(2 * FAR_BLOCKS)
        await it.follower.round()
        assert it.follower.waiting is None
        for _ in range(3):
            it.clock.now += 60
            await goes_on(it, blocks=8)
        assert "one stands still, or is wrong" in str(it.follower.waiting)
        it.liars[liar].answers = {}
        it.clock.now += 600
        await goes_on(it, blocks=8)
        assert it.follower.waiting is None


async def test_of_three_endpoints_the_two_that_say_the_same_are_followed(follow: Follow, anvil: Anvil) -> None:
    async with follow(endpoints=3) as it:
        await it.follow(2)
        below = anvil.head()
        ahead = 10 * FAR_BLOCKS

        def boasts(parameters: list[Any]) -> Any:
            head: Document = anvil.ask("eth_getBlockByNumber", "latest", False)
            number = int(head["number"], 16) + ahead if parameters[0] == "latest" else int(parameters[0], 16)
            if number <= below:
                return ...
            return head | {
                "number": hex(number),
                "hash": f"0x{number:064x}",
                "parentHash": f"0x{number - 1:064x}",
                "timestamp": hex(int(head["timestamp"], 16) + ahead),
            }

        it.liars[0].answers = {"eth_getBlockByNumber": boasts, "eth_getLogs": []}
        recipient = address(f"{it.token} honest")
        await it.register(recipient=recipient)
        it.pay(to=recipient)
        await goes_on(it, blocks=10)
        assert it.rpc.endpoints[0].last_fault is Fault.INCONSISTENT
        assert it.follower.head == anvil.head()
        assert (await it.payment()).status is COMPLETED
