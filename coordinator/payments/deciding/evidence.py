"""Evidence: whether what a provider says can be about a payment. What does not fit never moves one; a person sees it.

An invoice of a gateway belongs to this payment only if its whole identity fits: the currency, the amount that was
agreed, and the addresses at which the buyer was asked to pay. The same check applies to webhooks, to look-ups and to
what was stored until a registration; a look-up says more than a webhook, and outranks it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from coordinator.addresses import is_among
from coordinator.money import format_amount
from coordinator.payments.counting.lateness import KEPT_FOR
from coordinator.payments.deciding.verdicts import misjudgement
from coordinator.payments.facts.facts import Misfit, MisfitKind
from coordinator.payments.observed.dates import WIDEST, can_be_right
from coordinator.payments.observed.observations import (
    ClaimContested,
    InvoiceEnded,
    InvoiceSnapshot,
    InvoiceUnreadable,
    Observation,
    RegistrationContested,
    Standing,
    TransferSeen,
)
from coordinator.payments.observed.reversals import PaymentDisputed, RefundedThere
from coordinator.payments.payments import Payment

__all__ = ["LookedUp", "LookedUpInvoice", "Unfit", "invoice_of", "keys_in", "misfit_of", "unfit_without_time"]

_UNTOLD = "an address that is not told"


@dataclass(frozen=True, slots=True)
class LookedUpInvoice:
    """One of the invoices that a gateway has under a payment's name."""

    currency: str | None
    agreed: Decimal | None
    """Both are None of one that cannot be read."""
    places: Mapping[str, str | None] = field(default_factory=dict)
    """Where its transfers went to, by their ids; None where it ought to be said and is not."""
    observations: tuple[Observation, ...] = field(default=())
    name: str | None = None
    """Under which the gateway has it; None if it does not say so."""

    @property
    def keys(self) -> frozenset[str]:
        """Of all the transfers that it shows."""
        return frozenset(key for one in self.observations for key in keys_in(one))

    @property
    def unconfirmed_keys(self) -> frozenset[str]:
        """Of those that it shows as seen alone."""
        return frozenset(one.transfer.key for one in self.observations if isinstance(one, TransferSeen))


def misfit_of(payment: Payment, observation: Observation, at: datetime) -> Misfit | None:
    """Why an observation, told at that moment, cannot be about this payment; None if it can."""
    match observation:
        case InvoiceSnapshot():
            return _misfit_of_snapshot(payment, observation) or _unfit_before(payment, observation, at)
        case InvoiceEnded(currency=currency) if currency is not None and not _is_its_currency(payment, currency):
            detail = f"an invoice in {currency} is {observation.ending}, agreed {payment.currency}"
            return Misfit(kind=MisfitKind.OTHER_CURRENCY, detail=detail)
        case InvoiceEnded() | TransferSeen():
            return _at_other_address(payment, observation) or _unfit_before(payment, observation, at)
        case RefundedThere(currency=currency) | PaymentDisputed(currency=currency) if not _is_its_currency(
            payment, currency
        ):
            what = "disputed" if isinstance(observation, PaymentDisputed) else "sent back"
            detail = f"{format_amount(observation.amount)} {currency} {what}, agreed {payment.currency}"
            return Misfit(kind=MisfitKind.OTHER_CURRENCY, detail=detail)
        case ClaimContested(what=what, payment_id=other):
            return Misfit(kind=MisfitKind.CLAIMED_TWICE, detail=f"{other} was given or told of {what[:120]} too")
        case RegistrationContested(by=by, differing=differing):
            detail = f"{by} wanted {payment.external_id} for a payment with another {', '.join(differing)}"
            return Misfit(kind=MisfitKind.CONTESTED, detail=detail)
    return None


def _misfit_of_snapshot(payment: Payment, snapshot: InvoiceSnapshot) -> Misfit | None:
    if not _is_its_currency(payment, snapshot.currency):
        detail = f"{format_amount(snapshot.received)} {snapshot.currency}, agreed {payment.currency}"
        return Misfit(kind=MisfitKind.OTHER_CURRENCY, detail=detail)
    if snapshot.agreed is not None:
        if snapshot.agreed != payment.amount:
            what = f"an invoice over {format_amount(snapshot.agreed)} {snapshot.currency}"
            return _other_amount(payment, what, snapshot)
        return None
    misjudged = misjudgement(payment, snapshot)
    return _at_other_address(payment, snapshot) or (
        None if misjudged is None else _other_amount(payment, misjudged, snapshot)
    )


def _is_its_currency(payment: Payment, currency: str) -> bool:
    return currency == payment.currency or currency.casefold() == payment.currency.casefold()


def _at_other_address(payment: Payment, observation: InvoiceSnapshot | InvoiceEnded | TransferSeen) -> Misfit | None:
    """Whether a message is about an address at which the buyer was never asked to pay. If the bridge did not open
    the invoice, it does not know the address."""
    if not isinstance(observation, InvoiceSnapshot) and observation.is_looked_up:
        return None
    address, given = observation.address, payment.facts.given
    if not given and not (address and payment.is_opened_here):
        return None
    if address and is_among(address, given):
        return None
    what = "a transfer to" if isinstance(observation, TransferSeen) else "an invoice that is to be paid at"
    where = address[:120] if address else _UNTOLD
    return Misfit(kind=MisfitKind.OTHER_ADDRESS, detail=f"{what} {where}", transfer_keys=_in_order(observation))


@dataclass(frozen=True, slots=True)
class Unfit:
    """What was looked up and cannot be about a payment."""

    misfit: Misfit
    observation: Observation


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What a provider's books show about a payment."""

    observations: Sequence[Observation] = ()
    """What they say of its own invoice."""
    unfit: Unfit | None = None
    """Why none of the invoices is its own."""
    is_missing: bool = False
    """Whether something ought to be there that is not: its invoice, or transfers that were told of."""

    taken_back: tuple[str, ...] = ()
    """Of the transfers that count, by their keys, those that they call unconfirmed."""

    @property
    def is_unreadable(self) -> bool:
        """Whether what they say cannot be read, or not all of it."""
        return any(
            isinstance(one, InvoiceUnreadable) or (isinstance(one, InvoiceSnapshot) and bool(one.unreadable))
            for one in self.observations
        )


def invoice_of(payment: Payment, invoices: Sequence[LookedUpInvoice], addresses: Collection[str]) -> LookedUp:
    """What was looked up of a payment's own invoice, or why none of the invoices is that. `addresses` are those at
    which the buyer was asked to pay; none if the bridge does not know them."""
    readable = [one for one in invoices if one.agreed is not None]
    named = [one for one in readable if one.name in (None, payment.external_id)]
    of_currency = [one for one in named if one.currency is not None and _is_its_currency(payment, one.currency)]
    agreed = [one for one in of_currency if one.agreed == payment.amount]
    fitting = [one for one in agreed if not _elsewhere(one, addresses)] if addresses else agreed
    known = {one.transfer.key for one in payment.facts.booked if one.counts}
    if len(fitting) == 1:
        found = LookedUp(fitting[0].observations)
        # What was told of may be what cannot be read.
        taken_back = tuple(sorted(known & fitting[0].unconfirmed_keys))
        return replace(
            found, is_missing=not found.is_unreadable and not known <= fitting[0].keys, taken_back=taken_back
        )
    if not fitting and len(readable) < len(invoices):  # it may be the one that cannot be read
        unreadable = [one for invoice in invoices if invoice.agreed is None for one in invoice.observations]
        return LookedUp(unreadable)
    is_missing = not agreed and bool(known or (payment.is_opened_here and addresses))
    reported = [one for one in (fitting or agreed or of_currency or named or readable) if one.observations]
    if not reported:
        return LookedUp(is_missing=is_missing)
    observation = reported[0].observations[-1]
    if not fitting and agreed and isinstance(observation, InvoiceSnapshot):
        elsewhere = frozenset(_elsewhere(reported[0], addresses))
        observation = observation.model_copy(update={"elsewhere": elsewhere})
    misfit = (
        _misfit(payment, reported, fitting, agreed, of_currency, addresses)
        if named
        else _of_other_names(payment, reported)
    )
    return LookedUp(unfit=Unfit(misfit, observation), is_missing=is_missing)


def _elsewhere(invoice: LookedUpInvoice, addresses: Collection[str]) -> Mapping[str, str | None]:
    """Its transfers that went where the buyer was never asked to pay, or nobody knows where."""
    return {
        name: address
        for name, address in invoice.places.items()
        if address is None or not is_among(address, addresses)
    }


def _of_other_names(payment: Payment, reported: Sequence[LookedUpInvoice]) -> Misfit:
    names = ", ".join(sorted({str(one.name)[:100] for one in reported}))
    keys = tuple(sorted({key for one in reported for key in one.keys}))
    detail = f"asked for {payment.external_id}, {payment.provider} told of {names}"
    return Misfit(kind=MisfitKind.OTHER_NAME, detail=detail, transfer_keys=keys)


def _misfit(
    payment: Payment,
    reported: Sequence[LookedUpInvoice],
    fitting: Sequence[LookedUpInvoice],
    agreed: Sequence[LookedUpInvoice],
    of_currency: Sequence[LookedUpInvoice],
    addresses: Collection[str],
) -> Misfit:
    what = ", ".join(f"{format_amount(one.agreed)} {one.currency}" for one in reported if one.agreed is not None)
    keys = tuple(sorted({key for one in reported for key in one.keys}))
    if fitting:
        detail = f"{len(fitting)} invoices fit: {what}"
        return Misfit(kind=MisfitKind.AMBIGUOUS, detail=detail, transfer_keys=keys)
    if not of_currency:
        return Misfit(kind=MisfitKind.OTHER_CURRENCY, detail=f"its invoices are over {what}")
    if agreed:
        elsewhere = {address or _UNTOLD for one in reported for address in _elsewhere(one, addresses).values()}
        detail = f"money went to {', '.join(sorted(elsewhere))[:300]}"
        return Misfit(kind=MisfitKind.OTHER_ADDRESS, detail=detail, transfer_keys=keys)
    misfit = _other_amount(payment, f"its invoices are over {what}")
    return misfit.model_copy(update={"transfer_keys": keys})


def _other_amount(payment: Payment, what: str, observation: Observation | None = None) -> Misfit:
    agreed = f"{format_amount(payment.amount)} {payment.currency}"
    keys = () if observation is None else _in_order(observation)
    return Misfit(kind=MisfitKind.OTHER_AMOUNT, detail=f"{what}, agreed {agreed}", transfer_keys=keys)


def keys_in(observation: Observation) -> Collection[str]:
    """The transfers that an observation tells of, by their keys."""
    match observation:
        case InvoiceSnapshot(transfers=transfers) | InvoiceEnded(transfers=transfers):
            return {transfer.key for transfer in transfers}
        case TransferSeen(transfer=transfer):
            return (transfer.key,)
    return ()


def _in_order(observation: Observation) -> tuple[str, ...]:
    return tuple(sorted(keys_in(observation)))


def _unfit_before(payment: Payment, observation: Observation, at: datetime) -> Misfit | None:
    """Whether something that was told before the payment was registered is too old for it, or of another one."""
    if at >= payment.created_at:
        return None
    if at < payment.created_at - KEPT_FOR:
        detail = (
            f"told at {at:%Y-%m-%d %H:%M} UTC, before this payment was registered at"
            f" {payment.created_at:%Y-%m-%d %H:%M} UTC"
        )
        return Misfit(kind=MisfitKind.TOO_OLD, detail=detail, transfer_keys=_in_order(observation))
    return _unfit_of_before(payment, observation, at)


def unfit_without_time(payment: Payment, observation: Observation, at: datetime) -> Misfit | None:
    """Whether something that was told before the payment was registered, at a moment that was still to come then, may
    be too old for it: the clock was wrong, so that the provider's dates alone say when it was."""
    if isinstance(observation, InvoiceSnapshot) and _last_date(payment, observation, at) is not None:
        return _unfit_of_before(payment, observation, at)
    detail = (
        f"told when the clock said {at:%Y-%m-%d %H:%M} UTC, before this payment was registered at"
        f" {payment.created_at:%Y-%m-%d %H:%M} UTC: nobody knows when that was"
    )
    return Misfit(kind=MisfitKind.TOO_OLD, detail=detail, transfer_keys=_in_order(observation))


def _unfit_of_before(payment: Payment, observation: Observation, at: datetime) -> Misfit | None:
    """The same, by what it says itself."""
    if not isinstance(observation, InvoiceSnapshot):
        return None
    last = _last_date(payment, observation, at)
    if last is not None and last < payment.created_at - KEPT_FOR - WIDEST:
        detail = f"its last transfer is of {last:%Y-%m-%d %H:%M}"
        return Misfit(kind=MisfitKind.TOO_OLD, detail=detail, transfer_keys=_in_order(observation))
    if observation.standing >= Standing.PAID and observation.received < payment.least:
        what = f"{format_amount(observation.received)} {observation.currency} is called paid"
        return _other_amount(payment, what, observation)
    return None


def _last_date(payment: Payment, snapshot: InvoiceSnapshot, at: datetime) -> datetime | None:
    """When the last of the transfers came that were told of before the payment was registered, as far as the provider
    says so, and can be right. Where the clock was wrong when they were told of, the provider's may have been too."""
    told_at = max(at, payment.created_at)
    dates = (one.occurred_at for one in snapshot.transfers if one.occurred_at is not None)
    return max((date for date in dates if can_be_right(date, told_at)), default=None)
