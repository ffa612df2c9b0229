"""At the end of every story, all money that is held is a seller's to be paid, is on its way, or is on the list of
what needs a person; but for a reserve of less than a person's time is worth."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis.stateful import invariant

from coordinator.attention.payouts import payout_attention
from coordinator.attention.refunds import ADDRESS_WAITED_FOR, refund_without_address
from coordinator.money import ZERO, excess_over, total
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.observed.observations import DeadlinePassed, RefundOf, Release
from coordinator.payments.payments import OPEN_STATUSES, Payment, PaymentStatus
from coordinator.payments.problems.overdrawn import overdrawn
from coordinator.payments.problems.problems import BEARABLE_EXCESS, ProblemKind, problems_of
from coordinator.payouts.earnings import escrow_of, left_to_pay_out
from coordinator.payouts.statuses import PayoutStatus
from tests.coordinator.agreed import DEADLINE, NOW
from tests.coordinator.payouts.test_escrow import World

LATER = NOW + timedelta(days=30)
# What a person may decide about where money lies that is nobody's. Not: that a provider contradicts itself.
ASKS = {
    ProblemKind.CALLED_REFUNDED,
    ProblemKind.DISPUTED,
    ProblemKind.PAID_AFTER_CANCELLATION,
    ProblemKind.SHORT,
    ProblemKind.PARTLY_PAID_EXPIRED,
    ProblemKind.TWICE_PAID,
    ProblemKind.CONTRADICTING_BOOKS,
    ProblemKind.OVER,
}


class Ends(World):
    """As the world is at any moment, and then its times run out and nobody does anything more."""

    def ended(self) -> Payment:
        if self.payment.status not in OPEN_STATUSES:
            return self.payment
        passed = DeadlinePassed(deadline=DEADLINE, for_unconfirmed=True)
        return decide(self.payment, passed, LATER).payment

    def reserved(self, of: RefundOf) -> Decimal:
        """What is on its way to sellers or to the buyer, or waits for the buyer's address."""
        ends = (PayoutStatus.COMPLETED, PayoutStatus.FAILED, PayoutStatus.RETURNED)
        going = [one for one in self.refunds.values() if one.of is of and one.release is Release.UNDER_WAY]
        leaving = [one for one in self.paid_out if one.refund_id is None and one.status not in ends]
        out = [one.worth or ZERO for one in leaving] if of is RefundOf.GOODS else []
        return total([*(one.amount for one in going), *out])

    @invariant()
    def what_is_on_its_way_is_asked_about_when_it_does_not_arrive(self) -> None:
        for payout in self.paid_out:
            item = payout_attention(payout, NOW, LATER)
            assert (item is not None) or payout.status is PayoutStatus.COMPLETED
        for refund in self.waiting():
            assert refund_without_address(refund, ADDRESS_WAITED_FOR).since < LATER

    @invariant()
    def what_is_held_is_a_sellers_or_somebody_is_asked_about_it(self) -> None:
        payment = self.ended()
        escrow, kinds = escrow_of(payment, self.paid_out), {one.kind for one in problems_of(payment)}
        held = excess_over(escrow.held, self.reserved(RefundOf.GOODS))
        if payment.status is PaymentStatus.COMPLETED:
            # A seller's money waits until the marketplace has it paid out.
            sellers = total(left_to_pay_out(payment, one, self.paid_out) for one in payment.seller_ids)
            held = excess_over(held, sellers)
        assert not held or kinds & ASKS, f"{held} of {payment.status}"
        excess = excess_over(escrow.excess, self.reserved(RefundOf.EXCESS))
        assert excess <= BEARABLE_EXCESS or kinds & ASKS, f"{excess} of {payment.status} too much"

    @invariant()
    def what_went_out_beyond_what_came_is_on_the_list(self) -> None:
        escrow, kinds = escrow_of(self.payment, self.paid_out), {one.kind for one in problems_of(self.payment)}
        assert bool(escrow.overdrawn) is bool(overdrawn(self.payment))
        assert escrow.overdrawn == overdrawn(self.payment)
        assert (ProblemKind.OVERDRAWN in kinds) is bool(escrow.overdrawn)


Ends.TestCase.settings = settings(stateful_step_count=40)
TestHeldMoney = Ends.TestCase
