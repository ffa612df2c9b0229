"""Lightning invoices (BOLT 11): for which network and how much one is, and when it lapses.

An invoice is a bech32 text with the moment it was made, maybe how long it is good for, and a signature. Who signed it
is not looked at here: the node that pays does that, before it pays. No library: `bolt11` of 2026 cannot be imported
with the current `bitstring`, and brings secp256k1 and a command line.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from providers.shkeeper.texts import bech32

__all__ = [
    "LONGEST_INVOICE",
    "InvoiceUnreadableError",
    "LightningInvoice",
    "amount_of",
    "lapse_of",
    "payment_hash_of",
    "read_invoice",
]

# Routes to a node without public channels make one long; two thousand are more than twice what any wallet writes.
LONGEST_INVOICE = 2_000
TIMESTAMP_GROUPS, SIGNATURE_GROUPS = 7, 104
PAYMENT_HASH_TAG, EXPIRY_TAG = bech32.CHARACTERS.index("p"), bech32.CHARACTERS.index("x")
PAYMENT_HASH_GROUPS = 52
# What BOLT 11 says of an invoice that does not name its own.
DEFAULT_EXPIRY = timedelta(hours=1)
# Of no use to anybody, and beyond it dates run out.
LONGEST_EXPIRY_SECONDS = 10 * 365 * 24 * 3600
_PREFIX = re.compile(r"ln(?P<network>[a-z]+)(?:(?P<amount>[1-9][0-9]{0,17})(?P<multiplier>[munp]?))?")
_MULTIPLIERS = {"": 0, "m": -3, "u": -6, "n": -9, "p": -12}


class InvoiceUnreadableError(ValueError):
    """The text is no Lightning invoice; the message says why not."""


@dataclass(frozen=True, slots=True)
class LightningInvoice:
    """What a Lightning invoice says."""

    network: str
    """`bc` is Bitcoin itself, all others are for tests."""
    amount: Decimal | None
    """In bitcoins; None if the payer says how much."""
    lapses_at: datetime
    payment_hash: str
    """What names its payment, which the node makes once, whatever amount is written before."""


def read_invoice(text: str) -> LightningInvoice:
    """Raises InvoiceUnreadableError."""
    try:
        read = bech32.decode(text, LONGEST_INVOICE)
    except bech32.Bech32Error as error:
        raise InvoiceUnreadableError(str(error)) from None
    prefix = _PREFIX.fullmatch(read.prefix)
    if prefix is None or read.checksum is not bech32.Checksum.BECH32:
        raise InvoiceUnreadableError("its beginning is not an invoice's")
    if len(read.groups) < TIMESTAMP_GROUPS + SIGNATURE_GROUPS:
        raise InvoiceUnreadableError("it is too short")
    made_at = datetime.fromtimestamp(_number(read.groups[:TIMESTAMP_GROUPS]), UTC)
    fields = _fields(read.groups[TIMESTAMP_GROUPS:-SIGNATURE_GROUPS])
    # A reader has to skip a field of another length, and to take the first of several.
    hashes = (field for tag, field in fields if tag == PAYMENT_HASH_TAG and len(field) == PAYMENT_HASH_GROUPS)
    payment_hash = next(hashes, None)
    if payment_hash is None:
        raise InvoiceUnreadableError("it does not say what proves its payment")
    expiry = next((_seconds(field) for tag, field in fields if tag == EXPIRY_TAG), DEFAULT_EXPIRY)
    amount = _amount(prefix["amount"], prefix["multiplier"])
    # 52 groups of five bits are 32 bytes and four bits more.
    return LightningInvoice(prefix["network"], amount, made_at + expiry, f"{_number(payment_hash) >> 4:064x}")


def lapse_of(invoice: str) -> datetime | None:
    """When a Lightning invoice stops to take money; None if the text is none."""
    try:
        return read_invoice(invoice).lapses_at
    except InvoiceUnreadableError:
        return None


def amount_of(invoice: str) -> Decimal | None:
    """The amount of a Lightning invoice, in bitcoins; None if the payer says how much, or the text is none."""
    try:
        return read_invoice(invoice).amount
    except InvoiceUnreadableError:
        return None


def payment_hash_of(invoice: str) -> str | None:
    """What names the payment of a Lightning invoice; None if the text is none."""
    try:
        return read_invoice(invoice).payment_hash
    except InvoiceUnreadableError:
        return None


def _fields(groups: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
    """Tagged fields; what is cut off at the end is none."""
    fields = []
    place = 0
    while place + 3 <= len(groups):
        end = place + 3 + _number(groups[place + 1 : place + 3])
        if end > len(groups):
            break
        fields.append((groups[place], groups[place + 3 : end]))
        place = end
    return fields


def _amount(digits: str | None, multiplier: str | None) -> Decimal | None:
    if digits is None:
        return None
    if multiplier == "p" and not digits.endswith("0"):
        raise InvoiceUnreadableError("its amount is not whole thousandths of a satoshi")
    return Decimal(digits).scaleb(_MULTIPLIERS[multiplier or ""])


def _seconds(field: tuple[int, ...]) -> timedelta:
    return timedelta(seconds=min(_number(field), LONGEST_EXPIRY_SECONDS))


def _number(groups: tuple[int, ...]) -> int:
    """Groups of five bits as one number."""
    number = 0
    for group in groups:
        number = number << 5 | group
    return number
