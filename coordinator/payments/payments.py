"""Payments: what is known of one, the status that follows from it, and the events that tell of a change.

What is known (`Facts`) is merged from observations so that the order in which they arrive, and how often, makes
no difference: every part only grows. `Payment.status` reads the status off the facts; the moves it may make are a
table, `TRANSITIONS` of `statuses.py`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from pydantic import AwareDatetime, Field

from coordinator.models import FrozenModel, cached_property
from coordinator.money import ZERO, PositiveAmount, decimals_of, excess_over, product, to_cents, total, trimmed
from coordinator.payments.agreed.agreements import Checkout, DirectPayment, Share, Terms, part_of
from coordinator.payments.counting.fee_shares import (
    ANY_COIN,
    FeeTerms,
    asked_in,
    bearable_terms,
    fee_in,
    is_bearable,
    takes_nothing,
)
from coordinator.payments.counting.lateness import Lateness, has_passed, lateness
from coordinator.payments.counting.money_back import money_back
from coordinator.payments.counting.sums import FALLS, came_to, counted, in_dispute, is_unread, lacks_some, proven
from coordinator.payments.counting.unconfirmed import unconfirmed
from coordinator.payments.facts.facts import Facts
from coordinator.payments.facts.refunded import Refunds, gone_back
from coordinator.payments.observed.observations import Ending, RefundOf, Release, Sighting, Stage, Standing, Transfer
from coordinator.payments.statuses import (
    OPEN_STATUSES,
    TRANSITIONS,
    UNPAID_STATUSES,
    Effect,
    EscrowState,
    IllegalTransitionError,
    PaymentStatus,
)

__all__ = [
    "HALF_A_CENT",
    "OPEN_STATUSES",
    "TRANSITIONS",
    "UNPAID_STATUSES",
    "Effect",
    "EscrowState",
    "IllegalTransitionError",
    "Payment",
    "PaymentStatus",
]

HUNDRED = Decimal(100)
HALF_A_CENT = Decimal("0.005")
GIVEN_UP = (Ending.CANCELLED, Ending.REFUNDED)
"""How a provider says that it waits for no money any more, which proves nothing of the money that came."""
# What is derived of a payment and follows from the agreement alone.
_OF_AGREEMENT = ("is_opened_here", "shares", "seller_ids", "least")


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
    terms: Terms = Field(default_factory=Terms)
    facts: Facts = Field(default_factory=Facts)  # pydantic would copy a default, which costs more than to make one

    @cached_property
    def is_opened_here(self) -> bool:
        """Whether the bridge opens its invoices itself: the provider knows such a payment by the bridge's own id."""
        return self.external_id == self.payment_id

    @cached_property
    def shares(self) -> tuple[Share, ...]:
        """What it pays for: one purchase request, or those of its checkout."""
        if self.checkout is not None:
            return self.checkout.shares
        own = Share.of_checked(
            request_id=self.request_id, seller_id=self.seller_id, offer_id=self.offer_id, amount=self.amount
        )
        return (own,)

    @cached_property
    def seller_ids(self) -> tuple[str, ...]:
        """Whom it pays, each once."""
        if self.checkout is None:
            return (self.seller_id,)
        return tuple(dict.fromkeys(share.seller_id for share in self.shares))

    def with_facts(self, facts: Facts) -> "Payment":
        """The same payment with more seen of it."""
        # What follows from the agreement alone need not be derived again.
        values = self.all_values
        known = {name: values[name] for name in _OF_AGREEMENT if name in values}
        return self.model_copy(update={"facts": facts, **known})

    def keep_completed(self) -> None:
        """Has a payment that was just made keep that it is completed, and for which of its requests that is not told:
        what is learnt later does not take that back."""
        self.facts.set_in_place(completed=True)
        if self.facts.cancelled_requests:
            self.facts.set_in_place(withheld=self.facts.cancelled_requests)

    @cached_property
    def status(self) -> PaymentStatus:
        """The first that applies. Money that is there outranks an ending that came too late for it, but for a
        person's; only a refund outranks money. Time runs out on a payment that lacks money, unless more is under way
        or came late."""
        if self.is_refunded:
            return PaymentStatus.REFUNDED
        if self.is_paid:
            return PaymentStatus.COMPLETED
        endings = self.facts.endings
        if Ending.FAILED in endings:
            return PaymentStatus.FAILED
        if self.is_withdrawn or not endings.isdisjoint(GIVEN_UP):
            return PaymentStatus.CANCELLED
        # Whether enough has come, and only what its provider says has to be cleared.
        has_come = self.reached >= Standing.PAID and self.is_held
        is_too_late = self.is_out_of_time and not self.late and not has_come
        if is_too_late and (not self.in_flight or has_passed(self.facts.patience_ended, self.deadline)):
            return PaymentStatus.EXPIRED
        if self.paid and not has_come:
            return PaymentStatus.PARTIALLY_PAID
        return PaymentStatus.CONFIRMING if self.in_flight or self.confirmed else PaymentStatus.PENDING

    @cached_property
    def escrow_state(self) -> EscrowState:
        """The first that applies. Escrow is released exactly when a payout has arrived for every seller, but for
        those whose money went back to the buyer."""
        if self.status is PaymentStatus.REFUNDED:
            return EscrowState.REFUNDED
        if self.facts.releases and self.releases_begun:
            return EscrowState.RELEASED if all(map(self._is_released, self.seller_ids)) else EscrowState.RELEASING
        return EscrowState.FUNDED if self.status is PaymentStatus.COMPLETED else EscrowState.NONE

    def _is_released(self, seller_id: str) -> bool:
        """Whether a payout has arrived for a seller, or their money went back."""
        if self.release_of(seller_id) is Release.DONE:
            return True
        refunds = self.money_back
        return bool(refunds) and gone_back(refunds, RefundOf.GOODS, [seller_id]) >= self.came_for(seller_id)

    def release_of(self, seller_id: str) -> Release | None:
        """How far the escrow is released to one seller; None if no payout was begun."""
        releases = {one.release for one in self.facts.releases.get(seller_id, {}).values()}
        # A payout that failed does not matter beside one that is under way.
        return next((release for release in (Release.DONE, Release.UNDER_WAY) if release in releases), None)

    @cached_property
    def releases_begun(self) -> tuple[Release, ...]:
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
    def counted(self) -> tuple[Transfer, ...]:
        """Transfers that a gateway has booked and that count, as they are counted."""
        return counted(self.facts)

    @cached_property
    def confirmed(self) -> tuple[Transfer, ...]:
        """Transfers that count."""
        if not self.facts.sightings:
            return self.counted
        return (*self.counted, *(sighting.transfer for sighting in self.sighted(Stage.FINAL)))

    @cached_property
    def in_flight(self) -> tuple[Transfer, ...]:
        """Transfers that were seen and do not count yet."""
        return unconfirmed(self.facts)

    @property
    def awaited(self) -> Sighting | None:
        """Of the transfers that a block holds and that are not final, the one with the fewest confirmations."""
        if not self.facts.sightings:
            return None
        return min(self.sighted(Stage.MINED), key=lambda sighting: sighting.confirmations, default=None)

    @cached_property
    def paid(self) -> Decimal:
        """What has come in all, in the payment's currency, a gateway's fee included: what the transfers come to. Its
        own sum may have lost some of them, or be of more than there is."""
        paid = came_to(self.facts, self.counted)
        if self.facts.sightings:
            paid = Decimal(trimmed(total([paid, *(one.transfer.amount for one in self.sighted(Stage.FINAL))])))
        return paid

    @cached_property
    def received(self) -> Decimal:
        """What has come for the goods, in the payment's currency; without a fee to the cent."""
        exact = self._for_goods
        return exact if exact == self.paid else min(to_cents(exact, decimals_of(self.amount)), self.paid)

    @cached_property
    def _for_goods(self) -> Decimal:
        """The same to the last digit, by which it is compared with what has to come."""
        return self.paid if self.direct is not None else self._goods_of(self.counted, self.paid)

    def _goods_of(self, counting: Sequence[Transfer], paid: Decimal) -> Decimal:
        """What of that which came is for the goods."""
        if self.is_free_of_fees and not any(one.fee for one in counting):
            return paid  # the usual case
        fee = fee_in(counting, paid, self.fee_terms) if paid else ZERO
        return excess_over(paid, fee) if fee else paid

    @cached_property
    def goods(self) -> Decimal:
        """What has come for the goods, without what came too much."""
        return min(self.received, self.amount)

    def came_for(self, seller_id: str) -> Decimal:
        """What of that is a seller's."""
        return part_of(self.shares, seller_id, self.goods)

    @cached_property
    def refunded(self) -> Decimal:
        """What has gone back to the buyer, of the goods and of what came too much."""
        return total(gone_back(self.money_back, of) for of in RefundOf) if self.facts.refunds else ZERO

    @cached_property
    def money_back(self) -> Refunds:
        """What goes back to the buyer, or has gone, each part of the goods or of what came too much."""
        return money_back(self.facts, self.goods, self.excess) if self.facts.refunds else self.facts.refunds

    @property
    def is_refunded(self) -> bool:
        """Whether all that has come for the goods has gone back, by refunds that the bridge knows of. That a gateway
        says so alone sends nothing back."""
        return bool(self.facts.refunds) and ZERO < gone_back(self.money_back, RefundOf.GOODS) >= self.goods

    @cached_property
    def fee(self) -> Decimal:
        """What has come for the gateway's fee."""
        return excess_over(self.paid, self.received)

    @cached_property
    def fee_terms(self) -> FeeTerms:
        """What is known of the fees on it, as far as they are in proportion."""
        facts = self.facts
        return bearable_terms(FeeTerms(self.amount, facts.fees_said, facts.fees_priced, facts.rates))

    @cached_property
    def is_free_of_fees(self) -> bool:
        """Whether no fee is asked for, as far as anybody has said."""
        return takes_nothing(self.facts.fees_said, self.facts.fees_priced)

    @property
    def has_fee(self) -> bool:
        """Whether the gateway asks for a fee, or has taken one."""
        if self.received is not self.paid and self.fee:
            return True
        return not self.is_free_of_fees and bool(self.fee_terms.whole(self.facts.coin or ANY_COIN))

    def asked_in(self, coin: str, priced: Decimal | None = None) -> Decimal:
        """What is asked for if the rest is paid in one coin, to the last digit: what is missing and the fee on it, as
        `received` counts. `priced` is what the coin's price asks for on top of the whole amount now."""
        if not self.missing:
            return ZERO
        terms = self.fee_terms
        if priced is not None and is_bearable(priced, self.amount):
            terms = terms._replace(priced={**terms.priced, coin: max(priced, terms.priced.get(coin, ZERO))})
        return asked_in(coin, self.counted, self.paid, terms)

    @property
    def is_in_doubt(self) -> bool:
        """Whether money seems to have come that is not counted: nobody is asked for the same money again."""
        return lacks_some(self.facts) or self.is_held

    @cached_property
    def is_held(self) -> bool:
        """Whether what its provider says has to be cleared, by a person or by a later answer, before anything
        follows from it: it contradicts itself about how much came, cannot be read, or sells one address twice."""
        facts = self.facts
        if facts.accepted or self.direct is not None:
            return False
        if facts.borrowed or is_unread(facts):
            return True
        kinds = in_dispute(facts)
        if not kinds.isdisjoint(FALLS):
            return True
        # Where the least that its prices make of the coins is enough, nothing follows from what it claims beyond.
        return bool(kinds) and self._goods_of(*proven(facts)) < self.least

    @cached_property
    def least(self) -> Decimal:
        """What has to come for the goods, at least."""
        return product(self.amount, (HUNDRED - self.terms.tolerance_percent).scaleb(-2))

    @cached_property
    def has_enough(self) -> bool:
        """Whether at least that has come, or all to the cent."""
        return self._for_goods >= self.least or self.received >= self.amount

    @cached_property
    def reached(self) -> Standing:
        """How much of what was agreed has come, whatever the gateway calls it."""
        if not self.has_enough:
            return Standing.PARTIAL if self.received else Standing.NOTHING
        return Standing.OVERPAID if self.excess else Standing.PAID

    @cached_property
    def is_paid(self) -> bool:
        """Whether what was agreed has come, or a person took it as paid. Once that was reported it stays."""
        facts = self.facts
        if facts.completed or facts.accepted:
            return True
        return self.reached >= Standing.PAID and not self.is_withdrawn and not self.is_held

    @property
    def is_withdrawn(self) -> bool:
        """Whether it was cancelled, or all that it is for: what comes then is for a person to decide about."""
        facts = self.facts
        if facts.withdrawn or not facts.cancelled_requests:
            return facts.withdrawn
        return all(share.request_id in facts.cancelled_requests for share in self.shares)

    @property
    def unpaid_requests(self) -> frozenset[str]:
        """Of the purchase requests that it is for, those that count as unpaid though it is completed: they were
        cancelled before, and no person has taken it as paid."""
        return frozenset() if self.facts.accepted else self.facts.withheld

    @cached_property
    def missing(self) -> Decimal:
        """What is still to be paid for the goods; nothing once it is completed."""
        return ZERO if self.status is PaymentStatus.COMPLETED else excess_over(self.amount, self.received)

    @property
    def missing_fee(self) -> Decimal:
        """What is still to be paid for the gateway's fee; nothing once it is completed."""
        fee = excess_over(self.asked_in(self.facts.coin or ANY_COIN), self.missing)
        return to_cents(fee, decimals_of(self.amount)) if fee else fee

    @cached_property
    def excess(self) -> Decimal:
        """What came above what was asked for, if that is half a cent at least: prices in coins are rounded."""
        excess = excess_over(self.received, self.amount)
        if self.direct is not None:
            return Decimal(trimmed(excess))
        return excess if excess >= HALF_A_CENT else ZERO

    @cached_property
    def lateness(self) -> Lateness:
        """Whether some of the money came after the deadline, by the earliest that shows that it was there."""
        return lateness(self.facts, self.expires_at, self.created_at, is_opened_here=self.is_opened_here)

    @property
    def late(self) -> bool:
        """Whether some of the money came after the deadline, or may have."""
        return self.lateness is not Lateness.IN_TIME

    @cached_property
    def deadline(self) -> datetime | None:
        """Until when it waits for its money: as agreed, or as a person prolonged it."""
        until = self.facts.waiting_until
        return self.expires_at if self.expires_at is None or until is None else max(self.expires_at, until)

    @property
    def is_out_of_time(self) -> bool:
        return has_passed(self.facts.deadline_passed, self.deadline)

    @cached_property
    def due_at(self) -> datetime | None:
        """When its deadline is to be applied next; None if no deadline changes anything any more."""
        deadline = self.deadline
        if deadline is None:
            return None
        if not self.is_out_of_time:
            return deadline
        if self.in_flight and not has_passed(self.facts.patience_ended, deadline):
            return deadline + timedelta(seconds=self.terms.unconfirmed_grace_seconds)
        return None
