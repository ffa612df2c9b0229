"""Entries: what a change of a payment or of a payout is written into the books as. Pure.

How much of a payment is on which account is read off it; a change is entered as what differs. So the entries of a
payment always add up to how it stands, in whatever order and however often it was told of, and an entry is never
changed: what turns out to be otherwise later is entered later.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from coordinator.money import ZERO, difference, excess_over, in_scale_of, product, total
from coordinator.payments.agreed.agreements import part_of
from coordinator.payments.facts.refunded import gone_back
from coordinator.payments.observed.observations import RefundOf, Release
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.withheld import withheld_from
from coordinator.payouts.earnings import earned
from coordinator.payouts.fees_taken import network_fee_unknown, network_fees
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus

__all__ = [
    "OF_COINS",
    "Account",
    "Balances",
    "Entry",
    "EntryKind",
    "balances_of",
    "balances_of_payout",
    "changes",
    "sold",
    "wallet_of",
    "wallet_that_sends",
]


class EntryKind(StrEnum):
    """What an amount is. Those of coins are in the coin, all others in the payment's currency."""

    SALE = "sale"
    """What was agreed for the goods of a seller, once the payment is completed."""
    SHORTFALL = "shortfall"
    """What of a sale did not come, and is taken as paid all the same."""
    COVERED = "covered"
    """What of that the marketplace bears: a person took the payment as paid, so its sellers are owed all of it."""
    REFUND = "refund"
    """What of a sale has arrived at the buyer again."""
    PAYOUT = "payout"
    """What has arrived at a seller."""
    RECEIVED = "received"
    """What the buyer has paid in all."""
    FEE = "fee"
    """What of that came for the gateway's fee."""
    EXCESS = "excess"
    """What of that came too much."""
    SENT_BACK = "sent-back"
    """What has arrived at the buyer again and was of no sale: of what came too much, or for nothing that was sold."""
    COIN_IN = "coin-in"
    """What came into a wallet."""
    COIN_OUT = "coin-out"
    """What has left a wallet and arrived, without what the network took."""
    NETWORK_FEE = "network-fee"
    """What the network took out of a wallet for sending a payout or refund, in the coin that it took."""
    FEE_UNKNOWN = "fee-unknown"
    """What of `COIN_OUT` was sent where nobody says what the network took."""


OF_COINS = (EntryKind.COIN_IN, EntryKind.COIN_OUT, EntryKind.NETWORK_FEE, EntryKind.FEE_UNKNOWN)


class Account(NamedTuple):
    """What amounts are entered under."""

    kind: EntryKind
    unit: str
    """The currency, or the coin."""
    seller_id: str | None = None
    """Whose it is, of a seller's."""
    wallet: str | None = None
    """The provider that keeps it, or the chain and the address; of coins alone."""
    payout_id: str | None = None
    """What has carried it, of a payout to a seller; what the network took a fee for."""


Balances = Mapping[Account, Decimal]
"""How much is on each account."""


class Entry(NamedTuple):
    """One change of an account."""

    account: Account
    amount: Decimal
    """How much more; less than zero where it is less."""


def balances_of(payment: Payment) -> Balances:
    """What the money of a payment is."""
    facts = payment.facts
    if not (payment.paid or facts.completed or facts.accepted or facts.refunds or facts.releases):
        return {}
    found: dict[Account, Decimal] = {Account(EntryKind.RECEIVED, payment.currency): payment.paid}
    if payment.received is not payment.paid:
        found[Account(EntryKind.FEE, payment.currency)] = payment.fee
    if payment.excess:
        found[Account(EntryKind.EXCESS, payment.currency)] = payment.excess
    is_sold = _is_sold(payment)
    if is_sold:
        for seller_id in payment.seller_ids:
            found.update(_sold(payment, seller_id))
    if payment.refunded:
        found.update(_gone_back(payment, _refunded(payment) if is_sold else {}))
    if facts.releases:
        found.update(_paid_out(payment))
    balances = {account: in_scale_of(payment.amount, amount) for account, amount in found.items() if amount}
    balances.update((account, amount) for account, amount in _coins_of(payment) if amount)
    return balances


def sold(payment: Payment) -> Decimal:
    """What of a payment is a sale, as it stands: not what is for purchase requests that were cancelled before."""
    if not _is_sold(payment):
        return ZERO
    found = (entry for seller_id in payment.seller_ids for entry in _sold(payment, seller_id))
    return total(amount for account, amount in found if account.kind is EntryKind.SALE)


def _is_sold(payment: Payment) -> bool:
    return payment.facts.completed or payment.status is PaymentStatus.COMPLETED


def _sold(payment: Payment, seller_id: str) -> Iterator[tuple[Account, Decimal]]:
    currency, facts = payment.currency, payment.facts
    if payment.checkout is None and payment.received >= payment.amount and not facts.accepted and not facts.withheld:
        yield Account(EntryKind.SALE, currency, seller_id), payment.amount  # the usual case
        return
    sale, came = _sale(payment, seller_id)
    short = excess_over(sale, came)
    yield Account(EntryKind.SALE, currency, seller_id), sale
    yield Account(EntryKind.SHORTFALL, currency, seller_id), short
    if facts.accepted:
        yield Account(EntryKind.COVERED, currency, seller_id), short


def _gone_back(payment: Payment, of_sales: Mapping[str | None, Decimal]) -> Iterator[tuple[Account, Decimal]]:
    currency = payment.currency
    for whose, amount in of_sales.items():
        yield Account(EntryKind.REFUND, currency, whose), amount
    yield Account(EntryKind.SENT_BACK, currency), excess_over(payment.refunded, total(of_sales.values()))


def _paid_out(payment: Payment) -> Iterator[tuple[Account, Decimal]]:
    for seller_id, releases in payment.facts.releases.items():
        for payout_id, one in releases.items():
            if one.release is Release.DONE and seller_id in payment.seller_ids:
                worth = earned(payment, seller_id) if one.worth is None else one.worth
                yield Account(EntryKind.PAYOUT, payment.currency, seller_id, payout_id=payout_id), worth


def _coins_of(payment: Payment) -> Iterator[tuple[Account, Decimal]]:
    wallet = wallet_of(payment)
    coins: dict[str, Decimal] = {}
    for transfer in payment.confirmed:
        known = coins.get(transfer.asset)
        coins[transfer.asset] = transfer.amount if known is None else total([known, transfer.amount])
    for coin, amount in coins.items():
        yield Account(EntryKind.COIN_IN, coin, None, wallet), amount


def _sale(payment: Payment, seller_id: str) -> tuple[Decimal, Decimal]:
    """What was agreed for the goods of a seller, without what is withheld, and what has come for it."""
    withheld, came = withheld_from(payment, seller_id), payment.came_for(seller_id)
    own = [share for share in payment.shares if share.seller_id == seller_id]
    if payment.facts.accepted:
        return excess_over(total(share.amount for share in own), withheld), came
    sold = total(share.amount for share in own if share.request_id not in payment.unpaid_requests)
    return sold, excess_over(came, withheld)


def _refunded(payment: Payment) -> Mapping[str | None, Decimal]:
    """What of a sale has gone back, by whose share it was: first of all goes back what was withheld, which was of no
    sale. What went back beyond all shares is nobody's."""
    refunds = payment.money_back
    of_nobody = gone_back(refunds, RefundOf.GOODS, [None])
    came = payment.amount if payment.facts.accepted else payment.goods
    left = excess_over(came, of_nobody)
    gone: dict[str, Decimal] = {}
    for seller_id in payment.seller_ids:
        before, after = (part_of(payment.shares, seller_id, one) for one in (came, left))
        gone[seller_id] = total([gone_back(refunds, RefundOf.GOODS, [seller_id]), excess_over(before, after)])
    beyond = excess_over(gone_back(refunds, RefundOf.GOODS), total(gone.values()))
    of_sales: dict[str | None, Decimal] = {
        seller_id: excess_over(gone[seller_id], withheld_from(payment, seller_id)) for seller_id in payment.seller_ids
    }
    return of_sales | {None: beyond}


def balances_of_payout(payout: Payout) -> Balances:
    """What a payout has taken out of a wallet."""
    found = _network_fees(payout) if payout.facts.network_fees else {}
    if payout.status is PayoutStatus.COMPLETED:
        found[Account(EntryKind.COIN_OUT, payout.coin, wallet=wallet_that_sends(payout))] = _left(payout)
        if network_fee_unknown(payout) is not None:
            found[_of_fee(payout, EntryKind.FEE_UNKNOWN, payout.coin, wallet_that_sends(payout))] = _left(payout)
    return found


def _network_fees(payout: Payout) -> dict[Account, Decimal]:
    return {
        _of_fee(payout, EntryKind.NETWORK_FEE, fee.coin, fee.wallet): fee.amount
        for fee in network_fees(payout)
        if fee.amount
    }


def _of_fee(payout: Payout, kind: EntryKind, coin: str, wallet: str) -> Account:
    """A fee is the marketplace's; whose payout it was for is said all the same."""
    seller_id = payout.seller_id if payout.refund_id is None else None
    return Account(kind, coin, seller_id, wallet, payout.payout_id)


def _left(payout: Payout) -> Decimal:
    """What left the wallet for a payout, as its chain shows it or, where none is followed, its provider says."""
    if payout.chain is not None:
        return total([payout.amount, payout.excess])
    return product(payout.amount, Decimal(max(payout.payments_reported, 1)))


def wallet_of(payment: Payment) -> str:
    """The wallet that a payment comes into."""
    direct = payment.direct
    return payment.provider if direct is None else f"{direct.chain}:{direct.recipient}"


def wallet_that_sends(payout: Payout) -> str:
    """The wallet that a payout leaves."""
    return payout.provider if payout.sender is None else f"{payout.chain}:{payout.sender}"


def changes(before: Balances, after: Balances) -> list[Entry]:
    """What has to be entered for accounts to stand as they do now, in order of the accounts."""
    if not before:
        return [Entry(account, amount) for account, amount in after.items() if amount]
    if before == after:
        return []
    accounts = [*before, *(account for account in after if account not in before)]
    found = (Entry(one, difference(after.get(one, ZERO), before.get(one, ZERO))) for one in accounts)
    return [entry for entry in found if entry.amount]
