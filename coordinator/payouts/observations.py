"""Observations of a payout: what its provider, its chain or a person says of it, and what each of these proves."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from coordinator.ids import StoredId
from coordinator.models import FrozenModel
from coordinator.money import Amount
from coordinator.payments.observed.observations import Sighting
from coordinator.payouts.facts import NetworkFee, SecondWord

__all__ = [
    "PayoutAccepted",
    "PayoutApproved",
    "PayoutAsked",
    "PayoutBooked",
    "PayoutConfirmed",
    "PayoutContradicted",
    "PayoutFailed",
    "PayoutInDoubt",
    "PayoutKnown",
    "PayoutNamePassedOn",
    "PayoutNetworkFee",
    "PayoutNetworkFeeUnknown",
    "PayoutNotAsked",
    "PayoutObservation",
    "PayoutPutOff",
    "PayoutRejected",
    "PayoutReturned",
    "PayoutReverted",
    "PayoutSent",
    "PayoutSettled",
    "PayoutSighted",
    "PayoutUnclear",
    "PayoutWithheld",
    "Stated",
]


class Stated(FrozenModel):
    """What a provider says that it sent. What it does not say is None; what it says has to be what was asked for."""

    coin: str | None = None
    amount: Amount | None = None
    destination: str | None = None


class PayoutWithheld(FrozenModel):
    """It may not leave by itself: nothing is sent until somebody approves it."""

    kind: Literal["payout-withheld"] = "payout-withheld"
    reasons: tuple[str, ...] = Field(min_length=1)


class PayoutApproved(FrozenModel):
    """Somebody else than who asked for it has approved it."""

    kind: Literal["payout-approved"] = "payout-approved"
    word: SecondWord
    note: str | None = None
    reasons: tuple[str, ...] = ()
    """Those for which it had been withheld by then; empty where older bridges did not write them down."""


class PayoutRejected(FrozenModel):
    """Somebody else than who asked for it has rejected it: it is not sent."""

    kind: Literal["payout-rejected"] = "payout-rejected"
    word: SecondWord
    reason: str


class PayoutAsked(FrozenModel):
    """The provider is about to be asked to send it."""

    kind: Literal["payout-asked"] = "payout-asked"
    attempt: int = Field(1, ge=1)
    at: AwareDatetime | None = None
    external_id: StoredId | None = None
    """What it is called in the question."""


class PayoutNotAsked(FrozenModel):
    """An attempt to ask certainly came to nothing: it did not reach the provider, or was refused as a whole."""

    kind: Literal["payout-not-asked"] = "payout-not-asked"
    attempt: int = Field(ge=1)
    reason: str
    alone_next: bool = False
    """It was refused together with others, any of which may be why: it is asked for by itself the next time."""


class PayoutPutOff(FrozenModel):
    """It is its turn, and for some time it could not be asked for."""

    kind: Literal["payout-put-off"] = "payout-put-off"
    at: AwareDatetime
    reason: str


class PayoutAccepted(FrozenModel):
    """The provider has taken it on, and calls it by a task's name."""

    kind: Literal["payout-accepted"] = "payout-accepted"
    task_id: StoredId
    parts: int | None = Field(None, ge=1)
    """How many payouts the task is for; None where that was not written down."""
    over_no_chain: bool = False
    """No transaction will carry it."""
    expected_within_seconds: int | None = Field(None, ge=1)
    """How long the provider may take for it; None if it does not say."""


class PayoutBooked(FrozenModel):
    """The provider has it in its books, under a name that it was asked for by; whatever became of it."""

    kind: Literal["payout-booked"] = "payout-booked"
    external_id: StoredId
    provider_id: StoredId | None = Field(None, exclude_if=lambda value: value is None)
    """The number of the record there, if it says so."""
    stated: Stated | None = None


class PayoutNamePassedOn(FrozenModel):
    """It had ended, the provider knew nothing of its name, and another payout was given that."""

    kind: Literal["payout-name-passed-on"] = "payout-name-passed-on"
    external_id: StoredId


class PayoutKnown(FrozenModel):
    """Somebody is sending it already: the marketplace's own wallet, say."""

    kind: Literal["payout-known"] = "payout-known"


class PayoutUnclear(FrozenModel):
    """The provider was asked to send it, and what it answered, if anything, does not say whether it did."""

    kind: Literal["payout-unclear"] = "payout-unclear"
    reason: str


class PayoutInDoubt(FrozenModel):
    """The provider had taken it on, and how that ended does not say whether it was sent."""

    kind: Literal["payout-in-doubt"] = "payout-in-doubt"
    reason: str


class PayoutSent(FrozenModel):
    """Transactions that carry it."""

    kind: Literal["payout-sent"] = "payout-sent"
    tx_hashes: tuple[StoredId, ...] = Field(min_length=1)
    stated: Stated | None = None


class PayoutContradicted(FrozenModel):
    """What its provider tells of it cannot be true of it."""

    kind: Literal["payout-contradicted"] = "payout-contradicted"
    reason: str


class PayoutConfirmed(FrozenModel):
    """It has arrived."""

    kind: Literal["payout-confirmed"] = "payout-confirmed"
    stated: Stated | None = None
    over_no_chain: bool = False
    """No transaction carried it."""


class PayoutFailed(FrozenModel):
    """It was certainly not sent, or did not arrive."""

    kind: Literal["payout-failed"] = "payout-failed"
    reason: str
    disowned_hashes: tuple[StoredId, ...] = ()
    """Transactions that were taken for its own, and of which a person says that they are not."""
    found_by: StoredId | None = None
    """The person who says so; None where it was proven."""
    found_through: StoredId | None = None
    """The service that tells of it; None where they say so themselves."""


class PayoutReverted(FrozenModel):
    """Transactions that should have carried it are in a block, and moved nothing."""

    kind: Literal["payout-reverted"] = "payout-reverted"
    tx_hashes: tuple[StoredId, ...] = Field(min_length=1)
    reason: str
    is_final: bool = True
    """Whether no other block can take the place of theirs any more."""


class PayoutSighted(FrozenModel):
    """A transfer that carries it, or should, was seen on its chain, came deeper into it, or vanished from it."""

    kind: Literal["payout-sighted"] = "payout-sighted"
    sighting: Sighting

    @property
    def reason(self) -> str | None:
        return self.sighting.reason


class PayoutSettled(FrozenModel):
    """A person has made sure that it arrived, whatever the chain and the provider say."""

    kind: Literal["payout-settled"] = "payout-settled"
    reason: str


class PayoutReturned(FrozenModel):
    """It was sent, and came back, as a person has found, or as the provider says that booked it."""

    kind: Literal["payout-returned"] = "payout-returned"
    tx_hash: StoredId
    """The transaction that brought it back; where it went over no chain, the provider's name for the return."""
    reason: str
    found_by: StoredId | None = None
    """None where the provider says so, or where older bridges did not write it down."""
    found_through: StoredId | None = None


class PayoutNetworkFee(FrozenModel):
    """What the network took for a transaction of it, as the chain says."""

    kind: Literal["payout-network-fee"] = "payout-network-fee"
    tx_hash: str
    fee: NetworkFee


class PayoutNetworkFeeUnknown(FrozenModel):
    """Nobody says what the network took for it."""

    kind: Literal["payout-network-fee-unknown"] = "payout-network-fee-unknown"
    reason: str


PayoutObservation = Annotated[
    PayoutWithheld
    | PayoutApproved
    | PayoutRejected
    | PayoutAsked
    | PayoutNotAsked
    | PayoutPutOff
    | PayoutBooked
    | PayoutNamePassedOn
    | PayoutAccepted
    | PayoutKnown
    | PayoutUnclear
    | PayoutInDoubt
    | PayoutSent
    | PayoutConfirmed
    | PayoutContradicted
    | PayoutSighted
    | PayoutSettled
    | PayoutFailed
    | PayoutReverted
    | PayoutReturned
    | PayoutNetworkFee
    | PayoutNetworkFeeUnknown,
    Field(discriminator="kind"),
]
