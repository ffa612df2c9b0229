"""Given addresses: what is told of as sent back went where the buyer of the payment wants its refunds. Pure."""

from collections.abc import Collection

from coordinator.addresses import is_among, is_paid_once
from coordinator.errors import BridgeError
from coordinator.refunds.refunds import Refund, Sent

__all__ = ["OtherAddressError", "require_as_given"]


class OtherAddressError(BridgeError):
    """Something was sent to another address than its buyer gave. They may have given that one too, which somebody who
    was told so can say."""


def require_as_given(sent: Sent, others: Collection[Refund]) -> None:
    """Whoever tells of a refund that was sent has to name an address to which one of the `others` of its payment
    went, or was to go, in this coin; or to say that the buyer gave this one too. Raises OtherAddressError."""
    if sent.other_address or is_paid_once(sent.destination):
        return
    given = {
        one.refund_id: one.destination
        for one in others
        if one.destination is not None and one.coin == sent.coin and not is_paid_once(one.destination)
    }
    if given and not is_among(sent.destination, list(given.values())):
        raise OtherAddressError(
            f"{sent.destination} is not where {' or '.join(given)} of this payment was to go. Name the address"
            " to which it went, or say that the buyer gave this one as well (`otherAddress`)"
        )
