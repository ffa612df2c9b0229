"""What can go wrong when something is to be written down or looked up."""

from collections.abc import Sequence

from coordinator.errors import BridgeError

__all__ = [
    "ChainFollowedElsewhereError",
    "EndpointsExhaustedError",
    "IdempotencyKeyReusedError",
    "JournalBusyElsewhereError",
    "JournalDamagedError",
    "JournalReplacedError",
    "JournalUnavailableError",
    "JournalUrlError",
    "OffsetElsewhereError",
    "OffsetLostError",
    "OffsetUnreadableError",
    "PaymentConflictError",
    "PayoutRefusedError",
]


class JournalUnavailableError(BridgeError):
    """The journal cannot be written to or asked at the moment. Of what was to be written it is not known whether it
    is stored, or will be; the same request can be sent again."""


class JournalUrlError(BridgeError):
    """There is no journal to be had at this database URL; the message says why."""


class JournalDamagedError(JournalUrlError):
    """The file of an SQLite journal is not as SQLite writes it; the message says what to do."""


class JournalBusyElsewhereError(BridgeError):
    """Another bridge has this database open. The journal has one writer."""


class JournalReplacedError(BridgeError):
    """The database is not the one any more that was opened, its files are gone, or another bridge writes to it; so
    nothing is written until the bridge starts again."""


class OffsetElsewhereError(BridgeError):
    """This history does not hold an offset: it is of another one, or not stored any more."""


class OffsetLostError(OffsetElsewhereError):
    """An offset proves that the journal was rewound, and another history begins."""


class OffsetUnreadableError(BridgeError):
    """Something that should be an offset is none."""


class PaymentConflictError(BridgeError):
    """The provider's id is already registered, for a payment that differs."""

    def __init__(self, message: str, payment_id: str, differing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.payment_id = payment_id
        self.differing = tuple(differing)
        """What differs, by the names of its fields, where it is about the provider's id."""


class ChainFollowedElsewhereError(BridgeError):
    """Another bridge follows this chain, or has followed it since; whoever does it next begins where that ended."""


class EndpointsExhaustedError(BridgeError):
    """There are as many endpoints as there may be."""


class IdempotencyKeyReusedError(BridgeError):
    """The idempotency key was already used, for a request that differs."""


class PayoutRefusedError(BridgeError):
    """A payout may not be made; `number` says which of those that were asked for, counted from 0."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number
