"""Facts: everything that was seen of one payment. Every part only grows, so that order and repetition do not
matter.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from operator import not_

from pydantic import AwareDatetime, Field, model_validator

from coordinator.models import FrozenModel
from coordinator.money import ZERO, Amount
from coordinator.payments.agreed.fees import Fee
from coordinator.payments.facts.booked import AnnouncedTransfer, Booked
from coordinator.payments.facts.refunded import Refunded
from coordinator.payments.observed.observations import Ending, Release, Sighting, Standing, transfer_key
from coordinator.payments.observed.reversals import Dispute
from coordinator.payments.observed.zones_ruled_out import ZonesRuledOut

__all__ = [
    "CONTENDERS_LIMIT",
    "Asked",
    "Books",
    "Facts",
    "Misfit",
    "MisfitKind",
    "Released",
    "Unreadable",
    "with_misfit",
]

# Of what did not fit, of each kind, so that none crowds out the others: enough for a person to see what goes on, and
# no more than a row can hold.
MISFITS_LIMIT = 20
MISFIT_KEYS_LIMIT = 1_000
# Of the payments that claim what is this one's: a gateway may give the same address to all.
CONTENDERS_LIMIT = 20


class Books(FrozenModel):
    """The provider's own sum, in the snapshot that knows most."""

    balance: Amount = ZERO
    transfer_ids: tuple[str, ...] = ()
    """The transfers that it lists, in order."""
    is_whole: bool = True
    """Whether all that it lists could be read."""

    @property
    def keys(self) -> set[str]:
        """Of the transfers that it lists."""
        return set(map(transfer_key, self.transfer_ids))

    @property
    def rank(self) -> tuple[int, Decimal, tuple[str, ...], bool]:
        """Orders snapshots by how much they know. The ids at the end only make the order total, so that even
        snapshots no provider would send have one that counts, whichever came first."""
        return len(self.transfer_ids), self.balance, self.transfer_ids, self.is_whole


class Asked(FrozenModel):
    """The provider's books as they were when it was asked last."""

    at: AwareDatetime
    books: Books

    @property
    def rank(self) -> tuple[datetime, tuple[int, Decimal, tuple[str, ...], bool]]:
        return self.at, self.books.rank


class Unreadable(FrozenModel):
    """What of a provider's answer could not be read, or what came instead of an answer."""

    at: AwareDatetime
    what: tuple[str, ...]

    @property
    def rank(self) -> tuple[datetime, tuple[str, ...]]:
        return self.at, self.what


class Released(FrozenModel):
    """How far one payout has released the escrow, as of its last step that is known."""

    release: Release
    worth: Amount | None = None
    """What of the payment's money it is; None if that was not written down."""
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
    """Its invoice is over another amount than was agreed, or what the provider says of the sum could only be said of
    another amount."""
    OTHER_ADDRESS = "other-address"
    """It is about an address at which the buyer was never asked to pay."""
    OTHER_NAME = "other-name"
    """The provider answered with an invoice of another id than it was asked for."""
    AMBIGUOUS = "ambiguous"
    """Several invoices of the provider could be this payment's."""
    TOO_OLD = "too-old"
    """It was there long before the payment was."""
    DISMISSED = "dismissed"
    """A person took it off the list before the payment was registered."""
    CONTESTED = "contested"
    """Somebody else wanted the same id of the provider's for another payment."""
    CLAIMED_TWICE = "claimed-twice"
    """One of its addresses, or money that came, is told to be another payment's too."""


class Misfit(FrozenModel):
    """Something that a provider told of a payment, and that was not counted."""

    kind: MisfitKind
    detail: str
    transfer_keys: tuple[str, ...] = ()
    """The transfers in it, by their keys, in order: it is settled once all of them are known to be this payment's."""


class Facts(FrozenModel):
    """What is known of one payment. What a chain takes back is a later view of it."""

    standing: Standing = Standing.NOTHING
    """The provider's verdict, which is not believed without the money."""
    books: Books = Books()
    asked: Asked | None = None
    """The last answer of the provider's when it was asked; None if it never had anything to tell."""
    asked_of_one: Asked | None = None
    """The last answer that listed one transfer alone, of whose sum nothing can have been lost."""
    unreadable: Unreadable | None = None
    """The last answer of the provider's that could not be read, or not all of it."""
    unanswered: Unreadable | None = None
    """When the provider last did not answer about this payment, again and again, while it answered about others. That
    says nothing of what was told otherwise, and holds none of it."""
    borrowed: frozenset[str] = frozenset()
    """Of the addresses at which the buyer was asked to pay, those that were another payment's before."""
    taken: frozenset[str] = frozenset()
    """Of the transfers that were told of, by their keys, those that were told of as another payment's before, or
    that a person dismissed before this payment was registered."""
    contested_by: frozenset[str] = frozenset()
    """Other payments that were given one of its addresses, or told of its money, after it; up to a limit."""
    booked: tuple[Booked, ...] = ()
    """Every transfer that ever was in a snapshot, another's included, in order of its key."""
    seen: tuple[AnnouncedTransfer, ...] = ()
    """Every transfer that was ever announced as unconfirmed, in order of its key."""
    given: frozenset[str] = frozenset()
    """Every address at which the buyer was asked to pay; none if the bridge did not open the invoice."""
    coins: frozenset[str] = frozenset()
    """Every coin in which the buyer was asked to pay, as far as that was written down."""
    emptied_at: AwareDatetime | None = None
    """When the provider last told of the invoice as if nothing had come."""
    forgotten_at: AwareDatetime | None = None
    found_at: AwareDatetime | None = None
    """When it was last found that the provider has forgotten the invoice, and that it knows it again."""
    fees_said: Mapping[str, tuple[Fee, ...]] = {}
    """By coin, every fee that the provider named for it, in order."""
    fees_priced: Mapping[str, Amount] = {}
    """By coin, the most that one of its prices asked for on top of the amount."""
    rates: Mapping[str, tuple[Amount, Amount]] = {}
    """By coin, the lowest and the highest that one of it was worth in its prices."""
    usual_rates: Mapping[str, Amount] = {}
    """By coin, what one of it stands for, or the least that it was worth on other days when it was priced."""
    coin: str | None = None
    coin_since: AwareDatetime | None = None
    """The coin that the provider priced or told of last, and since when."""
    completed: bool = False
    """That it was completed was told, which nothing but a refund takes back."""
    deadline_passed: AwareDatetime | None = None
    """The last deadline that is known to have passed."""
    asked_when_due_at: AwareDatetime | None = Field(None, exclude_if=lambda value: value is None)
    """When its provider was first asked after a deadline that was applied, and listed no more of its money than was
    known then."""
    patience_ended: AwareDatetime | None = None
    """The last deadline that waited for unconfirmed money as long as it may."""
    waiting_until: AwareDatetime | None = None
    """The last time until which a person had it wait."""
    accepted: bool = False
    """A person took it as paid."""
    accepted_at: AwareDatetime | None = None
    """When that was said last; None if that was not written down."""
    accepted_by: frozenset[str] = frozenset()
    """Who said so."""
    withdrawn: bool = False
    """A person or the marketplace cancelled it."""
    cancelled_requests: frozenset[str] = frozenset()
    """Of the purchase requests that it is for, those that were cancelled."""
    cancelled_at: Mapping[str, AwareDatetime] = {}
    """When that was first told of each of them; of those that older bridges heard of it is not written down."""
    withheld: frozenset[str] = frozenset()
    """Those of them that were cancelled when it was completed, so that it was not told to be paid for them."""
    endings: frozenset[Ending] = frozenset()
    refunded_at: AwareDatetime | None = None
    """When the provider last called it sent back."""
    releases: Mapping[str, Mapping[str, Released]] = {}
    """By seller, how far each payout has released the escrow, by the payout's id."""
    refunds: Mapping[str, Refunded] = {}
    """How far each refund has come, by its id."""
    disputes: Mapping[str, Dispute] = {}
    """What the buyer's bank was asked to take back, by the provider's names for it."""
    sightings: tuple[Sighting, ...] = ()
    """The last of each transfer on a chain, in order of its id."""
    hints: frozenset[str] = frozenset()
    """Transactions that pay, if the buyer is to be believed."""
    found_hints: frozenset[str] = frozenset()
    """Those that a person has found to pay; with `#` and the place of a transfer where it is that one alone."""
    shares_request: bool = False
    """There are other payments for the same purchase request."""
    completed_siblings: frozenset[str] = frozenset()
    """Those of them that are known to be completed too."""
    refunded_siblings: frozenset[str] = frozenset()
    """Those of them whose money went back since."""
    misfits: tuple[Misfit, ...] = ()
    """What was not counted, in order."""
    zones_ruled_out: tuple[ZonesRuledOut, ...] = Field((), exclude_if=not_)
    """In which zones its transfers are not dated, as was found out where that left doubts, in order."""


def with_misfit(known: Sequence[Misfit], more: Misfit) -> tuple[Misfit, ...]:
    """All of them, in order, up to a limit for each kind. What is said again, of other transfers, is one with what
    was said before: so that it is news, however often it comes."""
    same = [one for one in known if _is_said_again(one, more)]
    keys = {key for one in (*same, more) for key in one.transfer_keys}
    more = more.model_copy(update={"transfer_keys": tuple(sorted(keys)[:MISFIT_KEYS_LIMIT])}) if same else more
    others = [one for one in known if one not in same]
    if more in others or sum(one.kind is more.kind for one in others) >= MISFITS_LIMIT:
        return tuple(known)
    return tuple(sorted((*others, more), key=lambda misfit: (misfit.kind, misfit.detail, misfit.transfer_keys)))


def _is_said_again(one: Misfit, other: Misfit) -> bool:
    # One that names no transfer is never settled, so that it stays by itself.
    return (one.kind, one.detail) == (other.kind, other.detail) and bool(one.transfer_keys and other.transfer_keys)
