"""What following a chain costs in questions, counted: of how many are asked, what is final and which coin there is,
every two together; in `make soak` all three.
"""

from collections.abc import Iterator

import pytest

from benchmarks.chain_questions import Setting, all_settings, count
from tests.anvil import Anvil, running_anvil
from tests.conftest import IS_LONG


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as node:
        yield node


def test_each_setting_is_counted_without_money_and_with_money_in_each_coin_that_is_waited_for() -> None:
    assert len(set(all_settings())) == len([*all_settings()]) == 4 * 2 + 4 * 3
    assert {one.money for one in all_settings() if one.own_coin} == {None, "USDT", "ETH"}


async def test_a_block_that_holds_money_costs_one_question_more_for_two_words(anvil: Anvil) -> None:
    without = await count(anvil, Setting(2, 12, own_coin=False, money=None), blocks=16)
    with_money = await count(anvil, Setting(2, 12, own_coin=False, money="USDT"), blocks=16)
    assert 0.5 < with_money - without <= 1.25
    assert without < 3.5


@pytest.mark.parametrize("endpoints", [1, 2] if IS_LONG else [1])
async def test_where_the_chain_says_what_is_final_one_answer_serves_all_blocks_that_become_so(
    anvil: Anvil, endpoints: int
) -> None:
    without = await count(anvil, Setting(endpoints, "finalized", own_coin=False, money=None), blocks=48)
    with_money = await count(anvil, Setting(endpoints, "finalized", own_coin=False, money="USDT"), blocks=48)
    assert with_money - without <= 0.25


@pytest.mark.parametrize(
    ("endpoints", "confirmations", "blocks", "more"),
    [(1, 12, 16, 1), (2, "finalized", 48, 2), *([(2, 12, 16, 3)] if IS_LONG else [])],
)
async def test_coin_costs_its_receipt_by_each_endpoint_beside_what_money_costs(
    anvil: Anvil, endpoints: int, confirmations: int | str, blocks: int, more: int
) -> None:
    without = await count(anvil, Setting(endpoints, confirmations, own_coin=True, money=None), blocks)
    with_money = await count(anvil, Setting(endpoints, confirmations, own_coin=True, money="ETH"), blocks)
    assert more - 0.5 <= with_money - without <= more + 0.25
    # The newest block comes whole; then its logs, its trace, and all of it once more.
    assert without < 6
