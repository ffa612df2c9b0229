"""An invoice in the books of the local SHKeeper: what it has received, how it stands, and what is told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from providers.shkeeper.simulator.notices import BookedTransaction, invoice_notice, unconfirmed_notice
from providers.shkeeper.simulator.terms.coins import COINS, Family
from providers.shkeeper.simulator.terms.number_formats import plain
from providers.shkeeper.simulator.terms.terms import Terms

__all__ = ["BookedInvoice", "Unconfirmed"]

HUNDRED = Decimal(100)
ZERO = Decimal(0)


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
    external_id: str | None
    callback_url: str
    fiat: str
    amount_fiat: Decimal
    crypto: str
    amount_crypto: Decimal
    exchange_rate: Decimal
    opened_at: datetime
    addresses: dict[str, str] = field(default_factory=dict)
    """By coin, the newest of each."""
    without_address: set[str] = field(default_factory=set)
    """The coins whose daemons were asked for an address and gave none; they are not asked again."""
    bolt11s: list[str] = field(default_factory=list)
    """Those of Lightning, each of which can be paid."""
    transactions: list[BookedTransaction] = field(default_factory=list)
    unconfirmed: list[Unconfirmed] = field(default_factory=list)
    balance_fiat: Decimal = ZERO
    balance_crypto: Decimal = ZERO
    """The sum of what came in the coin that was the invoice's at the time, whichever that was."""
    status: str = "UNPAID"
    """As the last transaction left it (models.py Invoice.update_with_tx)."""

    @property
    def identity(self) -> tuple[str | None, str, str]:
        """Asked for again with these it is the same invoice."""
        return self.external_id, self.callback_url, self.fiat

    def coin_at(self, address: str) -> str | None:
        """Which coin an address of it takes."""
        if address in self.bolt11s:
            return next(name for name, coin in COINS.items() if coin.family is Family.LIGHTNING)
        return next((crypto for crypto, known in self.addresses.items() if known == address), None)

    def book(self, transaction: BookedTransaction, terms: Terms, *, is_counted: bool) -> None:
        """Writes down a transaction. One that is not counted is listed all the same, as when several come at once and
        each is added to the balance from before."""
        self.transactions.append(transaction)
        if not is_counted:
            return
        self.balance_fiat += transaction.amount_fiat
        if transaction.crypto == self.crypto:
            self.balance_crypto += transaction.amount_crypto
        self.status = self._status(terms)

    def _status(self, terms: Terms) -> str:
        wallet = terms.wallets[self.crypto]
        if self.balance_fiat < self.amount_fiat * wallet.lower_limit / HUNDRED:
            return "PARTIAL"
        return "PAID" if self.balance_fiat < self.amount_fiat * wallet.upper_limit / HUNDRED else "OVERPAID"

    def looked_up(self) -> dict[str, Any]:
        """As `GET /invoices/{external_id}` shows it."""
        return {
            "external_id": self.external_id,
            "fiat": self.fiat,
            "amount_fiat": plain(self.amount_fiat),
            "balance_fiat": plain(self.balance_fiat),
            "status": self.status,
            "txs": self.listed(),
        }

    def listed(self) -> list[dict[str, Any]]:
        """Its transactions, each of them confirmed from its first confirmation on."""
        confirmed = [
            _listed(part.txid, part.crypto, part.address, part.amount_crypto, "CONFIRMED")
            for part in self.transactions
        ]
        return confirmed + [
            _listed(part.txid, part.crypto, part.address, part.amount, "UNCONFIRMED") for part in self.unconfirmed
        ]

    def about(self, txid: str) -> dict[str, Any]:
        """As `GET /tx-info/{txid}/{external_id}` shows one of its transactions: with its worth as the amount."""
        found = next((part for part in self.transactions if part.txid == txid), None)
        if found is None:
            return {}
        return {"addr": found.address, "amount": plain(found.amount_fiat), "crypto": found.crypto}

    def notice(self, txid: str, terms: Terms) -> dict[str, Any]:
        """What is posted about one of its transactions, as the invoice stands now."""
        fees: Mapping[str, Any] = {part.crypto: terms.fees_of(part.crypto, self.fiat) for part in self.transactions}
        limit = self.amount_fiat * terms.wallets[self.crypto].upper_limit / HUNDRED
        return invoice_notice(
            self.transactions,
            trigger=txid,
            address=self.addresses.get(self.crypto, ""),
            crypto=self.crypto,
            external_id=self.external_id,
            fiat=self.fiat,
            status=self.status,
            balance_crypto=self.balance_crypto,
            balance_fiat=self.balance_fiat,
            overpaid_fiat=max(self.balance_fiat - limit, ZERO),
            fees=terms.fees_of(self.crypto, self.fiat),
            fees_of=fees,
        )

    def unconfirmed_notice(self, txid: str) -> dict[str, Any] | None:
        """What is posted about a transfer before a block holds it; None once one does."""
        waiting = next((part for part in self.unconfirmed if part.txid == txid), None)
        if waiting is None:
            return None
        return unconfirmed_notice(
            address=waiting.address,
            amount=waiting.amount,
            crypto=waiting.crypto,
            external_id=self.external_id,
            txid=txid,
        )


def _listed(txid: str, crypto: str, address: str, amount: Decimal, status: str) -> dict[str, Any]:
    return {"txid": txid, "crypto": crypto, "addr": address, "amount": plain(amount), "status": status}
