"""Payout ids: what a payout is called at its provider. They follow from what a payout is for, so that a journal that
has forgotten one comes to the same name when it is wanted again."""

from coordinator.ids import derived_id
from coordinator.payments import Payment

__all__ = ["payout_id_of", "refund_payout_id_of"]


def payout_id_of(payment: Payment, seller_id: str, ordinal: int) -> str:
    """The id of a payout to a seller of a payment; `ordinal` is how many there were before."""
    return derived_id("out", payment.provider, payment.external_id, seller_id, ordinal)


def refund_payout_id_of(payment: Payment, ordinal: int) -> str:
    """The id of a payout that carries a refund of a payment; `ordinal` is how many carried one before."""
    return derived_id("out", payment.provider, payment.external_id, ordinal)
