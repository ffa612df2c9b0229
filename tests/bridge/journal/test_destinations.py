"""Allowed destinations in the journal, on both databases: a repeat of an old request undoes nothing that was done
since."""

import pytest

from bridge.journal import IdempotencyKey, IdempotencyKeyReusedError, Journal
from coordinator.payouts.approval import DestinationRemovedError
from tests.bridge.journal.test_approvals import RULES, register, sold, status

ADDED, REMOVED = IdempotencyKey("destinations", "k1", "add 0xAb"), IdempotencyKey("removals", "k1", "remove 0xAb")


async def allow(journal: Journal, key: IdempotencyKey | None = None) -> None:
    await journal.approvals.allow_destination(
        "s1", "0xAb", coin="ETH-USDT", by="Ada", through="shop", idempotency=key
    )


async def disallow(journal: Journal, key: IdempotencyKey | None = None) -> tuple[str, ...] | None:
    removal = await journal.approvals.disallow_destination("s1", "0xAb", by="Bo", rules=RULES, idempotency=key)
    return None if removal is None else removal.waiting


async def listed(journal: Journal) -> list[str]:
    return [one.destination for one in await journal.approvals.destinations("s1")]


async def test_a_repeat_of_an_old_addition_puts_nothing_on_the_list_that_was_taken_off_since(
    journal: Journal,
) -> None:
    await allow(journal, ADDED)
    await allow(journal, ADDED)
    assert await listed(journal) == ["0xAb"]
    assert await disallow(journal) == ()
    with pytest.raises(DestinationRemovedError, match="0xAb was taken off the list of s1 since"):
        await allow(journal, ADDED)
    assert await listed(journal) == []
    # Said anew it is there again, and the old request still does nothing to it.
    await allow(journal, IdempotencyKey("destinations", "k2", "add 0xAb"))
    await allow(journal, ADDED)
    assert await listed(journal) == ["0xAb"]


async def test_an_addition_that_changed_nothing_is_known_by_its_key_too(journal: Journal) -> None:
    await allow(journal)
    await allow(journal, ADDED)
    await disallow(journal)
    with pytest.raises(DestinationRemovedError):
        await allow(journal, ADDED)
    assert await listed(journal) == []


async def test_a_repeat_of_an_old_removal_takes_nothing_off_that_was_put_there_since(journal: Journal) -> None:
    made = await sold(journal, 1, "3", destination="0xAb")
    await register(journal, made)
    await allow(journal)
    assert await disallow(journal, REMOVED) == (made.payout_id,)
    assert await disallow(journal, REMOVED) == (made.payout_id,)
    await allow(journal)
    assert await disallow(journal, REMOVED) == (made.payout_id,)  # as it was answered
    assert await listed(journal) == ["0xAb"]
    assert await status(journal, made) == "created"
    actions = [one.action for one in await journal.console.actions(limit=10)]
    assert actions.count("destination-removed") == 1


async def test_a_key_of_another_request_is_refused(journal: Journal) -> None:
    await allow(journal, ADDED)
    with pytest.raises(IdempotencyKeyReusedError):
        await allow(journal, IdempotencyKey("destinations", "k1", "add 0xCd"))
