"""Whatever one of two endpoints says while the other one is away, however long: money may count that never came, and
then a person has heard of it once the other one is back.
"""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.onchain.confirming.corroboration import CORROBORATION_AWAITED_SECONDS
from tests.anvil import Anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, following
from tests.bridge.workers.chains.lies.lengths import lists_of
from tests.bridge.workers.chains.lies.test_any_lies import (
    LIES,
    PAYMENTS,
    Play,
    Step,
    anvil,
    playing,
)
from tests.system.onchain.conftest import address

__all__ = ["anvil"]

steps = st.one_of(
    st.tuples(st.just("lie of it"), st.sampled_from(sorted(LIES)), st.integers(1, 120)),
    st.tuples(st.just("pay"), st.integers(0, PAYMENTS - 1), st.integers(1, 120)),
    st.tuples(st.just("mine"), st.integers(1, 5), st.just(0)),
    st.tuples(st.just("reorganise"), st.integers(1, CONFIRMATIONS + 2), st.just(0)),
    st.tuples(
        st.sampled_from(["go away", "come back", "wait", "wait", "be honest", "restart"]), st.just(0), st.just(0)
    ),
)


@dataclass
class PlayWithOneAway(Play):
    """The honest one is away now and then."""

    def do(self, step: Step) -> None:
        match step:
            case ("go away" | "come back" as way, _, _):
                self.it.liars[1 - self.liar].is_dead = way == "go away"
            case ("wait", _, _):
                self.it.anvil.mine(CONFIRMATIONS)
                self.it.clock.now += CORROBORATION_AWAITED_SECONDS
            case _:
                super().do(step)

    async def hold_against_the_books(self) -> None:
        """That is for the end."""


async def play(anvil: Anvil, liar: int, some: list[Step]) -> None:
    anvil.begin_anew()
    with tempfile.TemporaryDirectory() as folder:
        async with following(anvil, Path(folder), endpoints=2) as it:
            await it.follow(2 * CONFIRMATIONS)
            at = PlayWithOneAway(
                it, liar, [address(f"{it.token} {number}") for number in range(PAYMENTS)], anvil.head()
            )
            for number, recipient in enumerate(at.recipients):
                await it.register(f"pay_{number}", recipient=recipient)
            at.do(("go away", 0, 0))
            for step in some:
                at.do(step)
                await at.follow(30)
            at.do(("come back", 0, 0))
            for _ in range(2 * CONFIRMATIONS):  # it hears what the one says that lies
                anvil.mine()
                await at.follow(300)
            await at.end()
            told = " ".join([one.message for one in await it.journal.chains.alarms(None)])
            for number, recipient in enumerate(at.recipients):
                payment = await it.payment(f"pay_{number}")
                is_there = payment.paid <= at.on_chain(recipient, anvil.head())
                assert is_there or payment.payment_id in told, "money has counted that is not there, and nobody heard"


@pytest.mark.parametrize("liar", [0, 1])
@playing
@given(some=lists_of(steps, at_least=4))
def test_whatever_one_endpoint_says_alone_a_person_hears_of_what_counted_and_never_came(
    anvil: Anvil, liar: int, some: list[Step]
) -> None:
    asyncio.run(play(anvil, liar, some))
