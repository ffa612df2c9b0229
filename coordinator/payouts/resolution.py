"""What a person may say became of a payout, and the observations that follow."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Literal

from coordinator.errors import BridgeError
from coordinator.payments.payments import Payment
from coordinator.payouts.approval import is_revocable
from coordinator.payouts.named_transactions import brought_money, is_by, require_not_taken
from coordinator.payouts.observations import (
    PayoutFailed,
    PayoutObservation,
    PayoutReturned,
    PayoutSent,
    PayoutSettled,
)
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus

__all__ = [
    "NothingToResolveError",
    "ResolutionOutcome",
    "TransactionWrongError",
    "UnexplainedResolutionError",
    "require_how_it_was_found",
    "resolve",
]

ResolutionOutcome = Literal["sent", "not-sent", "arrived", "returned"]


# A daemon's task may wait for its turn and for a good fee; after this time without sending it is not under way.
SENDING_MAY_TAKE = timedelta(hours=1)


class NothingToResolveError(BridgeError):
    """The payout does not need a person to settle it."""


class TransactionWrongError(BridgeError):
    """A transaction is missing, or one is named that cannot be."""


class UnexplainedResolutionError(BridgeError):
    """Nobody says how they found out what only their word confirms."""


_FOLLOWS: Mapping[ResolutionOutcome, str] = {
    "sent": "no chain that is followed shows it",
    "arrived": "it completes the payout whatever the chain says",
    "not-sent": "its payment can be paid out again then",
    "returned": "its payment can be paid out again then",
}


def require_how_it_was_found(payout: Payout, outcome: ResolutionOutcome, note: str | None) -> None:
    """Raises UnexplainedResolutionError if nobody says how they found out what nothing but their word confirms: a
    followed chain shows by itself what a named transaction sent, and nothing else."""
    is_shown = outcome == "sent" and payout.chain is not None
    if note is None and not is_shown:
        raise UnexplainedResolutionError(f"missing; say how that was found out, for {_FOLLOWS[outcome]}")


def resolve(
    payout: Payout,
    outcome: ResolutionOutcome,
    tx_hash: str | None,
    *,
    found_by: str,
    found_through: str | None = None,
    note: str | None = None,
    now: datetime,
    provider_knows: bool = False,
    payment: Payment | None = None,
    taken: Collection[Payout] = (),
    paid: Collection[Payment] = (),
) -> tuple[PayoutObservation, ...]:
    """What somebody has found out about a payout, and how (`note`), as observations of it. `found_through` is the
    service that tells of it, if one does. `provider_knows` is
    whether the provider, asked a moment ago, has it in its books; `payment` is that whose money it is, as far as it
    was read, and `taken` and `paid` are the other payouts and the other payments that are known by the transaction,
    unless it is for several.

    Raises NothingToResolveError, TransactionWrongError and TransactionTakenError.
    """
    how = "" if note is None else f": {note}"
    if outcome == "returned":
        returned = _returned(payout, payment, tx_hash, found_by, note)
        _require_not_taken(payout, tx_hash, taken, paid)
        return (returned.model_copy(update={"found_through": found_through}),)
    _require_transaction(payout, payment, outcome, tx_hash)
    if outcome == "not-sent" and is_revocable(payout):
        raise NothingToResolveError(
            "Nobody was asked to send this payout yet. To have it sent no more, reject it, or have whoever asked for"
            " it withdraw it."
        )
    # Somebody may have sent by hand what waits: it left, whatever holds it back, and is not asked for any more.
    if not (payout.may_be_resolved(now) or is_revocable(payout)):
        raise NothingToResolveError(_nothing_to_settle(payout))
    # What was sent over a chain that is followed the chain itself shows; that it has arrived is a person's word.
    if payout.chain is None or outcome == "arrived":
        _require_not_taken(payout, tx_hash, taken, paid)
    if (
        outcome == "not-sent"
        and provider_knows
        and now < (payout.facts.asked_at or payout.created_at) + SENDING_MAY_TAKE
    ):
        raise NothingToResolveError(
            f"{payout.provider} has this payout in its books, and may be sending it at this moment; that it was not"
            " sent can be said an hour after it was asked for."
        )
    sent = () if tx_hash is None else (PayoutSent(tx_hashes=(tx_hash,)),)
    match outcome:
        case "not-sent":
            reason = f"{found_by} found that it was not sent{how}"
            disowned = payout.live_hashes
            return (
                PayoutFailed(reason=reason, disowned_hashes=disowned, found_by=found_by, found_through=found_through),
            )
        case "arrived":
            return (*sent, PayoutSettled(reason=f"{found_by} found that it has arrived{how}"))
    return sent


def _nothing_to_settle(payout: Payout) -> str:
    if payout.status is not PayoutStatus.CREATED:
        return f"This payout is {payout.status}; there is nothing to settle."
    return (
        f"This payout is created, and {payout.provider} was asked to send it: what it answers decides. If it was sent"
        " by hand too, it may leave twice: see at once whether the provider can still be stopped."
    )


def _require_transaction(
    payout: Payout, payment: Payment | None, outcome: ResolutionOutcome, tx_hash: str | None
) -> None:
    """Raises TransactionWrongError unless what carried a payout is named, where it has to be, and can be that."""
    if outcome == "sent" and tx_hash is None:
        raise TransactionWrongError("needed for a payout that was sent")
    if outcome == "not-sent" and tx_hash is not None:
        raise TransactionWrongError("a payout that was not sent has none")
    if outcome == "arrived" and tx_hash is None and not payout.is_traced:
        raise TransactionWrongError("needed for a payout that arrived by a transaction which is not known yet")
    # Where a chain shows what a transaction does, that counts.
    is_shown = payout.chain is not None and outcome == "sent"
    if tx_hash is not None and not is_shown and payment is not None and brought_money(payment, tx_hash):
        raise TransactionWrongError("this one is what the buyer paid with; name the one that carries the payout")


def _require_not_taken(
    payout: Payout, tx_hash: str | None, others: Collection[Payout], paid: Collection[Payment]
) -> None:
    if tx_hash is not None and not is_by(payout, tx_hash):
        require_not_taken(tx_hash, others, paid)


def _returned(
    payout: Payout, payment: Payment | None, tx_hash: str | None, found_by: str, note: str | None
) -> PayoutReturned:
    if tx_hash is None:
        raise TransactionWrongError("needed for a payout that came back: the one that brought it back")
    found = "it came back"
    if is_by(payout, tx_hash):
        # The provider alone calls it arrived, and may have read no receipt.
        may_have_failed = payout.status is PayoutStatus.COMPLETED and payout.chain is None
        if note is None or not may_have_failed:
            or_say = "; or, if that failed on its chain, say in a `note` how you found out" if may_have_failed else ""
            raise TransactionWrongError(f"this one carried it; name the one that brought it back{or_say}")
        found = "its transaction failed on the chain"
    # What a seller sends back may come to where the buyer paid.
    if payment is not None and brought_money(payment, tx_hash, before=payout.created_at):
        raise TransactionWrongError("this one is what the buyer paid with; name the one that brought it back")
    if payout.status is PayoutStatus.RETURNED:
        raise NothingToResolveError("This payout is returned; there is nothing to settle.")
    how = "" if note is None else f": {note}"
    if not payout.is_traced:
        raise NothingToResolveError(f"This payout is {payout.status}; only what was sent can come back.")
    return PayoutReturned(tx_hash=tx_hash, reason=f"{found_by} found that {found}{how}", found_by=found_by)
