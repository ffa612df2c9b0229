"""Look-ups: a provider's answer about a payment, applied as far as it fits that payment and says more than is
known.
"""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from prometheus_client import Histogram

from bridge.journal import Journal, Outcome, Recorded
from coordinator.payments.counting.sums import is_unanswered, is_unread
from coordinator.payments.deciding.decisions import decide, not_counted
from coordinator.payments.deciding.evidence import LookedUpInvoice, Unfit, invoice_of
from coordinator.payments.facts.facts import Books, Facts
from coordinator.payments.observed.observations import (
    DeadlinePassed,
    InvoiceEnded,
    InvoiceFound,
    InvoiceSnapshot,
    InvoiceUnreadable,
    Observation,
    TransfersTakenBack,
)
from coordinator.payments.payments import Effect, Payment
from coordinator.payments.problems.contradictions import is_called_refunded
from coordinator.payments.problems.problems import is_forgotten, problems_of

__all__ = ["Applied", "apply_look_up", "note_asked_after_deadline", "note_taken_back", "note_unreadable"]

logger = logging.getLogger("bridge.reconciliation")

# Of what a provider says instead of an answer.
REASON_CHARACTERS = 200

HEALED_AFTER = Histogram(
    "bridge_healed_after_seconds",
    "How long after the provider first reported a transfer it was counted, for lack of a webhook",
    ["provider"],
    buckets=(10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600),
)


class Applied(NamedTuple):
    """What came of a look-up."""

    found: Literal["healed", "known", "unfit", "unreadable"]
    """Whether it moved the payment, said nothing new, did not fit, or could not be read, at least in part."""
    payment: Payment
    """The payment afterwards."""
    is_missing: bool
    """Whether something that should have been there was missing: the invoice, or what was reported before."""
    taken_back: tuple[str, ...] = ()
    """Of the transfers that counted, by their keys, those that are called unconfirmed."""
    is_whole: bool = False
    """Whether the provider showed the payment's invoice with all that it is to know of."""


async def apply_look_up(journal: Journal, payment: Payment, found: Sequence[LookedUpInvoice]) -> Applied:
    """Applies what was looked up of a payment."""
    now = journal.clock()
    addresses = payment.facts.given | await journal.asked_addresses(payment.payment_id)
    matched = invoice_of(payment, found, addresses)
    if matched.unfit is not None:
        await _note_unfit(journal, payment, matched.unfit, now)
        return Applied("unfit", payment, matched.is_missing)
    before, healed = payment, False
    said = [_observed(one, journal.steady()) for one in matched.observations]
    is_unheard = is_unread(payment.facts) or is_unanswered(payment.facts)
    is_lost = (is_forgotten(payment) and payment.paid) or is_unheard or is_called_refunded(payment)
    is_ended = any(isinstance(one, InvoiceEnded) for one in said)
    if is_lost and not is_ended and not matched.is_missing and not matched.is_unreadable:
        said.append(InvoiceFound())
    for observation in said:
        if not _says_more(payment, observation, now):
            continue
        recorded = await _record(journal, payment, observation, now)
        healed = healed or recorded.outcome is Outcome.APPLIED
        payment = recorded.payment or payment
    if healed:
        logger.warning("%s: %s had more than its webhooks had reported", payment.payment_id, payment.provider)
        _note_delay(before, payment, now)
    if matched.is_unreadable:
        return Applied("unreadable", payment, matched.is_missing, matched.taken_back)
    is_whole = bool(found) and not matched.is_missing
    return Applied("healed" if healed else "known", payment, matched.is_missing, matched.taken_back, is_whole)


async def note_asked_after_deadline(journal: Journal, applied: Applied) -> None:
    """Notes when a provider was first asked about a payment whose deadline was applied unasked. What it tells of
    later was not listed then, as if it had been asked before."""
    payment, facts = applied.payment, applied.payment.facts
    passed = facts.deadline_passed
    if not applied.is_whole or passed is None or facts.asked_when_due_at is not None or facts.completed:
        return
    # Only now: what this answer listed is known by then.
    asked_at = journal.clock()
    if asked_at >= passed:
        await journal.record_observation(
            provider=payment.provider,
            external_id=payment.external_id,
            key=f"deadline:{payment.payment_id}:{passed.isoformat()}:asked",
            observation=DeadlinePassed(deadline=passed, asked_at=asked_at),
        )


async def note_taken_back(journal: Journal, payment: Payment, transfer_keys: tuple[str, ...]) -> Payment:
    """Notes that a provider calls unconfirmed what had counted. Returns the payment afterwards."""
    observation = TransfersTakenBack(transfer_keys=transfer_keys)
    logger.warning("%s: %s calls unconfirmed what it had told to be confirmed", payment.payment_id, payment.provider)
    recorded = await _record(journal, payment, observation, journal.clock())
    return recorded.payment or payment


async def note_unreadable(journal: Journal, payment: Payment, reason: str, *, is_unanswered: bool = False) -> None:
    """Notes that a provider was asked about a payment, and that its answer is of no use, or that there is none."""
    said = (reason[:REASON_CHARACTERS],)
    now, observation = journal.clock(), InvoiceUnreadable(what=said, is_unanswered=is_unanswered)
    if _says_more(payment, observation, now):
        await _record(journal, payment, observation, now)


async def _record(journal: Journal, payment: Payment, observation: Observation, now: datetime) -> Recorded:
    return await journal.record_observation(
        provider=payment.provider,
        external_id=payment.external_id,
        # An answer that says nothing new today may prove something later, because time has passed.
        key=_key(payment, f"{now.isoformat()} {observation.model_dump_json()}"),
        observation=observation,
    )


async def _note_unfit(journal: Journal, payment: Payment, unfit: Unfit, now: datetime) -> None:
    """Notes what cannot be about a payment, unless that is known already."""
    after = not_counted(payment, unfit.misfit, unfit.observation, now).payment
    if after.facts.misfits == payment.facts.misfits and _whose(after) == _whose(payment):
        return
    recorded = await journal.record_misfit(
        payment.payment_id,
        key=_key(payment, f"{now.isoformat()} {unfit.misfit.model_dump_json()}"),
        misfit=unfit.misfit,
        observation=unfit.observation,
    )
    if recorded.outcome is not Outcome.DUPLICATE:
        logger.warning("%s: not counted, %s: %s", payment.payment_id, unfit.misfit.kind, unfit.misfit.detail)


def _whose(payment: Payment) -> Sequence[tuple[str, bool]]:
    """Which of the reported transfers belong to this payment."""
    return [(one.transfer.key, one.is_own) for one in payment.facts.booked]


def _says_more(payment: Payment, observation: Observation, now: datetime) -> bool:
    """Whether it shows, or reports a new transfer. That a transfer is still there does not show before it counts."""
    decision = decide(payment, observation, max(now, payment.created_at))
    facts, known = decision.payment.facts, payment.facts
    if _whose(decision.payment) != _whose(payment) or problems_of(decision.payment) != problems_of(payment):
        return True
    return decision.effect is not Effect.UNCHANGED or (
        (len(facts.booked), len(facts.seen), facts.misfits, facts.standing, _books(facts))
        != (len(known.booked), len(known.seen), known.misfits, known.standing, _books(known))
    )


def _observed(observation: Observation, at: datetime) -> Observation:
    """The same, with when it was said by the steady clock."""
    is_sum = isinstance(observation, InvoiceSnapshot)
    return observation.model_copy(update={"heard_at": at}) if is_sum else observation


def _books(facts: Facts) -> tuple[Books, Books | None]:
    return facts.books, None if facts.asked is None else facts.asked.books


def _note_delay(before: Payment, after: Payment, now: datetime) -> None:
    counted = {one.transfer.key for one in before.facts.booked if one.counts}
    for one in after.facts.booked:
        if one.counts and one.transfer.key not in counted and one.first_told_at is not None:
            HEALED_AFTER.labels(after.provider).observe((now - one.first_told_at).total_seconds())


def _key(payment: Payment, said: str) -> str:
    return "lookup:" + hashlib.sha256(f"{payment.external_id}\n{said}".encode()).hexdigest()
