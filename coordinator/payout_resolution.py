"""What a person may say that became of a payout, and what is then observed of it."""

from datetime import datetime
from typing import Literal

from coordinator.errors import BridgeError
from coordinator.payout_observations import PayoutFailed, PayoutObservation, PayoutSent, PayoutSettled
from coordinator.payouts import Payout

__all__ = ["NothingToResolveError", "ResolutionOutcome", "TransactionWrongError", "resolve"]

ResolutionOutcome = Literal["sent", "not-sent", "arrived"]


class NothingToResolveError(BridgeError):
    """The payout is none that a person has to settle."""


class TransactionWrongError(BridgeError):
    """A transaction is missing, or one is named that cannot be."""


def resolve(
    payout: Payout, outcome: ResolutionOutcome, tx_hash: str | None, *, found_by: str, now: datetime
) -> tuple[PayoutObservation, ...]:
    """What somebody has found out about a payout, as observations of it.

    Raises NothingToResolveError and TransactionWrongError.
    """
    if outcome == "sent" and tx_hash is None:
        raise TransactionWrongError("needed for a payout that was sent")
    if outcome == "not-sent" and tx_hash is not None:
        raise TransactionWrongError("a payout that was not sent has none")
    if outcome == "arrived" and tx_hash is None and not payout.facts.tx_hashes:
        raise TransactionWrongError("needed for a payout that arrived by a transaction which is not known yet")
    if not payout.may_be_resolved(now):
        raise NothingToResolveError(f"This payout is {payout.status}; there is nothing to settle.")
    sent = () if tx_hash is None else (PayoutSent(tx_hashes=(tx_hash,)),)
    match outcome:
        case "not-sent":
            return (PayoutFailed(reason=f"{found_by} found that it was not sent"),)
        case "arrived":
            return (*sent, PayoutSettled(reason=f"{found_by} found that it has arrived"))
    return sent
