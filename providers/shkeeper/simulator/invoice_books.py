"""The local SHKeeper's invoices: opening them, switching their coin, and what transfers make of them.

No I/O and no clock: time is passed in.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from coordinator.money import ZERO, trimmed
from providers.shkeeper.simulator.coins import COINS, Coin
from providers.shkeeper.simulator.notices import BookedTransaction, invoice_notice, unconfirmed_notice

__all__ = ["BookedInvoice", "InvoiceBooks", "RefusedError", "coin_of"]

HUNDRED = Decimal(100)
# Of the amount: less than the one is partial, the other and more is overpaid (models.py Wallet).
LOWER_LIMIT_PERCENT = Decimal(95)
UPPER_LIMIT_PERCENT = Decimal(105)


class RefusedError(Exception):
    """SHKeeper says no, in these words."""


def coin_of(name: str) -> Coin:
    """A coin by its name. Raises RefusedError."""
    if name not in COINS:
        raise RefusedError(f"{name} payment gateway is unavailable")
    return COINS[name]


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A transfer that no block holds yet."""

    txid: str
    crypto: str
    address: str
    amount: Decimal


@dataclass
class BookedInvoice:
    """One invoice. Its addresses in all coins stay valid."""

    invoice_id: int
    external_id: str
    callback_url: str
    fiat: str
    amount_fiat: Decimal
    crypto: str
    amount_crypto: Decimal
    addresses: dict[str, str] = field(default_factory=dict)
    transactions: list[BookedTransaction] = field(default_factory=list)
    unconfirmed: list[Unconfirmed] = field(default_factory=list)

    @property
    def identity(self) -> tuple[str, str, str]:
        """Asked for again with these it is the same invoice."""
        return self.external_id, self.callback_url, self.fiat

    @property
    def balance_fiat(self) -> Decimal:
        return sum((transaction.amount_fiat for transaction in self.transactions), ZERO)

    @property
    def status(self) -> str:
        """As models.py Invoice.update_with_tx leaves it."""
        if not self.transactions:
            return "UNPAID"
        if self.balance_fiat < self.amount_fiat * LOWER_LIMIT_PERCENT / HUNDRED:
            return "PARTIAL"
        return "PAID" if self.balance_fiat < self.amount_fiat * UPPER_LIMIT_PERCENT / HUNDRED else "OVERPAID"

    def looked_up(self) -> dict[str, Any]:
        """As `GET /invoices/{external_id}` shows it."""
        confirmed = [
            {
                "txid": part.txid,
                "crypto": part.crypto,
                "addr": self.addresses[part.crypto],
                "amount": trimmed(part.amount_crypto),
                "status": "CONFIRMED",
            }
            for part in self.transactions
        ]
        unconfirmed = [
            {
                "txid": part.txid,
                "crypto": part.crypto,
                "addr": part.address,
                "amount": trimmed(part.amount),
                "status": "UNCONFIRMED",
            }
            for part in self.unconfirmed
        ]
        return {
            "external_id": self.external_id,
            "fiat": self.fiat,
            "amount_fiat": trimmed(self.amount_fiat),
            "balance_fiat": trimmed(self.balance_fiat),
            "status": self.status,
            "txs": confirmed + unconfirmed,
        }

    def notice(self, txid: str, fee_percent: Decimal) -> dict[str, Any]:
        """What is posted about one of its transfers, as the invoice stands now."""
        waiting = next((part for part in self.unconfirmed if part.txid == txid), None)
        if waiting is not None:
            return unconfirmed_notice(
                address=waiting.address,
                amount=waiting.amount,
                crypto=waiting.crypto,
                external_id=self.external_id,
                txid=txid,
            )
        limit = self.amount_fiat * UPPER_LIMIT_PERCENT / HUNDRED
        return invoice_notice(
            self.transactions,
            trigger=txid,
            address=self.addresses[self.crypto],
            crypto=self.crypto,
            external_id=self.external_id,
            fiat=self.fiat,
            status=self.status,
            overpaid_fiat=max(self.balance_fiat - limit, ZERO),
            fee_percent=fee_percent,
        )


class InvoiceBooks:
    """All invoices of the local SHKeeper."""

    def __init__(self, fee_percent: Decimal) -> None:
        self._fee_percent = fee_percent
        self.invoices: list[BookedInvoice] = []

    def request_payment(self, crypto: str, content: dict[str, Any]) -> dict[str, Any]:
        """`POST /{crypto}/payment_request`: opens an invoice, or finds it and changes its coin or amount. Raises
        RefusedError."""
        coin = coin_of(crypto)
        external_id, callback_url, fiat = (_text(content, name) for name in ("external_id", "callback_url", "fiat"))
        amount = _amount(content, "amount")
        price = coin.price(amount, fiat, self._fee_percent)
        identity = (external_id, callback_url, fiat)
        invoice = next((known for known in self.invoices if known.identity == identity), None)
        if invoice is None:
            number = len(self.invoices) + 1
            invoice = BookedInvoice(number, external_id, callback_url, fiat, amount, crypto, price)
            self.invoices.append(invoice)
        invoice.crypto, invoice.amount_fiat, invoice.amount_crypto = crypto, amount, price
        return {
            "status": "success",
            "id": invoice.invoice_id,
            "amount": trimmed(price),
            "exchange_rate": trimmed(coin.rate(fiat)),
            "wallet": invoice.addresses.setdefault(crypto, coin.new_address()),
            "display_name": coin.display_name,
            "recalculate_after": 0,
        }

    def quote(self, crypto: str, content: dict[str, Any]) -> dict[str, Any]:
        """`POST /{crypto}/quote`. Raises RefusedError."""
        coin, fiat, amount = coin_of(crypto), _text(content, "fiat"), _amount(content, "amount")
        return {
            "status": "success",
            "fiat": fiat,
            "amount_fiat": str(amount),
            "crypto": crypto,
            "amount_crypto": trimmed(coin.price(amount, fiat, self._fee_percent)),
            "exchange_rate": trimmed(coin.rate(fiat)),
        }

    def look_up(self, external_id: str) -> list[dict[str, Any]]:
        """`GET /invoices/{external_id}`; an unknown one is an empty list."""
        return [invoice.looked_up() for invoice in self.invoices if invoice.external_id == external_id]

    def transactions(self, crypto: str, address: str) -> list[dict[str, Any]]:
        """`GET /transactions/{crypto}/{addr}`."""
        return [
            transaction
            for invoice in self.invoices
            for transaction in invoice.looked_up()["txs"]
            if (transaction["crypto"], transaction["addr"]) == (crypto, address)
        ]

    def transfer(
        self, address: str, amount: Decimal | None, now: datetime, *, confirmed: bool = True
    ) -> tuple[BookedInvoice, str]:
        """Somebody sends coins to an address; without an amount, what the invoice still lacks. Returns the invoice
        and the transaction's hash. Raises RefusedError."""
        found = next(
            (
                (invoice, crypto)
                for invoice in self.invoices
                for crypto, known in invoice.addresses.items()
                if known == address
            ),
            None,
        )
        if found is None:
            raise RefusedError(f"{address} is not related to any invoice")
        invoice, crypto = found
        coin = COINS[crypto]
        if amount is None:
            price = coin.price(invoice.amount_fiat, invoice.fiat, self._fee_percent)
            amount = max(price - sum((part.amount_crypto for part in invoice.transactions), ZERO), ZERO)
        txid = coin.new_txid()
        invoice.unconfirmed.append(Unconfirmed(txid, crypto, address, amount))
        if confirmed:
            self.confirm(invoice, txid, now)
        return invoice, txid

    def confirm(self, invoice: BookedInvoice, txid: str, now: datetime) -> None:
        """A block holds an unconfirmed transfer now. Raises RefusedError."""
        waiting = next((part for part in invoice.unconfirmed if part.txid == txid), None)
        if waiting is None:
            raise RefusedError(f"{txid} is not an unconfirmed transaction")
        invoice.unconfirmed.remove(waiting)
        value = waiting.amount * COINS[waiting.crypto].rate(invoice.fiat)
        invoice.transactions.append(BookedTransaction(txid, waiting.crypto, waiting.amount, value, now))

    def holder_of(self, txid: str) -> BookedInvoice:
        """The invoice that a transfer went to. Raises RefusedError."""
        for invoice in self.invoices:
            confirmed = {part.txid for part in invoice.transactions}
            if txid in confirmed | {part.txid for part in invoice.unconfirmed}:
                return invoice
        raise RefusedError(f"{txid} is not known")


def _text(content: dict[str, Any], name: str) -> str:
    if name not in content:
        raise RefusedError(repr(name))  # what Python says of a missing key, which SHKeeper passes on
    return str(content[name])


def _amount(content: dict[str, Any], name: str) -> Decimal:
    try:
        amount = Decimal(_text(content, name))
    except InvalidOperation:
        raise RefusedError("[<class 'decimal.ConversionSyntax'>]") from None
    if not amount.is_finite():
        raise RefusedError(f"{amount} is no amount")
    return amount
