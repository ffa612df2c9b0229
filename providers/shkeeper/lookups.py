"""How an invoice stands when SHKeeper is asked (`GET /invoices/{external_id}`), in the coordinator's words.

A look-up proves less than a webhook: SHKeeper calls a transaction confirmed as soon as one block holds it.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from coordinator.evidence import LookedUpInvoice
from coordinator.money import Amount, rounded
from coordinator.observations import InvoiceEnded, InvoiceSnapshot, Observation, Transfer, TransferSeen
from providers.shkeeper.coins import LIGHTNING
from providers.shkeeper.confirmations import settling_seconds
from providers.shkeeper.webhooks import ENDINGS, STANDINGS
from providers.shkeeper.wire import Code, ExternalId, Wire

__all__ = ["InvoiceAnswer", "ListAnswer", "looked_up"]

CONFIRMED = "CONFIRMED"
# A notice says sums and amounts with so many; both are to say the same.
NOTICED_DECIMALS = 10


class LookedUpTransaction(Wire):
    """One transaction of an invoice. What it counts for in fiat is not said here."""

    txid: ExternalId
    crypto: Code
    amount: Amount
    addr: str | None = None
    status: str = "CONFIRMED"


class WireInvoice(Wire):
    """An invoice as it stands."""

    external_id: ExternalId
    status: Literal["UNPAID", "PARTIAL", "PAID", "OVERPAID", "CANCELLED", "REFUNDED", "OUTGOING"]
    fiat: Code
    amount_fiat: Amount
    balance_fiat: Amount
    txs: tuple[LookedUpTransaction, ...] = ()


class InvoiceAnswer(Wire):
    """The answer: an invoice for each callback URL and fiat currency that this id was used with."""

    invoices: tuple[WireInvoice, ...]


class NamedInvoice(Wire):
    """One of many invoices, of which only the name is wanted."""

    external_id: ExternalId


class ListAnswer(Wire):
    """The answer to whoever asks for all."""

    invoices: tuple[NamedInvoice, ...]


def looked_up(invoice: WireInvoice, confirmations: Mapping[str, int]) -> LookedUpInvoice:
    """The invoice with what it shows, which is nothing before the first transaction. `confirmations` is how many the
    operator asks for, by coin."""
    return LookedUpInvoice(
        currency=invoice.fiat,
        agreed=invoice.amount_fiat,
        places={one.txid: one.addr for one in invoice.txs if one.addr is not None and one.crypto != LIGHTNING},
        observations=tuple(_observations(invoice, confirmations)),
    )


def _observations(invoice: WireInvoice, confirmations: Mapping[str, int]) -> Iterator[Observation]:
    if invoice.status in ENDINGS:
        listed = tuple(_transfer(one) for one in invoice.txs if one.status == CONFIRMED)
        yield InvoiceEnded(ending=ENDINGS[invoice.status], currency=invoice.fiat, transfers=listed)
        return
    if invoice.status not in STANDINGS:
        return
    transactions = {transaction.txid: transaction for transaction in invoice.txs}.values()
    booked = [_transfer(transaction) for transaction in transactions if transaction.status == CONFIRMED]
    for transaction in transactions:
        if transaction.status != CONFIRMED:
            yield TransferSeen(transfer=_transfer(transaction))
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
        )


def _transfer(transaction: LookedUpTransaction) -> Transfer:
    amount = rounded(transaction.amount, NOTICED_DECIMALS)
    return Transfer(transfer_id=transaction.txid, asset=transaction.crypto, amount=amount)
