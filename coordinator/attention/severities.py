"""How bad each kind of what needs a person is, and so how soon somebody has to hear of it. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from coordinator.attention.items import AttentionKind, Kind
from coordinator.payments.problems.problems import ProblemKind

__all__ = ["SEVERITIES", "Severities", "Severity"]


class Severity(StrEnum):
    """How bad something is."""

    CRITICAL = "critical"
    """Money may be lost or paid twice, or nobody would hear of it."""
    WARNING = "warning"
    """Somebody waits for their money, or for goods, until a person has decided."""
    NOTICE = "notice"
    """Nobody waits for it, as far as is known."""

    @property
    def rank(self) -> int:
        """The worse, the less."""
        return list(Severity).index(self)


_CRITICAL = (
    AttentionKind.PAYOUT_SENT_AFTER_ALL,
    AttentionKind.PAYOUT_PAID_TWICE,
    ProblemKind.OVERDRAWN,
    ProblemKind.REFUNDED_WHILE_PAID_OUT,
    ProblemKind.CALLED_REFUNDED,
    ProblemKind.DISPUTED,
    ProblemKind.TWICE_PAID,
    AttentionKind.PAYOUT_FORGOTTEN,
    AttentionKind.PAYOUT_MISMATCH,
    AttentionKind.PAYOUT_CONTRADICTED,
    AttentionKind.CHAIN_ALARM,
    AttentionKind.CHAIN_CONTRADICTED,
    AttentionKind.PAYOUT_AMBIGUOUS,
    AttentionKind.PAYOUT_DROPPED,
    AttentionKind.COIN_UNFOLLOWED,
    AttentionKind.PROVIDER_UNSET,
    AttentionKind.PROVIDER_UNREACHABLE,
    AttentionKind.CHAIN_READ_BY_ONE,
    AttentionKind.JOURNAL_REWOUND,
    AttentionKind.ALERTS_UNDELIVERED,
    AttentionKind.WALLET_DIFFERS,
    AttentionKind.ROW_UNREADABLE,
    AttentionKind.CLOCK_WRONG,
)
_WARNING = (
    ProblemKind.CONTRADICTING_BOOKS,
    ProblemKind.UNREADABLE_BOOKS,
    ProblemKind.REFUND_TOLD_TWICE,
    ProblemKind.FOREIGN,
    ProblemKind.FORGOTTEN,
    AttentionKind.PROVIDER_DATES_OFF,
    AttentionKind.WITHOUT_ADDRESS,
    AttentionKind.PAYOUTS_HELD,
    AttentionKind.PAYOUT_AWAITING_APPROVAL,
    AttentionKind.PRICE_UNUSABLE,
    ProblemKind.PRICE_DOUBTED,
    ProblemKind.FEE_TOO_HIGH,
    ProblemKind.OTHER_CURRENCY,
    ProblemKind.PAID_AFTER_CANCELLATION,
    ProblemKind.SHORT,
    AttentionKind.PAYOUT_OVERDUE,
    AttentionKind.PAYOUT_FAILED,
    AttentionKind.PAYOUT_RETURNED,
    ProblemKind.PARTLY_PAID_EXPIRED,
    ProblemKind.UNCONFIRMED_TOO_LONG,
    AttentionKind.TRANSFER_UNMATCHED,
    AttentionKind.WEBHOOK_UNREADABLE,
    AttentionKind.ENDPOINT_DISABLED,
    AttentionKind.ENDPOINT_MISSED,
)
_NOTICE = (
    AttentionKind.WEBHOOK_UNMATCHED,
    AttentionKind.REFUND_WITHOUT_ADDRESS,
    ProblemKind.LATENESS_DOUBTED,
    ProblemKind.OVER,
)

SEVERITIES: Mapping[Kind, Severity] = {
    **dict.fromkeys(_CRITICAL, Severity.CRITICAL),
    **dict.fromkeys(_WARNING, Severity.WARNING),
    **dict.fromkeys(_NOTICE, Severity.NOTICE),
}
"""Of every kind, unless the operator says otherwise."""


class Severities:
    """How bad each kind is to this operator."""

    def __init__(self, others: Mapping[str, Severity] | None = None) -> None:
        """`others` are those of which the operator says otherwise."""
        self._of_kinds = {kind.value: severity for kind, severity in SEVERITIES.items()} | dict(others or {})

    def of(self, kind: str) -> Severity:
        """Of one that a newer bridge wrote down too, about which nothing is known here."""
        return self._of_kinds.get(kind, Severity.WARNING)
