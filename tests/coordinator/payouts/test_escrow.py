"""Where a payment's money is: at every moment all of it is somewhere, and never more of it went out than came in."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from coordinator.books.entries import Account, EntryKind, balances_of, changes
from coordinator.books.figures import Sum, figures
from coordinator.money import ZERO, total
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.facts.refunded import going_back
from coordinator.payments.observed.observations import (
    Ending,
    EscrowReleased,
    InvoiceEnded,
    Observation,
    PaymentWithdrawn,
    PurchaseCancelled,
    RefundOf,
    Release,
)
from coordinator.payments.observed.reversals import DisputeStage, PaymentDisputed, RefundedThere
from coordinator.payments.payments import PaymentStatus
from coordinator.payments.problems.problems import hold_on_payouts
from coordinator.payments.problems.rulings import RulingRefusedError, acceptance, cancellation
from coordinator.payouts.decisions import decide_payout
from coordinator.payouts.earnings import earned, escrow_of, left_to_pay_out, not_there, refundable
from coordinator.payouts.observations import (
    PayoutAccepted,
    PayoutConfirmed,
    PayoutFailed,
    PayoutInDoubt,
    PayoutObservation,
    PayoutReturned,
    PayoutSent,
)
from coordinator.payouts.payouts import Payout
from coordinator.payouts.resolution import NothingToResolveError, TransactionWrongError, resolve
from coordinator.payouts.statuses import PayoutStatus
from coordinator.refunds.refunds import (
    Refund,
    RefundOrder,
    RefundRefusedError,
    Sending,
    closes_payment,
    followed,
    given,
    moved,
    open_refund,
    payout_for,
    withdrawn,
)
from tests.coordinator.agreed import NOW, PAYMENT, judged, notice, transfer

SHARES = (
    Share(request_id="r1", seller_id="s1", amount=Decimal("60.01")),
    Share(request_id="r2", seller_id="s2", amount=Decimal("39.99")),
)
AMOUNTS = st.sampled_from(("0.01", "20", "33.33", "39.99", "50", "60.01", "100")).map(Decimal)
SETTLED = (PayoutStatus.COMPLETED, PayoutStatus.FAILED, PayoutStatus.RETURNED)
_RELEASES = {
    PayoutStatus.FAILED: Release.FAILED,
    PayoutStatus.RETURNED: Release.FAILED,
    PayoutStatus.COMPLETED: Release.DONE,
}


class World(RuleBasedStateMachine):
    """A payment, and all that is done with its money. Where money really is, the world knows; what it tells of a
    payout is true, though late, or nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.payment = PAYMENT.model_copy(update={"checkout": Checkout(checkout_id="c1", shares=SHARES)})
        self.came: list[Decimal] = []
        self.payouts: dict[str, Payout] = {}
        self.refunds: dict[str, Refund] = {}
        self.out: set[str] = set()
        """Payouts whose money has left."""
        self.reversed = ZERO
        """What went back by no refund of the bridge's."""
        self.balances = balances_of(self.payment)
        self.books: defaultdict[Account, Decimal] = defaultdict(Decimal)
        """What was entered of it, change by change."""
        self.steps = 0
        self.statuses = {self.payment.status}

    def told(self, observation: Observation) -> None:
        before, self.payment = self.payment, decide(self.payment, observation, NOW).payment
        if self.payment is not before:
            balances, self.balances = self.balances, balances_of(self.payment)
            for entry in changes(balances, self.balances):
                self.books[entry.account] += entry.amount
        self.statuses.add(self.payment.status)

    @property
    def paid_out(self) -> list[Payout]:
        return list(self.payouts.values())

    # Money in

    @rule(value=AMOUNTS)
    def money_comes(self, value: Decimal) -> None:
        if len(self.came) < 4:
            self.came.append(value)
            transfers = [transfer(f"0x{number}", one) for number, one in enumerate(self.came)]
            self.told(notice(judged(total(self.came)), *transfers, proven=None))

    @rule(ending=st.sampled_from(Ending))
    def its_provider_ends_it(self, ending: Ending) -> None:
        self.told(InvoiceEnded(ending=ending))

    @rule()
    def is_cancelled(self) -> None:
        try:
            self.told(cancellation("Ada", "sold elsewhere").decide(self.payment, NOW))
        except RulingRefusedError:
            is_over = self.payment.status in (PaymentStatus.COMPLETED, PaymentStatus.REFUNDED)
            assert is_over or self.payment.facts.withdrawn

    @rule(request_id=st.sampled_from(("r1", "r2")))
    def a_request_is_cancelled(self, request_id: str) -> None:
        self.told(PurchaseCancelled(request_id=request_id))

    @rule()
    def is_accepted(self) -> None:
        try:
            self.told(acceptance("Ada", "it is fine").decide(self.payment, NOW))
        except RulingRefusedError:
            is_over = self.payment.status in (PaymentStatus.COMPLETED, PaymentStatus.REFUNDED)
            assert is_over or self.payment.facts.refunds

    # Money that goes back by itself

    def still_there(self) -> Decimal:
        gone = total(one.worth or ZERO for one in self.paid_out if one.payout_id in self.out)
        return max(total(self.came) - gone - self.reversed, ZERO)

    @rule(value=AMOUNTS)
    def its_provider_gives_some_back(self, value: Decimal) -> None:
        if value <= self.still_there():
            self.reversed += value
            name = f"re_{len(self.payment.facts.refunds)}"
            self.told(RefundedThere(reference=name, amount=value, currency="USD"))

    @precondition(lambda self: self.out)
    @rule(choice=st.integers(0, 9), as_written=st.sampled_from((str, str.upper)))
    def its_provider_tells_of_a_refund_too(self, choice: int, as_written: Callable[[str], str]) -> None:
        """It is the same money, and counts once."""
        carried = [one for one in self.refunds.values() if one.payout_id in self.out and one.tx_hash]
        if not carried:
            return
        refund = carried[choice % len(carried)]
        before = escrow_of(self.payment, self.paid_out)
        self.told(RefundedThere(reference=as_written(refund.tx_hash or ""), amount=refund.amount, currency="USD"))
        assert escrow_of(self.payment, self.paid_out) == before

    @rule(value=AMOUNTS, stage=st.sampled_from(DisputeStage))
    def the_buyers_bank_takes_some(self, value: Decimal, stage: DisputeStage) -> None:
        """A bank does so whoever has the money by then."""
        known = self.payment.facts.disputes.get("dp_1")
        if known is not None:
            value, stage = known.amount, max(stage, known.stage, key=lambda one: one.step)
        elif value > total(self.came) - self.reversed:
            return
        if stage is DisputeStage.LOST and (known is None or known.stage is not DisputeStage.LOST):
            self.reversed += value
        self.told(PaymentDisputed(reference="dp_1", stage=stage, amount=value, currency="USD"))

    # Money out

    @rule(seller_id=st.sampled_from(("s1", "s2")), worth=AMOUNTS)
    def is_paid_out(self, seller_id: str, worth: Decimal) -> None:
        is_due = self.payment.status is PaymentStatus.COMPLETED and hold_on_payouts(self.payment, seller_id) is None
        if is_due and worth <= left_to_pay_out(self.payment, seller_id, self.paid_out):
            self.register(
                Payout(
                    payout_id=f"out_{len(self.payouts)}",
                    provider="shkeeper",
                    payment_id="pay_1",
                    seller_id=seller_id,
                    destination="0xAb",
                    coin="ETH-USDT",
                    amount=worth,
                    worth=worth,
                    created_at=NOW,
                )
            )

    def register(self, payout: Payout) -> None:
        assert payout.payout_id not in self.payouts
        self.payouts[payout.payout_id] = payout
        self.follow(payout)

    @rule(choice=st.integers(0, 9), share=st.sampled_from((None, "0.01", "10")))
    def a_refund_is_opened(self, choice: int, share: str | None) -> None:
        """Of any of what can go back, all or a part; what cannot go back is refused."""
        pools = refundable(self.payment, self.paid_out)
        if not pools:
            for seller_id in ("s1", "s2", None):
                with pytest.raises(RefundRefusedError):
                    self.opened(RefundOf.GOODS, seller_id, Decimal("0.01"))
            return
        pool = pools[choice % len(pools)]
        with pytest.raises(RefundRefusedError):
            self.opened(pool.of, pool.seller_id, pool.amount + Decimal("0.000001"))
        refund = self.opened(pool.of, pool.seller_id, min(pool.amount, Decimal(share or "1000")))
        if closes_payment(self.payment, refund.of):
            self.told(PaymentWithdrawn(by="Ada", note="its money goes back"))
        self.refunds[refund.refund_id] = refund
        self.told(moved(refund, 0))

    def opened(self, of: RefundOf, seller_id: str | None, amount: Decimal) -> Refund:
        order = RefundOrder(of, seller_id, amount, "ETH-USDT", "as agreed", "Ada")
        return open_refund(self.payment, order, self.paid_out, ordinal=len(self.refunds), now=NOW)

    def waiting(self) -> list[Refund]:
        return [one for one in self.refunds.values() if one.awaits_address]

    @precondition(lambda self: self.waiting())
    @rule(choice=st.integers(0, 9))
    def a_refund_is_withdrawn(self, choice: int) -> None:
        waiting = self.waiting()
        refund = withdrawn(waiting[choice % len(waiting)], "Ada")
        self.refunds[refund.refund_id] = refund
        self.told(moved(refund, 1))

    @precondition(lambda self: self.waiting())
    @rule(choice=st.integers(0, 9))
    def an_address_is_given(self, choice: int) -> None:
        waiting = self.waiting()
        refund = waiting[choice % len(waiting)]
        sending = Sending("0xCd", refund.amount)
        payout = payout_for(refund, self.payment, sending, now=NOW)
        if not_there(self.payment, refund.of) is not None:
            with pytest.raises(RefundRefusedError, match="not there any more"):
                given(refund, self.payment, payout, by="b1")
            return
        self.refunds[refund.refund_id] = given(refund, self.payment, payout, by="b1")
        self.register(payout)

    # What becomes of it

    def hear(self, payout: Payout, *observations: PayoutObservation) -> None:
        for one in observations:
            self.payouts[payout.payout_id] = decide_payout(self.payouts[payout.payout_id], one).payout
            self.follow(self.payouts[payout.payout_id])

    def follow(self, payout: Payout) -> None:
        self.steps += 1
        if payout.refund_id is not None:
            refund = followed(self.refunds[payout.refund_id], payout)
            self.refunds[payout.refund_id] = refund
            self.told(moved(refund, 1 + self.steps))
            return
        release = _RELEASES.get(payout.status, Release.UNDER_WAY)
        self.told(
            EscrowReleased(
                payout_id=payout.payout_id,
                seller_id=payout.seller_id,
                release=release,
                worth=payout.worth,
                step=self.steps,
            )
        )

    @precondition(lambda self: self.payouts)
    @rule(choice=st.integers(0, 9), what=st.sampled_from(("taken", "sent", "arrived", "failed", "unclear", "back")))
    def something_is_told(self, choice: int, what: str) -> None:
        payout = self.paid_out[choice % len(self.payouts)]
        tx_hash = f"0x{payout.payout_id}"
        if payout.facts.failures or payout.facts.returns:
            return
        if what in ("sent", "arrived"):
            self.out.add(payout.payout_id)
        tell: dict[str, Callable[[], Any]] = {
            "taken": lambda: self.hear(payout, PayoutAccepted(task_id=payout.payout_id)),
            "sent": lambda: self.hear(payout, PayoutSent(tx_hashes=(tx_hash,))),
            "arrived": lambda: self.hear(payout, PayoutSent(tx_hashes=(tx_hash,)), PayoutConfirmed()),
            "unclear": lambda: self.hear(payout, PayoutInDoubt(reason="no answer")),
        }
        if what in tell:
            tell[what]()
        elif what == "failed" and payout.payout_id not in self.out:
            self.hear(payout, PayoutFailed(reason="no coins"))
        elif what == "back" and payout.payout_id in self.out:
            self.out.discard(payout.payout_id)
            self.hear(payout, PayoutReturned(tx_hash="0xback", reason="Ada found that it came back"))

    @precondition(lambda self: self.payouts)
    @rule(choice=st.integers(0, 9), word=st.sampled_from(("sent", "not-sent", "arrived", "returned")))
    def a_person_says_what_became_of_it(self, choice: int, word: Any) -> None:
        payout = self.paid_out[choice % len(self.payouts)]
        was_out = payout.payout_id in self.out
        if (word == "not-sent") is was_out or payout.facts.returns:
            return  # it would not be true
        tx_hash = None if word == "not-sent" else "0xback" if word == "returned" else f"0x{payout.payout_id}"
        try:
            said = resolve(payout, word, tx_hash, found_by="Ada", now=NOW)
        except (NothingToResolveError, TransactionWrongError):
            return
        if word == "returned":
            self.out.discard(payout.payout_id)
        self.hear(payout, *said)

    # What must hold

    @invariant()
    def all_of_it_is_somewhere(self) -> None:
        escrow = escrow_of(self.payment, self.paid_out)
        where = (escrow.held, escrow.released, escrow.refunded, escrow.fee, escrow.excess)
        assert total([escrow.received, escrow.overdrawn]) == total(where)
        assert min(*where, escrow.under_way, escrow.overdrawn) >= 0
        assert escrow.received == total(self.came)
        shortfall = total(earned(self.payment, one) for one in ("s1", "s2")) - self.payment.goods
        # Only of what was accepted without its money, and what a bank took of what had gone.
        disputed = total(one.amount for one in self.payment.facts.disputes.values())
        shortfall = max(shortfall, ZERO) + max(self.reversed, disputed)
        assert escrow.overdrawn <= shortfall
        assert escrow.under_way <= escrow.held + escrow.excess + shortfall
        if escrow.overdrawn:
            assert refundable(self.payment, self.paid_out) == ()

    @invariant()
    def never_more_went_out_than_came_in(self) -> None:
        out = [self.payouts[payout_id] for payout_id in self.out]
        accepted = self.payment.amount if self.payment.facts.accepted else Decimal(0)
        assert total(one.worth or ZERO for one in out) <= max(total(self.came), accepted)
        to_buyer = total(one.worth or ZERO for one in out if one.refund_id is not None)
        assert to_buyer <= total(self.came)

    @invariant()
    def the_payment_says_where_its_money_is(self) -> None:
        escrow = escrow_of(self.payment, self.paid_out)
        assert self.payment.refunded == escrow.refunded
        if self.payment.status is PaymentStatus.REFUNDED:
            assert escrow.held == 0
            assert self.payment.escrow_state == "refunded"
        elif self.payment.refunded and not self.payment.excess and not escrow.overdrawn:
            assert self.payment.refunded < self.payment.goods or not self.payment.goods

    @invariant()
    def what_may_be_paid_out_is_there(self) -> None:
        left = total(left_to_pay_out(self.payment, one, self.paid_out) for one in ("s1", "s2"))
        escrow = escrow_of(self.payment, self.paid_out)
        if not self.payment.facts.accepted and escrow.overdrawn:
            assert left == 0
        if not self.refunds and not self.payment.facts.accepted and not self.payment.unpaid_requests:
            assert self.payment.excess or left == max(escrow.held - escrow.under_way, ZERO)

    @invariant()
    def a_seller_is_never_paid_what_goes_back(self) -> None:
        for seller_id in ("s1", "s2"):
            left = left_to_pay_out(self.payment, seller_id, self.paid_out)
            back = total(
                one.amount
                for one in self.refunds.values()
                if one.seller_id == seller_id and one.release is not Release.FAILED
            )
            assert left <= max(earned(self.payment, seller_id) - back, ZERO)

    @invariant()
    def the_books_say_where_the_money_is(self) -> None:
        escrow, payment = escrow_of(self.payment, self.paid_out), self.payment
        assert {account: amount for account, amount in self.books.items() if amount} == self.balances
        sums = {kind: total(amount for one, amount in self.books.items() if one.kind is kind) for kind in EntryKind}
        found = figures({kind: Sum(1, amount) for kind, amount in sums.items()})
        assert (found.received, found.fees, found.payouts) == (escrow.received, escrow.fee, escrow.released)
        assert found.excess == payment.excess
        assert total([found.refunds, found.sent_back]) == escrow.refunded
        assert found.held == escrow.held + escrow.fee + escrow.excess - escrow.overdrawn
        owned = found.owed + found.fees + found.excess + found.unsold
        assert found.held == owned - found.sent_back - found.covered
        assert found.unsold >= 0
        if PaymentStatus.COMPLETED not in self.statuses:
            assert found.sales == found.shortfall == found.refunds == 0
            assert found.unsold == payment.goods
        else:
            assert 0 <= found.shortfall <= found.sales <= payment.amount
            assert found.covered == (found.shortfall if payment.facts.accepted else 0)
            if not payment.facts.cancelled_requests:
                assert found.sales == payment.goods + found.shortfall

    @invariant()
    def a_seller_is_owed_what_may_still_be_paid_out(self) -> None:
        is_all_there = not going_back(self.payment.money_back, RefundOf.GOODS, [None])
        if self.payment.status is not PaymentStatus.COMPLETED or not is_all_there:
            return
        for seller_id in ("s1", "s2"):
            of_seller = dict.fromkeys(EntryKind, ZERO)
            for account, amount in self.books.items():
                if account.seller_id == seller_id:
                    of_seller[account.kind] += amount
            owed = figures({kind: Sum(1, amount) for kind, amount in of_seller.items()}).owed
            is_settled = all(one.status in SETTLED for one in self.paid_out if one.seller_id == seller_id)
            if is_settled and not any(one.release is Release.UNDER_WAY for one in self.refunds.values()):
                assert max(owed, ZERO) == left_to_pay_out(self.payment, seller_id, self.paid_out)


World.TestCase.settings = settings(stateful_step_count=40)
TestEscrow = World.TestCase
