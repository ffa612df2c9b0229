"""What a provider can have seen of a payment, in words no provider owns. What that changes is decided elsewhere."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from coordinator.ids import StoredId
from coordinator.models import FrozenModel, UnlessZero
from coordinator.money import Amount
from coordinator.payments.agreed.fees import Fee
from coordinator.payments.observed.reversals import PaymentDisputed, RefundedThere
from coordinator.payments.observed.siblings import SiblingCompleted, SiblingRefunded, SiblingRegistered
from coordinator.payments.observed.transfers import SETBACKS, Sighting, Stage, Transfer, transfer_key, with_sighting
from coordinator.payments.observed.zones_ruled_out import ZonesRuledOut

__all__ = [
    "SETBACKS",
    "AddressBorrowed",
    "ClaimContested",
    "DeadlinePassed",
    "Ending",
    "EscrowReleased",
    "InvoiceEnded",
    "InvoiceForgotten",
    "InvoiceFound",
    "InvoicePriced",
    "InvoiceSnapshot",
    "InvoiceUnreadable",
    "MoneyTaken",
    "Observation",
    "PaymentAccepted",
    "PaymentWithdrawn",
    "PurchaseCancelled",
    "RefundMoved",
    "RefundOf",
    "RegistrationContested",
    "Release",
    "SiblingCompleted",
    "SiblingRefunded",
    "SiblingRegistered",
    "Sighting",
    "Stage",
    "Standing",
    "TransactionHinted",
    "Transfer",
    "TransferSeen",
    "TransferSighted",
    "TransfersTakenBack",
    "WaitingProlonged",
    "ZonesRuledOut",
    "transfer_key",
    "with_sighting",
]


class Standing(IntEnum):
    """How much of the amount an invoice has received. It only ever grows."""

    NOTHING = 0
    PARTIAL = 1
    PAID = 2
    OVERPAID = 3


class _Observation(FrozenModel):
    @property
    def tx_hash(self) -> str | None:
        """The transaction that made the provider speak, if it was one."""
        return None


class TransferSeen(_Observation):
    """A transfer was seen that is not yet confirmed, or was promised by the buyer's bank."""

    kind: Literal["transfer-seen"] = "transfer-seen"
    transfer: Transfer
    address: str | None = None
    """Where it goes to, if the provider says so."""
    is_looked_up: bool = False
    """Whether the provider was asked, and its invoice was compared with what was agreed."""

    @property
    def tx_hash(self) -> str | None:
        return self.transfer.tx_hash if self.transfer.over_a_chain else None


class InvoiceSnapshot(_Observation):
    """How a whole invoice stands, with every transfer that the provider has booked so far, confirmed or not. They
    accumulate: of two snapshots, in whatever order they arrive, the one with more transfers is the later."""

    kind: Literal["invoice-snapshot"] = "invoice-snapshot"
    standing: Standing
    """The provider's own verdict."""
    currency: str
    received: Amount
    """The provider's own sum, its fee included."""
    transfers: tuple[Transfer, ...]
    caused_by: str | None = None
    """`transfer_id` of the transfer that made the provider speak."""
    proven: frozenset[str] | None = None
    """The transfers that are confirmed by this very message, by their ids; None for all of them."""
    settling_seconds: Mapping[str, int] = {}
    """By asset, how long after it was booked a transfer certainly has the operator's confirmations; else at once."""
    agreed: Amount | None = None
    """The amount that the provider holds to be agreed: who asks is told, a message does not say it."""
    address: str | None = None
    """Where the invoice is to be paid at the moment, if the provider says so."""
    above_limit: Amount | None = None
    """How much of the sum lies above what the provider still calls paid, if it says so."""
    elsewhere: frozenset[str] = frozenset()
    """Of the transfers, by their ids, those that went where the buyer was never asked to pay."""
    places: Mapping[str, str] = {}
    """Where the transfers went to, by their ids, as far as who was asked says so."""
    unreadable: tuple[str, ...] = ()
    """What of the answer could not be read, and was left out."""
    calls_paid: bool | None = None
    """Whether the provider says besides its verdict that it is paid, if it says so."""
    coin: str | None = None
    """The one that the invoice is to be paid in at the moment."""
    fee: Fee | None = None
    """What the provider asks for on top in that coin, if it says so."""
    heard_at: AwareDatetime | None = None
    """When who was asked said it, by a clock that only goes on; None of a message."""
    dates_ahead_seconds: UnlessZero = 0
    """By how much the dates of its transfers are ahead of UTC, as far as that was found out."""

    @property
    def tx_hash(self) -> str | None:
        return self.caused_by


class Ending(StrEnum):
    """How a payment can end other than by being paid or running out of time."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class InvoicePriced(_Observation):
    """The provider opened an invoice, or gave another price of it, and asks so much on top of the amount."""

    kind: Literal["invoice-priced"] = "invoice-priced"
    coin: str
    fee: Amount | None = None
    """None if it does not say so."""
    rate: Amount | None = None
    """What one coin is worth in it, in the payment's currency, if it says so."""
    usual_rate: Amount | None = None
    """What one coin stands for, or was worth in the prices that others were asked for and paid on other days."""
    named: Fee | None = None
    """How the fee follows from the amount, if that was found out."""
    addresses: tuple[str, ...] = ()
    """Where it can be paid now."""
    also_in: tuple[str, ...] = ()
    """Other coins in which it can be paid there."""


class InvoiceForgotten(_Observation):
    """The provider was asked several times, and knows nothing any more of what it opened or told of."""

    kind: Literal["invoice-forgotten"] = "invoice-forgotten"


class InvoiceFound(_Observation):
    """The provider knows again what it had forgotten."""

    kind: Literal["invoice-found"] = "invoice-found"


class TransfersTakenBack(_Observation):
    """The provider was asked several times, and calls unconfirmed what had counted."""

    kind: Literal["transfers-taken-back"] = "transfers-taken-back"
    transfer_keys: tuple[str, ...]


class InvoiceUnreadable(_Observation):
    """The provider was asked, and its answer cannot be read."""

    kind: Literal["invoice-unreadable"] = "invoice-unreadable"
    what: tuple[str, ...]
    """What is wrong with it, in words that show none of its values."""
    is_unanswered: bool = False  # whether there is no answer at all, again and again, while there is about others


class InvoiceEnded(_Observation):
    """The provider gave the invoice up, withdrew it, or sent the money back."""

    kind: Literal["invoice-ended"] = "invoice-ended"
    ending: Ending
    currency: str | None = None
    address: str | None = None
    """Where the invoice was to be paid, if the provider says so."""
    transfers: tuple[Transfer, ...] = ()
    """What it lists. That it has ended proves none of them."""
    is_looked_up: bool = False
    """Whether the provider was asked, and its invoice was compared with what was agreed."""


class DeadlinePassed(_Observation):
    """The time to pay ran out. `asked_at` is when the provider had answered, after that, with all that it listed."""

    kind: Literal["deadline-passed"] = "deadline-passed"
    deadline: AwareDatetime
    for_unconfirmed: bool = False
    """Also the time that money was given which had been seen by then, to be confirmed."""
    asked_at: AwareDatetime | None = Field(None, exclude_if=lambda value: value is None)


class WaitingProlonged(_Observation):
    """A person gives a payment more time."""

    kind: Literal["waiting-prolonged"] = "waiting-prolonged"
    until: AwareDatetime


class PaymentAccepted(_Observation):
    """A person takes a payment as paid, whatever has come."""

    kind: Literal["payment-accepted"] = "payment-accepted"
    by: StoredId
    note: str


class PaymentWithdrawn(_Observation):
    """A person or the marketplace cancelled the payment: of what comes then a person decides."""

    kind: Literal["payment-withdrawn"] = "payment-withdrawn"
    by: StoredId
    note: str


class PurchaseCancelled(_Observation):
    """A purchase request that the payment is for was cancelled."""

    kind: Literal["request-cancelled"] = "request-cancelled"
    request_id: StoredId


class AddressBorrowed(_Observation):
    """An address at which the buyer is asked to pay was another payment's before."""

    kind: Literal["address-borrowed"] = "address-borrowed"
    address: str
    payment_id: StoredId


class MoneyTaken(_Observation):
    """Money that this payment is told of was told of as another payment's before."""

    kind: Literal["money-taken"] = "money-taken"
    transfer_key: str
    payment_id: StoredId


class ClaimContested(_Observation):
    """Another payment was given an address of this one, or told of its money."""

    kind: Literal["claim-contested"] = "claim-contested"
    what: str
    payment_id: StoredId


class RegistrationContested(_Observation):
    """Somebody else wanted to register another payment under the same id of the provider's."""

    kind: Literal["registration-contested"] = "registration-contested"
    by: StoredId
    differing: tuple[str, ...]
    """What of the other payment differs, by the names of its fields."""


class Release(IntEnum):
    """How far a payout has released a payment's escrow, or a refund taken money out of it."""

    UNDER_WAY = 1
    FAILED = 2
    """It came to nothing, or was sent back."""
    DONE = 3


class EscrowReleased(_Observation):
    """A payout takes the money out of escrow, or tried to."""

    kind: Literal["escrow-released"] = "escrow-released"
    payout_id: str
    seller_id: str
    release: Release
    worth: Amount | None = None
    """What of the payment's money it is; None if that was not written down."""
    step: int = Field(0, ge=0)
    """Counts what was observed of the payout. Of two releases by one payout the later step is right."""


class RefundOf(StrEnum):
    """What of a payment's money a refund sends back."""

    GOODS = "goods"
    """What came for the goods."""
    EXCESS = "excess"
    """What came above what was asked for."""


class RefundMoved(_Observation):
    """A refund was opened, or has moved on."""

    kind: Literal["refund-moved"] = "refund-moved"
    refund_id: str
    of: RefundOf
    seller_id: str | None = None
    """Out of whose share it is; None if out of nobody's."""
    amount: Amount
    """In the payment's currency."""
    release: Release
    step: int = Field(0, ge=0)
    """Counts what was observed of the refund. Of two the later is right."""
    carried_by: str | None = None
    """The transaction that carries it, once that is known."""

    @property
    def tx_hash(self) -> str | None:
        return self.carried_by


class TransferSighted(_Observation):
    """A transfer was seen on a chain, came deeper into it, or vanished from it."""

    kind: Literal["transfer-sighted"] = "transfer-sighted"
    sighting: Sighting

    @property
    def tx_hash(self) -> str | None:
        return self.sighting.transfer.tx_hash


class TransactionHinted(_Observation):
    """The buyer says which transaction pays, which proves nothing; or a person does who has looked at it."""

    kind: Literal["transaction-hinted"] = "transaction-hinted"
    hinted: str
    found_by: str | None = None
    """The person who found it; None where it is the buyer's word."""
    place: str | None = None
    """Which of the transaction's transfers they found alone; None for all of them."""

    @property
    def tx_hash(self) -> str | None:
        return self.hinted


Observation = Annotated[
    TransferSeen
    | InvoiceSnapshot
    | InvoicePriced
    | InvoiceForgotten
    | InvoiceFound
    | InvoiceUnreadable
    | TransfersTakenBack
    | InvoiceEnded
    | DeadlinePassed
    | EscrowReleased
    | RefundMoved
    | RefundedThere
    | PaymentDisputed
    | TransferSighted
    | TransactionHinted
    | WaitingProlonged
    | PaymentAccepted
    | PaymentWithdrawn
    | PurchaseCancelled
    | AddressBorrowed
    | MoneyTaken
    | ClaimContested
    | RegistrationContested
    | SiblingRegistered
    | SiblingCompleted
    | SiblingRefunded
    | ZonesRuledOut,
    Field(discriminator="kind"),
]
