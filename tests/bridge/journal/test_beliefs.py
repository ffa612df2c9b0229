"""What the journal believes of payments: siblings, what waited for a registration, and what is wrong."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from bridge.journal import Journal, Outcome, waiting_name
from coordinator.events import Audience, Event
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.events.payments import REQUEST_CANCELLED
from coordinator.payments.facts.facts import Misfit, MisfitKind
from coordinator.payments.observed.observations import (
    DeadlinePassed,
    InvoiceSnapshot,
    Standing,
    Transfer,
    TransferSeen,
)
from coordinator.payments.problems.problems import ProblemKind
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import kinds, observe, payment, snapshot, stands
from tests.clock import Clock

EUROS = snapshot("0xEuro", currency="EUR")


async def told(journal: Journal, room: str) -> list[tuple[str, str]]:
    stretch = await journal.room_events([room], everyone=False, hidden=(), after=0, limit=100)
    return [(one.event.name, str(one.event.payload.get("status", ""))) for one in stretch.events]


async def test_a_request_stands_as_the_best_of_its_payments(journal: Journal, clock: Clock) -> None:
    deadline = NOW + timedelta(hours=1)
    await journal.register_payment(payment(1, request_id="r1", expires_at=deadline))
    await journal.register_payment(payment(2, request_id="r1"))
    assert (await stands(journal, 1)).facts.shares_request
    await observe(journal, 2, "paid", snapshot("0x2"))
    clock.move(hours=2)
    await journal.deadlines.apply(["pay_1"])
    assert (await stands(journal, 1)).status == "expired"
    updates = [status for name, status in await told(journal, "request-r1") if name == "purchase-request-update"]
    assert updates == ["completed"]


async def test_a_request_that_is_paid_twice_is_on_the_list_of_both_payments(journal: Journal) -> None:
    for number in (1, 2, 3):
        await journal.register_payment(payment(number, request_id="r1"))
    await observe(journal, 1, "one", snapshot("0x1"))
    assert await kinds(journal, 1) == []
    await observe(journal, 2, "two", snapshot("0x2"))
    assert await kinds(journal, 1) == await kinds(journal, 2) == [ProblemKind.TWICE_PAID]
    assert await kinds(journal, 3) == []


async def test_what_a_person_dismissed_completes_no_payment_that_is_registered_later(
    journal: Journal, clock: Clock
) -> None:
    assert await observe(journal, 1, "early", snapshot("0x1")) == Outcome.STORED
    [waiting] = (await journal.console.for_a_person(NOW, wanted_before=NOW)).unmatched_webhooks
    await journal.console.dismiss(f"webhook-unmatched:{waiting_name(waiting.observation_id)}", by="Ada")
    clock.move(minutes=1)
    registered = await journal.register_payment(payment(1, created_at=clock.now))
    assert registered.payment.status == "pending"
    assert await kinds(journal, 1) == [ProblemKind.FOREIGN]
    # What is told after that counts.
    assert await observe(journal, 1, "late", snapshot("0x2")) == Outcome.APPLIED


LOOKED_UP = {"agreed": Decimal("10.10")}


@pytest.mark.parametrize("again", [{}, {"coin": "ETH-USDT"}, LOOKED_UP], ids=["told", "told otherwise", "looked up"])
@pytest.mark.parametrize("told_first", ["as unconfirmed", "as paid"])
async def test_money_that_a_person_dismissed_never_counts_by_itself_however_it_is_told_again(
    journal: Journal, clock: Clock, again: dict[str, object], told_first: str
) -> None:
    """Another shop's identical order, at the same provider, under the same name."""
    another = snapshot("0x1")
    await observe(
        journal, 1, "early", another if told_first == "as paid" else TransferSeen(transfer=another.transfers[0])
    )
    [waiting] = (await journal.console.for_a_person(NOW, wanted_before=NOW)).unmatched_webhooks
    await journal.console.dismiss(f"webhook-unmatched:{waiting_name(waiting.observation_id)}", by="Ada")
    clock.move(minutes=1)
    await journal.register_payment(payment(1, created_at=clock.now))
    await journal.console.dismiss(f"{ProblemKind.FOREIGN}:pay_1", by="Ada")
    clock.move(minutes=1)
    await observe(journal, 1, "again", another.model_copy(update=again))
    found = await stands(journal, 1)
    assert (found.status, str(found.paid)) == ("pending", "0")
    # That it was told again, a person sees.
    assert ProblemKind.FOREIGN in await kinds(journal, 1)
    [troubled] = [one for one in await journal.console.troubled_payments() if one.payment.payment_id == "pay_1"]
    assert ProblemKind.FOREIGN in troubled.kinds
    # What comes besides is the payment's own, and so is all of it at a person's word.
    own = snapshot("0x2").transfers
    both = {"transfers": (*another.transfers, *own), "received": Decimal("20.20"), "standing": Standing.OVERPAID}
    await observe(journal, 1, "own", another.model_copy(update={**again, **both}))
    assert (await stands(journal, 1)).paid == Decimal("10.10")


async def test_what_was_told_again_after_it_was_dismissed_and_is_registered_then_counts(
    journal: Journal, clock: Clock
) -> None:
    await observe(journal, 1, "early", snapshot("0x1", Standing.PARTIAL))
    [waiting] = (await journal.console.for_a_person(NOW, wanted_before=NOW)).unmatched_webhooks
    await journal.console.dismiss(f"webhook-unmatched:{waiting_name(waiting.observation_id)}", by="Ada")
    clock.move(minutes=1)
    await observe(journal, 1, "again", snapshot("0x1"))
    clock.move(minutes=1)
    registered = await journal.register_payment(payment(1, created_at=clock.now))
    assert registered.payment.status == "completed"


async def test_what_waited_too_long_completes_nothing(journal: Journal, clock: Clock) -> None:
    await observe(journal, 1, "early", snapshot("0x1"))
    clock.move(days=2)
    registered = await journal.register_payment(payment(1, created_at=clock.now))
    assert registered.payment.status == "pending"
    assert await kinds(journal, 1) == [ProblemKind.FOREIGN]


async def test_a_request_that_is_cancelled_ends_its_payments(journal: Journal) -> None:
    for number in (1, 2):
        await journal.register_payment(payment(number, request_id=f"r{number}"))
    payload = json.dumps({"requestId": "r1", "reason": "sold out"})
    cancelled = Event(REQUEST_CANCELLED, Audience(everyone=False, rooms=("user-b1",)), payload, "r1")
    await journal.publish_events([cancelled])
    assert [(await stands(journal, number)).status for number in (1, 2)] == ["cancelled", "pending"]
    await observe(journal, 1, "paid", snapshot("0x1"))
    assert (await stands(journal, 1)).status == "cancelled"
    assert await kinds(journal, 1) == [ProblemKind.PAID_AFTER_CANCELLATION]
    # One that is registered for it later is no better.
    await journal.register_payment(payment(3, request_id="r1"))
    assert (await stands(journal, 3)).status == "cancelled"


async def test_what_the_provider_asks_on_top_is_known_from_its_price(journal: Journal) -> None:
    wanted = InvoiceWanted(
        provider="shkeeper",
        external_id="order-1",
        callback_url="http://127.0.0.1/",
        coin="ETH-USDT",
        amount=Decimal("10.10"),
        currency="USD",
    )
    opened = InvoiceOpened(address="0xa", coin_amount=Decimal(1), payment_uri="0xa", asked=Decimal("12.10"))
    await journal.register_payment(payment(1), None, wanted)
    [invoice] = await journal.unfinished.unopened_invoices(10)
    await journal.unfinished.record_invoice(invoice, opened)
    await observe(journal, 1, "asked", snapshot("0x1").model_copy(update={"address": "0xa"}))
    found = await stands(journal, 1)
    assert (found.status, found.received, found.fee) == ("partially_paid", Decimal("8.10"), Decimal(2))


async def test_what_does_not_fit_is_kept_once_with_its_reason(journal: Journal) -> None:
    await journal.register_payment(payment(1))
    misfit = Misfit(kind=MisfitKind.AMBIGUOUS, detail="2 invoices fit")
    for _ in range(2):
        await journal.record_misfit("pay_1", key="lookup:1", misfit=misfit, observation=snapshot("0x1"))
    assert await observe(journal, 1, "euros", EUROS) == Outcome.OTHER_CURRENCY
    record = await journal.payment_record("pay_1")
    assert record is not None
    assert [entry.effect for entry in record.history] == ["not-counted", "other-currency"]
    assert await kinds(journal, 1) == [ProblemKind.FOREIGN, ProblemKind.OTHER_CURRENCY]


async def test_a_deadline_comes_back_for_what_is_seen_after_it(journal: Journal, clock: Clock) -> None:
    deadline = NOW + timedelta(hours=1)
    await journal.register_payment(payment(1, expires_at=deadline))
    clock.move(hours=2)
    assert await journal.deadlines.due_at_once(clock.now, but=()) == ["pay_1"]
    await journal.deadlines.apply(["pay_1"])
    assert await journal.deadlines.due_at_once(clock.now, but=()) == []
    transfer = Transfer(transfer_id="0x1", asset="ETH-USDT", amount=Decimal(10))
    unsettled = InvoiceSnapshot(
        standing=Standing.PAID,
        currency="USD",
        received=Decimal("10.10"),
        transfers=(transfer,),
        proven=frozenset(),
        settling_seconds={"ETH-USDT": 10**6},
    )
    await observe(journal, 1, "seen", unsettled)
    assert (await stands(journal, 1)).status == "confirming"
    assert await journal.deadlines.due_at_once(clock.now, but=()) == []
    clock.move(days=1)
    assert await journal.deadlines.due_at_once(clock.now, but=()) == ["pay_1"]
    await journal.deadlines.apply(["pay_1"])
    assert (await stands(journal, 1)).status == "expired"


async def test_a_deadline_that_was_prolonged_in_the_meantime_is_not_applied(journal: Journal, clock: Clock) -> None:
    await journal.register_payment(payment(1, expires_at=NOW + timedelta(hours=1)))
    await journal.deadlines.apply(["pay_1"])
    assert (await stands(journal, 1)).status == "pending"
    assert await observe(journal, 1, "d", DeadlinePassed(deadline=NOW)) == Outcome.UNCHANGED
