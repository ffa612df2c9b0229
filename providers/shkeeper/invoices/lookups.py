"""How an invoice stands when SHKeeper is asked (`GET /invoices/{external_id}`), in the coordinator's words.

A look-up proves less than a webhook: SHKeeper calls a transaction confirmed as soon as one block holds it. What of it
cannot be read is left out and said, so that it hides nothing else.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from coordinator.money import Amount, rounded
from coordinator.payments.deciding.evidence import LookedUpInvoice
from coordinator.payments.observed.observations import (
    InvoiceEnded,
    InvoiceSnapshot,
    InvoiceUnreadable,
    Observation,
    Transfer,
    TransferSeen,
    transfer_key,
)
from providers.shkeeper.coins import LIGHTNING
from providers.shkeeper.destinations import usual_spelling
from providers.shkeeper.webhooks.confirmations import settling_seconds
from providers.shkeeper.webhooks.webhooks import ENDINGS, STANDINGS
from providers.shkeeper.wire import Address, Code, ExternalId, TransactionId, Wire, faults

__all__ = ["InvoiceAnswer", "ListAnswer", "looked_up"]

CONFIRMED = "CONFIRMED"
# A notice says sums and amounts with so many; both are to say the same.
NOTICED_DECIMALS = 10


class LookedUpTransaction(Wire):
    """One transaction of an invoice. What it counts for in fiat is not said here."""

    txid: TransactionId
    crypto: Code
    amount: Amount
    addr: Address | None = None
    status: Literal["CONFIRMED", "UNCONFIRMED"]

    @property
    def place(self) -> str | None:
        """Where it went to."""
        return usual_spelling(self.crypto, self.addr) if self.addr else None


class WireInvoice(Wire):
    """An invoice as it stands. SHKeeper also knows `OUTGOING`, which says nothing of what came."""

    external_id: ExternalId
    status: Literal["UNPAID", "PARTIAL", "PAID", "OVERPAID", "CANCELLED", "REFUNDED"]
    fiat: Code
    amount_fiat: Amount
    balance_fiat: Amount
    txs: tuple[Any, ...]
    """Each is read by itself."""


class InvoiceAnswer(Wire):
    """The answer: an invoice for each callback URL and fiat currency that this id was used with. Each is read by
    itself."""

    invoices: tuple[Any, ...]


class NamedInvoice(Wire):
    """One of many invoices, of which only the name is wanted."""

    external_id: ExternalId


class ListAnswer(Wire):
    """The answer to whoever asks for all."""

    invoices: tuple[NamedInvoice, ...]


class _Listed(NamedTuple):
    """The transactions of an invoice, as far as they can be read, and what is wrong with the others."""

    transactions: tuple[LookedUpTransaction, ...]
    unreadable: tuple[str, ...]

    @property
    def booked(self) -> list[Transfer]:
        return [_transfer(one) for one in self.transactions if one.status == CONFIRMED]

    @property
    def seen(self) -> list[TransferSeen]:
        waiting = (one for one in self.transactions if one.status != CONFIRMED)
        return [TransferSeen(transfer=_transfer(one), is_looked_up=True) for one in waiting]


def looked_up(content: object, confirmations: Mapping[str, int]) -> LookedUpInvoice:
    """The invoice with what it shows, which is nothing before the first transaction. `confirmations` is how many the
    operator asks for, by coin."""
    try:
        invoice = WireInvoice.model_validate(content)
    except ValidationError as error:
        what = (faults(error),)
        return LookedUpInvoice(currency=None, agreed=None, observations=(InvoiceUnreadable(what=what),))
    listed = _listed(invoice)
    return LookedUpInvoice(
        name=invoice.external_id,
        currency=invoice.fiat,
        agreed=invoice.amount_fiat,
        places={one.txid: one.place for one in listed.transactions if one.crypto != LIGHTNING},
        observations=tuple(_observations(invoice, listed, confirmations)),
    )


def _listed(invoice: WireInvoice) -> _Listed:
    readable: dict[str, LookedUpTransaction] = {}
    unreadable: list[str] = []
    for number, content in enumerate(invoice.txs):
        try:
            one = LookedUpTransaction.model_validate(content)
        except ValidationError as error:
            unreadable.append(f"txs.{number}.{faults(error)}" if isinstance(content, dict) else f"txs.{number}")
            continue
        # A transaction pays an invoice once. Of one that is there twice nobody can tell how much it brought.
        other = readable.get(transfer_key(one.txid))
        if other is not None:
            unreadable.append(f"txs.{number}.txid: stands there twice")
        readable[transfer_key(one.txid)] = one if other is None or one.amount < other.amount else other
    return _Listed(tuple(readable.values()), tuple(unreadable))


def _observations(invoice: WireInvoice, listed: _Listed, confirmations: Mapping[str, int]) -> Iterator[Observation]:
    booked = listed.booked
    if invoice.status in ENDINGS:
        if listed.unreadable:
            yield InvoiceUnreadable(what=listed.unreadable)
        yield InvoiceEnded(
            ending=ENDINGS[invoice.status], currency=invoice.fiat, transfers=tuple(booked), is_looked_up=True
        )
        return
    yield from listed.seen
    if booked or invoice.balance_fiat:
        yield InvoiceSnapshot(
            standing=STANDINGS[invoice.status],
            currency=invoice.fiat,
            received=rounded(invoice.balance_fiat, NOTICED_DECIMALS),
            transfers=tuple(booked),
            caused_by=booked[-1].transfer_id if booked else None,
            # Whoever asks is told that it is confirmed from the first confirmation on.
            proven=frozenset(),
            settling_seconds={one.asset: settling_seconds(one.asset, confirmations) for one in booked},
            agreed=invoice.amount_fiat,
            places={one.txid: one.place for one in listed.transactions if one.place},
            unreadable=listed.unreadable,
        )
    elif listed.unreadable:
        yield InvoiceUnreadable(what=listed.unreadable)


def _transfer(transaction: LookedUpTransaction) -> Transfer:
    amount = rounded(transaction.amount, NOTICED_DECIMALS)
    return Transfer(transfer_id=transaction.txid, asset=transaction.crypto, amount=amount)
