"""Whether a chain stands still: by the age of its newest block, and of what it calls finalized."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from providers.onchain.chains import Chain, Token
from providers.onchain.nodes.staleness import staleness

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def chain(block_seconds: float) -> Chain:
    coin = Token(symbol="ETH", decimals=18)
    endpoints = tuple(SecretStr(f"https://{name}.example/a-secret-key") for name in "ab")
    return Chain(
        name="anvil", chain_id=1, confirmations=3, block_seconds=block_seconds, tokens=(coin,), endpoints=endpoints
    )


@pytest.mark.parametrize(
    ("block_seconds", "age", "finalized_age", "words"),
    [
        (12, timedelta(seconds=30), None, None),
        (12, -MINUTE, None, None),  # the clocks of those who make blocks are not ours
        (12, -11 * MINUTE, None, "its newest block is 11 min ahead of this machine's clock"),
        (12, -timedelta(days=3), None, "is 3 days ahead"),
        (12, 3 * MINUTE, None, "its newest block is 3 min old, and one takes about 12 s (by a.example, b.example)"),
        (60, 3 * MINUTE, None, None),
        (60, 11 * MINUTE, None, "its newest block is 11 min old"),
        (0.25, 3 * MINUTE, None, "its newest block is 3 min old"),
        (12, timedelta(days=400), None, "its newest block is 400 days old"),
        (12, timedelta(0), 20 * MINUTE, None),
        (
            12,
            timedelta(0),
            61 * MINUTE,
            "calls finalized is 61 min older than its newest (by a.example, b.example)",
        ),
        (12, timedelta(0), 300 * MINUTE, "5 h older"),
    ],
)
def test_what_stands_still_is_said(
    block_seconds: float, age: timedelta, finalized_age: timedelta | None, words: str | None
) -> None:
    finalized_at = None if finalized_age is None else NOW - age - finalized_age
    said = staleness(chain(block_seconds), NOW - age, finalized_at, NOW)
    assert (said is None) if words is None else (words in str(said))


def test_nothing_is_said_before_the_first_look() -> None:
    assert staleness(chain(12), None, None, NOW) is None
