"""Own parts: a payment as it is told to one who looks at it. Of a template checkout with several sellers, each
is told of their own part alone: what they are owed, paid and sent back, and how far that is. Pure.

The part is read off a payment that lacks the payouts and refunds of the others, so that nothing of theirs can show.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeVar

from coordinator.models import cached_property
from coordinator.money import ZERO, excess_over, in_scale_of, total
from coordinator.payments.agreed.agreements import Share, part_of
from coordinator.payments.deciding.merging import merged
from coordinator.payments.facts.facts import Facts
from coordinator.payments.facts.refunded import Refunds, counted_twice_in, reversals_in
from coordinator.payments.observed.observations import (
    EscrowReleased,
    Observation,
    PaymentAccepted,
    PurchaseCancelled,
    RefundMoved,
    RefundOf,
    Release,
)
from coordinator.payments.observed.reversals import PaymentDisputed, RefundedThere
from coordinator.payments.parts.part_statuses import cancelled_requests, is_gone, part_status
from coordinator.payments.parts.seller_shares import going_back_of, gone_back_of, part_of_nobodys
from coordinator.payments.parts.shown import Scale
from coordinator.payments.payments import Payment
from coordinator.payments.statuses import EscrowState, PaymentStatus
from coordinator.payouts.earnings import Escrow, Pool, escrow_of, paid_out_to, refundable
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus

__all__ = ["OwnPart", "PartFigures"]


class PartFigures(NamedTuple):
    """What a payment, or somebody's part of it, comes to."""

    status: PaymentStatus
    escrow_state: EscrowState
    received: Decimal
    missing: Decimal
    excess: Decimal
    fee: Decimal
    missing_fee: Decimal
    refunded: Decimal
    refundable: tuple[Pool, ...]
    escrow: Escrow


class HistoryStep(Protocol):
    """One step of a payment's history."""

    @property
    def at(self) -> datetime: ...
    @property
    def observation(self) -> Observation: ...
    @property
    def status(self) -> str: ...
    @property
    def escrow_state(self) -> str: ...


AnyStep = TypeVar("AnyStep", bound=HistoryStep)


class OwnPart:
    """What of a payment somebody is told who sees some of its shares."""

    def __init__(self, payment: Payment, seen: Collection[Share]) -> None:
        """`seen`: the shares that they see, of which there is one at least."""
        ids = {share.seller_id for share in seen}
        self.sellers = tuple(one for one in payment.seller_ids if one in ids)
        self.shares = tuple(share for share in payment.shares if share in seen)
        self.is_whole = len(self.sellers) == len(payment.seller_ids)
        self._payment = payment if self.is_whole else payment.with_facts(_without_others(payment.facts, self.sellers))
        self.cancelled = cancelled_requests(payment)
        """The purchase requests that it does not pay, though it may be completed."""

    @property
    def first(self) -> Share:
        """The share whose ids are told as those of the payment."""
        return self.shares[0]

    @property
    def amount(self) -> Decimal:
        """What was agreed, for all that these sellers sell."""
        if self.is_whole:
            return self._payment.amount
        return total(share.amount for share in self._payment.shares if share.seller_id in self.sellers)

    def of(self, amount: Decimal) -> Decimal:
        """Their part of a sum that came for the goods."""
        came = amount
        if not self.is_whole:
            came = min(amount, self._payment.amount)
            came = total(part_of(self._payment.shares, one, came) for one in self.sellers)
        return self._scale.received(came)

    def out_of(self, amount: Decimal, seller_id: str | None) -> Decimal:
        """Their part of what goes back, out of somebody's share or out of nobody's."""
        if self.is_whole or seller_id is not None:
            return self.in_scale(amount)
        return self.in_scale(total(part_of_nobodys(self._payment, one, amount) for one in self.sellers))

    @cached_property
    def _scale(self) -> Scale:
        return Scale(self._payment, self.amount)

    def in_scale(self, amount: Decimal) -> Decimal:
        """An amount in the payment's currency, in the scale that was agreed with these sellers."""
        return in_scale_of(self.amount, amount)

    def hides(self, of: RefundOf, seller_id: str | None) -> bool:
        """Whether what goes back is none of their business: it is out of another's share, or came too much."""
        return not self.is_whole and (of is RefundOf.EXCESS or seller_id not in (None, *self.sellers))

    def shows(self, observation: Observation) -> bool:
        """Whether what was seen of the payment has to do with their part."""
        match observation:
            case _ if self.is_whole:
                return True
            case EscrowReleased(seller_id=seller_id):
                return seller_id in self.sellers
            case RefundMoved(of=of, seller_id=seller_id):
                return not self.hides(of, seller_id)
            case PurchaseCancelled(request_id=request_id):
                return any(share.request_id == request_id for share in self.shares)
            case _:
                return True

    def figures(self, payouts: Collection[Payout]) -> PartFigures:
        """What it comes to, with the payouts that there are."""
        found = self._figures(payouts)
        return found._replace(
            **self._scale.figures(
                found.received, found.missing, found.excess, found.fee, found.missing_fee
            )._asdict(),
            refunded=self.in_scale(found.refunded),
            refundable=tuple(pool._replace(amount=self.in_scale(pool.amount)) for pool in found.refundable),
            escrow=Escrow(*map(self.in_scale, found.escrow)),
        )

    def _figures(self, payouts: Collection[Payout]) -> PartFigures:
        payment = self._payment
        if self.is_whole:
            return PartFigures(
                status=payment.status,
                escrow_state=payment.escrow_state,
                received=payment.received,
                missing=payment.missing,
                excess=payment.excess,
                fee=payment.fee,
                missing_fee=payment.missing_fee,
                refunded=payment.refunded,
                refundable=refundable(payment, payouts),
                escrow=escrow_of(payment, payouts),
            )
        status = part_status(payment, self.sellers, self._paid_status, self.cancelled)
        escrow = self._escrow(payouts)
        return PartFigures(
            status=status,
            escrow_state=_escrow_state(self._payment, self.sellers, status),
            received=escrow.received,
            missing=ZERO if status is PaymentStatus.COMPLETED else excess_over(self.amount, escrow.received),
            excess=ZERO,
            fee=ZERO,
            missing_fee=ZERO,
            refunded=escrow.refunded,
            refundable=self._refundable(payouts),
            escrow=escrow,
        )

    def steps(self, steps: Iterable[AnyStep]) -> Iterator[tuple[AnyStep, PaymentStatus, EscrowState]]:
        """Those steps of the payment's history that have to do with their part, and where that stood after each."""
        facts = self._payment.facts.model_copy(update={"releases": {}, "refunds": {}})
        paid = PaymentStatus.PENDING
        cancelled: frozenset[str] = frozenset()
        is_completed = is_accepted = False
        for step in steps:
            if not self.shows(step.observation):
                continue
            if self.is_whole:
                yield step, PaymentStatus(step.status), EscrowState(step.escrow_state)
                continue
            if step.status != PaymentStatus.REFUNDED:
                paid = PaymentStatus(step.status)
            if isinstance(step.observation, PurchaseCancelled) and not is_completed:
                cancelled |= {step.observation.request_id}
            is_completed = is_completed or paid is PaymentStatus.COMPLETED
            is_accepted = is_accepted or isinstance(step.observation, PaymentAccepted)
            if isinstance(step.observation, EscrowReleased | RefundMoved | RefundedThere | PaymentDisputed):
                facts = merged(facts, step.observation, step.at)
            then = self._payment.with_facts(_no_more_than(facts, self._payment.facts.refunds))
            status = part_status(then, self.sellers, paid, frozenset() if is_accepted else cancelled)
            yield step, status, _escrow_state(then, self.sellers, status)

    @property
    def _paid_status(self) -> PaymentStatus:
        """That of the payment, as if nothing had gone back."""
        facts = self._payment.facts
        paid = self._payment.with_facts(facts.model_copy(update={"refunds": {}})) if facts.refunds else self._payment
        return paid.status

    def _escrow(self, payouts: Collection[Payout]) -> Escrow:
        payment, sellers = self._payment, self.sellers
        arrived = [one for one in payouts if one.status is PayoutStatus.COMPLETED]
        came = total(map(payment.came_for, sellers))
        released, leaving = (total(paid_out_to(payment, one, some) for one in sellers) for some in (arrived, payouts))
        gone, going = (total(back(payment, one) for one in sellers) for back in (gone_back_of, going_back_of))
        out = total([released, gone])
        return Escrow(
            received=came,
            held=excess_over(came, out),
            under_way=total([excess_over(leaving, released), excess_over(going, gone)]),
            released=released,
            refunded=gone,
            fee=ZERO,
            excess=ZERO,
            overdrawn=excess_over(out, came),
        )

    def _refundable(self, payouts: Collection[Payout]) -> tuple[Pool, ...]:
        payment = self._payment
        pools = [
            Pool(
                RefundOf.GOODS,
                one,
                excess_over(
                    payment.came_for(one), total([paid_out_to(payment, one, payouts), going_back_of(payment, one)])
                ),
            )
            for one in self.sellers
        ]
        if self._paid_status is not PaymentStatus.COMPLETED:
            # No seller has earned anything yet.
            pools = [Pool(RefundOf.GOODS, None, total(pool.amount for pool in pools))]
        return tuple(pool for pool in pools if pool.amount)


def _escrow_state(payment: Payment, sellers: Collection[str], status: PaymentStatus) -> EscrowState:
    if status is PaymentStatus.REFUNDED:
        return EscrowState.REFUNDED
    if payment.releases_begun:
        released = (payment.release_of(one) is Release.DONE or is_gone(payment, [one]) for one in sellers)
        return EscrowState.RELEASED if all(released) else EscrowState.RELEASING
    return EscrowState.FUNDED if status is PaymentStatus.COMPLETED else EscrowState.NONE


def _without_others(facts: Facts, sellers: Collection[str]) -> Facts:
    """What is known of a payment, without the payouts and refunds of other sellers, and what came too much."""
    hidden = {
        name
        for name, one in facts.refunds.items()
        if one.of is RefundOf.EXCESS or one.seller_id not in (None, *sellers)
    }
    return facts.model_copy(
        update={
            "releases": {seller: payouts for seller, payouts in facts.releases.items() if seller in sellers},
            "refunds": {
                name: one for name, one in _reversals_less(facts.refunds, hidden).items() if name not in hidden
            },
        }
    )


def _reversals_less(refunds: Refunds, hidden: Collection[str]) -> Refunds:
    """Of what the provider tells to have gone back, only what is no refund out of the share of another: it tells of
    those as well."""
    less = dict(refunds)
    for name in reversals_in(refunds):
        others = (one.amount for refund_id, one in counted_twice_in(name, refunds).items() if refund_id in hidden)
        less[name] = refunds[name].model_copy(update={"amount": excess_over(refunds[name].amount, total(others))})
    return less


def _no_more_than(facts: Facts, known: Refunds) -> Facts:
    """With no more told to have gone back than is of the part, as far as that is known by now."""
    bounded = {
        name: one.model_copy(update={"amount": min(one.amount, known[name].amount)}) if name in known else one
        for name, one in facts.refunds.items()
    }
    return facts.model_copy(update={"refunds": bounded})
