"""When a block that was final is believed to be gone."""

from collections.abc import Mapping

import pytest

from providers.onchain.confirming.finality_reversal import ReversalVerdict, judge_finality_reversal


@pytest.mark.parametrize(
    ("shown", "endpoints", "verdict"),
    [
        ({0: "0xa"}, 1, ReversalVerdict.THERE),
        ({0: "0xb"}, 1, ReversalVerdict.GONE),
        ({0: None}, 1, ReversalVerdict.UNKNOWN),
        ({}, 2, ReversalVerdict.UNKNOWN),
        ({0: None, 1: None}, 2, ReversalVerdict.UNKNOWN),
        ({0: "0xb"}, 2, ReversalVerdict.DOUBTED),
        ({0: "0xb", 1: None}, 2, ReversalVerdict.DOUBTED),
        ({0: "0xb", 1: "0xa"}, 2, ReversalVerdict.THERE),
        ({0: "0xb", 1: "0xc"}, 2, ReversalVerdict.GONE),
        ({0: "0xb", 1: "0xa"}, 3, ReversalVerdict.THERE),
        ({0: "0xb", 1: "0xa", 2: "0xb"}, 3, ReversalVerdict.GONE),
        ({0: "0xa", 1: "0xa", 2: "0xb"}, 3, ReversalVerdict.THERE),
    ],
)
def test_two_that_have_another_block_outweigh_one_that_has_it(
    shown: Mapping[int, str | None], endpoints: int, verdict: ReversalVerdict
) -> None:
    assert judge_finality_reversal("0xa", shown, endpoints).verdict is verdict
