"""What can be observed of a payout: at its provider, on its chain, and by a person."""

from typing import Annotated, Literal

from pydantic import Field

from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.observations import Sighting

__all__ = [
    "PayoutAccepted",
    "PayoutAsked",
    "PayoutConfirmed",
    "PayoutFailed",
    "PayoutKnown",
    "PayoutNotAsked",
    "PayoutObservation",
    "PayoutSent",
    "PayoutSettled",
    "PayoutSighted",
    "PayoutUnclear",
]


class PayoutAsked(FrozenModel):
    """The provider is about to be asked to send it."""

    kind: Literal["payout-asked"] = "payout-asked"
    attempt: int = Field(1, ge=1)


class PayoutNotAsked(FrozenModel):
    """An attempt to ask certainly did not reach the provider, so nothing came of it."""

    kind: Literal["payout-not-asked"] = "payout-not-asked"
    attempt: int = Field(ge=1)
    reason: str


class PayoutAccepted(FrozenModel):
    """The provider has taken it on, and calls it by a task's name."""

    kind: Literal["payout-accepted"] = "payout-accepted"
    task_id: Id


class PayoutKnown(FrozenModel):
    """The provider, asked about it, has it in its books."""

    kind: Literal["payout-known"] = "payout-known"


class PayoutUnclear(FrozenModel):
    """The provider was asked to send it, and what it answered, if anything, does not say whether it did."""

    kind: Literal["payout-unclear"] = "payout-unclear"
    reason: str


class PayoutSent(FrozenModel):
    """Transactions that carry it."""

    kind: Literal["payout-sent"] = "payout-sent"
    tx_hashes: tuple[Id, ...] = Field(min_length=1)


class PayoutConfirmed(FrozenModel):
    """It has arrived."""

    kind: Literal["payout-confirmed"] = "payout-confirmed"


class PayoutFailed(FrozenModel):
    """It was certainly not sent, or did not arrive."""

    kind: Literal["payout-failed"] = "payout-failed"
    reason: str


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


PayoutObservation = Annotated[
    PayoutAsked
    | PayoutNotAsked
    | PayoutAccepted
    | PayoutKnown
    | PayoutUnclear
    | PayoutSent
    | PayoutConfirmed
    | PayoutSighted
    | PayoutSettled
    | PayoutFailed,
    Field(discriminator="kind"),
]
