"""Unknown transfers: what a chain shows to have left, or to have come where people are paid, and a journal that was
restored does not know; and whom it may have paid. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from coordinator.addresses import address_key
from coordinator.money import format_amount, product
from coordinator.payments.observed.transfers import transfer_key
from coordinator.payouts.comparisons import UnknownTransfer
from coordinator.payouts.payouts import Payout

__all__ = ["Due", "Explained", "named", "paid_by", "unexplained"]

# A marketplace keeps back a commission of what it pays out.
LEAST_SHARE = Decimal("0.8")
# Of a sum that many are owed, nobody reads all.
NAMED = 3


class Explained(NamedTuple):
    """A payout that a transaction is known to have carried."""

    tx_hash: str
    destination: str | None
    """None where nobody says."""


class Due(NamedTuple):
    """What somebody may be paid of a payment."""

    payment_id: str
    payee_id: str
    amount: Decimal
    currency: str
    is_refund: bool = False


def unexplained(transfers: Iterable[UnknownTransfer], explained: Iterable[Explained]) -> list[UnknownTransfer]:
    """Those that no payout is known to have been carried by. Of several to one address in one transaction each
    explains one."""
    known = Counter((transfer_key(one.tx_hash), _key(one.destination)) for one in explained)
    left = []
    for transfer in transfers:
        key = transfer_key(transfer.tx_hash)
        # What is known of a destination first, so that what nobody says the destination of explains another.
        by = next((one for one in ((key, _key(transfer.destination)), (key, None)) if known[one]), None)
        if by is None:
            left.append(transfer)
        else:
            known[by] -= 1
    return left


def named(
    transfer: UnknownTransfer,
    payouts: Iterable[Payout],
    dues: Iterable[Due],
    payees: Collection[str],
    currencies: Collection[str],
) -> UnknownTransfer:
    """The transfer, with whom it may have paid: `payouts` are those of the journal that are under way on its chain,
    `payees` who was paid at its destination before, and `currencies` what its coin counts for one to one."""
    fits = [
        f"payout {one.payout_id} of {one.payment_id} for {one.payee_id}" for one in payouts if paid_by(one, transfer)
    ]
    fits += _owed(transfer, dues, payees, currencies) if not fits else ()
    return transfer.model_copy(update={"fits": tuple(_some(fits))})


def paid_by(payout: Payout, transfer: UnknownTransfer) -> bool:
    """Whether a transfer is what a payout was to be."""
    return (payout.chain, _key(payout.destination), payout.amount) == (
        transfer.chain,
        _key(transfer.destination),
        transfer.amount,
    )


def _owed(
    transfer: UnknownTransfer, dues: Iterable[Due], payees: Collection[str], currencies: Collection[str]
) -> Iterator[str]:
    """To somebody who was paid there before any part of what they are owed; to an address that nobody knows, about
    all of it; and to anybody just what they are owed, since several may share an address. What is nearest to the
    amount comes first, and of the same who was paid there before."""
    for due in sorted(dues, key=lambda due: (due.amount, due.payee_id not in payees, due.payment_id)):
        if due.currency not in currencies or transfer.amount > due.amount:
            continue
        is_about_all = transfer.amount >= product(due.amount, LEAST_SHARE)
        if due.payee_id in payees or (not payees and is_about_all) or transfer.amount == due.amount:
            owed = "may be refunded" if due.is_refund else "is owed"
            yield f"{format_amount(due.amount)} {due.currency} that {due.payee_id} {owed} of {due.payment_id}"


def _some(fits: Sequence[str]) -> Iterator[str]:
    yield from fits[:NAMED]
    if len(fits) > NAMED:
        yield f"{len(fits) - NAMED} others"


def _key(destination: str | None) -> str | None:
    return None if destination is None else address_key(destination)
