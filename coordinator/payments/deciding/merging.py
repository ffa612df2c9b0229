"""Merging: what one more observation adds to the facts of a payment. Order and repetition make no difference."""

from datetime import datetime, timedelta
from typing import Any

from coordinator.money import ZERO
from coordinator.payments.agreed.fees import Fee
from coordinator.payments.counting.fee_shares import ANY_COIN
from coordinator.payments.facts.booked import (
    AnnouncedTransfer,
    Booked,
    Doubts,
    earliest,
    latest,
    with_booked,
    with_seen,
    with_taken_back,
)
from coordinator.payments.facts.facts import (
    CONTENDERS_LIMIT,
    Asked,
    Books,
    Facts,
    Misfit,
    MisfitKind,
    Released,
    Unreadable,
    with_misfit,
)
from coordinator.payments.facts.refunded import with_refund, with_reversal
from coordinator.payments.observed.dates import can_be_right
from coordinator.payments.observed.observations import (
    AddressBorrowed,
    ClaimContested,
    DeadlinePassed,
    Ending,
    EscrowReleased,
    InvoiceEnded,
    InvoiceForgotten,
    InvoiceFound,
    InvoicePriced,
    InvoiceSnapshot,
    InvoiceUnreadable,
    MoneyTaken,
    Observation,
    PaymentAccepted,
    PaymentWithdrawn,
    PurchaseCancelled,
    RefundMoved,
    SiblingCompleted,
    SiblingRefunded,
    SiblingRegistered,
    TransactionHinted,
    Transfer,
    TransferSeen,
    TransferSighted,
    TransfersTakenBack,
    WaitingProlonged,
    ZonesRuledOut,
    with_sighting,
)
from coordinator.payments.observed.reversals import PaymentDisputed, RefundedThere, with_dispute
from coordinator.payments.observed.zones_ruled_out import with_ruled_out

__all__ = ["merged", "with_unfit"]

# What says nothing of whose the transfers in it are: those of another currency are told of in that currency, of
# several invoices that fit one is the payment's, and who dismissed a message did not know the payment.
_WITHOUT_DOUBTS = (
    MisfitKind.OTHER_CURRENCY,
    MisfitKind.AMBIGUOUS,
    MisfitKind.DISMISSED,
    MisfitKind.CONTESTED,
)


def merged(facts: Facts, observation: Observation, at: datetime) -> Facts:
    """What is known with one more observation, which was told at that moment."""
    match observation:
        case InvoiceSnapshot():
            return _merge_snapshot(facts, observation, at)
        case TransferSeen(transfer=transfer):
            seen = with_seen(facts.seen, AnnouncedTransfer.of_checked(transfer=transfer, first_told_at=at))
            return facts.model_copy(update={"seen": seen})
        case InvoicePriced():
            return _with_price(facts, observation, at)
        case InvoiceEnded():
            return _with_ending(facts, observation, at)
        case EscrowReleased(payout_id=payout_id, seller_id=seller_id, release=release, worth=worth, step=step):
            of_seller = facts.releases.get(seller_id, {})
            reported = Released(release=release, worth=worth, step=step)
            last = max(reported, of_seller.get(payout_id, reported), key=lambda one: one.rank)
            releases = {**facts.releases, seller_id: {**of_seller, payout_id: last}}
            return facts.model_copy(update={"releases": releases})
        case RefundMoved() | RefundedThere() | PaymentDisputed():
            return facts.model_copy(update=_with_money_back(facts, observation))
        case AddressBorrowed() | MoneyTaken():
            return _with_claim(facts, observation)
        case TransferSighted() | ZonesRuledOut():
            return facts.model_copy(update=_with_shown(facts, observation))
        case InvoiceForgotten() | InvoiceFound() | InvoiceUnreadable() | TransfersTakenBack():
            return facts.model_copy(update=_without_an_invoice(facts, observation, at))
        case _:
            return _with_ruling(facts, observation, at)


def _with_shown(facts: Facts, shown: TransferSighted | ZonesRuledOut) -> dict[str, object]:
    """With what a chain shows, or a provider's other notices."""
    if isinstance(shown, TransferSighted):
        return {"sightings": with_sighting(facts.sightings, shown.sighting)}
    return {"zones_ruled_out": with_ruled_out(facts.zones_ruled_out, shown)}


def _with_money_back(facts: Facts, moved: RefundMoved | RefundedThere | PaymentDisputed) -> dict[str, object]:
    """With what goes back to the buyer, whoever sends or takes it."""
    match moved:
        case RefundMoved():
            return {"refunds": with_refund(facts.refunds, moved)}
        case RefundedThere():
            return {"refunds": with_reversal(facts.refunds, moved)}
        case PaymentDisputed():
            refunds = with_reversal(facts.refunds, moved)
            return {"refunds": refunds, "disputes": with_dispute(facts.disputes, moved)}


def _without_an_invoice(
    facts: Facts, reported: InvoiceForgotten | InvoiceFound | InvoiceUnreadable | TransfersTakenBack, at: datetime
) -> dict[str, object]:
    """What is new where a provider was asked, besides how the invoice stands."""
    match reported:
        case InvoiceForgotten():
            return {"forgotten_at": latest(facts.forgotten_at, at)}
        case InvoiceFound():
            return {"found_at": latest(facts.found_at, at)}
        case InvoiceUnreadable(what=what, is_unanswered=True):
            return {"unanswered": _later(facts.unanswered, what, at)}
        case InvoiceUnreadable(what=what):
            return {"unreadable": _later(facts.unreadable, what, at)}
        case TransfersTakenBack(transfer_keys=keys):
            return {"booked": with_taken_back(facts.booked, keys, at)}


def _later(known: Unreadable | None, what: tuple[str, ...], at: datetime) -> Unreadable:
    reported = Unreadable(at=at, what=what)
    return reported if known is None else max(known, reported, key=lambda one: one.rank)


def _with_claim(facts: Facts, claim: AddressBorrowed | MoneyTaken) -> Facts:
    """With what was another payment's before, which a person has to see."""
    if isinstance(claim, AddressBorrowed):
        detail = f"{claim.address[:120]} was given out for {claim.payment_id} before"
        update: dict[str, object] = {"borrowed": facts.borrowed | {claim.address}}
    else:
        detail = f"{claim.transfer_key[:120]} was told of as the money of {claim.payment_id} before"
        update = {"taken": facts.taken | {claim.transfer_key}}
    misfit = Misfit(kind=MisfitKind.CLAIMED_TWICE, detail=detail)
    return facts.model_copy(update={**update, "misfits": with_misfit(facts.misfits, misfit)})


def _with_price(facts: Facts, priced: InvoicePriced, at: datetime) -> Facts:
    update: dict[str, object] = {
        "given": facts.given.union(priced.addresses),
        "coins": facts.coins.union((priced.coin, *priced.also_in)),
        **_with_coin(facts, priced.coin, at),
    }
    if priced.fee is not None:
        most = max(priced.fee, facts.fees_priced.get(priced.coin, ZERO))
        update["fees_priced"] = {**facts.fees_priced, priced.coin: most}
    if priced.rate is not None:
        low, high = facts.rates.get(priced.coin, (priced.rate, priced.rate))
        update["rates"] = {**facts.rates, priced.coin: (min(low, priced.rate), max(high, priced.rate))}
    if priced.usual_rate is not None:
        least = min(priced.usual_rate, facts.usual_rates.get(priced.coin, priced.usual_rate))
        update["usual_rates"] = {**facts.usual_rates, priced.coin: least}
    if priced.named is not None:
        update |= _with_fee(facts, priced.coin, priced.named)
    return facts.model_copy(update=update)


def _with_ending(facts: Facts, ended: InvoiceEnded, at: datetime) -> Facts:
    update: dict[str, object] = {"endings": facts.endings | {ended.ending}}
    if ended.transfers:
        listed = [Booked.of_checked(first_told_at=at, **_with_date(one, at)) for one in ended.transfers]
        update["booked"] = with_booked(facts.booked, listed)
    if ended.ending is Ending.REFUNDED:
        update["refunded_at"] = latest(facts.refunded_at, at)
    return facts.model_copy(update=update)


def _with_ruling(facts: Facts, observation: Observation, at: datetime) -> Facts:
    """With what others than its provider said or decided: the clock, the buyer, a person, the marketplace."""
    match observation:
        case DeadlinePassed(deadline=deadline, for_unconfirmed=for_unconfirmed, asked_at=asked_at):
            passed = {
                "deadline_passed": latest(facts.deadline_passed, deadline),
                "asked_when_due_at": earliest(facts.asked_when_due_at, asked_at),
            }
            if for_unconfirmed:
                passed["patience_ended"] = latest(facts.patience_ended, deadline)
            return facts.model_copy(update=passed)
        case TransactionHinted(hinted=tx_hash, found_by=str(), place=str(place)):
            return facts.model_copy(update={"found_hints": facts.found_hints | {f"{tx_hash}#{place}"}})
        case TransactionHinted(hinted=tx_hash, found_by=found_by):
            found = facts.found_hints if found_by is None else facts.found_hints | {tx_hash}
            return facts.model_copy(update={"hints": facts.hints | {tx_hash}, "found_hints": found})
        case WaitingProlonged(until=until):
            return facts.model_copy(update={"waiting_until": latest(facts.waiting_until, until)})
        case PaymentAccepted(by=by):
            accepted = {"accepted_at": latest(facts.accepted_at, at), "accepted_by": facts.accepted_by | {by}}
            return facts.model_copy(update={"accepted": True, **accepted})
        case PaymentWithdrawn():
            return facts.model_copy(update={"withdrawn": True})
        case PurchaseCancelled(request_id=request_id):
            return _with_cancelled(facts, request_id, at)
        case _:
            return _with_sibling(facts, observation)


def _with_cancelled(facts: Facts, request_id: str, at: datetime) -> Facts:
    cancelled_at = facts.cancelled_at
    if at == facts.accepted_at:
        at += timedelta.resolution  # whoever accepted it in the same moment did not know
    if request_id not in facts.cancelled_requests or at < cancelled_at.get(request_id, at):
        cancelled_at = {**cancelled_at, request_id: at}
    cancelled_requests = facts.cancelled_requests | {request_id}
    return facts.model_copy(update={"cancelled_requests": cancelled_requests, "cancelled_at": cancelled_at})


def _with_sibling(facts: Facts, observation: Observation) -> Facts:
    """With what became of another payment for the same purchase request."""
    match observation:
        case SiblingRegistered():
            return facts.model_copy(update={"shares_request": True})
        case SiblingCompleted(payment_id=payment_id):
            return facts.model_copy(update={"completed_siblings": facts.completed_siblings | {payment_id}})
        case SiblingRefunded(payment_id=payment_id):
            return facts.model_copy(update={"refunded_siblings": facts.refunded_siblings | {payment_id}})
        case _:
            return facts  # it never fits


def with_unfit(facts: Facts, misfit: Misfit, observation: Observation, at: datetime) -> Facts:
    """What is known with an observation that does not fit the payment: it moves nothing, and what it tells of does
    not count from then on unless a message that fits told of it before, or the provider's books show that it is this
    payment's."""
    update: dict[str, object] = {"misfits": with_misfit(facts.misfits, misfit)}
    if isinstance(observation, InvoiceSnapshot) and misfit.kind not in _WITHOUT_DOUBTS:
        reported = [
            _booked(transfer, observation, at, _doubts(transfer, observation, misfit, at))
            for transfer in observation.transfers
        ]
        update["booked"] = with_booked(facts.booked, reported)
    if misfit.kind is MisfitKind.DISMISSED:
        # Whoever took it off the list said that it is another's, however often it is told again from now on.
        update["taken"] = facts.taken.union(misfit.transfer_keys)
    if isinstance(observation, ClaimContested) and len(facts.contested_by) < CONTENDERS_LIMIT:
        update["contested_by"] = facts.contested_by | {observation.payment_id}
    return facts.model_copy(update=update)


def _doubts(transfer: Transfer, snapshot: InvoiceSnapshot, misfit: Misfit, at: datetime) -> Doubts:
    if snapshot.agreed is None:
        return Doubts(doubted_at=at)
    if misfit.kind is MisfitKind.OTHER_ADDRESS and transfer.transfer_id not in snapshot.elsewhere:
        return Doubts(own_at=at)
    return Doubts(foreign_at=at)


def _merge_snapshot(facts: Facts, snapshot: InvoiceSnapshot, at: datetime) -> Facts:
    # Whoever is asked knows whose a transfer is; a message only fits.
    doubts = None if snapshot.agreed is None else Doubts(own_at=at)
    reported = [_booked(transfer, snapshot, at, doubts) for transfer in snapshot.transfers]
    all_booked = with_booked(facts.booked, reported)
    ids = tuple(sorted({transfer.transfer_id for transfer in snapshot.transfers}))
    books = Books.of_checked(balance=snapshot.received, transfer_ids=ids, is_whole=not snapshot.unreadable)
    knows_more = len(ids) > len(facts.books.transfer_ids) or books.rank > facts.books.rank
    update: dict[str, object] = {
        "standing": max(facts.standing, snapshot.standing),
        "books": books if knows_more else facts.books,
        "booked": all_booked,
    }
    if snapshot.agreed is not None:
        asked = Asked.of_checked(at=at, books=books)
        update["asked"] = _last(facts.asked, asked)
        if len(ids) == 1:
            update["asked_of_one"] = _last(facts.asked_of_one, asked)
    if snapshot.unreadable:
        update["unreadable"] = _later(facts.unreadable, snapshot.unreadable, at)
    if not ids and not snapshot.received:
        update["emptied_at"] = latest(facts.emptied_at, at)
    coin = snapshot.coin or ANY_COIN
    if snapshot.fee is not None:
        update |= _with_fee(facts, coin, snapshot.fee)
    if snapshot.coin is not None:
        update |= _with_coin(facts, coin, at)
    return facts.model_copy(update=update)


def _last(known: Asked | None, answer: Asked) -> Asked:
    return answer if known is None else max(known, answer, key=lambda one: one.rank)


def _with_fee(facts: Facts, coin: str, fee: Fee) -> dict[str, object]:
    """With a fee that the provider names for a coin."""
    said = facts.fees_said.get(coin, ())
    if fee in said:
        return {}
    fees = tuple(sorted((*said, fee), key=Fee.model_dump_json)) if said else (fee,)
    return {"fees_said": {**facts.fees_said, coin: fees}}


def _with_coin(facts: Facts, coin: str, at: datetime) -> dict[str, object]:
    """With the coin that the provider named last."""
    since = facts.coin_since
    if since is None or (coin != facts.coin and since <= at) or (coin == facts.coin and at < since):
        return {"coin": coin, "coin_since": at}
    return {}


def _booked(transfer: Transfer, snapshot: InvoiceSnapshot, at: datetime, doubts: Doubts | None) -> Booked:
    if snapshot.proven is None or transfer.transfer_id in snapshot.proven:
        ahead_seconds = snapshot.dates_ahead_seconds
        return Booked.of_checked(
            is_proven=True,
            first_told_at=at,
            doubts=doubts,
            dates_ahead_seconds=ahead_seconds,
            **_with_date(transfer, at),
        )
    return Booked.of_checked(
        first_told_at=at,
        last_told_at=at,
        first_heard_at=snapshot.heard_at,
        last_heard_at=snapshot.heard_at,
        settling_seconds=snapshot.settling_seconds.get(transfer.asset, 0),
        doubts=doubts,
        dates_ahead_seconds=snapshot.dates_ahead_seconds,
        **_with_date(transfer, at),
    )


def _with_date(transfer: Transfer, at: datetime) -> dict[str, Any]:
    """A transfer that was told of then, without a date that cannot be right."""
    date = transfer.occurred_at
    if date is None or can_be_right(date, at):
        return {"transfer": transfer}
    return {"transfer": transfer.model_copy(update={"occurred_at": None}), "refused_date": date}
