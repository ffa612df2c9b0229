"""Rulings that are sent once more, in both kinds of database: a repeat decides nothing of what has come since."""

from datetime import timedelta

import pytest

from bridge.journal import Journal
from coordinator.payments.observed.observations import Ending, InvoiceEnded, InvoiceForgotten
from coordinator.payments.problems.problems import hold_on_payouts
from coordinator.payments.problems.rulings import RulingRefusedError, acceptance
from tests.bridge.journal.sales import observe, paid
from tests.clock import Clock


async def accept(journal: Journal, note: str) -> int:
    _, action = await journal.rulings.record(
        "pay_1", by="Ada", action="acceptance", said=note, key=f"accepted:{note}", rule=acceptance("Ada", note)
    )
    return action.action_id


async def held_back(journal: Journal) -> bool:
    record = await journal.payment_record("pay_1")
    assert record is not None
    return hold_on_payouts(record.payment) is not None


async def test_an_acceptance_that_is_sent_once_more_clears_nothing_that_its_provider_has_said_since(
    journal: Journal, clock: Clock
) -> None:
    await paid(journal, 1)
    await observe(journal, 1, "forgotten", InvoiceForgotten())
    first = await accept(journal, "it is there")
    assert (await accept(journal, "it is there"), await held_back(journal)) == (first, False)
    clock.now += timedelta(hours=1)
    await observe(journal, 1, "refunded", InvoiceEnded(ending=Ending.REFUNDED))
    assert await held_back(journal)
    with pytest.raises(RulingRefusedError, match="decided in these words before"):
        await accept(journal, "it is there")
    assert await held_back(journal)
    # Whoever has looked at it says so in words of their own.
    assert await accept(journal, "it did not go back") > first
    assert not await held_back(journal)
