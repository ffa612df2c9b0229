"""Withholding of payouts: whether one that was just ordered has to wait for a second person."""

from collections.abc import Sequence

from bridge.journal.batch import Batch
from bridge.journal.forgotten_payouts import still_forgotten
from bridge.journal.payout_recording import record_payout_observation
from coordinator.payout_approval import PayoutRules, doubts_about, reasons_to_wait
from coordinator.payout_names import share_of, taken_over
from coordinator.payout_observations import PayoutWithheld
from coordinator.payouts import Payout

__all__ = ["withhold"]


def withhold(batch: Batch, payout: Payout, rules: PayoutRules, *, doubts: Sequence[str] = ()) -> None:
    """Has a payout that was just added wait for somebody's approval, if it may not leave by itself, or where there
    are doubts about it."""
    outflows = [] if payout.worth_currency is None else batch.payouts.outflows(payout.worth_currency)
    allowed = batch.destinations.get(payout.seller_id, payout.destination)
    allowed_since = None if allowed is None else allowed.added_at
    payment = batch.payments.get(payout.payment_id)
    if payment is not None:
        payouts = batch.payouts.of_payment(payment.payment_id)
        others = [one for one in payouts if one.payout_id != payout.payout_id]
        forgotten = still_forgotten(batch, payment.payment_id)
        # What it takes over is not sent again.
        again = taken_over(payout, share_of(payment, payout).of(payouts), forgotten)
        unknown = [one.external_id for one in forgotten if one.external_id != again]
        doubts = (*doubts_about(payout, payment, others, unknown), *doubts)
    listed = batch.destinations.of(payout.seller_id) if payout.refund_id is None else []
    known = {*batch.payouts.destinations_of(payout), *listed}
    reasons = reasons_to_wait(payout, outflows, allowed_since, rules, batch.now, known_destinations=known)
    reasons = (*reasons, *doubts)
    if reasons:
        withheld = PayoutWithheld(reasons=reasons)
        record_payout_observation(batch, payout.payout_id, "registered:withheld", withheld)
