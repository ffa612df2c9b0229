"""Rulings as the rest of the bridge has them written down: what people and the marketplace decide about payments."""

import functools
from collections.abc import Collection, Sequence

from bridge.journal.requests import payments as requests
from bridge.journal.requests import rulings as ruling_requests
from bridge.journal.writing.outcomes import Outcome
from bridge.journal.writing.payment_log import log_deed, log_recorded, log_status
from bridge.journal.writing.staged.actions import Action
from bridge.journal.writing.writer import Submit
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind
from coordinator.payments.problems.rulings import Rule

__all__ = ["RulingRecords"]


class RulingRecords:
    """Writes down what is decided about payments. Raises JournalUnavailableError, RulingRefusedError where a decision
    makes no sense, and TimeWrongError."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit

    async def record(
        self, payment_id: str, *, by: str, action: str, said: str, key: str, rule: Rule
    ) -> tuple[Payment, Action]:
        """Applies what somebody decided in the console, once, with the record of it; `said` is that in words."""
        payment, done = await self._submit(
            functools.partial(
                ruling_requests.record_ruling,
                payment_id=payment_id,
                by=by,
                action=action,
                said=said,
                key=key,
                rule=rule,
            )
        )
        log_status(payment)
        return payment, done

    async def settle(
        self, payment_id: str, *, by: str, note: str, kinds: Collection[ProblemKind] | None
    ) -> tuple[Payment, Action]:
        """Takes what is wrong with a payment, or some of it, off the list until there is news of it."""
        return await self._submit(
            functools.partial(ruling_requests.record_settlement, payment_id=payment_id, by=by, note=note, kinds=kinds)
        )

    async def cancel(self, payment_id: str, *, by: str, note: str) -> None:
        """Cancels a payment for good, in the name of a service; if it is cancelled already, nothing happens."""
        recorded = await self._submit(
            functools.partial(ruling_requests.withdraw, payment_id=payment_id, by=by, note=note)
        )
        if recorded.outcome is Outcome.APPLIED:
            log_deed(payment_id, "cancellation", by=by, said=note)
        log_recorded(recorded, payment_id)

    async def contest(self, payment_id: str, *, by: str, differing: Sequence[str]) -> None:
        """Notes that somebody wanted a payment's id of the provider's for another payment."""
        recorded = await self._submit(
            functools.partial(requests.record_contest, payment_id=payment_id, by=by, differing=differing)
        )
        log_recorded(recorded, payment_id)
