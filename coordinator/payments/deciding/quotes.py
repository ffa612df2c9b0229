"""Quotes: how long a price holds, when a new one is to be asked for, and what is still to be paid of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from coordinator.events import Event
from coordinator.models import FrozenModel
from coordinator.money import (
    CENT_DECIMALS,
    ZERO,
    base_units,
    decimals_of,
    excess_over,
    product,
    proportional,
    rounded_up,
    to_cents,
    total,
    trimmed,
)
from coordinator.payments.agreed.invoices import Invoice, InvoiceOpened
from coordinator.payments.counting.fee_shares import is_bearable
from coordinator.payments.counting.sums import lacks_some
from coordinator.payments.deciding.decisions import progress_events
from coordinator.payments.payments import HALF_A_CENT, OPEN_STATUSES, Payment
from coordinator.waits import is_over

__all__ = [
    "ToPay",
    "fee_priced",
    "filled",
    "has_ended",
    "must_ask_again",
    "place_changed",
    "quote_end",
    "to_pay",
    "whole_coin_amount",
]

# Once the invoice's prices hold no more, SHKeeper counts each transfer at the rate of its moment. A price that is
# asked for then is right for about as long as a rate stands still.
PRICE_OF_THE_MOMENT = timedelta(minutes=15)
# Of a coin of which nobody knows how many it has: few enough for every wallet, and too many to matter.
DECIMALS_IF_UNKNOWN = 6
COUNTED_DECIMALS = 8


class ToPay(FrozenModel):
    """What is to be paid to one invoice as its payment stands. All of it is None where nothing is asked for."""

    coin_amount: Decimal | None = None
    payment_uri: str | None = None
    asked: Decimal | None = None
    """In the payment's currency: what is missing, and the provider's fee."""
    fee: Decimal | None = None
    """The provider's fee alone. None if the provider does not say what it asks for."""


def quote_end(opened: InvoiceOpened, *, first_opened_at: datetime, now: datetime) -> datetime | None:
    """Until when a price holds that the provider gave now; None if it does not end. To SHKeeper the time runs from
    when the invoice was first opened, whatever is asked again since; one that was opened at a time still to come was
    so by a clock that was ahead."""
    ends = [] if opened.lapses_at is None else [opened.lapses_at]
    if opened.price_seconds is not None:
        end = min(first_opened_at, now) + timedelta(seconds=opened.price_seconds)
        ends.append(end if end > now else now + PRICE_OF_THE_MOMENT)
    return min(ends, default=None)


def has_ended(opened: InvoiceOpened, now: datetime) -> bool:
    """Whether a price holds no more, or nobody knows until when: one that would hold for longer than any does was
    given while the clock was ahead."""
    if opened.quoted_until is None:
        return False
    if opened.price_seconds is None:
        return opened.quoted_until <= now
    longest = max(timedelta(seconds=opened.price_seconds), PRICE_OF_THE_MOMENT)
    return is_over(opened.quoted_until, now, longest)


def must_ask_again(invoices: Sequence[Invoice], coin: str, now: datetime, *, fresh: bool = False) -> bool:
    """Whether the provider has to be asked before a coin can be paid with: it honours the price it gave last, and
    only until that ends. The invoice to pay is the first; `fresh` asks in any case."""
    opened = invoices[0].opened if invoices and invoices[0].wanted.coin == coin else None
    return fresh or opened is None or has_ended(opened, now)


def fee_priced(opened: InvoiceOpened, amount: Decimal) -> Decimal | None:
    """What a price asks for on top of the amount, never less than it does; None if it does not say."""
    if opened.asked is None or opened.asked <= amount:
        return None if opened.asked is None else ZERO
    return rounded_up(excess_over(_worth(opened, opened.asked), amount), COUNTED_DECIMALS)


def to_pay(payment: Payment, opened: InvoiceOpened, coin: str) -> ToPay:
    """What is to be paid to an invoice now: the whole sum, or what is missing of it once a part has come. Nobody is
    asked for money that has come and that only the provider's sum lacks."""
    if payment.status not in OPEN_STATUSES:
        return ToPay()
    payment = _as_claimed(payment)
    missing, amount = payment.missing, payment.amount
    if not missing or payment.is_in_doubt:
        return ToPay()
    if opened.asked is None:
        part, whole, fee = missing, amount, None
    else:
        # A provider counts with ten decimals: rounded up to fewer it is not short by the last of them.
        part = rounded_up(payment.asked_in(coin, fee_priced(opened, amount)), COUNTED_DECIMALS)
        whole = _worth(opened, opened.asked)
        fee = to_cents(excess_over(part, missing), CENT_DECIMALS)
    # A provider rounds its price to the coin's units: that is as good as the whole where so little may be missing.
    bearable = min(HALF_A_CENT, excess_over(amount, payment.least))
    if excess_over(part, whole) <= bearable and excess_over(whole, part) <= HALF_A_CENT:
        coin_amount, uri = opened.coin_amount, opened.payment_uri
    elif opened.whole_only:
        return ToPay()
    else:
        coin_amount = proportional(opened.coin_amount, part, whole, _decimals(opened))
        uri = _uri(opened, coin_amount)
    asked = None if fee is None else total([missing, fee])
    return ToPay(coin_amount=coin_amount, payment_uri=uri, asked=asked, fee=fee)


def whole_coin_amount(opened: InvoiceOpened, amount: Decimal) -> Decimal:
    """How much of the coin pays the whole sum, without a fee that is out of proportion."""
    fee = fee_priced(opened, amount)
    if opened.asked is None or fee is None or is_bearable(fee, amount):
        return opened.coin_amount
    return proportional(opened.coin_amount, amount, _worth(opened, opened.asked), _decimals(opened))


def _as_claimed(payment: Payment) -> Payment:
    """As its buyer is asked for the rest. Where its provider calls coins worth more than its prices make of them, the
    rest is what is missing if that is true."""
    if lacks_some(payment.facts) or not payment.is_held:
        return payment
    return payment.with_facts(payment.facts.model_copy(update={"rates": {}}))


def _worth(opened: InvoiceOpened, asked: Decimal) -> Decimal:
    """What the coins of the whole sum are worth, which the provider may only have said to the cent."""
    return asked if opened.exchange_rate is None else product(opened.coin_amount, opened.exchange_rate)


def place_changed(payment: Payment) -> tuple[Event, ...]:
    """Tells the parties that a payment is to be paid elsewhere, or at another price: whoever watches it looks it up.
    How far the payment has come is the same as before."""
    return progress_events(payment)


def _decimals(opened: InvoiceOpened) -> int:
    if opened.coin_decimals is not None:
        return opened.coin_decimals
    return max(decimals_of(opened.coin_amount), DECIMALS_IF_UNKNOWN)


def _uri(opened: InvoiceOpened, coin_amount: Decimal) -> str | None:
    """For another amount than the whole. Of an invoice without a template, the bare address."""
    if opened.uri_template is None:
        return opened.address
    return filled(opened.uri_template, coin_amount, _decimals(opened))


def filled(template: str, amount: Decimal, decimals: int) -> str:
    """A payment URI with its amount."""
    return template.replace("{amount}", trimmed(amount)).replace("{units}", str(base_units(amount, decimals)))
