"""What can go wrong when a service asks the bridge for something: one tree, and no message of it holds the token."""

from collections.abc import Sequence

from bridge.catalogue.publication import Fault
from coordinator.errors import BridgeError

__all__ = [
    "BridgeUnavailableError",
    "ClientError",
    "IdempotencyKeyReusedError",
    "NotAllowedError",
    "NotFoundError",
    "OffsetGoneError",
    "PaymentConflictError",
    "PaymentOverError",
    "PayoutRefusedError",
    "RefundRefusedError",
    "RequestRefusedError",
    "TooLargeError",
    "UnexpectedAnswerError",
]


class ClientError(BridgeError):
    """The bridge did not do what it was asked to. Each kind below says whether it may have."""


class RequestRefusedError(ClientError):
    """Something of the request is wrong, as the bridge (400) or already the client saw. Nothing was done."""

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.faults = list(faults)
        """Each wrong field, as in `events.3.data.requestId`, and what it should be; empty if no field is to blame."""

    @classmethod
    def of(cls, *faults: Fault) -> "RequestRefusedError":
        """The error whose message is made of its faults."""
        return cls("; ".join(f"{fault.field}: {fault.message}" for fault in faults), faults)


class NotAllowedError(ClientError):
    """There is no token, or none that a service has (401), or the service may not do this (403). Nothing was done."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class IdempotencyKeyReusedError(ClientError):
    """The idempotency key belongs to an earlier request with another content (422). Nothing was done."""


class PaymentConflictError(ClientError):
    """The provider's id, or the checkout's, is registered for a payment with other fields (409). Nothing was done."""

    def __init__(self, message: str, payment_id: str) -> None:
        super().__init__(message)
        self.payment_id = payment_id
        """The payment that has the id."""


class PaymentOverError(ClientError):
    """The payment is completed or refunded, so that it cannot be cancelled any more (409). Nothing was done."""


class PayoutRefusedError(ClientError):
    """A payment is not completed, or paid out already (409). No payout of the request was taken."""

    def __init__(self, message: str, faults: Sequence[Fault]) -> None:
        super().__init__(message)
        self.faults = list(faults)
        """Each payout that is refused, as in `payouts.3`, and why."""


class RefundRefusedError(ClientError):
    """So much cannot go back, or the refund cannot be sent or withdrawn as it stands (409). Nothing was done."""


class NotFoundError(ClientError):
    """The bridge knows no such payment or refund (404). Nothing was done."""


class OffsetGoneError(ClientError):
    """The journal does not hold an offset (410): it was restored, or has forgotten what is that old. Look up how
    things stand, and begin anew without it."""


class TooLargeError(ClientError):
    """The request is larger than the bridge, or a proxy before it, takes (413). Nothing was done."""


class BridgeUnavailableError(ClientError):
    """No try got an answer in the time there was. Whether it was done is unknown.

    Asked again with the same `idempotency_key`, now or tomorrow, the bridge does it once in all.
    """

    def __init__(self, url: str, after_seconds: float, reason: str, idempotency_key: str) -> None:
        super().__init__(
            f"gave up on the bridge at {url} after {after_seconds:.1f} s: {reason};"
            f" to try again safely, use the idempotency key {idempotency_key!r}"
        )
        self.after_seconds = after_seconds
        self.reason = reason
        """Why the last try failed."""
        self.idempotency_key = idempotency_key


class UnexpectedAnswerError(ClientError):
    """An answer the client cannot read: a redirect, a proxy's page, or the bridge failing (500).

    Whether it was done is unknown; asked again with the same `idempotency_key`, the bridge does it once in all.
    """

    def __init__(self, message: str, status: int | None, idempotency_key: str) -> None:
        super().__init__(message)
        self.status = status
        """None if not even that can be said of the answer."""
        self.idempotency_key = idempotency_key
