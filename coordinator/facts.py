"""Facts: all that was seen of one payment. Every part only grows, so that merging is free of order and repetition."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime, model_validator

from coordinator.fees import Fee
from coordinator.models import FrozenModel
from coordinator.money import ZERO, Amount
from coordinator.observations import Ending, Release, Sighting, Standing, Transfer

__all__ = [
    "Booked",
    "Books",
    "Facts",
    "Misfit",
    "MisfitKind",
    "Released",
    "Seen",
    "with_booked",
    "with_misfit",
    "with_seen",
]

# Of what did not fit: enough for a person to see what goes on, and no more than a row can hold.
MISFITS_LIMIT = 20


class Booked(FrozenModel):
    """A transfer that the provider has booked to the invoice, and what shows that it is confirmed."""

    transfer: Transfer
    is_proven: bool = False
    """The provider's own message about it came, which it sends once the operator's confirmations are there."""
    first_told_at: AwareDatetime | None = None
    last_told_at: AwareDatetime | None = None
    """When the bridge was told first and last that it is booked; None if that was not written down."""
    settling_seconds: int = 0
    """How long after it was booked it certainly has its confirmations."""

    @property
    def counts(self) -> bool:
        """Whether it is confirmed: by a message about it, or since it was booked long enough ago."""
        if self.is_proven:
            return True
        if self.first_told_at is None or self.last_told_at is None:
            return False
        return self.last_told_at - self.first_told_at >= timedelta(seconds=self.settling_seconds)


class Seen(FrozenModel):
    """A transfer that was announced before it was booked."""

    transfer: Transfer
    first_told_at: AwareDatetime | None = None


class Books(FrozenModel):
    """The provider's own sum, in the snapshot that knows most."""

    balance: Amount = ZERO
    transfer_ids: tuple[str, ...] = ()
    """The transfers that it lists, in order."""

    @property
    def rank(self) -> tuple[int, Decimal, tuple[str, ...]]:
        """Orders snapshots by how much they know. The ids at the end only make the order total, so that even
        snapshots no provider would send have one that counts, whichever came first."""
        return len(self.transfer_ids), self.balance, self.transfer_ids


class Released(FrozenModel):
    """How far one payout has released the escrow, as of its last step that is known."""

    release: Release
    step: int = 0

    @model_validator(mode="before")
    @classmethod
    def _without_a_step(cls, value: object) -> object:
        """As it was written down before steps were counted."""
        return {"release": value} if isinstance(value, int) else value

    @property
    def rank(self) -> tuple[int, Release]:
        return self.step, self.release


class MisfitKind(StrEnum):
    """Why something that a provider told of a payment was not counted."""

    OTHER_CURRENCY = "other-currency"
    OTHER_AMOUNT = "other-amount"
    """Its invoice is over another amount than was agreed."""
    OTHER_ADDRESS = "other-address"
    """Its money went to an address at which the buyer was never asked to pay."""
    AMBIGUOUS = "ambiguous"
    """Several invoices of the provider could be this payment's."""
    TOO_OLD = "too-old"
    """It was there long before the payment was."""
    DISMISSED = "dismissed"
    """A person took it off the list before the payment was registered."""
    CONTESTED = "contested"
    """Somebody else wanted the same id of the provider's for another payment."""


class Misfit(FrozenModel):
    """Something that a provider told of a payment, and that was not counted."""

    kind: MisfitKind
    detail: str


class Facts(FrozenModel):
    """What is known of one payment. What a chain takes back is a later view of it."""

    standing: Standing = Standing.NOTHING
    """The provider's verdict, which is not believed without the money."""
    books: Books = Books()
    proven_balance: Amount = ZERO
    """The most that a snapshot came to of which every transfer counted."""
    booked: tuple[Booked, ...] = ()
    """Every transfer that ever was in a snapshot, in order of its id."""
    seen: tuple[Seen, ...] = ()
    """Every transfer that was ever announced as unconfirmed, in order of its id."""
    fees_said: Mapping[str, tuple[Fee, ...]] = {}
    """By coin, every fee that the provider named for it, in order."""
    fees_priced: Mapping[str, Amount] = {}
    """By coin, the most that one of its prices asked for on top of the amount."""
    rates: Mapping[str, tuple[Amount, Amount]] = {}
    """By coin, the lowest and the highest that one of it was worth in its prices."""
    coin: str | None = None
    coin_since: AwareDatetime | None = None
    """The coin that the provider priced or told of last, and since when."""
    completed: bool = False
    """That it was completed was told, which nothing but a refund takes back."""
    deadline_passed: AwareDatetime | None = None
    """The last deadline that is known to have passed."""
    patience_ended: AwareDatetime | None = None
    """The last deadline that waited for unconfirmed money as long as it may."""
    waiting_until: AwareDatetime | None = None
    """The last time until which a person had it wait."""
    accepted: bool = False
    """A person took it as paid."""
    accepted_at: AwareDatetime | None = None
    """When that was first so; None if that was not written down."""
    withdrawn: bool = False
    """A person or the marketplace cancelled it."""
    cancelled_requests: frozenset[str] = frozenset()
    """Of the purchase requests that it is for, those that were cancelled."""
    endings: frozenset[Ending] = frozenset()
    refunded_at: AwareDatetime | None = None
    """When it was first told that it was sent back."""
    releases: Mapping[str, Mapping[str, Released]] = {}
    """By seller, how far each payout has released the escrow, by the payout's id."""
    sightings: tuple[Sighting, ...] = ()
    """The last of each transfer on a chain, in order of its id."""
    hints: frozenset[str] = frozenset()
    """Transactions that pay, if the buyer is to be believed."""
    shares_request: bool = False
    """There are other payments for the same purchase request."""
    completed_siblings: frozenset[str] = frozenset()
    """Those of them that are known to be completed too."""
    misfits: tuple[Misfit, ...] = ()
    """What was not counted, in order."""


def with_booked(known: Sequence[Booked], more: Iterable[Booked]) -> tuple[Booked, ...]:
    """All of them, in order of their ids; what two of one id know is put together."""
    by_id = {one.transfer.transfer_id: one for one in known}
    for one in more:
        other = by_id.get(one.transfer.transfer_id)
        by_id[one.transfer.transfer_id] = one if other is None else _both(other, one)
    return tuple(by_id[transfer_id] for transfer_id in sorted(by_id))


def with_seen(known: Sequence[Seen], more: Seen) -> tuple[Seen, ...]:
    """All of them, in order of their ids."""
    by_id = {one.transfer.transfer_id: one for one in known}
    other = by_id.get(more.transfer.transfer_id)
    if other is not None:
        more = Seen(
            transfer=_fuller(other.transfer, more.transfer),
            first_told_at=_earliest(other.first_told_at, more.first_told_at),
        )
    by_id[more.transfer.transfer_id] = more
    return tuple(by_id[transfer_id] for transfer_id in sorted(by_id))


def with_misfit(known: Sequence[Misfit], more: Misfit) -> tuple[Misfit, ...]:
    """All of them, in order, up to a limit."""
    if more in known or len(known) >= MISFITS_LIMIT:
        return tuple(known)
    return tuple(sorted((*known, more), key=lambda misfit: (misfit.kind, misfit.detail)))


def _both(one: Booked, other: Booked) -> Booked:
    told = [at for at in (one.last_told_at, other.last_told_at) if at is not None]
    return Booked.of_checked(
        transfer=_fuller(one.transfer, other.transfer),
        is_proven=one.is_proven or other.is_proven,
        first_told_at=_earliest(one.first_told_at, other.first_told_at),
        last_told_at=max(told, default=None),
        settling_seconds=max(one.settling_seconds, other.settling_seconds),
    )


def _earliest(one: AwareDatetime | None, other: AwareDatetime | None) -> AwareDatetime | None:
    return min((at for at in (one, other) if at is not None), default=None)


def _fuller(one: Transfer, other: Transfer) -> Transfer:
    """Of two that tell of one transfer, the one that says more."""
    return one if one == other else max(one, other, key=_says)


def _says(transfer: Transfer) -> tuple[bool, bool, str]:
    return transfer.value is not None, transfer.occurred_at is not None, transfer.model_dump_json()
