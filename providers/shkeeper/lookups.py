"""How an invoice stands when SHKeeper is asked (`GET /invoices/{external_id}`), in the coordinator's words."""

import hashlib
from typing import Literal

from coordinator.money import Amount, rounded
from coordinator.observations import InvoiceEnded, InvoiceSnapshot, Observation, Transfer, TransferSeen
from providers.contract import Reading
from providers.shkeeper.webhooks import ENDINGS, STANDINGS
from providers.shkeeper.wire import Code, ExternalId, Wire

__all__ = ["InvoiceAnswer", "readings"]

CONFIRMED = "CONFIRMED"
NOTICED_DECIMALS = 10


class LookedUpTransaction(Wire):
    """One transaction of an invoice. What it counts for in fiat is not said here."""

    txid: ExternalId
    crypto: Code
    amount: Amount
    status: str = "CONFIRMED"


class LookedUpInvoice(Wire):
    """An invoice as it stands."""

    external_id: ExternalId
    status: Literal["UNPAID", "PARTIAL", "PAID", "OVERPAID", "CANCELLED", "REFUNDED", "OUTGOING"]
    fiat: Code
    amount_fiat: Amount
    balance_fiat: Amount
    txs: tuple[LookedUpTransaction, ...] = ()


class InvoiceAnswer(Wire):
    """The answer: an invoice for each callback URL and fiat currency that this id was used with."""

    invoices: tuple[LookedUpInvoice, ...]


def readings(invoice: LookedUpInvoice) -> list[Reading]:
    """What the invoice's webhooks would have said by now: nothing before the first transaction."""
    if invoice.status in ENDINGS:
        return [_reading(invoice, InvoiceEnded(ending=ENDINGS[invoice.status]))]
    if invoice.status not in STANDINGS:
        return []
    transactions = {transaction.txid: transaction for transaction in invoice.txs}.values()
    confirmed = [_transfer(transaction) for transaction in transactions if transaction.status == CONFIRMED]
    said: list[Reading] = [
        _reading(invoice, TransferSeen(transfer=_transfer(transaction)))
        for transaction in transactions
        if transaction.status != CONFIRMED
    ]
    if confirmed or invoice.balance_fiat:
        snapshot = InvoiceSnapshot(
            standing=STANDINGS[invoice.status],
            currency=invoice.fiat,
            # A notice says it with ten decimals; both are to say the same.
            received=rounded(invoice.balance_fiat, NOTICED_DECIMALS),
            transfers=tuple(confirmed),
            caused_by=confirmed[-1].transfer_id if confirmed else None,
        )
        said.append(_reading(invoice, snapshot))
    return said


def _transfer(transaction: LookedUpTransaction) -> Transfer:
    return Transfer(transfer_id=transaction.txid, asset=transaction.crypto, amount=transaction.amount)


def _reading(invoice: LookedUpInvoice, observation: Observation) -> Reading:
    said = f"{invoice.external_id}\n{observation.model_dump_json()}"
    digest = hashlib.sha256(said.encode()).hexdigest()
    return Reading(invoice.external_id, observation, f"lookup:{digest}")
