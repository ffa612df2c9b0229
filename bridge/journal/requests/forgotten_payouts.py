"""Forgotten payouts of a payment: what its provider has in its books, and a journal that was restored has not."""

from bridge.journal.writing.batch import Batch
from coordinator.payouts.comparisons import ForgottenPayout
from coordinator.payouts.provider_names import is_known_here

__all__ = ["forgotten_of", "is_doubtful", "still_forgotten"]


def still_forgotten(batch: Batch, payment_id: str) -> list[ForgottenPayout]:
    """Those that no payout of the journal has taken over since."""
    return [forgotten for forgotten, _ in _unclaimed(batch, payment_id)]


def forgotten_of(batch: Batch, payment_id: str) -> str | None:
    """Why nothing may leave for a payment before a person has said what is to come of it: its provider has payouts or
    refunds of it of which this journal knows nothing. None if there are none."""
    forgotten = _unsettled(batch, payment_id)
    if not forgotten:
        return None
    names = ", ".join(one.external_id for one in forgotten)
    return (
        f"payment {payment_id} may have been paid out or refunded already: the provider has {names},"
        f" {forgotten[0].why_unknown}; a person has to settle that first, on the list of what needs a person"
    )


def is_doubtful(batch: Batch, payment_id: str) -> bool:
    """Whether its provider has any that may be somebody else's, and no person has looked at that yet."""
    return any(one.is_doubtful for one in _unsettled(batch, payment_id))


def _unsettled(batch: Batch, payment_id: str) -> list[ForgottenPayout]:
    return [one for one, is_settled in _unclaimed(batch, payment_id) if not is_settled]


def _unclaimed(batch: Batch, payment_id: str) -> list[tuple[ForgottenPayout, bool]]:
    """Each, and whether a person has taken note of it."""
    forgotten = batch.histories.forgotten(payment_id)
    payouts = batch.payouts.of_payment(payment_id) if forgotten else []
    return [(one, is_settled) for one, is_settled in forgotten if not is_known_here(one, payouts)]
