"""Foreign money: what a provider told of a payment and cannot be about it, or came in a coin in which its buyer was
never asked to pay. It counts only if a person takes the payment as paid. Pure."""

from coordinator.money import format_amount
from coordinator.payments.counting.sums import is_in_other_coin
from coordinator.payments.facts.facts import Misfit, MisfitKind
from coordinator.payments.payments import Payment

__all__ = ["foreign", "in_other_coins"]


def foreign(payment: Payment) -> str | None:
    """All of it."""
    own = {one.transfer.key for one in payment.facts.booked if one.is_own} - payment.facts.taken
    misfits = [one for one in payment.facts.misfits if one.kind is not MisfitKind.OTHER_CURRENCY]
    reported = dict.fromkeys(f"{one.kind}: {one.detail}" for one in misfits if not _is_settled(one, own))
    in_others = in_other_coins(payment)
    return "; ".join([*reported, *([] if in_others is None else [in_others])]) or None


def _is_settled(misfit: Misfit, own: set[str]) -> bool:
    """Whether what did not fit turned out to belong to this payment after all."""
    return bool(misfit.transfer_keys) and own.issuperset(misfit.transfer_keys)


def in_other_coins(payment: Payment) -> str | None:
    """What came in another coin than the buyer was asked for."""
    others = [one for one in payment.facts.booked if one.is_own and is_in_other_coin(one, payment.facts)]
    coins = ", ".join(sorted(payment.facts.coins or payment.facts.rates)) or "another coin"
    return (
        "; ".join(
            f"two coins were told of {one.transfer.tx_hash}: {' and '.join(one.assets)}"
            if one.assets
            else f"{format_amount(one.transfer.amount)} {one.transfer.asset} came ({one.transfer.tx_hash}), and the"
            f" buyer was asked to pay in {coins}"
            for one in others
        )
        or None
    )
