"""What needs a person, and what that person can do about it. Pure: whoever asks brings what there is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from coordinator.payments.problems.problems import ProblemKind

__all__ = [
    "BY_URGENCY",
    "Attention",
    "AttentionKind",
    "Kind",
    "Remedy",
    "alerts_undelivered",
    "chain_alarm",
    "chain_contradicted",
    "chain_read_by_one",
    "foreign_payout",
    "most_urgent_first",
    "not_dismissed",
    "payouts_held",
    "unmatched_transfer",
    "unmatched_webhook",
    "unreadable_webhook",
]

Remedy = Literal[
    "approve",
    "reject",
    "refund",
    "withdraw",
    "recheck",
    "replay",
    "resolve",
    "resume",
    "accept",
    "wait",
    "cancel",
    "give",
    "settle",
    "dismiss",
]
"""What a button of the console can do."""


class AttentionKind(StrEnum):
    """What does not go on by itself, besides what is wrong with a payment: that is a `ProblemKind`."""

    PAYOUT_SENT_AFTER_ALL = "payout-sent-after-all"
    PAYOUT_PAID_TWICE = "payout-paid-twice"
    PAYOUT_FORGOTTEN = "payout-forgotten"
    PAYOUT_MISMATCH = "payout-mismatch"
    PAYOUT_CONTRADICTED = "payout-contradicted"
    PAYOUT_AMBIGUOUS = "payout-ambiguous"
    PAYOUT_DROPPED = "payout-dropped"
    PAYOUT_OVERDUE = "payout-overdue"
    PAYOUT_AWAITING_APPROVAL = "payout-awaiting-approval"
    ROW_UNREADABLE = "row-unreadable"
    CLOCK_WRONG = "clock-wrong"
    JOURNAL_REWOUND = "journal-rewound"
    PAYOUTS_HELD = "payouts-held"
    PAYOUT_FAILED = "payout-failed"
    PAYOUT_RETURNED = "payout-returned"
    REFUND_WITHOUT_ADDRESS = "refund-without-address"
    CHAIN_ALARM = "chain-alarm"
    CHAIN_CONTRADICTED = "chain-contradicted"
    CHAIN_READ_BY_ONE = "chain-read-by-one"
    COIN_UNFOLLOWED = "coin-unfollowed"
    PROVIDER_UNSET = "provider-unset"
    PROVIDER_UNREACHABLE = "provider-unreachable"
    PROVIDER_DATES_OFF = "provider-dates-off"
    WITHOUT_ADDRESS = "payment-without-address"
    WEBHOOK_UNMATCHED = "webhook-unmatched"
    TRANSFER_UNMATCHED = "transfer-unmatched"
    WEBHOOK_UNREADABLE = "webhook-unreadable"
    ENDPOINT_DISABLED = "endpoint-disabled"
    ENDPOINT_MISSED = "endpoint-missed"
    ALERTS_UNDELIVERED = "alerts-undelivered"
    WALLET_DIFFERS = "wallet-differs"
    PRICE_UNUSABLE = "price-unusable"


Kind = AttentionKind | ProblemKind

BY_URGENCY: tuple[Kind, ...] = (
    # Money may go out twice, or has.
    AttentionKind.PAYOUT_SENT_AFTER_ALL,
    AttentionKind.PAYOUT_PAID_TWICE,
    ProblemKind.OVERDRAWN,
    ProblemKind.REFUNDED_WHILE_PAID_OUT,
    ProblemKind.REFUND_TOLD_TWICE,
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
    # What is told of money cannot be true.
    AttentionKind.WALLET_DIFFERS,
    ProblemKind.CONTRADICTING_BOOKS,
    ProblemKind.UNREADABLE_BOOKS,
    ProblemKind.FOREIGN,
    ProblemKind.FORGOTTEN,
    AttentionKind.ROW_UNREADABLE,
    AttentionKind.CLOCK_WRONG,
    AttentionKind.PROVIDER_DATES_OFF,
    # A buyer sits before the page at this moment.
    AttentionKind.WITHOUT_ADDRESS,
    # What comes is not seen, or may not have been.
    AttentionKind.COIN_UNFOLLOWED,
    AttentionKind.PROVIDER_UNSET,
    AttentionKind.PROVIDER_UNREACHABLE,
    AttentionKind.CHAIN_READ_BY_ONE,
    # A service does not know what has happened.
    AttentionKind.ENDPOINT_DISABLED,
    AttentionKind.ENDPOINT_MISSED,
    # Nobody hears of any of this.
    AttentionKind.ALERTS_UNDELIVERED,
    # Nobody is paid until somebody says so.
    AttentionKind.JOURNAL_REWOUND,
    AttentionKind.PAYOUTS_HELD,
    AttentionKind.PAYOUT_AWAITING_APPROVAL,
    AttentionKind.PRICE_UNUSABLE,
    # Money has come, and a buyer or seller waits for what is to become of it.
    ProblemKind.PRICE_DOUBTED,
    ProblemKind.FEE_TOO_HIGH,
    ProblemKind.OTHER_CURRENCY,
    ProblemKind.PAID_AFTER_CANCELLATION,
    ProblemKind.SHORT,
    AttentionKind.PAYOUT_OVERDUE,
    AttentionKind.PAYOUT_FAILED,
    AttentionKind.PAYOUT_RETURNED,
    AttentionKind.REFUND_WITHOUT_ADDRESS,
    ProblemKind.PARTLY_PAID_EXPIRED,
    ProblemKind.UNCONFIRMED_TOO_LONG,
    # Nobody knows yet whether anybody waits.
    AttentionKind.WEBHOOK_UNMATCHED,
    AttentionKind.TRANSFER_UNMATCHED,
    AttentionKind.WEBHOOK_UNREADABLE,
    ProblemKind.LATENESS_DOUBTED,
    ProblemKind.OVER,
)
"""Every kind there is, in the order in which they are looked at."""

LISTED_WHILE_SO = frozenset({AttentionKind.PAYOUTS_HELD})
"""What nobody may snooze or close: it would be forgotten that nobody is paid."""

_URGENCY = {kind: number for number, kind in enumerate(BY_URGENCY)}


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing that does not go on by itself."""

    kind: Kind
    subject: str
    """What it is about, by its id; together with the kind it is this very thing."""
    title: str
    detail: str
    advice: str
    since: datetime
    payout_id: str | None = None
    payment_id: str | None = None
    refund_id: str | None = None
    webhook_id: str | None = None
    chain: str | None = None
    tx_hash: str | None = None
    place: str | None = None
    """Which transfer of its transaction it is, where that carries several."""
    news_at: datetime | None = None
    """When it was last told of, if it may be told of again."""
    rank: int = 0
    """Before what is older of the same kind comes what has a lower one."""
    remedies: tuple[Remedy, ...] = ()
    lasting_detail: str | None = None
    """The detail without what comes and goes of it, such as a count that ticks; None if nothing does."""

    @property
    def key(self) -> str:
        """What it is called in lists and requests."""
        return f"{self.kind}:{self.subject}"


PAID_TWICE_ADVICE = (
    "Look at once whether the wallet sends it again and again, and stop it. If this was meant for another payment,"
    " have its payout asked for with this transaction: it is that one's then, and leaves the list. Otherwise have"
    " whoever got too much give it back, then dismiss this with a note."
)


def most_urgent_first(items: Iterable[Attention]) -> list[Attention]:
    """By what is wrong, and of the same kind and rank the oldest first."""
    return sorted(items, key=lambda item: (_URGENCY[item.kind], item.rank, item.since, item.subject))


def not_dismissed(items: Iterable[Attention], dismissed_at: Mapping[str, datetime]) -> list[Attention]:
    """Those that nobody has taken off the list, by their keys, since there was last news of them."""

    def is_dismissed(item: Attention) -> bool:
        at = dismissed_at.get(item.key)
        return at is not None and (item.news_at is None or item.news_at <= at)

    return [item for item in items if not is_dismissed(item)]


def payouts_held(held_at: datetime, held_by: Sequence[tuple[str, str | None]]) -> Attention:
    """That payouts are stopped, by one or by several, each with their reason."""
    return Attention(
        kind=AttentionKind.PAYOUTS_HELD,
        subject="payouts",
        title="No payout is sent",
        detail="; ".join(f"{by} has held them" + ("." if note is None else f": {note}") for by, note in held_by),
        advice=(
            "What was asked for waits, and what a provider has taken on already goes its way. Once every reason is"
            " gone, resume: that ends the holds that it shows you, whoever placed them. Where the bridge compares the"
            " books it holds payouts until that is over."
        ),
        since=held_at,
        remedies=("resume",),
    )


def alerts_undelivered(destination: str, problem: str, failing_since: datetime) -> Attention:
    """That somebody who is to be told of what is on the list is not reached."""
    return Attention(
        kind=AttentionKind.ALERTS_UNDELIVERED,
        subject=destination,
        title="Alerts do not arrive",
        detail=f"{destination}: {problem}",
        advice=(
            "Nobody hears there of what is on this list. Look at the mail server or the chat, and at the channel in"
            " the configuration: bridge alerts test says what is wrong. This goes by itself once messages arrive."
        ),
        since=failing_since,
    )


def unreadable_webhook(webhook_id: str, provider: str, reason: str, received_at: datetime) -> Attention:
    """A signed webhook that made no sense."""
    return Attention(
        kind=AttentionKind.WEBHOOK_UNREADABLE,
        subject=webhook_id,
        title=f"A webhook of {provider} could not be read",
        detail=reason,
        advice=(
            f"It may be of a version of {provider} that the bridge does not know. Update the bridge, then replay it:"
            " it counts once, even if its repeats came through in the meantime."
        ),
        since=received_at,
        webhook_id=webhook_id,
        remedies=("replay", "dismiss"),
    )


def foreign_payout(webhook_id: str, provider: str, received_at: datetime) -> Attention:
    """A webhook of a payout that the bridge did not ask for."""
    return Attention(
        kind=AttentionKind.WEBHOOK_UNMATCHED,
        subject=webhook_id,
        title=f"{provider} tells of a payout that the bridge did not ask for",
        detail="Somebody had it sent by hand, or by another program with the same wallet.",
        advice=(
            f"Find it in the books of {provider}, and out who had it sent. If it paid a seller whose payout is on"
            " this list, resolve that one with its transaction. Then dismiss this."
        ),
        since=received_at,
        webhook_id=webhook_id,
        remedies=("replay", "dismiss"),
    )


def unmatched_webhook(
    webhook_id: str, provider: str, external_id: str, count: int, received_at: datetime, last_received_at: datetime
) -> Attention:
    """What a provider told of a payment that is not registered, between two moments."""
    return Attention(
        kind=AttentionKind.WEBHOOK_UNMATCHED,
        subject=webhook_id,
        title=f"{provider} tells of a payment that is not registered",
        detail=f"Its externalId is {external_id}; messages that wait for it: {count}.",
        lasting_detail=f"Its externalId is {external_id}",
        advice=(
            "If it is one of the marketplace's, have the marketplace register it with this externalId: what was told"
            " is applied at once, and counts once. If it is not, dismiss it: it comes back when more is told."
        ),
        since=received_at,
        news_at=last_received_at,
        webhook_id=webhook_id,
        remedies=("dismiss",),
    )


def unmatched_transfer(
    chain: str,
    tx_hash: str,
    what: str,
    sender: str,
    recipient: str,
    reason: str | None,
    mined_at: datetime,
    *,
    rank: int = 0,
    smaller: int = 0,
    newest_at: datetime | None = None,
    place: str = "",
    payout_id: str | None = None,
) -> Attention:
    """Money that came to an address where money is waited for, of which nobody knows what it is for, together with so
    many more of its sender that are no larger. `rank`: 0 for the largest. `place`: which it is, where its transaction
    carries several. `payout_id`: the payout that has ended of which it may be the money once more."""
    more = f", and {smaller} more of this sender that are no larger" if smaller else ""
    alone = f', and with "place": "{place}", since it carries several' if place else ""
    title = f"A transfer on {chain} fits no payment" if not smaller else f"Transfers on {chain} fit no payment"
    advice = (
        "Find out whose it is, by its sender and its amount, and give it to that payment (over REST: POST"
        f" /api/payments/{{paymentId}}/transaction, with foundBy{alone}). If it is what a payout on this list was"
        " to pay, resolve that one as sent, with this transaction. Otherwise send the money back and dismiss"
        " this."
    )
    if payout_id is not None:
        title, advice = f"{payout_id} may have been paid twice", PAID_TWICE_ADVICE
    return Attention(
        kind=AttentionKind.TRANSFER_UNMATCHED if payout_id is None else AttentionKind.PAYOUT_PAID_TWICE,
        # What is dismissed are just these: with one more it is another item.
        subject=f"{chain}:{tx_hash}{f'#{place}' if place else ''}" + (f"+{smaller}" if smaller else ""),
        title=title,
        detail=f"{what} from {sender} to {recipient}{more}" + ("" if reason is None else f"; {reason}"),
        advice=advice,
        since=mined_at,
        payout_id=payout_id,
        news_at=newest_at,
        chain=chain,
        tx_hash=tx_hash,
        place=place or None,
        rank=rank,
        remedies=("give", "dismiss"),
    )


def chain_alarm(chain: str, block_number: int, message: str, raised_at: datetime) -> Attention:
    """What a chain took back that was final."""
    return Attention(
        kind=AttentionKind.CHAIN_ALARM,
        subject=f"{chain}:{block_number}",
        title=f"{chain} took back what was final",
        detail=f"Block {block_number}: {message}",
        advice=(
            "Stop releasing money that came over this chain. Compare its payments and payouts from this block on with"
            " an explorer of another operator, and raise the chain's required confirmations. Then dismiss this."
        ),
        since=raised_at,
        news_at=raised_at,
        chain=chain,
        remedies=("dismiss",),
    )


def chain_contradicted(chain: str, block_number: int, message: str, raised_at: datetime) -> Attention:
    """A block of which endpoints say different things: that counts only as far as most of them say the same."""
    return Attention(
        kind=AttentionKind.CHAIN_CONTRADICTED,
        subject=f"{chain}:{block_number}",
        title=f"Two endpoints of {chain} contradict each other",
        detail=f"Block {block_number}: {message}",
        advice=(
            "What it stops counts once they agree; they are asked again and again, and this goes once they do. Look"
            " at the block in an explorer of another operator, and take the endpoint that is wrong out of the"
            " configuration. If it says that money has counted already and that never came, keep back what was not"
            " paid out of it yet. Dismiss this if it stays after that, or stops nothing."
        ),
        since=raised_at,
        news_at=raised_at,
        chain=chain,
        remedies=("dismiss",),
    )


def chain_read_by_one(chain: str, block_number: int, message: str, raised_at: datetime) -> Attention:
    """Blocks that no second endpoint has read: what the only one left out of them is missed."""
    return Attention(
        kind=AttentionKind.CHAIN_READ_BY_ONE,
        subject=f"{chain}:{block_number}",
        title=f"Blocks of {chain} were read by one endpoint alone",
        detail=message[:1].upper() + message[1:],
        advice=(
            "Have another endpoint answer, or name a third one. Look in an explorer for what came to your wallets in"
            " these blocks, and name the transaction of a payment that misses money. Then dismiss this."
        ),
        since=raised_at,
        news_at=raised_at,
        chain=chain,
        remedies=("dismiss",),
    )
