"""Merging: what one more observation adds to the facts of a payment. Order and repetition make no difference."""

from datetime import datetime

from coordinator.facts import Booked, Books, Facts, Released, Seen, with_booked, with_seen
from coordinator.fee_shares import ANY_COIN
from coordinator.fees import Fee
from coordinator.money import ZERO
from coordinator.observations import (
    DeadlinePassed,
    Ending,
    EscrowReleased,
    InvoiceEnded,
    InvoicePriced,
    InvoiceSnapshot,
    Observation,
    PaymentAccepted,
    PaymentWithdrawn,
    RequestCancelled,
    SiblingCompleted,
    SiblingRegistered,
    TransactionHinted,
    Transfer,
    TransferSeen,
    TransferSighted,
    WaitingProlonged,
    with_sighting,
)

__all__ = ["merged"]


def merged(facts: Facts, observation: Observation, at: datetime) -> Facts:
    """What is known with one more observation, which was told at that moment."""
    match observation:
        case InvoiceSnapshot():
            return _merge_snapshot(facts, observation, at)
        case TransferSeen(transfer=transfer):
            seen = with_seen(facts.seen, Seen.of_checked(transfer=transfer, first_told_at=at))
            return facts.model_copy(update={"seen": seen})
        case InvoicePriced():
            return _merge_price(facts, observation, at)
        case InvoiceEnded(ending=ending):
            ended: dict[str, object] = {"endings": facts.endings | {ending}}
            if ending is Ending.REFUNDED:
                ended["refunded_at"] = at if facts.refunded_at is None else min(at, facts.refunded_at)
            return facts.model_copy(update=ended)
        case EscrowReleased(payout_id=payout_id, seller_id=seller_id, release=release, step=step):
            of_seller = facts.releases.get(seller_id, {})
            told = Released(release=release, step=step)
            latest = max(told, of_seller.get(payout_id, told), key=lambda one: one.rank)
            releases = {**facts.releases, seller_id: {**of_seller, payout_id: latest}}
            return facts.model_copy(update={"releases": releases})
        case DeadlinePassed(deadline=deadline, for_unconfirmed=for_unconfirmed):
            passed = {"deadline_passed": _latest(facts.deadline_passed, deadline)}
            if for_unconfirmed:
                passed["patience_ended"] = _latest(facts.patience_ended, deadline)
            return facts.model_copy(update=passed)
        case TransferSighted(sighting=sighting):
            return facts.model_copy(update={"sightings": with_sighting(facts.sightings, sighting)})
        case _:
            return _with_ruling(facts, observation, at)


def _with_ruling(facts: Facts, observation: Observation, at: datetime) -> Facts:
    """With what others than its provider said or decided: the buyer, a person, the marketplace."""
    match observation:
        case TransactionHinted(hinted=tx_hash):
            return facts.model_copy(update={"hints": facts.hints | {tx_hash}})
        case WaitingProlonged(until=until):
            return facts.model_copy(update={"waiting_until": _latest(facts.waiting_until, until)})
        case PaymentAccepted():
            accepted_at = at if facts.accepted_at is None else min(at, facts.accepted_at)
            return facts.model_copy(update={"accepted": True, "accepted_at": accepted_at})
        case PaymentWithdrawn():
            return facts.model_copy(update={"withdrawn": True})
        case RequestCancelled(request_id=request_id):
            return facts.model_copy(update={"cancelled_requests": facts.cancelled_requests | {request_id}})
        case SiblingRegistered():
            return facts.model_copy(update={"shares_request": True})
        case SiblingCompleted(payment_id=payment_id):
            return facts.model_copy(update={"completed_siblings": facts.completed_siblings | {payment_id}})
        case _:
            return facts  # it never fits


def _latest(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)


def _merge_snapshot(facts: Facts, snapshot: InvoiceSnapshot, at: datetime) -> Facts:
    all_booked = with_booked(facts.booked, [_booked(transfer, snapshot, at) for transfer in snapshot.transfers])
    ids = tuple(sorted({transfer.transfer_id for transfer in snapshot.transfers}))
    books = Books.of_checked(balance=snapshot.received, transfer_ids=ids)
    best = max(facts.books, books, key=lambda some: some.rank)
    update: dict[str, object] = {
        "standing": max(facts.standing, snapshot.standing),
        "books": best,
        "booked": all_booked,
    }
    if snapshot.proven is None and not facts.booked and ids:
        update["proven_balance"] = snapshot.received
    else:
        counting = {one.transfer.transfer_id for one in all_booked if one.counts}
        sums = (some for some in (books, best) if some.transfer_ids and counting.issuperset(some.transfer_ids))
        update["proven_balance"] = max(facts.proven_balance, *(some.balance for some in sums), ZERO)
    coin = snapshot.coin or ANY_COIN
    if snapshot.fee is not None:
        update |= _with_fee(facts, coin, snapshot.fee)
    if snapshot.coin is not None:
        update |= _with_coin(facts, coin, at)
    return facts.model_copy(update=update)


def _merge_price(facts: Facts, price: InvoicePriced, at: datetime) -> Facts:
    coin, rate = price.coin, price.rate
    update = _with_coin(facts, coin, at)
    update["fees_priced"] = {**facts.fees_priced, coin: max(price.fee, facts.fees_priced.get(coin, ZERO))}
    if rate is not None:
        low, high = facts.rates.get(coin, (rate, rate))
        update["rates"] = {**facts.rates, coin: (min(low, rate), max(high, rate))}
    if price.named is not None:
        update |= _with_fee(facts, coin, price.named)
    return facts.model_copy(update=update)


def _with_fee(facts: Facts, coin: str, fee: Fee) -> dict[str, object]:
    """With a fee that the provider names for a coin."""
    said = facts.fees_said.get(coin, ())
    if fee in said:
        return {}
    return {"fees_said": {**facts.fees_said, coin: tuple(sorted((*said, fee), key=Fee.model_dump_json))}}


def _with_coin(facts: Facts, coin: str, at: datetime) -> dict[str, object]:
    """With the coin that the provider named last."""
    since = facts.coin_since
    if since is None or (coin != facts.coin and since <= at) or (coin == facts.coin and at < since):
        return {"coin": coin, "coin_since": at}
    return {}


def _booked(transfer: Transfer, snapshot: InvoiceSnapshot, at: datetime) -> Booked:
    if snapshot.proven is None or transfer.transfer_id in snapshot.proven:
        return Booked.of_checked(transfer=transfer, is_proven=True, first_told_at=at)
    return Booked.of_checked(
        transfer=transfer,
        first_told_at=at,
        last_told_at=at,
        settling_seconds=snapshot.settling_seconds.get(transfer.asset, 0),
    )
