"""Evidence: whether what a provider says can be about a payment. What does not fit never moves one; a person sees it.

An invoice of a gateway is this payment's only if its whole identity fits: the currency, the amount that was agreed,
and the addresses at which the buyer was asked to pay.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from coordinator.facts import Misfit, MisfitKind
from coordinator.money import format_amount
from coordinator.observations import (
    InvoiceEnded,
    InvoiceSnapshot,
    Observation,
    RegistrationContested,
    Standing,
    TransferSeen,
)
from coordinator.payments import Payment

__all__ = ["KEPT_FOR", "LookedUpInvoice", "Unfit", "invoice_of", "misfit_of"]

KEPT_FOR = timedelta(days=1)
"""How long before a payment was registered something may have been told that is about it."""
# A gateway writes the dates of transfers in a zone that it does not name.
ZONES = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class LookedUpInvoice:
    """One of the invoices that a gateway has under a payment's name."""

    currency: str
    agreed: Decimal
    addresses: frozenset[str] = frozenset()
    """Where its money went to."""
    observations: tuple[Observation, ...] = field(default=())


def misfit_of(payment: Payment, observation: Observation, at: datetime) -> Misfit | None:
    """Why an observation, told at that moment, cannot be about this payment; None if it can."""
    match observation:
        case InvoiceSnapshot() if observation.currency.casefold() != payment.currency.casefold():
            detail = f"{format_amount(observation.received)} {observation.currency}, agreed {payment.currency}"
            return Misfit(kind=MisfitKind.OTHER_CURRENCY, detail=detail)
        case InvoiceSnapshot(agreed=agreed) if agreed is not None and agreed != payment.amount:
            return _other_amount(payment, f"an invoice over {format_amount(agreed)} {observation.currency}")
        case InvoiceSnapshot() | TransferSeen() | InvoiceEnded() if at < payment.created_at:
            return _unfit_before(payment, observation, at)
        case RegistrationContested(by=by, differing=differing):
            detail = f"{by} wanted {payment.external_id} for a payment with another {', '.join(differing)}"
            return Misfit(kind=MisfitKind.CONTESTED, detail=detail)
    return None


@dataclass(frozen=True, slots=True)
class Unfit:
    """What was looked up and cannot be about a payment."""

    misfit: Misfit
    observation: Observation


def invoice_of(
    payment: Payment, invoices: Sequence[LookedUpInvoice], addresses: Collection[str]
) -> Sequence[Observation] | Unfit:
    """What was looked up of a payment's own invoice, or why none of the invoices is that. `addresses` are those at
    which the buyer was asked to pay; none if the bridge does not know them."""
    of_currency = [one for one in invoices if one.currency.casefold() == payment.currency.casefold()]
    fitting = [one for one in of_currency if one.agreed == payment.amount]
    if addresses:
        fitting = [one for one in fitting if one.addresses <= set(addresses)]
    if len(fitting) == 1:
        return fitting[0].observations
    told = [one for one in (fitting or of_currency or invoices) if one.observations]
    if not told:
        return ()
    return Unfit(_misfit(payment, told, fitting, of_currency, addresses), told[0].observations[-1])


def _misfit(
    payment: Payment,
    told: Sequence[LookedUpInvoice],
    fitting: Sequence[LookedUpInvoice],
    of_currency: Sequence[LookedUpInvoice],
    addresses: Collection[str],
) -> Misfit:
    what = ", ".join(f"{format_amount(one.agreed)} {one.currency}" for one in told)
    if fitting:
        return Misfit(kind=MisfitKind.AMBIGUOUS, detail=f"{len(fitting)} invoices fit: {what}")
    if not of_currency:
        return Misfit(kind=MisfitKind.OTHER_CURRENCY, detail=f"its invoices are over {what}")
    if any(one.agreed == payment.amount for one in of_currency):
        elsewhere = sorted({address for one in told for address in one.addresses} - set(addresses))
        return Misfit(kind=MisfitKind.OTHER_ADDRESS, detail=f"money went to {', '.join(elsewhere)[:300]}")
    return _other_amount(payment, f"its invoices are over {what}")


def _other_amount(payment: Payment, what: str) -> Misfit:
    agreed = f"{format_amount(payment.amount)} {payment.currency}"
    return Misfit(kind=MisfitKind.OTHER_AMOUNT, detail=f"{what}, agreed {agreed}")


def _unfit_before(payment: Payment, observation: Observation, at: datetime) -> Misfit | None:
    """Whether something that was told before the payment was registered is too old for it, or of another one."""
    earliest = payment.created_at - KEPT_FOR
    if at < earliest:
        return Misfit(kind=MisfitKind.TOO_OLD, detail=f"told at {at:%Y-%m-%d %H:%M}")
    if not isinstance(observation, InvoiceSnapshot):
        return None
    dates = [transfer.occurred_at for transfer in observation.transfers if transfer.occurred_at is not None]
    if dates and max(dates) < earliest - ZONES:
        return Misfit(kind=MisfitKind.TOO_OLD, detail=f"its last transfer is of {max(dates):%Y-%m-%d %H:%M}")
    if observation.standing >= Standing.PAID and observation.received < payment.least:
        return _other_amount(payment, f"{format_amount(observation.received)} {observation.currency} is called paid")
    return None
