"""What needs a person after a journal was restored, rewound, copied or promoted: that it happened, with the result
of comparing the books, and each payout that the journal has forgotten. Pure.
"""

from collections.abc import Sequence
from datetime import datetime

from coordinator.attention.items import Attention, AttentionKind
from coordinator.histories import Beginning
from coordinator.payouts.comparisons import Comparison, ForgottenPayout
from coordinator.payouts.holds import missing_in_words

__all__ = ["forgotten_payout", "forgotten_payout_key", "journal_rewound"]

_BEGINNINGS = {
    Beginning.RESTORED: "The journal was restored from a backup",
    Beginning.PROMOTED: "The journal's PostgreSQL was promoted, or restored to a point in time",
    Beginning.REWOUND: "The journal was rewound",
    Beginning.COPIED: "The journal is a copy",
}


_ACCOUNT = (
    " Find out what each transfer paid, and have the marketplace register the payout again: one over a chain with its"
    " transaction, one of the provider's not before you know that the transfer is none of it."
)


def journal_rewound(
    epoch: str,
    beginning: Beginning,
    evidence: Sequence[str],
    began_at: datetime,
    last_commit_at: datetime | None,
    comparison: Comparison | None,
    *,
    is_compared: bool,
    missing_decisions: int | None,
) -> Attention:
    """That the journal may have forgotten what happened, and the result of comparing the books since."""
    missing = (
        "It holds nothing of before."
        if last_commit_at is None
        else f"What came after {last_commit_at:%Y-%m-%d %H:%M:%S} UTC may be missing."
    )
    has_transfers = comparison is not None and comparison.transfers
    compared = ("The books are being compared.",) if comparison is None else tuple(comparison.lines())
    return Attention(
        kind=AttentionKind.JOURNAL_REWOUND,
        subject=epoch,
        title=_BEGINNINGS.get(beginning, "The journal is another"),
        detail=" ".join((_sentence("; ".join(evidence)), missing, _decisions(missing_decisions), *compared)),
        advice=(
            "Webhooks of the missing time are lost; what they were about is looked up. Have the marketplace register"
            " again what it registered in that time: the same externalId is the same payment."
            " Payouts are held until somebody resumes them: settle what differs, have people hold, reject and resolve"
            " again what they had, and services cancel again what they had, and then resume."
            + (_ACCOUNT if has_transfers else "")
            + (" Once that is done, dismiss this." if is_compared else "")
        ),
        since=began_at,
        remedies=("dismiss",) if is_compared else (),
    )


def _decisions(missing: int | None) -> str:
    return f"{_sentence(missing_in_words(missing))[:-1]} (holds, rejections, what was paid by hand)."


def forgotten_payout_key(payout: ForgottenPayout) -> str:
    """What a payout that the journal has forgotten is called on the list."""
    return f"{AttentionKind.PAYOUT_FORGOTTEN}:{_subject(payout)}"


def _subject(payout: ForgottenPayout) -> str:
    return f"{payout.external_id}:{payout.coin}"


def forgotten_payout(payout: ForgottenPayout, found_at: datetime) -> Attention:
    """A payout that a provider has and the journal has not."""
    title, first = "It was paid out, and the journal has forgotten it", ""
    if payout.is_unexplained:
        title = "It was paid out, and this journal never asked for it"
        first = (
            "The journal was taken back unseen, or was lost and begun anew, or another bridge runs on a copy of it:"
            " find out which, and stop a bridge that runs on a copy. "
        )
    elif payout.is_plainly_named:
        title = "It was paid out, and the journal has forgotten it, or another marketplace asked for it"
        first = (
            "Its name is of a time when marketplaces that share a provider could have the same: find out whose it is."
            " Another's has paid nobody here, so have your seller paid by an order of another amount, or in two. "
        )
    return Attention(
        kind=AttentionKind.PAYOUT_FORGOTTEN,
        subject=_subject(payout),
        title=title,
        detail=f"For {payout.payee_id}: {payout.described}.",
        advice=first
        + (
            "Until this is dismissed nothing else can be paid out of this payment, nor refunded. Find out whether the"
            " money was sent, in the provider's books and at the destination. Then dismiss this, and have the very"
            " payout asked for again, with the same coin, amount and destination: it gets this name, so it is not"
            " sent again, and takes over what the provider says of it. What was ordered of this payment before, is"
            " unlike this and was not asked for yet waits for a second person, unless one has approved it: that is"
            " sent once this is dismissed, so reject or hold it first if it is not to be."
        ),
        since=found_at,
        news_at=found_at,
        payment_id=payout.payment_id,
        tx_hash=next(iter(payout.tx_hashes), None),
        remedies=("dismiss",),
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
