"""Webhooks through the life of one invoice, by name: what `bridge simulate shkeeper --scenario` posts without any
gateway."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from coordinator.errors import BridgeError
from coordinator.money import ZERO
from providers.shkeeper.simulator.notices import (
    BookedTransaction,
    compact,
    invoice_notice,
    signed_headers,
    unconfirmed_notice,
)
from providers.shkeeper.simulator.terms.number_formats import TEN_DECIMALS
from providers.shkeeper.simulator.terms.terms import FeePolicy, Fees

__all__ = ["NO_FEES", "SCENARIOS", "Invoice", "InvoiceUnplayableError", "NoticeDelivery", "Scenario"]

# Whoever plays a sale pays its amount, and nothing on top.
NO_FEES = Fees(FeePolicy.NO_FEE)
# Below it, amounts with ten decimals stay exact in the 28 digits that Decimal calculates with.
AMOUNT_LIMIT = Decimal("1e15")
WRONG_KEY = "not-the-key"


class InvoiceUnplayableError(BridgeError, ValueError):
    """An invoice that SHKeeper could not write, so that there is nothing to simulate."""


@dataclass(frozen=True, slots=True)
class NoticeDelivery:
    """One webhook: what it says, its body, and what a correct receiver answers."""

    label: str
    body: bytes
    expected_status: int = 202
    signed_well: bool = True

    def headers(self, key: str, now: datetime) -> dict[str, str]:
        """The headers of a delivery at `now`. Each try is signed anew."""
        return signed_headers(key if self.signed_well else WRONG_KEY, self.body, now)


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as SHKeeper keeps it. `pay` returns the invoice with one transaction more.

    Raises InvoiceUnplayableError for amounts that SHKeeper could not write.
    """

    external_id: str
    amount: Decimal
    fiat: str
    opened_at: datetime
    paid: tuple[Decimal, ...] = ()
    """What each transaction was worth in the fiat currency, in order of arrival."""
    crypto: str = "ETH-USDT"
    address: str | None = None
    """Where the buyer pays to; one derived from the external id if None."""
    rate: Decimal = Decimal(1)
    """What one coin is worth in the fiat currency."""
    fees: Fees = NO_FEES
    """What SHKeeper takes; `amount` is with it."""

    def __post_init__(self) -> None:
        if not self.amount.is_finite() or not 0 < self.amount < AMOUNT_LIMIT:
            raise InvoiceUnplayableError(f"the amount must be more than zero and less than {AMOUNT_LIMIT:f}")
        if self.amount != self.amount.quantize(TEN_DECIMALS):
            raise InvoiceUnplayableError("the amount has more decimals than the ten that SHKeeper writes; round it")
        if not self.rate.is_finite() or self.rate <= 0 or self.amount / self.rate >= AMOUNT_LIMIT:
            raise InvoiceUnplayableError(
                f"the rate must be more than zero, and make the amount less than {AMOUNT_LIMIT:f} coins"
            )

    def pay(self, part: Decimal) -> "Invoice":
        """The invoice after a transaction worth `part` in its fiat currency was confirmed."""
        return replace(self, paid=(*self.paid, part))

    @property
    def balance(self) -> Decimal:
        return sum(self.paid, ZERO)

    @property
    def status(self) -> str:
        if self.balance == self.amount:
            return "PAID"
        return "PARTIAL" if self.balance < self.amount else "OVERPAID"

    def txid(self, number: int, part: Decimal) -> str:
        """The hash of the invoice's transaction of that number, counted from 0, and of that worth: played once more
        otherwise, an invoice has other transactions."""
        return "0x" + hashlib.sha256(f"{self.external_id}/{number}/{part.normalize():f}".encode()).hexdigest()

    def unconfirmed(self, part: Decimal) -> bytes:
        """The notice of the next transaction before it is confirmed."""
        return compact(
            unconfirmed_notice(
                address=self._address,
                amount=self._coins(part),
                crypto=self.crypto,
                external_id=self.external_id,
                txid=self.txid(len(self.paid), part),
            )
        )

    def notice(self) -> bytes:
        """The notice after the newest transaction: a snapshot with every transaction so far."""
        transactions = [
            BookedTransaction(
                self.txid(number, part),
                self.crypto,
                self._coins(part),
                part,
                self.opened_at + timedelta(seconds=number),
            )
            for number, part in enumerate(self.paid)
        ]
        return compact(
            invoice_notice(
                transactions,
                trigger=transactions[-1].txid,
                address=self._address,
                crypto=self.crypto,
                external_id=self.external_id,
                fiat=self.fiat,
                status=self.status,
                balance_crypto=sum((part.amount_crypto for part in transactions), ZERO),
                balance_fiat=self.balance,
                overpaid_fiat=max(self.balance - self.amount, ZERO),
                fees=self.fees,
                fees_of={},
            )
        )

    @property
    def _address(self) -> str:
        return self.address or "0x" + hashlib.sha256(self.external_id.encode()).hexdigest()[:40]

    def _coins(self, part: Decimal) -> Decimal:
        """What `part` of the fiat currency is in coins."""
        return (part / self.rate).quantize(TEN_DECIMALS, ROUND_DOWN)


def _part_of(invoice: Invoice) -> Decimal:
    """About 40 percent of the amount, exact to what SHKeeper can write."""
    return (invoice.amount * Decimal("0.4")).quantize(TEN_DECIMALS, ROUND_DOWN)


def _confirmed(invoice: Invoice, label: str, **options: Any) -> NoticeDelivery:
    return NoticeDelivery(f"{label} ({invoice.status})", invoice.notice(), **options)


def _unconfirmed(invoice: Invoice, part: Decimal) -> NoticeDelivery:
    return NoticeDelivery("a transaction is seen, unconfirmed", invoice.unconfirmed(part))


def _only_seen(invoice: Invoice) -> Sequence[NoticeDelivery]:
    return [_unconfirmed(invoice, invoice.amount)]


def _partial(invoice: Invoice) -> Sequence[NoticeDelivery]:
    return [_confirmed(invoice.pay(_part_of(invoice)), "a part is paid")]


def _paid(invoice: Invoice) -> Sequence[NoticeDelivery]:
    return [_confirmed(invoice.pay(invoice.amount), "all is paid")]


def _overpaid(invoice: Invoice) -> Sequence[NoticeDelivery]:
    return [_confirmed(invoice.pay(invoice.amount + _part_of(invoice)), "more than all is paid")]


def _duplicate(invoice: Invoice) -> Sequence[NoticeDelivery]:
    [paid] = _paid(invoice)
    return [paid, NoticeDelivery(f"the same, again: {paid.label}", paid.body)]


def _steps(invoice: Invoice) -> tuple[Invoice, Invoice, Invoice]:
    part = _part_of(invoice)
    partial = invoice.pay(part)
    paid = partial.pay(invoice.amount - part)
    return partial, paid, paid.pay(part)


def _life(invoice: Invoice) -> Sequence[NoticeDelivery]:
    partial, paid, overpaid = _steps(invoice)
    first = _confirmed(partial, "a part is paid")
    return [
        _unconfirmed(invoice, partial.balance),
        first,
        NoticeDelivery(f"the same, again: {first.label}", first.body),
        _confirmed(paid, "the rest is paid"),
        _confirmed(overpaid, "more arrives late"),
    ]


def _out_of_order(invoice: Invoice) -> Sequence[NoticeDelivery]:
    partial, paid, _ = _steps(invoice)
    return [
        _confirmed(paid, "the rest is paid"),
        _confirmed(partial, "a part is paid, told late"),
        _unconfirmed(invoice, partial.balance),
    ]


def _bad_signature(invoice: Invoice) -> Sequence[NoticeDelivery]:
    paid = invoice.pay(invoice.amount)
    return [_confirmed(paid, "all is paid, signed with a wrong key", expected_status=401, signed_well=False)]


Scenario = Callable[[Invoice], Sequence[NoticeDelivery]]

SCENARIOS: Mapping[str, Scenario] = {
    "life": _life,
    "unconfirmed": _only_seen,
    "partial": _partial,
    "paid": _paid,
    "overpaid": _overpaid,
    "duplicate": _duplicate,
    "out-of-order": _out_of_order,
    "bad-signature": _bad_signature,
}
"""What can happen to an invoice that nobody has paid yet, by the name that `bridge simulate shkeeper` takes."""
