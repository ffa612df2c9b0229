"""What needs a person, and what finance ops do about it, on both databases."""

import asyncio
from datetime import timedelta

from bridge.journal import Journal
from coordinator.observations import Standing
from coordinator.payout_observations import PayoutConfirmed, PayoutFailed, PayoutSent, PayoutUnclear
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import observe, paid, paid_out, payment, payout, snapshot
from tests.clock import Clock

DAY = timedelta(days=1)


async def for_a_person(journal: Journal) -> list[str]:
    found = await journal.console.for_a_person(journal.clock() - DAY, journal.clock())
    return [listed.payout.payout_id for listed in found.payouts]


async def test_payouts_that_go_on_by_themselves_need_nobody(journal: Journal, clock: Clock) -> None:
    for number in range(1, 6):
        await paid(journal, number)
    await paid_out(journal, payout(1))
    await paid_out(journal, payout(2), PayoutSent(tx_hashes=("0x1",)), PayoutConfirmed())
    await paid_out(journal, payout(3), PayoutUnclear(reason="no answer"))
    await paid_out(journal, payout(4), PayoutFailed(reason="no money"))
    assert await for_a_person(journal) == ["out_3", "out_4"]
    clock.now = NOW + DAY + timedelta(seconds=1)
    assert await for_a_person(journal) == ["out_3", "out_1", "out_4"]
    # Another payout makes up for the one that failed; if that fails too, both need somebody.
    second = payout(4, payout_id="out_4b", created_at=clock.now)
    await paid_out(journal, second)
    assert await for_a_person(journal) == ["out_3", "out_1"]
    await journal.record_payout_observation("out_4b", "failed", PayoutFailed(reason="no money"))
    assert await for_a_person(journal) == ["out_3", "out_1", "out_4", "out_4b"]


async def test_webhooks_that_wait_are_told_once_for_each_payment(journal: Journal, clock: Clock) -> None:
    await observe(journal, 1, "a", snapshot(standing=Standing.PARTIAL))
    await observe(journal, 2, "b", snapshot())
    clock.now = NOW + DAY
    await observe(journal, 1, "c", snapshot())
    found = (await journal.console.for_a_person(NOW, NOW)).unmatched_webhooks
    assert [(one.external_id, one.count, one.received_at, one.last_received_at) for one in found] == [
        ("order-2", 1, NOW, NOW),
        ("order-1", 2, NOW, NOW + DAY),
    ]
    assert await journal.console.waiting_observation(found[1].observation_id) == ("order-1", None)
    await journal.register_payment(payment(1))
    assert await journal.console.waiting_observation(found[1].observation_id) == ("order-1", "pay_1")
    left = (await journal.console.for_a_person(NOW, NOW)).unmatched_webhooks
    assert [one.external_id for one in left] == ["order-2"]


async def test_what_was_taken_off_the_list_is_told_with_when_that_was_last(journal: Journal, clock: Clock) -> None:
    assert (await journal.console.for_a_person(NOW, NOW)).dismissed_at == {}
    for minutes, key in enumerate(["webhook-unmatched:waiting_1", "chain-alarm:x:7", "webhook-unmatched:waiting_1"]):
        clock.now = NOW + timedelta(minutes=minutes)
        action = await journal.console.dismiss(key, by="Ada")
        assert (action.subject, action.by, action.at) == (key, "Ada", clock.now)
    await journal.console.add_action("replay", "webhook_1", "unreadable", by="Ada")
    assert (await journal.console.for_a_person(NOW, NOW)).dismissed_at == {
        "webhook-unmatched:waiting_1": NOW + timedelta(minutes=2),
        "chain-alarm:x:7": NOW + timedelta(minutes=1),
    }


# Actions


async def kept(journal: Journal, body: bytes) -> int:
    await journal.keep_unreadable_webhook(provider="shkeeper", body=body, reason="no sense")
    newest = (await journal.console.for_a_person(NOW, NOW)).unreadable_webhooks[0]
    assert newest.body == body
    return newest.webhook_id


async def replay(journal: Journal, webhook_id: int, number: int, key: str, by: str = "Ada") -> str:
    replayed = await journal.console.replay_payment_webhook(
        webhook_id,
        name=f"webhook_{webhook_id}",
        by=by,
        provider="shkeeper",
        external_id=f"order-{number}",
        key=key,
        observation=snapshot(),
    )
    return replayed.outcome


async def test_a_replayed_webhook_counts_once_however_often_and_by_whomever(journal: Journal) -> None:
    await journal.register_payment(payment(1))
    webhook_id = await kept(journal, b"{}")
    outcomes = await asyncio.gather(*(replay(journal, webhook_id, 1, "k") for _ in range(5)))
    assert sorted(outcomes) == ["applied", *["duplicate"] * 4]
    # The same by webhook, before or after, is the same message.
    assert await observe(journal, 1, "k", snapshot()) == "duplicate"
    assert await replay(journal, webhook_id, 1, "paid") == "unchanged"
    told = await journal.console.payment_events("pay_1")
    updates = [one.event.payload for one in told if one.event.name == "payment-update"]
    assert [payload["status"] for payload in updates] == ["completed"]
    assert (await journal.console.for_a_person(NOW, NOW)).unreadable_webhooks == []


async def test_what_people_did_is_on_record_in_the_same_commit(journal: Journal, clock: Clock) -> None:
    await journal.register_payment(payment(1))
    webhook_id = await kept(journal, b"{}")
    await replay(journal, webhook_id, 1, "k")
    clock.now = NOW + timedelta(minutes=1)
    await paid_out(journal, payout(1), PayoutUnclear(reason="no answer"))
    stood = (await journal.payout_records(["out_1"]))[0].payout
    resolved, _ = await journal.console.record_resolution(
        "out_1", by="Bo", observations=[("found", PayoutFailed(reason="no"))], found="not-sent"
    )
    assert resolved.status == "failed"
    rechecked, action = await journal.console.record_recheck(
        "out_1", by="Cy", observations=[], before=resolved, problems=["shkeeper does not say: down"]
    )
    assert (rechecked, action.outcome) == (resolved, "nothing new; it is failed; shkeeper does not say: down")
    _, moved = await journal.console.record_recheck("out_1", by="Cy", observations=[], before=stood, problems=[])
    assert moved.outcome == "it is failed now"
    actions = await journal.console.actions(10)
    assert [(one.by, one.action, one.subject, one.concerns) for one in actions] == [
        ("Cy", "recheck", "out_1", "out_1"),
        ("Cy", "recheck", "out_1", "out_1"),
        ("Bo", "resolution", "out_1", "out_1"),
        ("Ada", "replay", f"webhook_{webhook_id}", "pay_1"),
    ]
    assert actions[-1].at == NOW
    assert await journal.console.actions_concerning("pay_1") == actions[-1:]
    assert await journal.console.actions(2) == actions[:2]
    assert [one.action_id for one in actions] == [4, 3, 2, 1]


async def test_a_payout_that_is_settled_is_not_resolved_any_more(journal: Journal) -> None:
    await paid(journal, 1)
    await paid_out(journal, payout(1), PayoutSent(tx_hashes=("0x1",)), PayoutConfirmed())
    failing = [("found", PayoutFailed(reason="no"))]
    resolved, action = await journal.console.record_resolution(
        "out_1", by="Bo", observations=failing, found="not-sent"
    )
    assert (resolved.status, action.outcome) == ("completed", "not-sent; it is completed")
    assert not resolved.facts.failures
