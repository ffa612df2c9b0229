"""Payouts that need a person, including those that carry refunds: what is wrong with each, and what can be done.
Pure: the caller supplies everything.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from coordinator.attention.items import PAID_TWICE_ADVICE, Attention, AttentionKind, Remedy
from coordinator.money import format_amount
from coordinator.payouts.approval import is_revocable
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus

__all__ = ["payout_attention"]

_PAYOUT_KINDS = {
    PayoutStatus.AWAITING_APPROVAL: AttentionKind.PAYOUT_AWAITING_APPROVAL,
    PayoutStatus.MISMATCH: AttentionKind.PAYOUT_MISMATCH,
    PayoutStatus.AMBIGUOUS: AttentionKind.PAYOUT_AMBIGUOUS,
    PayoutStatus.DROPPED: AttentionKind.PAYOUT_DROPPED,
    PayoutStatus.FAILED: AttentionKind.PAYOUT_FAILED,
    PayoutStatus.RETURNED: AttentionKind.PAYOUT_RETURNED,
}

_PAYOUT_TITLES = {
    AttentionKind.PAYOUT_SENT_AFTER_ALL: "It was found to have failed, and was sent after all",
    AttentionKind.PAYOUT_PAID_TWICE: "More than its amount has arrived",
    AttentionKind.PAYOUT_MISMATCH: "Something else than was asked for was sent",
    AttentionKind.PAYOUT_CONTRADICTED: "It has ended, and something else was told of it too",
    AttentionKind.PAYOUT_AMBIGUOUS: "Nobody knows whether it was sent",
    AttentionKind.PAYOUT_DROPPED: "Its transaction is in no block, and no node knows it any more",
    AttentionKind.PAYOUT_AWAITING_APPROVAL: "It waits for a second person, and is not sent",
    AttentionKind.PAYOUT_OVERDUE: "It takes too long",
    AttentionKind.PAYOUT_FAILED: "It failed, and the seller has nothing yet",
    AttentionKind.PAYOUT_RETURNED: "It came back, and the seller has nothing",
}

_PAYOUT_ADVICE = {
    AttentionKind.PAYOUT_SENT_AFTER_ALL: (
        "Look at once whether another payout was made for its payment: the seller may have the money twice. Hold that"
        " one if you still can; if both have arrived, settle it with the seller, then dismiss this with a note."
    ),
    AttentionKind.PAYOUT_PAID_TWICE: PAID_TWICE_ADVICE,
    AttentionKind.PAYOUT_CONTRADICTED: (
        "Compare the transaction with the provider's own books: either the provider mixed up two payouts, or somebody"
        " had another one sent under this name. If the seller has just what was asked for, dismiss this with a note."
    ),
    AttentionKind.PAYOUT_MISMATCH: (
        "Look at its transactions in the explorer. If another transaction paid the rest, name it as sent; if the"
        " seller has all the money, say that it has arrived; if the seller has none, say that it was not sent."
    ),
    AttentionKind.PAYOUT_AMBIGUOUS: (
        "It is not sent again by itself, since the money may be on its way. Re-check it; if the provider says nothing"
        " new, look for it in the provider's own books and at the destination, then say whether it was sent."
    ),
    AttentionKind.PAYOUT_DROPPED: (
        "Look whether the wallet replaced the transaction by another one. If it did, and that pays the seller, name"
        " it as sent. Where nothing took its place it may still be mined: first have the wallet send something else"
        " with its nonce. Once that is final, say that it was not sent, and make another payout for its payment."
    ),
    AttentionKind.PAYOUT_AWAITING_APPROVAL: (
        "Compare it with the sale, and the destination with what the seller has told otherwise than through the"
        " marketplace. If all of it is right, approve it: it is sent then. If not, reject it: it fails, and another"
        " payout can be made for its payment. Who asked for it cannot decide."
    ),
    AttentionKind.PAYOUT_OVERDUE: (
        "Re-check it. If that brings nothing new, look at the provider's task and at the chain, then say whether it"
        " was sent or has arrived."
    ),
    AttentionKind.PAYOUT_FAILED: (
        "Its payment can be paid out again: mend the reason, then make another payout for it. Once as much is paid"
        " out, or refunded, this leaves the list. If it was settled otherwise, dismiss it with a note."
    ),
    AttentionKind.PAYOUT_RETURNED: (
        "Ask the seller for an address that takes the money, then make another payout for its payment. Once as much"
        " as came back is paid out again, or refunded, this leaves the list. If it was settled otherwise, dismiss it"
        " with a note."
    ),
}

_UNASKED_ADVICE = (
    "Nobody was asked to send it yet: its payment, another payout of it, its wallet or a hold keeps it back. Look at"
    " its payment, where that stands, and at whether the provider and its wallet answer. If it is not to be sent,"
    " reject it, or have whoever asked for it withdraw it. If its money went out otherwise, say by which transaction."
)

_REJECTED_ADVICE = (
    "If the seller is to be paid all the same, make another payout for its payment: that one takes this off the list."
    " If not, dismiss it with a note."
)

# Of a payout that carries a refund, where the words for one to a seller do not fit.
_REFUND_TITLES = {
    AttentionKind.PAYOUT_FAILED: "A refund failed, and the buyer has nothing yet",
    AttentionKind.PAYOUT_RETURNED: "A refund came back, and the buyer has nothing",
    AttentionKind.PAYOUT_AWAITING_APPROVAL: "A refund is not sent until a second person approves it",
}

_REFUND_ADVICE = {
    AttentionKind.PAYOUT_SENT_AFTER_ALL: (
        "Look at once whether another refund was opened for its payment: the buyer may have the money twice. Hold"
        " all payouts if that can still be stopped; if both have arrived, settle it with the buyer, then dismiss this"
        " with a note."
    ),
    AttentionKind.PAYOUT_CONTRADICTED: (
        "Compare the transaction with the provider's own books: either the provider mixed up two payouts, or somebody"
        " had another one sent under this name. If the buyer has just what was to go back, dismiss this with a note."
    ),
    AttentionKind.PAYOUT_MISMATCH: (
        "Look at its transactions in the explorer. If another transaction paid the rest, name it as sent; if the"
        " buyer has all the money, say that it has arrived; if the buyer has none, say that it was not sent."
    ),
    AttentionKind.PAYOUT_DROPPED: (
        "Look whether the wallet replaced the transaction by another one. If it did, and that pays the buyer, name it"
        " as sent. Where nothing took its place it may still be mined: first have the wallet send something else with"
        " its nonce. Once that is final, say that it was not sent, and open another refund for its payment."
    ),
    AttentionKind.PAYOUT_AWAITING_APPROVAL: (
        "Compare it with the payment and with what was agreed with the buyer. If all of it is right, approve it: it"
        " is sent then. If not, reject it: it fails, and another refund can be opened. Who opened it cannot decide."
    ),
    AttentionKind.PAYOUT_FAILED: (
        "Its money can go back once more: mend the reason, then open another refund for its payment, for which the"
        " buyer is asked where to send it again. Once as much goes back, this leaves the list. If it was settled"
        " otherwise, dismiss it with a note."
    ),
    AttentionKind.PAYOUT_RETURNED: (
        "Ask the buyer why it came back, then open another refund for its payment: the buyer is asked for another"
        " address on the payment's page. Once as much goes back, this leaves the list. If it was settled otherwise,"
        " dismiss it with a note."
    ),
}

_REJECTED_REFUND_ADVICE = (
    "If the buyer is to have money back all the same, open another refund for its payment: that one takes this off"
    " the list. If not, dismiss it with a note."
)

_TO_RESOLVE: tuple[Remedy, ...] = ("recheck", "resolve")
_OF_FAILED_REFUNDS = (AttentionKind.PAYOUT_FAILED, AttentionKind.PAYOUT_RETURNED)
_PAYOUT_REMEDIES: Mapping[AttentionKind, tuple[Remedy, ...]] = {
    AttentionKind.PAYOUT_AWAITING_APPROVAL: ("approve", "reject"),
    AttentionKind.PAYOUT_FAILED: ("dismiss",),
    AttentionKind.PAYOUT_RETURNED: ("dismiss",),
    AttentionKind.PAYOUT_CONTRADICTED: ("dismiss",),
    AttentionKind.PAYOUT_PAID_TWICE: ("dismiss",),
}


def payout_attention(payout: Payout, updated_at: datetime, now: datetime) -> Attention | None:
    """What is wrong with a payout; None if it proceeds by itself. Whether another made up for a failed one is for
    the caller to know."""
    kind, since = _kind(payout), updated_at
    if kind is AttentionKind.PAYOUT_AWAITING_APPROVAL:
        since = payout.created_at
    if kind is None:
        if payout.overdue_at is None or not payout.is_overdue(now):
            return None
        kind, since = AttentionKind.PAYOUT_OVERDUE, payout.overdue_at
    remedies = _PAYOUT_REMEDIES.get(kind, _TO_RESOLVE)
    # What was rejected failed because somebody wanted it to.
    is_rejected = kind is AttentionKind.PAYOUT_FAILED and payout.facts.rejected is not None
    if is_rejected or (kind is AttentionKind.PAYOUT_SENT_AFTER_ALL and payout.is_settled):
        remedies = ("dismiss",)
    waits = kind is AttentionKind.PAYOUT_OVERDUE and is_revocable(payout)
    if waits:
        remedies = ("recheck", "reject", "resolve")
    # What moved nothing never reached anybody who could send it back.
    titled = AttentionKind.PAYOUT_FAILED if payout.said_to_have_failed else kind
    title, advice = _PAYOUT_TITLES[titled], _REJECTED_ADVICE if is_rejected else _PAYOUT_ADVICE[titled]
    if payout.refund_id is not None:
        title = _REFUND_TITLES.get(titled, title)
        advice = _REJECTED_REFUND_ADVICE if is_rejected else _REFUND_ADVICE.get(titled, advice)
        remedies = ("refund", *remedies) if kind in _OF_FAILED_REFUNDS else remedies
    if waits:
        advice = _UNASKED_ADVICE
    return Attention(
        kind=kind,
        subject=payout.payout_id,
        title=title,
        detail="; ".join(_details(payout, kind)),
        advice=advice,
        since=since,
        payout_id=payout.payout_id,
        payment_id=payout.payment_id,
        chain=payout.chain,
        tx_hash=payout.tx_hash,
        remedies=remedies,
    )


def _details(payout: Payout, kind: AttentionKind) -> Iterator[str]:
    what = f"{format_amount(payout.amount)} {payout.coin} to {payout.destination} for {payout.payee_id}"
    if kind is not AttentionKind.PAYOUT_AWAITING_APPROVAL:
        yield from (f"{what}, {payout.status}", *payout.reasons)
        return
    worth = "" if payout.worth is None else f", worth {format_amount(payout.worth)} {payout.worth_currency or ''}"
    yield f"{what}{worth.rstrip()}"
    through = "" if payout.asked_through in (None, payout.asked_by) else f" through {payout.asked_through}"
    yield f"asked for by {payout.asked_by or 'nobody knows whom'}{through}"
    if payout.facts.approved is not None:
        yield f"{payout.facts.approved.by} approved it before what follows was known"
    yield from payout.approval_reasons


def _kind(payout: Payout) -> AttentionKind | None:
    if payout.was_sent_after_all:
        return AttentionKind.PAYOUT_SENT_AFTER_ALL
    if payout.was_paid_twice:
        return AttentionKind.PAYOUT_PAID_TWICE
    if payout.ended_in_doubt:
        return AttentionKind.PAYOUT_CONTRADICTED
    return _PAYOUT_KINDS.get(payout.status)
