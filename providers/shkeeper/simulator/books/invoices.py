"""The local SHKeeper's invoices: opening them, switching their coin, and what transfers make of them.

No I/O and no clock: time is passed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from providers.shkeeper.simulator.books.addresses import new_address, new_bolt11, new_txid
from providers.shkeeper.simulator.books.booked_invoice import BookedInvoice, Unconfirmed
from providers.shkeeper.simulator.notices import BookedTransaction
from providers.shkeeper.simulator.terms.coins import COINS, Coin, Family
from providers.shkeeper.simulator.terms.daemons import Daemons
from providers.shkeeper.simulator.terms.number_formats import plain, stored
from providers.shkeeper.simulator.terms.refusals import RefusedError, ThrownError
from providers.shkeeper.simulator.terms.terms import Terms

__all__ = ["InvoiceBooks", "Output", "amount_in", "text_in"]

ZERO = Decimal(0)
# Where a Lightning invoice can be paid besides: an address of this coin.
ON_CHAIN = "BTC"


@dataclass(frozen=True, slots=True)
class Output:
    """What a transaction sends to one address."""

    address: str
    amount: Decimal


@dataclass(slots=True)
class Transaction:
    """A transaction as the chain has it, whatever SHKeeper knows of it."""

    outputs: Sequence[Output]
    confirmations: int
    invoices: list[BookedInvoice] = field(default_factory=list)
    is_received: bool = False
    """Whether it is in the wallets."""


class InvoiceBooks:
    """All invoices of the local SHKeeper, and the transactions towards them."""

    def __init__(self, terms: Terms | None = None, daemons: Daemons | None = None) -> None:
        self._terms = terms or Terms()
        self._daemons = daemons or Daemons()
        self.invoices: list[BookedInvoice] = []
        self.transactions: dict[str, Transaction] = {}

    # What SHKeeper is asked

    def request_payment(self, crypto: str, content: Any, now: datetime) -> dict[str, Any]:
        """`POST /{crypto}/payment_request`: opens an invoice, or finds it, changes its coin or amount, and fixes
        price and rate anew. Raises RefusedError."""
        coin = self._offered(crypto)
        external_id = _field(content, "external_id")
        external_id = None if external_id is None else str(external_id)
        fiat, amount = text_in(content, "fiat"), amount_in(content, "amount")
        price, rate = self._terms.price(coin, fiat, amount), self._terms.rate(crypto, fiat)
        callback_url = text_in(content, "callback_url")
        identity = (external_id, callback_url, fiat)
        known = next((known for known in self.invoices if known.identity == identity), None)
        number = len(self.invoices) + 1
        invoice = known or BookedInvoice(
            number, external_id, callback_url, fiat, amount, crypto, price, rate, opened_at=now
        )
        besides = self._give_address(invoice, coin, stored(price), now)
        if known is None:
            self.invoices.append(invoice)
        invoice.crypto, invoice.amount_fiat, invoice.exchange_rate = crypto, stored(amount), rate
        invoice.amount_crypto = stored(price)
        return {
            "status": "success",
            "id": invoice.invoice_id,
            "amount": plain(invoice.amount_crypto),
            "exchange_rate": plain(rate),
            "wallet": invoice.addresses.get(crypto),
            "display_name": coin.display_name,
            "recalculate_after": self._terms.wallets[crypto].recalculate_after,
        } | besides

    def _give_address(self, invoice: BookedInvoice, coin: Coin, price: Decimal, now: datetime) -> dict[str, Any]:
        """Sees to it that an invoice has an address in a coin; Lightning wants a new one each time. Returns what the
        answer says besides. Raises ThrownError."""
        if coin.family is not Family.LIGHTNING:
            if coin.name in invoice.addresses or coin.name in invoice.without_address:
                return {}
            if self._daemons.ask_for_address(coin):
                invoice.addresses[coin.name] = new_address(coin)
            else:
                invoice.without_address.add(coin.name)
            return {}
        self._daemons.ask_for_address(coin)
        bolt11 = new_bolt11(price, now)
        invoice.bolt11s.append(bolt11)
        invoice.addresses[coin.name] = bolt11
        on_chain = invoice.addresses.setdefault(ON_CHAIN, new_address(COINS[ON_CHAIN]))
        return {"bip21": f"bitcoin:{on_chain.upper()}?amount={plain(price)}&lightning={bolt11.upper()}"}

    def quote(self, crypto: str, content: Any) -> dict[str, Any]:
        """`POST /{crypto}/quote`. Raises RefusedError."""
        coin = self._offered(crypto)
        if not isinstance(content, dict) or not {"fiat", "amount"} <= set(content):
            raise RefusedError("'fiat' and 'amount' are required fields.")
        fiat, amount = text_in(content, "fiat"), amount_in(content, "amount")
        return {
            "status": "success",
            "fiat": fiat,
            "amount_fiat": str(content["amount"]),
            "crypto": crypto,
            # These two as they come out of the calculation and the database, zeros and all.
            "amount_crypto": f"{self._terms.price(coin, fiat, amount):f}",
            "exchange_rate": f"{self._terms.rate(crypto, fiat):f}",
        }

    def _offered(self, crypto: str) -> Coin:
        coin = self._terms.offered(crypto)
        if self._terms.disable_crypto_when_lags and self._daemons.lags(coin):
            words = f"{crypto} payment gateway is unavailable because of lagging"
            raise RefusedError(words, self._daemons.waited_for(coin))
        return coin

    def look_up(self, external_id: str) -> list[dict[str, Any]]:
        """`GET /invoices/{external_id}`; an unknown one is an empty list."""
        return [invoice.looked_up() for invoice in self.invoices if invoice.external_id == external_id]

    def at_address(self, crypto: str, address: str) -> list[dict[str, Any]]:
        """`GET /transactions/{crypto}/{addr}`, in the order of their hashes."""
        found = [
            transaction
            for invoice in self.invoices
            for transaction in invoice.listed()
            if (transaction["crypto"], transaction["addr"]) == (crypto, address)
        ]
        return sorted(found, key=lambda transaction: str(transaction["txid"]))

    def about(self, external_id: str, txid: str) -> dict[str, Any]:
        """`GET /tx-info/{txid}/{external_id}`; an unknown one is empty."""
        found = (invoice.about(txid) for invoice in self.invoices if invoice.external_id == external_id)
        return next((info for info in found if info), {})

    # What happens on the chains

    def send(self, outputs: Sequence[Output], confirmations: int, txid: str | None = None) -> str:
        """Somebody's wallet makes a transaction, of which SHKeeper hears nothing yet. Returns its hash. Raises
        RefusedError."""
        holders = [self._holder(output.address) for output in outputs]
        txid = txid or new_txid(COINS[holders[0][1]])
        self.transactions[txid] = Transaction(outputs, confirmations, [invoice for invoice, _ in holders])
        return txid

    def lacks(self, address: str) -> Decimal:
        """How many coins at an address pay what its invoice still lacks. Raises RefusedError."""
        invoice, crypto = self._holder(address)
        price, rate = invoice.amount_crypto, invoice.exchange_rate
        if crypto != invoice.crypto:
            price = self._terms.price(COINS[crypto], invoice.fiat, invoice.amount_fiat)
            rate = self._terms.rate(crypto, invoice.fiat)
        received = sum(
            (
                part.amount_crypto if part.crypto == crypto else part.amount_fiat / rate
                for part in invoice.transactions
            ),
            ZERO,
        )
        return max(price - stored(received), ZERO)

    def report(self, txid: str, now: datetime, *, is_counted: bool = True) -> list[BookedInvoice]:
        """A coin's daemon tells SHKeeper of a transaction. Returns the invoices that have changed by it. Raises
        RefusedError."""
        transaction = self._transaction(txid)
        self._receive(transaction)
        changed = []
        for output in transaction.outputs:
            invoice, crypto = self._holder(output.address)
            # Of one transaction an invoice has one part, whatever else it sends to it.
            if any(part.txid == txid for part in invoice.transactions):
                continue
            waiting = [part for part in invoice.unconfirmed if part.txid == txid]
            if transaction.confirmations:
                invoice.unconfirmed = [part for part in invoice.unconfirmed if part.txid != txid]
                invoice.book(self._booked(invoice, crypto, output, txid, now), self._terms, is_counted=is_counted)
            elif self._terms.unconfirmed_notices and not waiting:
                invoice.unconfirmed.append(Unconfirmed(txid, crypto, output.address, stored(output.amount)))
            else:
                continue
            changed.append(invoice)
        return changed

    def _receive(self, transaction: Transaction) -> None:
        """What a block holds is in the wallets, all of it and once, whatever SHKeeper books of it."""
        if transaction.confirmations and not transaction.is_received:
            transaction.is_received = True
            for output in transaction.outputs:
                self._daemons.by_coin[self._holder(output.address)[1]].receive(output.amount)

    def _booked(
        self, invoice: BookedInvoice, crypto: str, output: Output, txid: str, now: datetime
    ) -> BookedTransaction:
        holds_for = self._terms.rate_holds_for(invoice.crypto)
        # Only the coin that was asked for last has a rate that was promised, and that not for ever.
        is_fixed = crypto == invoice.crypto and (holds_for is None or now - invoice.opened_at <= holds_for)
        rate = invoice.exchange_rate if is_fixed else self._terms.rate(crypto, invoice.fiat)
        worth = stored(output.amount * rate)
        return BookedTransaction(txid, crypto, stored(output.amount), worth, now, output.address)

    def has_enough_confirmations(self, invoice: BookedInvoice, txid: str) -> bool:
        """Whether the notice of a transaction may be posted."""
        crypto = next((part.crypto for part in invoice.transactions if part.txid == txid), invoice.crypto)
        return self._transaction(txid).confirmations >= self._terms.wallets[crypto].confirmations

    def confirm(self, txid: str, confirmations: int | None = None) -> None:
        """A transaction has so many confirmations now; as many as are wanted if nothing is said. Raises
        RefusedError."""
        transaction = self._transaction(txid)
        if confirmations is None:
            confirmations = max(self.wanted_confirmations(output.address) for output in transaction.outputs)
            if transaction.confirmations >= confirmations:
                raise RefusedError(f"{txid} is not an unconfirmed transaction")
        transaction.confirmations = confirmations

    def wanted_confirmations(self, address: str) -> int:
        """How many confirmations a transfer to an address needs, at least the first. Raises RefusedError."""
        _, crypto = self._holder(address)
        return max(self._terms.wallets[crypto].confirmations, 1)

    def holder_of(self, txid: str) -> BookedInvoice:
        """The invoice that a transaction went to. Raises RefusedError."""
        return self._transaction(txid).invoices[0]

    def make_older(self, external_id: str, by: timedelta) -> None:
        """Lets invoices have been opened earlier. Raises RefusedError."""
        found = [invoice for invoice in self.invoices if invoice.external_id == external_id]
        if not found:
            raise RefusedError(f"no invoice of {external_id} is known")
        for invoice in found:
            invoice.opened_at -= by

    def _transaction(self, txid: str) -> Transaction:
        if txid not in self.transactions:
            raise RefusedError(f"{txid} is not known")
        return self.transactions[txid]

    def _holder(self, address: str) -> tuple[BookedInvoice, str]:
        for invoice in self.invoices:
            crypto = invoice.coin_at(address)
            if crypto is not None:
                return invoice, crypto
        raise RefusedError(f"{address} is not related to any invoice")


def _field(content: Any, name: str) -> Any:
    if isinstance(content, list):
        raise ThrownError("list indices must be integers or slices, not str")
    if name not in content:
        raise ThrownError(repr(name))  # what Python says of a missing key, which SHKeeper passes on
    return content[name]


def text_in(content: Any, name: str) -> str:
    """A field, as text. Raises ThrownError."""
    return str(_field(content, name))


def amount_in(content: Any, name: str) -> Decimal:
    """A field that is to be a number; Python's own words if it is none. Raises ThrownError."""
    value = _field(content, name)
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise ThrownError("[<class 'decimal.ConversionSyntax'>]") from None
    except TypeError as error:
        raise ThrownError(str(error)) from None
    if not amount.is_finite():
        raise ThrownError(f"{amount} is no amount")
    return amount
