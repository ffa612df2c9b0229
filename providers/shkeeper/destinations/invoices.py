"""Lightning's destinations: an invoice (BOLT 11) that the seller's wallet has made, of the very amount or of none.

SHKeeper would take an LNURL and a Lightning address (`name@host`) too. They are refused: it asks whatever host they
name, and what it answers decides where the money goes.
"""

from datetime import datetime
from decimal import Decimal

from coordinator.money import trimmed
from providers.shkeeper.destinations.family import ALPHANUMERIC, DestinationWrongError, Family, NotOfFamilyError
from providers.shkeeper.texts.lightning import LONGEST_INVOICE, InvoiceUnreadableError, read_invoice

__all__ = ["LIGHTNING_INVOICE", "check_terms"]

MAIN_NETWORK = "bc"


def _read(text: str, test_network: bool) -> str:
    """The invoice in small letters, as BOLT 11 has it; in a QR code it is in capitals."""
    if text.lower().startswith("lnurl"):
        raise DestinationWrongError("this is an LNURL; the seller's wallet has to make an invoice")
    try:
        invoice = read_invoice(text)
    except InvoiceUnreadableError as error:
        raise NotOfFamilyError(str(error)) from None
    if (invoice.network == MAIN_NETWORK) == test_network:
        raise NotOfFamilyError("it is one for another network")
    return text.lower()


def check_terms(invoice: str, amount: Decimal | None, now: datetime | None) -> None:
    """Raises DestinationWrongError if an invoice that was read is of another amount, or has lapsed. The node pays
    what the invoice says, whatever SHKeeper was asked for."""
    read = read_invoice(invoice)
    if amount is not None and read.amount is not None and read.amount != amount:
        raise DestinationWrongError(
            f"this invoice is of {trimmed(read.amount)} BTC, the payout of {trimmed(amount)} BTC"
        )
    if now is not None and read.lapses_at <= now:
        raise DestinationWrongError(f"this invoice lapsed at {read.lapses_at.isoformat()}; have another one made")


LIGHTNING_INVOICE = Family(
    described="a Lightning invoice",
    form="lnbc… of some hundred characters",
    characters=ALPHANUMERIC,
    longest=LONGEST_INVOICE,
    read=_read,
)
