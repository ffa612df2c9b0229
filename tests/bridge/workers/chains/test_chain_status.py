"""What is said in short of how a chain is followed."""

from datetime import UTC, datetime

import pytest

from bridge.workers.chains.chain_status import ChainReport, chain_status
from providers.onchain.chains import Chain, Token

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
CHAIN = Chain(name="moon", chain_id=1, confirmations=3, block_seconds=1, tokens=(Token(symbol="M", decimals=18),))


@pytest.mark.parametrize(
    ("word", "in_short"),
    [
        (ChainReport(), "not asked yet"),
        (ChainReport(head=70, followed=64, blocks_behind=6), "6 blocks behind 70"),
        (ChainReport(head=70, followed=250), "at block 70, below 250, which was followed"),
    ],
)
def test_how_far_a_chain_is_followed_is_said_as_far_as_it_is_known(word: ChainReport, in_short: str) -> None:
    assert chain_status(CHAIN, word, NOW, lease=None, is_shared=False, unfollowed=None).in_short == in_short
