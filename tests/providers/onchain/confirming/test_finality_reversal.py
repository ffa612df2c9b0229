"""When a block that was final is believed to be gone."""

from collections.abc import Mapping

import pytest

from providers.onchain.confirming.finality_reversal import Verdict, judge_finality_reversal


@pytest.mark.parametrize(
    ("shown", "endpoints", "verdict"),
    [
        ({0: "0xa"}, 1, Verdict.THERE),
        ({0: "0xb"}, 1, Verdict.GONE),
        ({0: None}, 1, Verdict.UNKNOWN),
        ({}, 2, Verdict.UNKNOWN),
        ({0: None, 1: None}, 2, Verdict.UNKNOWN),
        ({0: "0xb"}, 2, Verdict.DOUBTED),
        ({0: "0xb", 1: None}, 2, Verdict.DOUBTED),
        ({0: "0xb", 1: "0xa"}, 2, Verdict.THERE),
        ({0: "0xb", 1: "0xc"}, 2, Verdict.GONE),
        ({0: "0xb", 1: "0xa"}, 3, Verdict.THERE),
        ({0: "0xb", 1: "0xa", 2: "0xb"}, 3, Verdict.GONE),
        ({0: "0xa", 1: "0xa", 2: "0xb"}, 3, Verdict.THERE),
    ],
)
def test_two_that_have_another_block_outweigh_one_that_has_it(
    shown: Mapping[int, str | None], endpoints: int, verdict: Verdict
) -> None:
    assert judge_finality_reversal("0xa", shown, endpoints).verdict is verdict
