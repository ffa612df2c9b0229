"""Money at two bridges that share a journal: whatever is asked for at both in one moment, no more goes out than came,
and what was approved leaves only while its money is there and nobody has stopped all of it."""

import asyncio
from decimal import Decimal

import pytest

from bridge.journal import Journal, PayoutRefusedError
from coordinator.money import total
from coordinator.payments.observed.observations import RefundOf, TransfersTakenBack, transfer_key
from coordinator.payouts.earnings import escrow_of
from coordinator.refunds.refunds import OtherRefundsError, RefundOrder, RefundRefusedError
from tests.bridge.journal.sales import observe, paid, payout
from tests.bridge.journal.test_approvals_at_two_bridges import BO, asked, found, here, status, there, waiting
from tests.resuming import resumed

__all__ = ["here", "there"]

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

CAME = Decimal("10.10")
REFUSED = (OtherRefundsError, RefundRefusedError, PayoutRefusedError)


def order(number: int, *, besides: tuple[str, ...] | None = None) -> RefundOrder:
    return RefundOrder(RefundOf.GOODS, f"seller-{number}", CAME, "ETH-USDT", "as agreed", "Ada", besides=besides)


async def test_of_two_refunds_at_one_moment_one_is_opened(here: Journal, there: Journal) -> None:
    for number in range(4):
        await paid(here, number, seller_id=f"seller-{number}")
        # Who says that they have seen all others is no better off.
        opened = await asyncio.gather(
            here.refunds.open(f"pay_{number}", order(number, besides=())),
            there.refunds.open(f"pay_{number}", order(number)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, REFUSED) for one in opened) == 1
        refunds = await there.refunds.of_payment(f"pay_{number}")
        assert total(one.refund.amount for one in refunds) == CAME


async def test_of_a_refund_and_a_payout_at_one_moment_one_is_taken(here: Journal, there: Journal) -> None:
    for number in range(4):
        await paid(here, number, seller_id=f"seller-{number}")
        made = payout(number, seller_id=f"seller-{number}", worth=CAME, worth_currency="USD")
        taken = await asyncio.gather(
            here.refunds.open(f"pay_{number}", order(number)),
            there.payouts.register([made], rules=None),
            return_exceptions=True,
        )
        assert sum(isinstance(one, REFUSED) for one in taken) == 1
        record = await there.payment_record(f"pay_{number}")
        assert record is not None
        escrow = escrow_of(record.payment, record.payouts)
        assert (escrow.under_way, escrow.overdrawn) == (CAME, Decimal(0))


async def test_nothing_that_is_approved_while_somebody_holds_all_payouts_is_asked_for(
    here: Journal, there: Journal
) -> None:
    for number in range(4):
        payout_id = await waiting(here, number)
        _, _, begun = await asyncio.gather(
            there.console.hold_payouts(by="Cy", note="strange payouts"),
            here.approvals.approve(payout_id, by=BO, note=None),
            asked(here, payout_id),
        )
        # Either it was asked for before the hold, or not at all.
        assert await asked(there, payout_id) == {}
        await resumed(here, by="Cy", note=None)
        assert (await asked(there, payout_id) | begun) == {payout_id: 1}


async def test_what_was_approved_stays_where_the_money_of_its_payment_turns_out_to_be_missing(
    here: Journal, there: Journal
) -> None:
    payout_id = await waiting(here, 1)
    await here.approvals.approve(payout_id, by=BO, note=None)
    missing = TransfersTakenBack(transfer_keys=(transfer_key("0xPaid1"),))
    assert await observe(there, 1, "taken back", missing) == "applied"
    assert await asked(here, payout_id) == {}
    assert (await status(there, payout_id), (await found(there, payout_id)).is_unasked) == ("created", True)
