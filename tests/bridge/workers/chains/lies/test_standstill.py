"""A chain that cannot be followed on, since its endpoints show different ones: after a minute a person sees what each
shows, whatever was said before that, and it goes on by itself once they agree.
"""

import contextlib
import logging

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.confirming.standstill import STANDING_SECONDS
from providers.onchain.nodes.rpc import ChainUnavailableError
from tests.bridge.workers.chains.followed_chain import (
    CONFIRMATIONS,
    Follow,
    Followed,
    contradictions,
    goes_on,
    listed,
)

COMPLETED = PaymentStatus.COMPLETED


async def goes_round(it: Followed, *, seconds: float, blocks: int) -> None:
    for _ in range(blocks):
        it.anvil.mine()
        it.clock.now += seconds
        with contextlib.suppress(ChainUnavailableError):
            await it.follower.round()


@pytest.mark.parametrize("liar", [0, 1])
async def test_a_person_sees_what_each_shows_where_none_has_a_block_that_was_followed(
    follow: Follow, caplog: pytest.LogCaptureFixture, liar: int
) -> None:
    """One went on alone, then shows a fork to its first block, and the other one was reorganised meanwhile."""
    async with follow(endpoints=2) as it:
        it.anvil.mine(2 * CONFIRMATIONS)
        await it.follow(2 * CONFIRMATIONS)
        await it.register()
        it.liars[1 - liar].is_dead = True
        await goes_round(it, seconds=30, blocks=2 * CONFIRMATIONS)
        it.anvil.begin_anew()
        it.anvil.mine(6 * CONFIRMATIONS)
        token = it.anvil.deploy("Token")
        assert token == it.token
        it.liars[liar].forks()
        it.liars[1 - liar].is_dead = False
        it.pay()
        await goes_round(it, seconds=STANDING_SECONDS / 2, blocks=2)
        caplog.set_level(logging.CRITICAL)
        await goes_round(it, seconds=STANDING_SECONDS, blocks=2 * CONFIRMATIONS)
        [told] = [one for one in await contradictions(it) if "it is followed no further" in one.detail]
        for one in it.rpc.endpoints:
            assert f"{one.host} shows block" in told.detail
        assert (await it.payment()).status is PaymentStatus.PENDING
        assert caplog.text.count("it is followed no further") == 1  # once, however many rounds fail
        await it.restart()
        await goes_round(it, seconds=1, blocks=1)
        assert told.key in await listed(it)
        it.liars[liar].answers = {}
        it.clock.now += 300
        await goes_round(it, seconds=STANDING_SECONDS, blocks=4)
        await goes_on(it, blocks=4 * CONFIRMATIONS)
        assert told.key not in await listed(it)
        assert (await it.payment()).status is COMPLETED
