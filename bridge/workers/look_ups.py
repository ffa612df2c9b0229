"""Look-ups: what a provider says of a payment when it is asked, applied as far as it fits that payment and says more
than is known."""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from prometheus_client import Histogram

from bridge.journal import Journal, Outcome
from coordinator.evidence import LookedUpInvoice, Unfit, invoice_of
from coordinator.observations import Observation
from coordinator.payment_decisions import decide
from coordinator.payments import Effect, Payment

__all__ = ["apply_look_up"]

logger = logging.getLogger("bridge.reconciliation")

HEALED_AFTER = Histogram(
    "bridge_healed_after_seconds",
    "How long after the provider first told of a transfer it was counted, for lack of a webhook",
    ["provider"],
    buckets=(10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600),
)


async def apply_look_up(
    journal: Journal, payment: Payment, found: Sequence[LookedUpInvoice]
) -> Literal["healed", "known", "unfit"]:
    """Applies what was looked up of a payment. Returns whether it moved it, said nothing new, or did not fit."""
    now = journal.clock()
    matched = invoice_of(payment, found, await journal.asked_addresses(payment.payment_id))
    if isinstance(matched, Unfit):
        recorded = await journal.record_misfit(
            payment.payment_id,
            key=_key(payment, matched.misfit.model_dump_json()),
            misfit=matched.misfit,
            observation=matched.observation,
        )
        if recorded.outcome is not Outcome.DUPLICATE:
            logger.warning("%s: not counted, %s: %s", payment.payment_id, matched.misfit.kind, matched.misfit.detail)
        return "unfit"
    before, healed = payment, False
    for observation in matched:
        if not _says_more(payment, observation, now):
            continue
        recorded = await journal.record_observation(
            provider=payment.provider,
            external_id=payment.external_id,
            # What says nothing new today may prove something later, by the time that has passed.
            key=_key(payment, f"{now.isoformat()} {observation.model_dump_json()}"),
            observation=observation,
        )
        healed = healed or recorded.outcome is Outcome.APPLIED
        payment = recorded.payment or payment
    if healed:
        logger.warning("%s: %s knew more than its webhooks had told", payment.payment_id, payment.provider)
        _note_delay(before, payment, now)
    return "healed" if healed else "known"


def _says_more(payment: Payment, observation: Observation, now: datetime) -> bool:
    """Whether it shows, or tells of a transfer that was not heard of. That a transfer is still there does not show
    before it counts."""
    decision = decide(payment, observation, now)
    facts, known = decision.payment.facts, payment.facts
    return decision.effect is not Effect.UNCHANGED or (
        (len(facts.booked), len(facts.seen), facts.misfits, facts.standing, facts.books)
        != (len(known.booked), len(known.seen), known.misfits, known.standing, known.books)
    )


def _note_delay(before: Payment, after: Payment, now: datetime) -> None:
    counted = {one.transfer.transfer_id for one in before.facts.booked if one.counts}
    for one in after.facts.booked:
        if one.counts and one.transfer.transfer_id not in counted and one.first_told_at is not None:
            HEALED_AFTER.labels(after.provider).observe((now - one.first_told_at).total_seconds())


def _key(payment: Payment, said: str) -> str:
    return "lookup:" + hashlib.sha256(f"{payment.external_id}\n{said}".encode()).hexdigest()
