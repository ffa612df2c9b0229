"""Registration of payouts: what is looked at in the same transaction in which an order of some is taken, all of them
or none."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bridge.journal.errors import PayoutRefusedError
from bridge.journal.requests.forgotten_payouts import forgotten_of
from bridge.journal.requests.payments import SOME_IDS, IdempotencyKey, made_before, remember
from bridge.journal.requests.payouts.recording import record_payout_observation, release_escrow, wake_for
from bridge.journal.requests.payouts.withholding import withhold
from bridge.journal.requests.recording import with_holders_money
from bridge.journal.writing.batch import Batch
from coordinator.money import format_amount, in_scale_of
from coordinator.payments.observed.transfers import transfer_key
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.problems import hold_on_payouts
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.comparisons import Comparison
from coordinator.payouts.earnings import left_to_pay_out
from coordinator.payouts.named_transactions import taken_for
from coordinator.payouts.observations import PayoutObservation, PayoutSent
from coordinator.payouts.payouts import Payout
from coordinator.payouts.unknown_transfers import paid_by

__all__ = ["RegisteredPayouts", "beyond_earnings", "register_payouts"]


PAYOUTS_LIMIT = 1_000
"""Of one payment: a template checkout has a hundred sellers at most."""


@dataclass(frozen=True, slots=True)
class RegisteredPayouts:
    payout_ids: tuple[str, ...]
    is_new: bool


def register_payouts(
    batch: Batch,
    payouts: Sequence[Payout],
    idempotency: IdempotencyKey | None,
    *,
    rules: PayoutRules | None,
    another: bool,
    known: Mapping[str, Sequence[PayoutObservation]],
    doubts: Mapping[str, Sequence[str]],
    payment_hashes: Mapping[str, str],
) -> RegisteredPayouts:
    """Registers payouts, all of them or none, and marks the escrow of their payments as being released. `rules` say
    which of them have to be approved first; None, that none has. `known` is what is known already of those that are
    sent elsewhere, by their ids; `doubts` are why others have to be approved, whatever the rules say, and
    `payment_hashes` name the payments of those that go to invoices, each of which is paid once.

    A payment is paid out once unless `another` says otherwise. Raises PayoutRefusedError, which says which payment
    may not be paid out and why, and IdempotencyKeyReusedError.
    """
    earlier = made_before(batch, idempotency, SOME_IDS)
    if earlier is not None:
        return RegisteredPayouts(tuple(earlier), is_new=False)
    _know_whose_money_it_is(batch, payouts)
    _require_funded(batch, payouts, another=another)
    _require_earned(batch, payouts, sent_elsewhere=known.keys())
    _require_few(batch, [payout for payout in payouts if payout.payout_id not in known])
    _require_none_forgotten(batch, payouts)
    _require_compared(batch, payouts, known)
    _require_not_seen(batch, payouts, known)
    _require_unpaid_invoices(batch, payouts, payment_hashes)
    for payout in payouts:
        batch.payouts.add(payout, payment_hashes.get(payout.payout_id))
        wake_for(batch, payout)
        release_escrow(batch, payout)
        for number, observation in enumerate(known.get(payout.payout_id, ())):
            record_payout_observation(batch, payout.payout_id, f"registered:{number}", observation)
        # What the marketplace's own wallet sends cannot be held back here.
        if rules is not None and payout.payout_id not in known:
            withhold(batch, payout, rules, doubts=doubts.get(payout.payout_id, ()))
    payout_ids = tuple(payout.payout_id for payout in payouts)
    remember(batch, idempotency, payout_ids)
    return RegisteredPayouts(payout_ids, is_new=True)


def _know_whose_money_it_is(batch: Batch, payouts: Sequence[Payout]) -> None:
    """Has the payments know what of their money another has been told of since: it is not there twice."""
    for payment_id in dict.fromkeys(payout.payment_id for payout in payouts):
        payment = batch.payments.get(payment_id)
        if payment is not None and payment.facts.borrowed:
            known = with_holders_money(batch, payment)
            if known is not payment:
                batch.payments.move(known)


def _require_funded(batch: Batch, payouts: Sequence[Payout], *, another: bool) -> None:
    paid_out: set[tuple[str, str]] = set()
    for number, payout in enumerate(payouts):
        payment = batch.payments.get(payout.payment_id)
        if payment is None:
            raise PayoutRefusedError(number, f"there is no payment {payout.payment_id!r}")
        if payment.status is not PaymentStatus.COMPLETED:
            raise PayoutRefusedError(number, f"payment {payment.payment_id} is {payment.status}, not completed")
        reason = hold_on_payouts(payment, payout.seller_id)
        if reason is not None:
            raise PayoutRefusedError(
                number, f"payment {payment.payment_id} has to be cleared, or accepted by a person, first: {reason}"
            )
        if batch.payouts.get(payout.payout_id) is not None:
            raise PayoutRefusedError(
                number,
                f"another payout for payment {payment.payment_id} was asked for in the same moment; look it up",
            )
        if payout.seller_id not in payment.seller_ids:
            raise PayoutRefusedError(number, f"payment {payment.payment_id} is not for the seller {payout.seller_id}")
        share = (payment.payment_id, payout.seller_id)
        is_first = payment.release_of(payout.seller_id) is None and share not in paid_out
        if not is_first and not another:
            raise PayoutRefusedError(
                number, f"payment {payment.payment_id} is paid out already; say `another` if it is to be once more"
            )
        paid_out.add(share)


def _require_earned(batch: Batch, payouts: Sequence[Payout], *, sent_elsewhere: Collection[str]) -> None:
    """Raises PayoutRefusedError if a payout is more than its seller has left to be paid. One that the marketplace's
    own wallet sends has left, whatever it is."""
    for number, payout in enumerate(payouts):
        payment = batch.payments.get(payout.payment_id)
        if payment is None or payout.payout_id in sent_elsewhere:
            continue
        before = [one for one in payouts[:number] if one.payment_id == payment.payment_id]
        too_much = beyond_earnings(payment, payout, [*batch.payouts.of_payment(payment.payment_id), *before])
        if too_much is not None:
            raise PayoutRefusedError(number, too_much)


def beyond_earnings(payment: Payment, payout: Payout, others: Sequence[Payout]) -> str | None:
    """Why a payout is more than its seller has left to be paid; None if it is not."""
    left = in_scale_of(payment.amount, left_to_pay_out(payment, payout.seller_id, others))
    if payout.worth is not None and payout.worth <= left:
        return None
    worth = "an amount that nobody knows" if payout.worth is None else format_amount(payout.worth)
    cancelled = [one.request_id for one in payment.shares if one.seller_id == payout.seller_id]
    cancelled = [request_id for request_id in cancelled if request_id in payment.unpaid_requests]
    why = f"; {', '.join(cancelled)} was cancelled before it was paid, and has to be accepted by a person first"
    return (
        f"of payment {payment.payment_id} {format_amount(left)} {payment.currency} are left to be paid out to"
        f" {payout.seller_id}, and this is worth {worth}{why if cancelled else ''}"
    )


def _require_few(batch: Batch, payouts: Sequence[Payout]) -> None:
    """Raises PayoutRefusedError where a payment has more payouts than any sale needs, most of them rejected or
    withdrawn: whatever moves it reads and writes all of them."""
    counts = Counter(payout.payment_id for payout in payouts)
    for number, payout in enumerate(payouts):
        others = batch.payouts.of_payment(payout.payment_id)
        if len(others) + counts[payout.payment_id] > PAYOUTS_LIMIT:
            raise PayoutRefusedError(
                number,
                f"of payment {payout.payment_id} {len(others)} payouts were asked for already, and {PAYOUTS_LIMIT}"
                " can be at most",
            )


def _require_none_forgotten(batch: Batch, payouts: Sequence[Payout]) -> None:
    """Raises PayoutRefusedError if something was forgotten of a payment that is to be paid out."""
    for number, payout in enumerate(payouts):
        reason = forgotten_of(batch, payout.payment_id)
        if reason is not None:
            raise PayoutRefusedError(number, reason)


def _require_compared(
    batch: Batch, payouts: Sequence[Payout], known: Mapping[str, Sequence[PayoutObservation]]
) -> None:
    """Raises PayoutRefusedError for what the marketplace's own wallet is to send while it may have been sent already,
    and the journal have forgotten it. What the bridge sends waits meanwhile; this would leave as soon as it is
    accepted. A person may have payouts sent again before."""
    reason = _not_compared(batch)
    if reason is None:
        return
    for number, payout in enumerate(payouts):
        observed = known.get(payout.payout_id)
        if observed is not None and not any(isinstance(one, PayoutSent) for one in observed):
            raise PayoutRefusedError(
                number,
                f"the journal may have forgotten that this was sent already, {reason}. If the marketplace's own"
                " wallet has sent it, name its `txHash`",
            )


def _not_compared(batch: Batch) -> str | None:
    """Why the books do not tell yet what was sent, and what is to be done; None if they do, or a person has had
    payouts sent again."""
    if not batch.holds.current:
        return None
    if batch.histories.is_to_be_compared:
        return (
            "since the books are still being compared: order it once `comparedAt` of GET /api/ops/histories is there"
        )
    comparison = _comparison_of_hold(batch)
    if comparison is None or not comparison.left_out:
        return None
    return (
        f"since this could not be asked: {comparison.left_out[0]}. Look whether it was, and have payouts sent again"
        " (GET /api/ops/histories has all that was left out)"
    )


def _comparison_of_hold(batch: Batch) -> Comparison | None:
    """What was found when the books were compared after the restore for which payouts are held, whoever holds them
    besides; None if they are not held for one, or nothing was found yet."""
    epoch = next((hold.epoch for hold in batch.holds.current if hold.epoch is not None), None)
    return None if epoch is None else batch.histories.comparison(epoch)


def _require_not_seen(
    batch: Batch, payouts: Sequence[Payout], known: Mapping[str, Sequence[PayoutObservation]]
) -> None:
    """Raises PayoutRefusedError if a chain shows that a payout was sent, as far as anybody can tell, and the journal
    had forgotten it: unless it is registered with that transaction, or a person has had payouts sent again since."""
    comparison = _comparison_of_hold(batch)
    if comparison is None or not comparison.transfers:
        return
    for number, payout in enumerate(payouts):
        sent = [one for one in known.get(payout.payout_id, ()) if isinstance(one, PayoutSent)]
        named = {transfer_key(tx_hash) for one in sent for tx_hash in one.tx_hashes}
        seen = [one for one in comparison.transfers if paid_by(payout, one)]
        if seen and named.isdisjoint(transfer_key(one.tx_hash) for one in seen):
            raise PayoutRefusedError(
                number,
                f"{seen[0].tx_hash} on {seen[0].chain} may have paid this already, and the journal has forgotten it:"
                " name that as its `txHash` if the marketplace's own wallet sent it. If it was something else, a"
                " person has to say so, by having payouts sent again",
            )


def _require_unpaid_invoices(batch: Batch, payouts: Sequence[Payout], payment_hashes: Mapping[str, str]) -> None:
    """Raises PayoutRefusedError if a payout goes to an invoice that another one has paid, or is to pay."""
    seen: dict[str, Payout] = {}
    for number, payout in enumerate(payouts):
        payment_hash = payment_hashes.get(payout.payout_id)
        if payment_hash is None:
            continue
        other = seen.setdefault(payment_hash, payout)
        if other is payout:
            before = taken_for(payment_hash, batch.payouts.known_by(payment_hash))
            if before is None:
                continue
            other = before
        raise PayoutRefusedError(
            number,
            f"its invoice is that of {other.payout_id}, of payment {other.payment_id}, which is {other.status}; an"
            " invoice is paid once, so have the seller make another one",
        )
