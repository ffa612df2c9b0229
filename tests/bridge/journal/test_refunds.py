"""Refunds in the journal, on both databases: decided in one transaction, followed with what carries them, kept."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from bridge.journal import Journal, PayoutRefusedError
from bridge.journal.database.engines import parse_database_url, writing_engine
from coordinator.books.days import day_in, zone_named
from coordinator.books.figures import figures
from coordinator.money import total
from coordinator.payments.observed.observations import Ending, InvoiceEnded, RefundOf
from coordinator.payments.payments import Payment
from coordinator.payouts.approval import Approver, NothingToApproveError, PayoutRules
from coordinator.payouts.limits import PayoutLimits
from coordinator.payouts.observations import PayoutConfirmed, PayoutFailed, PayoutKnown, PayoutReturned, PayoutSent
from coordinator.refunds.refunds import ELSEWHERE, RefundOrder, RefundRefusedError, Sending, Sent
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.older_journals import migrate
from tests.bridge.journal.test_journal_payouts import paid, payout
from tests.clock import Clock

PER_PAYOUT = Decimal(150)
RULES = PayoutRules({"USD": PayoutLimits.model_validate(dict.fromkeys(PayoutLimits.model_fields, PER_PAYOUT))})


def order(amount: str = "100", of: RefundOf = RefundOf.GOODS) -> RefundOrder:
    return RefundOrder(of, "s1" if of is RefundOf.GOODS else None, Decimal(amount), "ETH-USDT", "as agreed", "Ada")


async def sent(journal: Journal, payment_id: str, amount: str = "100") -> str:
    """A refund for which the buyer gave an address; its payout."""
    opened = await journal.refunds.open(payment_id, order(amount))
    given = await journal.refunds.give_address(
        opened.refund_id, Sending("0xCd", Decimal(amount)), rules=RULES, by="b1"
    )
    assert given.payout_id is not None
    return given.payout_id


async def hear(journal: Journal, payout_id: str, *observations: Any) -> None:
    for number, one in enumerate(observations):
        await journal.payouts.record_observation(payout_id, f"{one.kind}:{number}", one)


async def payment(journal: Journal, payment_id: str) -> Payment:
    record = await journal.payment_record(payment_id)
    assert record is not None
    return record.payment


SENT, ARRIVED = PayoutSent(tx_hashes=("0x1",)), PayoutConfirmed()


async def test_of_everything_asked_for_at_one_moment_no_more_than_came_is_reserved(journal: Journal) -> None:
    payment_id = await paid(journal, 1)
    asked = await asyncio.gather(
        *(journal.refunds.open(payment_id, order("30")) for _ in range(3)),
        journal.payouts.register([payout(payment_id, 1, amount="60")], rules=None),
        journal.payouts.register([payout(payment_id, 2, amount="60")], rules=None, another=True),
        return_exceptions=True,
    )
    taken = [30, 30, 30, 60, 60]
    assert sum(worth for worth, one in zip(taken, asked, strict=True) if not isinstance(one, Exception)) <= 100
    refunds = await journal.refunds.of_payment(payment_id)
    assert len({one.refund.refund_id for one in refunds}) == len(refunds)
    reserved = total(one.refund.amount for one in refunds)
    with pytest.raises(RefundRefusedError, match="can go back"):
        await journal.refunds.open(payment_id, order(str(Decimal(100) - reserved + 1)))


async def test_a_refund_follows_its_payout_and_its_payment_follows_both(journal: Journal) -> None:
    payment_id = await paid(journal, 1)
    payout_id = await sent(journal, payment_id)
    await hear(journal, payout_id, SENT)
    [listed] = await journal.refunds.of_payment(payment_id)
    assert (listed.refund.status, listed.refund.tx_hash, listed.refund.given_by) == ("broadcast", "0x1", "b1")
    assert (await payment(journal, payment_id)).status == "completed"
    await hear(journal, payout_id, ARRIVED)
    back = await payment(journal, payment_id)
    assert (back.status, back.escrow_state, back.refunded) == ("refunded", "refunded", Decimal(100))
    # It comes back, and everything is as it was before; then it goes once more.
    await hear(journal, payout_id, PayoutReturned(tx_hash="0x2", reason="it came back"))
    again = await payment(journal, payment_id)
    assert (again.status, again.escrow_state, again.refunded) == ("completed", "funded", Decimal(0))
    other = await sent(journal, payment_id)
    assert other != payout_id
    await hear(journal, other, PayoutFailed(reason="no coins"))
    assert (await payment(journal, payment_id)).status == "completed"
    last = await sent(journal, payment_id, "99.99")
    await hear(journal, last, SENT, ARRIVED)
    assert (await payment(journal, payment_id)).refunded == Decimal("99.99")


async def test_its_seller_and_everyone_hear_of_no_payout_and_the_buyer_of_each_step(journal: Journal) -> None:
    payment_id = await paid(journal, 1)
    before = await journal.room_events(["user-s1"], everyone=True, hidden=(), after=0, limit=500)
    payout_id = await sent(journal, payment_id, "10")
    await hear(journal, payout_id, SENT, SENT, ARRIVED)
    after = before.events[-1].offset
    told = await journal.room_events(["user-s1"], everyone=True, hidden=(), after=after, limit=500)
    assert [one.event.name for one in told.events] == ["payment-update"]
    heard = await journal.room_events(["user-b1"], everyone=False, hidden=(), after=after, limit=500)
    assert [(one.event.name, one.event.payload["status"]) for one in heard.events] == [
        ("refund-opened", "awaiting_address"),
        ("refund-updated", "created"),
        ("refund-updated", "broadcast"),
        ("payment-update", "completed"),
        ("refund-updated", "completed"),
    ]
    assert heard.events[-1].event.payload == {
        "refundId": (await journal.refunds.of_payment(payment_id))[0].refund.refund_id,
        "paymentId": payment_id,
        "status": "completed",
        "amount": "10",
        "currency": "USD",
        "txHash": "0x1",
        "payoutId": payout_id,
    }


async def test_a_refund_takes_of_the_limits_of_its_buyer_and_is_approved_only_while_its_money_is_there(
    journal: Journal,
) -> None:
    first, second = await paid(journal, 1), await paid(journal, 2)
    await sent(journal, first)
    waiting = await sent(journal, second)
    [record] = await journal.payouts.records([waiting])
    assert record.payout.status == "awaiting_approval"
    told = (await journal.room_events(["user-b1"], everyone=False, hidden=(), after=0, limit=500)).events
    updates = [one.event.payload for one in told if one.event.name == "refund-updated"]
    assert [one["status"] for one in updates if one["paymentId"] == second] == ["awaiting_approval"]
    assert "100 and this 100 USD are above 150 USD, the limit of 24 hours for b1" in record.payout.facts.withheld
    # What is for the seller has a limit of its own.
    other = payout(await paid(journal, 3), amount="40").model_copy(update={"worth_currency": "USD"})
    await journal.payouts.register([other], rules=RULES)
    [taken] = await journal.payouts.records([other.payout_id])
    assert not any("s1" in reason for reason in taken.payout.facts.withheld)
    # The gateway calls it refunded in the meantime: it may have gone back already.
    ended = await payment(journal, second)
    await journal.record_observation(
        provider="shkeeper",
        external_id=ended.external_id,
        key="ended",
        observation=InvoiceEnded(ending=Ending.REFUNDED),
    )
    with pytest.raises(NothingToApproveError, match="shkeeper calls it refunded"):
        await journal.approvals.approve(waiting, by=Approver("Bo"), note=None)


async def test_of_two_payments_of_one_request_the_one_whose_money_went_back_is_no_trouble_to_the_other(
    journal: Journal,
) -> None:
    one, other = await paid(journal, 1), await paid(journal, 2)
    kinds = {found.payment.payment_id: found.kinds for found in await journal.console.troubled_payments()}
    assert kinds == {one: {"payment-twice-paid"}, other: {"payment-twice-paid"}}
    payout_id = await sent(journal, other)
    # Whose money is on its way back needs nobody; the other one does until it has gone.
    assert [found.payment.payment_id for found in await journal.console.troubled_payments()] == [one]
    await hear(journal, payout_id, SENT, ARRIVED)
    assert await journal.console.troubled_payments() == []


async def test_totals_have_refunds_apart(journal: Journal) -> None:
    payment_id = await paid(journal, 1)
    await journal.payouts.register([payout(payment_id, amount="60")], rules=None)
    await hear(journal, f"out_{payment_id}_1", SENT, ARRIVED)
    await hear(journal, await sent(journal, payment_id, "12.34"), SENT, ARRIVED)
    [totals] = await journal.books.day_totals([day_in(zone_named("UTC"), NOW.date())])
    found = figures(totals.sums)
    amounts = [found.sales, found.payouts, found.refunds, found.owed]
    assert amounts == [100, 60, Decimal("12.34"), Decimal("27.66")]


async def test_an_older_bridge_is_not_let_near_open_refunds_and_knows_what_went_back(database_url: str) -> None:
    journal = await Journal.open(database_url, Clock(NOW))
    waiting, gone, part = [await paid(journal, number) for number in range(3)]
    opened = await journal.refunds.open(waiting, order("10"))
    for payment_id, amount in ((gone, "100"), (part, "10")):
        await hear(journal, await sent(journal, payment_id, amount), SENT, ARRIVED)
    await journal.close()
    with pytest.raises(RuntimeError, match="1 refunds wait for their buyers' addresses"):
        await asyncio.to_thread(migrate, database_url, command.downgrade, "0018")
    journal = await Journal.open(database_url, Clock(NOW))
    assert (await payment(journal, gone)).refunded == 100
    await journal.refunds.withdraw(opened.refund_id, by="Ada", note=None)
    await journal.close()
    await asyncio.to_thread(migrate, database_url, command.downgrade, "0018")
    engine = writing_engine(parse_database_url(database_url))
    with engine.connect() as connection:
        facts = {row.payment_id: json.loads(row.facts) for row in connection.execute(text("SELECT * FROM payments"))}
        observations = connection.execute(text("SELECT observation FROM observations")).scalars().all()
    engine.dispose()
    assert not any({"refunds", "refundedSiblings"} & one.keys() for one in facts.values())
    assert {name: one["endings"] for name, one in facts.items()} == {waiting: [], gone: ["refunded"], part: []}
    assert not {"refund-moved", "sibling-refunded"} & {json.loads(one)["kind"] for one in observations}
    # And forward again.
    journal = await Journal.open(database_url, Clock(NOW))
    # It does not know how the money went back: that is for a person to say.
    assert (await payment(journal, gone)).status == "completed"
    troubled = {one.payment.payment_id: one.kinds for one in await journal.console.troubled_payments()}
    assert "payment-called-refunded" in troubled[gone]
    with pytest.raises(PayoutRefusedError, match="calls it refunded"):
        await journal.payouts.register([payout(gone, amount="1")], rules=None)
    await journal.close()


async def test_no_payment_has_ever_more_refunds_and_payouts_but_what_was_sent_is_written_down(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.refunds.refunds.REFUNDS_LIMIT", 3)
    monkeypatch.setattr("bridge.journal.requests.payouts.registration.PAYOUTS_LIMIT", 3)
    payment_id = await paid(journal, 1)
    for _ in range(3):
        opened = await journal.refunds.open(payment_id, order("1"))
        await journal.refunds.withdraw(opened.refund_id, by="Ada", note=None)
    with pytest.raises(RefundRefusedError, match="3 refunds were opened already"):
        await journal.refunds.open(payment_id, order("1"))
    gone = Sent(ELSEWHERE, "ETH-USDT", Decimal(1), "0xCd", "0xGone")
    await journal.refunds.open(payment_id, order("1"), sent=gone)
    payment_id = await paid(journal, 2)
    made = [payout(payment_id, number, amount="1") for number in range(5)]
    for one in made[:2]:
        await journal.payouts.register([one], rules=None, another=True)
        await journal.approvals.reject(one.payout_id, by=Approver("Bo"), note="no")
    with pytest.raises(PayoutRefusedError, match="2 payouts were asked for already, and 3 can be at most"):
        await journal.payouts.register(made[2:4], rules=None, another=True)
    await journal.payouts.register([made[2]], rules=None, another=True)
    known = {made[3].payout_id: [PayoutKnown()]}
    await journal.payouts.register([made[3]], rules=None, another=True, known=known)
