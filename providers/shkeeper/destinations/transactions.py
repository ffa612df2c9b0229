"""Names of transactions, as people copy them out of wallets and explorers: whether one can be that of a coin. One
that is cut short, or another network's, would stand for a transaction that there is not."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from providers.shkeeper.destinations import family_of
from providers.shkeeper.destinations.bitcoins import BITCOIN, DOGECOIN, FIRO, FIRO_SPARK, LITECOIN
from providers.shkeeper.destinations.evm import EVM
from providers.shkeeper.destinations.invoices import LIGHTNING_INVOICE
from providers.shkeeper.destinations.monero import MONERO
from providers.shkeeper.destinations.solana import SOLANA
from providers.shkeeper.destinations.ton import TON
from providers.shkeeper.destinations.tron import TRON
from providers.shkeeper.destinations.xrp import XRP
from providers.shkeeper.texts import base58

__all__ = ["transaction_expected"]

SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class _Form:
    described: str
    fits: Callable[[str], object]


def _is_signature(name: str) -> bool:
    try:
        signature = base58.decode(name)
    except base58.Base58Error:
        return False
    return len(signature) == SIGNATURE_BYTES and any(signature)


_DIGITS = "64 hexadecimal digits"
# Some write 0x before any hash, and the number of an output behind it.
_HEXADECIMAL = _Form(f"a transaction's hash: {_DIGITS}", re.compile("(0x)?[0-9a-fA-F]{64}").fullmatch)
_OUTPUT = _Form(f"a transaction's hash: {_DIGITS}", re.compile("[0-9a-fA-F]{64}(:[0-9]{1,6})?").fullmatch)
_ETHEREUMS = _Form(f"a transaction's hash: 0x and {_DIGITS}", _HEXADECIMAL.fits)
_PAYMENT_HASH = _Form(f"the payment's hash: {_DIGITS}", _HEXADECIMAL.fits)
_TONS = _Form(
    f"a transaction's hash: {_DIGITS}, or 44 characters of Base64",
    re.compile("(0x)?[0-9a-fA-F]{64}|(?!A{43})[A-Za-z0-9+/_-]{43}=?").fullmatch,
)
_SOLANAS = _Form("a transaction's signature: 64 bytes in Base58, of about 88 characters", _is_signature)
_FORMS: Mapping[str, _Form] = {
    family.described: form
    for form, families in (
        (_ETHEREUMS, (EVM,)),
        (_OUTPUT, (BITCOIN, LITECOIN, DOGECOIN, FIRO, FIRO_SPARK)),
        (_HEXADECIMAL, (TRON, XRP, MONERO)),
        (_PAYMENT_HASH, (LIGHTNING_INVOICE,)),
        (_TONS, (TON,)),
        (_SOLANAS, (SOLANA,)),
    )
    for family in families
}


def transaction_expected(coin: str, name: str) -> str | None:
    """What was expected of something that cannot be the name of a transaction in a coin; None if it can, or if nobody
    knows how the coin's are written."""
    form = _FORMS.get(family_of(coin).described)
    return None if form is None or form.fits(name) else form.described
