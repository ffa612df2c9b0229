"""Statuses of payouts, and the moves that a payout may make."""

from collections.abc import Mapping
from enum import StrEnum

__all__ = ["PAYOUT_TRANSITIONS", "STATUSES_TO_RESOLVE", "UNSETTLED_STATUSES", "PayoutStatus"]


class PayoutStatus(StrEnum):
    """Where a payout stands, as `payout-updated` says it."""

    AWAITING_APPROVAL = "awaiting_approval"
    """It is more than may leave unseen, or goes somewhere new: nothing is sent until a second person approves it."""
    CREATED = "created"
    AMBIGUOUS = "ambiguous"
    """It was asked for, and no answer says whether it was sent. It is never asked for again by itself."""
    BROADCAST = "broadcast"
    CONFIRMING = "confirming"
    MISMATCH = "mismatch"
    """What its transactions do on the chain is not what was asked for; a person has to look."""
    DROPPED = "dropped"
    """Its transaction is in no block, and no node knows it any more; a person has to say what is to be done."""
    COMPLETED = "completed"
    FAILED = "failed"
    RETURNED = "returned"
    """It arrived, and was sent back."""


SETTLED_STATUSES = (PayoutStatus.COMPLETED, PayoutStatus.FAILED, PayoutStatus.RETURNED)
"""Of payouts that have ended."""

UNSETTLED_STATUSES = tuple(status for status in PayoutStatus if status not in SETTLED_STATUSES)
"""Of payouts that something is still to be found out about."""

STATUSES_TO_RESOLVE = (PayoutStatus.AMBIGUOUS, PayoutStatus.MISMATCH, PayoutStatus.DROPPED)
"""Of payouts that go on only when a person has found out what became of them."""

_ENDS = {PayoutStatus.COMPLETED, PayoutStatus.FAILED, PayoutStatus.RETURNED}
_ON_CHAIN = {PayoutStatus.BROADCAST, PayoutStatus.CONFIRMING, PayoutStatus.MISMATCH, PayoutStatus.DROPPED}

# From each status, the statuses that one observation can lead to. What a chain takes back leads from `confirming`
# back to `broadcast`, or to `ambiguous` where the provider left doubts; another transaction leads out of `mismatch`
# and `dropped`; what a provider knows of it leads out of `awaiting_approval`, as an approval does; a transaction that
# was not known leads out of `failed`. Only that the money came back, or that its transaction moved nothing after all,
# leads out of `completed`, and nothing out of `returned`.
PAYOUT_TRANSITIONS: Mapping[PayoutStatus, frozenset[PayoutStatus]] = {
    PayoutStatus.AWAITING_APPROVAL: frozenset({PayoutStatus.CREATED, PayoutStatus.AMBIGUOUS} | _ON_CHAIN | _ENDS),
    PayoutStatus.CREATED: frozenset({PayoutStatus.AWAITING_APPROVAL, PayoutStatus.AMBIGUOUS} | _ON_CHAIN | _ENDS),
    PayoutStatus.AMBIGUOUS: frozenset({PayoutStatus.CREATED} | _ON_CHAIN | _ENDS),
    **{status: frozenset(({PayoutStatus.AMBIGUOUS} | _ON_CHAIN | _ENDS) - {status}) for status in _ON_CHAIN},
    PayoutStatus.FAILED: frozenset({PayoutStatus.MISMATCH, PayoutStatus.COMPLETED, PayoutStatus.RETURNED}),
    PayoutStatus.COMPLETED: frozenset(
        {PayoutStatus.AMBIGUOUS, PayoutStatus.MISMATCH, PayoutStatus.FAILED, PayoutStatus.RETURNED}
    ),
    PayoutStatus.RETURNED: frozenset(),
}
