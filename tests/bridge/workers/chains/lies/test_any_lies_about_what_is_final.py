"""Whatever one of two or three endpoints says where the chain itself says what is final: of that too."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anvil import Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS
from tests.bridge.workers.chains.lies import test_any_lies_of_three as of_three
from tests.bridge.workers.chains.lies.lengths import lists_of
from tests.bridge.workers.chains.lies.test_any_lies import (
    LIES,
    Lie,
    Play,
    Step,
    play,
    playing,
    steps_of,
)
from tests.providers.onchain.liar import other_hash

BLOCK = "eth_getBlockByNumber"


class Finalizing(Anvil):
    """A node that calls a block final once it is so deep that the others of these tests do."""

    def answer(self, method: str, *parameters: Any) -> dict[str, Any]:
        if method == BLOCK and parameters[0] == "finalized":
            parameters = hex(max(self.head() - CONFIRMATIONS + 1, 0)), *parameters[1:]
        return super().answer(method, *parameters)


def _of_final(change: Lie) -> dict[str, Lie]:
    return {
        BLOCK: lambda parameters, block: (
            change(parameters, block) if parameters[0] == "finalized" and block else block
        )
    }


FINAL_LIES: dict[str, dict[str, Lie]] = {
    "calls another block final": _of_final(lambda _, block: block | {"hash": other_hash(block["hash"])}),
    "calls what is not there final": _of_final(lambda _, block: block | {"number": hex(10**9)}),
    "calls the one above final": _of_final(lambda _, block: block | {"number": hex(int(block["number"], 16) + 1)}),
    "calls nothing final": _of_final(lambda _, block: None),
    "calls the first one final": _of_final(lambda _, block: block | {"number": "0x0"}),
}


class FinalPlay(Play):
    """One way that it can go."""

    confirmations: ClassVar[int | str] = "finalized"
    lies: ClassVar[dict[str, dict[str, Lie]]] = LIES | FINAL_LIES


class FinalPlayOfThree(of_three.PlayOfThree, FinalPlay):
    """The same where the one of three that lies is never honest again."""


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as node, closing(Finalizing(node.url)) as finalizing:
        yield finalizing


@pytest.mark.parametrize("liar", [0, 1])
@playing
@given(some=lists_of(steps_of(FinalPlay.lies)))
def test_whatever_one_of_two_says_is_final_just_what_happened_counts(
    anvil: Anvil, liar: int, some: list[Step]
) -> None:
    asyncio.run(play(anvil, liar, some, FinalPlay))


@playing
@given(liar=st.integers(0, 2), some=lists_of(of_three.steps_of(FinalPlay.lies)))
def test_whatever_one_of_three_goes_on_saying_is_final_just_what_happened_counts(
    anvil: Anvil, liar: int, some: list[Step]
) -> None:
    asyncio.run(play(anvil, liar, some, FinalPlayOfThree))
