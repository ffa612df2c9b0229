"""Payments: what is known of one, the status that follows from it, and the events that tell of a change.

What is known (`Facts`) is merged from observations so that the order in which they arrive, and how often, makes
no difference: every part only grows. The status is read off the facts by one table, `STATUS_RULES`; the moves it
may make are another, `TRANSITIONS`.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum

from propcache.api import cached_property
from pydantic import AwareDatetime, Field

from coordinator.errors import BridgeError
from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.money import ZERO, Amount, PositiveAmount, excess_over, total
from coordinator.observations import Ending, Release, Sighting, Stage, Standing, Transfer

__all__ = [
    "ESCROW_RULES",
    "OPEN_STATUSES",
    "STATUS_RULES",
    "TRANSITIONS",
    "UNPAID_STATUSES",
    "Checkout",
    "DirectPayment",
    "Effect",
    "EscrowState",
    "Facts",
    "IllegalTransitionError",
    "Payment",
    "PaymentStatus",
    "Share",
]


class PaymentStatus(StrEnum):
    """Where a payment stands, as `payment-update` says it."""

    PENDING = "pending"
    CONFIRMING = "confirming"
    PARTIALLY_PAID = "partially_paid"
    COMPLETED = "completed"
    EXPIRED = "expired"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


OPEN_STATUSES = (PaymentStatus.PENDING, PaymentStatus.CONFIRMING, PaymentStatus.PARTIALLY_PAID)
"""Of payments that wait for money."""
UNPAID_STATUSES = (PaymentStatus.EXPIRED, PaymentStatus.CANCELLED, PaymentStatus.FAILED)
"""Of payments that are over without their money, which may still come."""


class EscrowState(StrEnum):
    """Where the marketplace's hold on the money stands."""

    NONE = "none"
    FUNDED = "funded"
    RELEASING = "releasing"
    RELEASED = "released"
    REFUNDED = "refunded"


class Effect(StrEnum):
    """What an observation did to its payment."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    """It said nothing that shows: a duplicate, or older than what is known."""
    OTHER_CURRENCY = "other-currency"
    """It counts in another currency than the payment, so it is about another invoice and was not counted."""


class IllegalTransitionError(BridgeError):
    """The facts ask for a move that `TRANSITIONS` does not allow: a defect of this module, never of the input."""


class Facts(FrozenModel):
    """All that was seen of one payment. Every part only grows, so merging is free of order and repetition: what a
    chain takes back is a later view of it."""

    standing: Standing = Standing.NOTHING
    received: Amount = ZERO
    confirmed: tuple[Transfer, ...] = ()
    """The transfers of the snapshot that knows most, each with the most that any snapshot said of it."""
    told: tuple[Transfer, ...] = ()
    """Every transfer that ever was in a snapshot, in order of its id."""
    seen: tuple[Transfer, ...] = ()
    """Every transfer that was ever announced as unconfirmed, in order of its id."""
    deadline_passed: bool = False
    endings: frozenset[Ending] = frozenset()
    releases: Mapping[str, Mapping[str, Release]] = {}
    """By seller, how far each payout has released the escrow, by the payout's id."""
    sightings: tuple[Sighting, ...] = ()
    """The last of each transfer on a chain, in order of its id."""
    hints: frozenset[str] = frozenset()
    """Transactions that pay, if the buyer is to be believed."""


class Share(FrozenModel):
    """What one payment pays for one purchase request."""

    request_id: Id
    seller_id: Id
    offer_id: Id | None = None
    amount: PositiveAmount


class Checkout(FrozenModel):
    """A template checkout: the purchase requests that one payment covers."""

    checkout_id: Id
    shares: tuple[Share, ...] = Field(min_length=1)


class DirectPayment(FrozenModel):
    """A payment that goes over a chain to a wallet, without a gateway between."""

    chain: Id
    """The chain's name in the configuration, such as `ethereum`."""
    recipient: Id
    """The address that is to be paid."""
    payer: Id | None = None
    """The address that will pay, if it is known: money of others does not count then."""
    payment_uri: str | None = None
    """What a wallet opens and a QR code shows."""


class Payment(FrozenModel):
    """One payment: what was agreed, and what has been seen of it so far.

    The payment of a template checkout has the checkout's shares; its own request, seller and offer are then those of
    the first.
    """

    payment_id: str
    provider: str
    external_id: str
    request_id: str
    buyer_id: str
    seller_id: str
    offer_id: str | None = None
    amount: PositiveAmount
    currency: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    checkout: Checkout | None = None
    direct: DirectPayment | None = None
    return_url: str | None = None
    """The shop's own page, to which the buyer goes back from the payment's."""
    facts: Facts = Field(default_factory=Facts)  # pydantic would copy a default, which costs more than to make one

    @cached_property
    def shares(self) -> tuple[Share, ...]:
        """What it pays for: one purchase request, or those of its checkout."""
        if self.checkout is not None:
            return self.checkout.shares
        own = Share(request_id=self.request_id, seller_id=self.seller_id, offer_id=self.offer_id, amount=self.amount)
        return (own,)

    @cached_property
    def seller_ids(self) -> tuple[str, ...]:
        """Whom it pays, each once."""
        if self.checkout is None:
            return (self.seller_id,)
        return tuple(dict.fromkeys(share.seller_id for share in self.shares))

    def with_facts(self, facts: Facts) -> "Payment":
        """The same payment with more seen of it."""
        moved = self.model_copy(update={"facts": facts})
        # What follows from the agreement alone need not be derived again.
        moved.__dict__.update(
            {name: self.__dict__[name] for name in ("shares", "seller_ids") if name in self.__dict__}
        )
        return moved

    @cached_property
    def status(self) -> PaymentStatus:
        return next(status for status, applies in STATUS_RULES if applies(self))

    @cached_property
    def escrow_state(self) -> EscrowState:
        return next(state for state, applies in ESCROW_RULES if applies(self))

    def release_of(self, seller_id: str) -> Release | None:
        """How far the escrow is released to one seller; None if no payout was begun."""
        releases = self.facts.releases.get(seller_id, {}).values()
        # A payout that failed does not matter beside one that is under way.
        return next((release for release in (Release.DONE, Release.UNDER_WAY) if release in releases), None)

    @cached_property
    def releases(self) -> tuple[Release, ...]:
        """How far the escrow is released, to each seller for whom a payout was begun."""
        if not self.facts.releases:
            return ()
        of_sellers = (self.release_of(seller_id) for seller_id in self.seller_ids)
        return tuple(release for release in of_sellers if release is not None)

    def sighted(self, *stages: Stage) -> tuple[Sighting, ...]:
        """The transfers on the chain that have come just so far."""
        sightings = self.facts.sightings
        return tuple(sighting for sighting in sightings if sighting.stage in stages) if sightings else ()

    @cached_property
    def confirmed(self) -> tuple[Transfer, ...]:
        """Transfers that count."""
        if not self.facts.sightings:
            return self.facts.confirmed
        return (*self.facts.confirmed, *(sighting.transfer for sighting in self.sighted(Stage.FINAL)))

    @cached_property
    def in_flight(self) -> tuple[Transfer, ...]:
        """Transfers that were seen and do not count yet."""
        if not self.facts.seen and not self.facts.sightings:
            return ()
        confirmed = {transfer.transfer_id for transfer in self.facts.confirmed}
        on_chain = (sighting.transfer for sighting in self.sighted(Stage.SEEN, Stage.MINED))
        return (*(transfer for transfer in self.facts.seen if transfer.transfer_id not in confirmed), *on_chain)

    @property
    def awaited(self) -> Sighting | None:
        """Of the transfers that a block holds and that are not final, the one with the fewest confirmations."""
        if not self.facts.sightings:
            return None
        return min(self.sighted(Stage.MINED), key=lambda sighting: sighting.confirmations, default=None)

    @cached_property
    def received(self) -> Decimal:
        """What has come, in the payment's currency."""
        if not self.facts.sightings:
            return self.facts.received
        return total([self.facts.received, *(one.transfer.amount for one in self.sighted(Stage.FINAL))])

    @cached_property
    def standing(self) -> Standing:
        """How much of the amount has come: in the provider's own judgement, or by the transfers on the chain."""
        received = self.received
        if self.direct is None or not received:
            return self.facts.standing
        if received < self.amount:
            return Standing.PARTIAL
        return Standing.PAID if received == self.amount else Standing.OVERPAID

    @cached_property
    def missing(self) -> Decimal:
        """What is still to be paid; nothing once the provider calls the invoice paid."""
        return ZERO if self.standing >= Standing.PAID else excess_over(self.amount, self.received)

    @property
    def excess(self) -> Decimal:
        """What came above the amount; nothing as long as the provider's limits let it pass as paid."""
        return excess_over(self.received, self.amount) if self.standing is Standing.OVERPAID else ZERO

    @cached_property
    def late(self) -> bool:
        """Whether some of the money came after the deadline."""
        deadline = self.expires_at
        return deadline is not None and any(
            transfer.occurred_at is not None and transfer.occurred_at > deadline for transfer in self.confirmed
        )


def _timed_out(payment: Payment) -> bool:
    return payment.facts.deadline_passed and not payment.in_flight and not payment.late


# The first rule that applies gives the status. Money that is there outranks an ending that came too late for it;
# only a refund outranks money. Time runs out on a payment that lacks money, unless more is under way or came late.
STATUS_RULES: tuple[tuple[PaymentStatus, Callable[[Payment], bool]], ...] = (
    (PaymentStatus.REFUNDED, lambda payment: Ending.REFUNDED in payment.facts.endings),
    (PaymentStatus.COMPLETED, lambda payment: payment.standing >= Standing.PAID),
    (PaymentStatus.FAILED, lambda payment: Ending.FAILED in payment.facts.endings),
    (PaymentStatus.CANCELLED, lambda payment: Ending.CANCELLED in payment.facts.endings),
    (PaymentStatus.EXPIRED, _timed_out),
    (PaymentStatus.PARTIALLY_PAID, lambda payment: payment.standing == Standing.PARTIAL),
    (PaymentStatus.CONFIRMING, lambda payment: bool(payment.in_flight or payment.confirmed)),
    (PaymentStatus.PENDING, lambda payment: True),
)

_ENDED = {PaymentStatus.COMPLETED, PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.REFUNDED}

# From each status, the statuses that one observation can lead to. Nothing leaves `refunded`, nothing but a refund
# leaves `completed`, and a payment that ended unpaid still completes when the money comes after all. Only a transfer
# that vanishes from its chain leads from `confirming` back to `pending`.
TRANSITIONS: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.PENDING: frozenset(
        {PaymentStatus.CONFIRMING, PaymentStatus.PARTIALLY_PAID, PaymentStatus.EXPIRED} | _ENDED
    ),
    PaymentStatus.CONFIRMING: frozenset(
        {PaymentStatus.PENDING, PaymentStatus.PARTIALLY_PAID, PaymentStatus.EXPIRED} | _ENDED
    ),
    PaymentStatus.PARTIALLY_PAID: frozenset({PaymentStatus.EXPIRED} | _ENDED),
    PaymentStatus.EXPIRED: frozenset({PaymentStatus.CONFIRMING, PaymentStatus.PARTIALLY_PAID} | _ENDED),
    PaymentStatus.CANCELLED: frozenset({PaymentStatus.FAILED, PaymentStatus.COMPLETED, PaymentStatus.REFUNDED}),
    PaymentStatus.FAILED: frozenset({PaymentStatus.COMPLETED, PaymentStatus.REFUNDED}),
    PaymentStatus.COMPLETED: frozenset({PaymentStatus.REFUNDED}),
    PaymentStatus.REFUNDED: frozenset(),
}


# The first rule that applies gives the state. Escrow is released exactly when a payout has arrived for every seller.
ESCROW_RULES: tuple[tuple[EscrowState, Callable[[Payment], bool]], ...] = (
    (EscrowState.REFUNDED, lambda payment: payment.status is PaymentStatus.REFUNDED),
    (EscrowState.RELEASED, lambda payment: payment.releases == (Release.DONE,) * len(payment.seller_ids)),
    (EscrowState.RELEASING, lambda payment: bool(payment.releases)),
    (EscrowState.FUNDED, lambda payment: payment.status is PaymentStatus.COMPLETED),
    (EscrowState.NONE, lambda payment: True),
)
