"""The statuses of a refund: its own, until a payout carries it, and that payout's from then on."""

from enum import StrEnum

from coordinator.payouts.statuses import PayoutStatus

__all__ = ["STATUSES", "AnyRefundStatus", "RefundStatus"]


class RefundStatus(StrEnum):
    """Where a refund stands that no payout carries; from then on it stands where its payout does."""

    AWAITING_ADDRESS = "awaiting_address"
    CANCELLED = "cancelled"
    """Whoever opened it, or somebody else of the house, withdrew it before the buyer gave an address."""


AnyRefundStatus = RefundStatus | PayoutStatus
"""All that `Refund.status` can be."""
STATUSES: tuple[AnyRefundStatus, ...] = (*RefundStatus, *PayoutStatus)
