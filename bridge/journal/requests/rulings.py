"""Rulings as the journal's writer takes them: what a person or the marketplace decides about a payment is decided,
applied and put on record in one commit."""

import hashlib
import json
from collections.abc import Collection

from bridge.journal.requests.payments import record_observation
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.outcomes import Outcome, Recorded
from bridge.journal.writing.staged.actions import DISMISS, SETTLE, Action
from coordinator.attention.payments import problem_key
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.problems import ProblemKind, problems_of
from coordinator.payments.problems.rulings import Rule, RulingRefusedError, cancellation, closes_when_settled

__all__ = ["record_ruling", "record_settlement", "rule_on", "ruling_key", "withdraw"]

DIGEST_CHARACTERS = 32


def ruling_key(ruling: str, payment_id: str, *content: str) -> str:
    """Equal for two requests that decide the same, so that a repeat counts once."""
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:DIGEST_CHARACTERS]
    return f"{ruling}:{payment_id}:{digest}"


def rule_on(batch: Batch, payment_id: str, *, key: str, rule: Rule) -> Recorded:
    """Applies what was decided, unless this very decision was applied before and the payment stands so. Whoever sends
    one of before once more has not seen what came since: that is refused. Raises RulingRefusedError and
    TimeWrongError."""
    payment = _payment(batch, payment_id)
    if batch.is_recorded(payment.provider, key, payment.external_id):
        if rule.holds(payment):
            return Recorded(Outcome.DUPLICATE, payment)
        rule.decide(payment, batch.now)  # says why it makes no sense any more, if it does not
        raise RulingRefusedError(
            "This was decided in these words before, and there was news of the payment since: it is"
            f" {payment.status.replace('_', ' ')}. Look at it, and say in other words what you have seen."
        )
    return record_observation(
        batch,
        provider=payment.provider,
        external_id=payment.external_id,
        key=key,
        observation=rule.decide(payment, batch.now),
    )


def withdraw(batch: Batch, payment_id: str, *, by: str, note: str) -> Recorded:
    """Cancels a payment for good, unless somebody did already. Raises RulingRefusedError."""
    payment = _payment(batch, payment_id)
    if payment.facts.withdrawn and payment.status not in (PaymentStatus.COMPLETED, PaymentStatus.REFUNDED):
        return Recorded(Outcome.UNCHANGED, payment)
    key = ruling_key("cancelled", payment_id, by, note)
    return rule_on(batch, payment_id, key=key, rule=cancellation(by, note))


def record_ruling(
    batch: Batch, payment_id: str, *, by: str, action: str, said: str, key: str, rule: Rule
) -> tuple[Payment, Action]:
    """As `rule_on`, with the record of who did it; a repeat gets the record of the first time. What is wrong with the
    payment and was decided with it leaves the list until there is news."""
    recorded = rule_on(batch, payment_id, key=key, rule=rule)
    payment = recorded.payment or _payment(batch, payment_id)
    earlier = batch.actions.last(action, payment_id) if recorded.outcome is Outcome.DUPLICATE else None
    if earlier is not None:
        return payment, earlier
    outcome = f"{said}; it is {payment.status.replace('_', ' ')}"
    done = batch.actions.add(action, payment_id, outcome, by=by, concerns=payment_id)
    for problem in problems_of(payment):
        if problem.kind in rule.answers:
            taken_off = f"taken off the list: {said}"
            batch.actions.add(DISMISS, problem_key(problem.kind, payment_id), taken_off, by=by, concerns=payment_id)
    return payment, done


def record_settlement(
    batch: Batch, payment_id: str, *, by: str, note: str, kinds: Collection[ProblemKind] | None
) -> tuple[Payment, Action]:
    """Takes what is wrong with a payment, or some of it, off the list until there is news of it, and writes down that
    it was settled elsewhere. One whose money was sent back is cancelled with it. Returns the last of the records.
    Raises RulingRefusedError if nothing of it is wrong."""
    payment = _payment(batch, payment_id)
    wrong = [problem.kind for problem in problems_of(payment) if kinds is None or problem.kind in kinds]
    if not wrong:
        raise RulingRefusedError(
            "Nothing is wrong with this payment that could be settled."
            if kinds is None
            else f"Nothing of this kind is wrong with this payment: {', '.join(sorted(kinds))}."
        )
    said = f"settled elsewhere: {note}"
    if closes_when_settled(payment, wrong):
        key = ruling_key("cancelled", payment_id, by, note)
        payment = rule_on(batch, payment_id, key=key, rule=cancellation(by, note)).payment or payment
        said += "; it is cancelled"
        # That money of a cancelled payment is there is what was settled.
        now_wrong = [problem.kind for problem in problems_of(payment)]
        wrong = [kind for kind in now_wrong if kind is ProblemKind.PAID_AFTER_CANCELLATION] + wrong
    actions = [
        batch.actions.add(SETTLE, problem_key(kind, payment_id), said, by=by, concerns=payment_id) for kind in wrong
    ]
    return payment, actions[-1]


def _payment(batch: Batch, payment_id: str) -> Payment:
    payment = batch.payments.get(payment_id)
    if payment is None:
        raise LookupError(f"there is no payment {payment_id}")
    return payment
