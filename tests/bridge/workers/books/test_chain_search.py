"""The search of a chain after a restore, of a real node: what it cannot read is left out and said, and hides nothing
else; what two endpoints contradict each other about is asked for again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.journal import HistoryRecord
from bridge.workers.books.chain_search import ChainSearch, Searched
from bridge.workers.chains.followers import ChainFollowers
from coordinator.histories import Beginning
from coordinator.payouts.comparisons import Comparison
from tests.anvil import ALICE, CAROL
from tests.bridge.workers.chains.followed_chain import Follow, Followed


def history(it: Followed) -> HistoryRecord:
    now = datetime.now(UTC)
    return HistoryRecord(
        epoch=it.journal.epoch,
        began_at=now,
        beginning=Beginning.RESTORED,
        evidence=(),
        last_commit_at=now,
        comparison=None,
        compared_at=None,
        missing_decisions=0,
    )


@asynccontextmanager
async def searching(it: Followed) -> AsyncIterator[ChainSearch]:
    """Searches what ALICE has sent."""
    followers = ChainFollowers(it.journal, {"anvil": it.chain}, days=7)
    await followers.start()
    try:
        yield ChainSearch(it.journal, followers, {"anvil": [ALICE]})
    finally:
        await followers.aclose()


def amounts(found: Searched) -> dict[str, Decimal]:
    return {one.tx_hash: one.amount for one in found.transfers}


async def test_a_log_that_cannot_be_read_is_left_out_with_its_transaction_and_hides_no_other(follow: Follow) -> None:
    async with follow() as it:
        bad, good = it.pay(5), it.pay(7, to=CAROL)
        it.liar.changes(
            "eth_getLogs",
            lambda _, logs: [one | {"data": "0x"} if one["transactionHash"] == bad else one for one in logs],
        )
        async with searching(it) as search:
            copied = history(it)
            for _ in range(2):  # what was read before is said again
                found = await search.search(copied, [], {})
                assert amounts(found) == {good: Decimal(7)}
                [left_out] = found.left_out
                assert f"a log of {bad}" in left_out
                assert "look with an explorer at what that transaction sent" in left_out
                assert found.not_asked == []
                [searched] = found.searched
                assert "but for 1 log that cannot be read" in searched
            assert not Comparison(at=datetime.now(UTC), left_out=tuple(found.left_out)).agrees


async def test_a_block_that_two_endpoints_tell_different_things_of_is_asked_for_again(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        bad, good = it.pay(5), it.pay(7, to=CAROL)
        it.liar.changes("eth_getLogs", lambda _, logs: [one for one in logs if one["transactionHash"] != bad])
        async with searching(it) as search:
            copied = history(it)
            found = await search.search(copied, [], {})
            assert amounts(found) == {good: Decimal(7)}
            [not_asked] = found.not_asked
            assert "two endpoints report different logs" in not_asked
            it.liar.answers = {}
            found = await search.search(copied, [], {})
            assert amounts(found) == {good: Decimal(7), bad: Decimal(5)}
            assert found.not_asked == []


async def test_a_block_whose_own_coin_cannot_be_read_is_said_and_asked_for_again_and_hides_no_token(
    follow: Follow,
) -> None:
    async with follow(own_coin=True) as it:
        token = it.pay(5)
        wanted = it.anvil.head() + 1
        coin = it.anvil.send(CAROL, 10**18)
        it.anvil.mine()

        def refused(parameters: list[Any]) -> Any:
            return None if parameters == [hex(wanted), True] else ...

        async with searching(it) as search:
            copied = history(it)
            it.liar.answers = {"eth_getBlockByNumber": refused}
            found = await search.search(copied, [], {})
            assert amounts(found) == {token: Decimal(5)}
            assert any("for transfers of ETH in its block" in one for one in found.not_asked)
            assert len(found.searched) == 1
            it.liar.answers = {}
            found = await search.search(copied, [], {})
            assert amounts(found) == {token: Decimal(5), coin: Decimal(1)}
            assert found.not_asked == []
