"""What is stored of a payment, payout or refund and cannot be read, as a person sees it. Pure."""

from datetime import datetime

from coordinator.attention.items import Attention, AttentionKind

__all__ = ["WHAT_TO_DO", "row_unreadable", "said_of"]

WHAT_TO_DO = (
    "Nothing is done about it meanwhile: what comes for it is refused, and nothing of its payment is paid out. If a"
    " newer bridge has written it, start that one again. If somebody has changed it by hand, have it put back as it"
    " was, out of a backup. It is taken up by itself then."
)


def said_of(kind: str, identifier: str) -> str:
    """That something cannot be read, without the reason."""
    return f"What is stored of {kind.replace('-', ' ')} {identifier} cannot be read"


def row_unreadable(kind: str, identifier: str, concerns: str, reason: str, found_at: datetime) -> Attention:
    """That what is stored of something cannot be read; it concerns a payment, payout or refund."""
    is_of_payout, is_of_refund = kind.startswith("payout"), kind == "refund"
    return Attention(
        kind=AttentionKind.ROW_UNREADABLE,
        subject=f"{kind}:{identifier}",
        title=said_of(kind, identifier),
        detail=reason if concerns == identifier else f"Of {concerns}: {reason}",
        advice=WHAT_TO_DO,
        since=found_at,
        payout_id=concerns if is_of_payout else None,
        payment_id=None if is_of_payout or is_of_refund else concerns,
        refund_id=concerns if is_of_refund else None,
    )
