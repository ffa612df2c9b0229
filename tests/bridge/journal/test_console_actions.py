"""What needs a person, and what finance ops do about it, on both databases."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.journal import ConsoleFilter, Journal, ListedPayment, TroubledPayment, all_read
from bridge.journal.queries import problems as problem_queries
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.observed.observations import Standing
from coordinator.payments.problems.problems import ProblemKind
from coordinator.payments.problems.rulings import RulingRefusedError, acceptance
from coordinator.payouts.observations import PayoutConfirmed, PayoutFailed, PayoutSent, PayoutUnclear
from coordinator.payouts.resolution import NothingToResolveError
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import observe, paid, paid_out, payment, payout, snapshot
from tests.clock import Clock

DAY = timedelta(days=1)


async def for_a_person(journal: Journal) -> list[str]:
    found = await journal.console.for_a_person(journal.clock(), journal.clock())
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
    # Another payout makes up for the one that failed; if that fails too, it stands for both.
    second = payout(4, payout_id="out_4b", created_at=clock.now)
    await paid_out(journal, second)
    assert await for_a_person(journal) == ["out_3", "out_1"]
    await journal.payouts.record_observation("out_4b", "failed", PayoutFailed(reason="no money"))
    assert await for_a_person(journal) == ["out_3", "out_1", "out_4b"]


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
    await journal.store_unreadable_webhook(provider="shkeeper", body=body, reason="no sense")
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
    stood = (await journal.payouts.records(["out_1"]))[0].payout
    resolved, _ = await journal.console.record_resolution("out_1", "not-sent", None, by="Bo")
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
    with pytest.raises(NothingToResolveError, match="This payout is completed"):
        await journal.console.record_resolution("out_1", "not-sent", None, by="Bo")
    [record] = await journal.payouts.records(["out_1"])
    assert (record.payout.status, await journal.console.actions(10)) == ("completed", [])


# Payments with which something is wrong


def kinds(found: Sequence[TroubledPayment]) -> dict[str, set[str]]:
    return {one.payment.payment_id: {str(kind) for kind in one.kinds} for one in found}


async def contest(journal: Journal, number: int, by: str = "shop") -> None:
    await journal.rulings.contest(f"pay_{number}", by=by, differing=["amount"])


async def test_payments_need_a_person_until_what_is_wrong_is_settled_and_again_when_there_is_news(
    journal: Journal, clock: Clock
) -> None:
    for number in (1, 2, 3):
        await journal.register_payment(payment(number))
    assert await journal.console.troubled_payments() == []
    assert await journal.console.problem_counts() == {}
    await contest(journal, 1)
    await observe(journal, 1, "eur", snapshot(currency="EUR"))
    await contest(journal, 2)
    found = await journal.console.troubled_payments()
    assert kinds(found) == {"pay_1": {"payment-foreign", "payment-other-currency"}, "pay_2": {"payment-foreign"}}
    assert {one.problems_at for one in found} == {NOW}
    assert await journal.console.problem_counts() == {"payment-foreign": 2, "payment-other-currency": 1}

    clock.now = NOW + timedelta(minutes=1)
    foreign = [ProblemKind.FOREIGN]
    await journal.rulings.settle("pay_1", by="Ada", note="a slip", kinds=foreign)
    await journal.console.dismiss("payment-foreign:pay_2", by="Ada", payment_id="pay_2")
    assert kinds(await journal.console.troubled_payments()) == {"pay_1": {"payment-other-currency"}}
    assert await journal.console.problem_counts() == {"payment-foreign": 0, "payment-other-currency": 1}
    # What people took off the list of other things is another matter.
    assert (await journal.console.for_a_person(NOW, NOW)).dismissed_at == {}

    clock.now = NOW + timedelta(minutes=2)
    await contest(journal, 2)
    assert "pay_2" not in kinds(await journal.console.troubled_payments())
    await contest(journal, 2, by="somebody else")
    assert kinds(await journal.console.troubled_payments())["pay_2"] == {"payment-foreign"}
    assert (await journal.console.problem_counts())[ProblemKind.FOREIGN] == 1


async def test_of_each_kind_those_come_first_that_wait_longest(journal: Journal, clock: Clock) -> None:
    for number in range(1, 5):
        clock.now = NOW + timedelta(minutes=number)
        await journal.register_payment(payment(number))
        if number == 2:
            await observe(journal, number, "eur", snapshot(currency="EUR"))
        else:
            await contest(journal, number)
    found = await journal.console._read(problem_queries.troubled_payments, 2)
    assert sorted(kinds(found)) == ["pay_1", "pay_2", "pay_3"]


async def test_payments_are_filtered_by_what_is_wrong_with_them(journal: Journal) -> None:
    for number in (1, 2, 3):
        await journal.register_payment(payment(number))
    await contest(journal, 1)
    await observe(journal, 2, "eur", snapshot(currency="EUR"))

    async def found(**wanted: Any) -> list[str]:
        listed = all_read(await journal.console.payments(ConsoleFilter(**wanted), None, 10))
        assert await journal.console.total("payments", ConsoleFilter(**wanted)) == len(listed)
        return sorted(one.payment.payment_id for one in listed)

    assert await found(problems=["payment-foreign"]) == ["pay_1"]
    assert await found(problems=["payment-foreign", "payment-other-currency"]) == ["pay_1", "pay_2"]
    assert await found(has_problems=True) == ["pay_1", "pay_2"]
    assert await found(problems=["payment-over"]) == []


async def test_a_buyer_has_no_address_while_the_invoice_to_pay_is_not_open(journal: Journal, clock: Clock) -> None:
    def wanted(number: int, coin: str) -> InvoiceWanted:
        return InvoiceWanted(
            provider="shkeeper",
            external_id=f"order-{number}",
            callback_url="http://bridge",
            coin=coin,
            amount=Decimal("10.10"),
            currency="USD",
        )

    async def without_address() -> list[str]:
        found = (await journal.console.for_a_person(NOW, clock.now)).without_address
        # All of them are counted, and are found by a filter.
        assert (await journal.console.count_without_address(clock.now)).overdue == len(found)
        wanted_by = ConsoleFilter(unopened_since=clock.now)
        listed = await journal.console.payments(wanted_by, None, 10)
        assert {one.invoice.payment_id for one in found} == {
            one.payment.payment_id for one in listed if isinstance(one, ListedPayment)
        }
        assert await journal.console.total("payments", wanted_by) == len(found)
        return [f"{one.invoice.payment_id} {one.invoice.wanted.coin}" for one in found]

    for number in (1, 2):
        await journal.register_payment(payment(number), None, wanted(number, "ETH-USDT"))
    assert await without_address() == []
    assert await journal.console.count_without_address(clock.now) == (0, 2)
    clock.now = NOW + timedelta(minutes=1)
    assert await without_address() == ["pay_1 ETH-USDT", "pay_2 ETH-USDT"]
    # In another coin there is one.
    await journal.unfinished.want_invoice("pay_1", wanted(1, "BTC"))
    [invoice] = [one for one in await journal.unfinished.unopened_invoices(10) if one.wanted.coin == "BTC"]
    opened = InvoiceOpened(address="bc1q", coin_amount=Decimal(1), payment_uri="bitcoin:bc1q")
    await journal.unfinished.record_invoice(invoice, opened)
    await journal.rulings.cancel("pay_2", by="shop", note="")
    clock.now = NOW + timedelta(minutes=3)
    assert await without_address() == []
    # The buyer goes back to the one that is not open.
    await journal.unfinished.want_invoice("pay_1", wanted(1, "ETH-USDT"))
    clock.now = NOW + timedelta(minutes=5)
    assert await without_address() == ["pay_1 ETH-USDT"]


async def test_a_decision_is_in_the_journal_once_with_whoever_took_it_first(journal: Journal) -> None:
    await journal.register_payment(payment(1))

    async def accept(by: str) -> int:
        _, action = await journal.rulings.record(
            "pay_1", by=by, action="acceptance", said="accepted", key="accepted:pay_1", rule=acceptance(by, "x")
        )
        return action.action_id

    assert set(await asyncio.gather(*(accept("Ada") for _ in range(5)))) == {1}
    assert await accept("Ada") == 1
    told = await journal.console.payment_events("pay_1")
    assert [one.event.name for one in told].count("payment-received") == 1
    with pytest.raises(RulingRefusedError, match="completed"):
        await journal.rulings.cancel("pay_1", by="shop", note="")
