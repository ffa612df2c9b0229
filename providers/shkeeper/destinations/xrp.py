"""XRP addresses: the classic ones, and X-addresses (XLS-5), which bring a destination tag with them.

SHKeeper has no field for a tag. An X-address is its only way to send to an account that many share, such as an
exchange's; a classic address is somebody's own. So each destination has one form here: without a tag the classic
address, and with one the X-address, also where somebody writes the tag behind the classic one.
"""

import re

from providers.accounts import is_nobodys_account
from providers.shkeeper.destinations.family import (
    DestinationWrongError,
    Family,
    MistypedError,
    NotOfFamilyError,
)
from providers.shkeeper.texts import base58

__all__ = ["XRP"]

ACCOUNT_BYTES = 20
X_BYTES = 31
CLASSIC_PREFIX = b"\x00"
X_PREFIX, X_PREFIX_OF_TEST_NETWORKS = b"\x05\x44", b"\x04\x93"
TAG_BYTES, HIGHEST_TAG = 8, 2**32 - 1
_WITH_TAG = re.compile(r"(r[1-9A-HJ-NP-Za-km-z]{24,34}):(0|[1-9][0-9]{0,9})")


def _read(address: str, test_network: bool) -> str:
    """A classic address is the same on the test networks. An X-address says which it is for, but SHKeeper's daemon
    does not look."""
    try:
        content = base58.decode_checked(address, base58.RIPPLES)
    except base58.Base58Error:
        raise MistypedError() from None
    if len(content) == 1 + ACCOUNT_BYTES and content.startswith(CLASSIC_PREFIX):
        return address
    prefix = X_PREFIX_OF_TEST_NETWORKS if test_network else X_PREFIX
    if len(content) != X_BYTES or not content.startswith(prefix):
        raise NotOfFamilyError("this is none")
    kind, tag, rest = content[22], content[23:27], content[27:]
    if kind > 1 or any(rest) or (kind == 0 and any(tag)):
        raise DestinationWrongError("its destination tag is not one of 32 bits")
    return address if kind else _classic(content[2:22])


def _put_together(written: str, test_network: bool) -> str:
    """What somebody wrote, if that is a classic address and a tag behind a colon, as the X-address that it is."""
    parts = _WITH_TAG.fullmatch(written)
    if parts is None or int(parts[2]) > HIGHEST_TAG:
        return written
    try:
        content = base58.decode_checked(parts[1], base58.RIPPLES)
    except base58.Base58Error:
        raise MistypedError() from None
    if len(content) != 1 + ACCOUNT_BYTES or not content.startswith(CLASSIC_PREFIX):
        return written
    prefix = X_PREFIX_OF_TEST_NETWORKS if test_network else X_PREFIX
    tag = int(parts[2]).to_bytes(TAG_BYTES, "little")
    return base58.encode_checked(prefix + content[1:] + b"\x01" + tag, base58.RIPPLES)


def _classic(account: bytes) -> str:
    return base58.encode_checked(CLASSIC_PREFIX + account, base58.RIPPLES)


def _account(address: str) -> bytes:
    content = base58.decode_checked(address, base58.RIPPLES)
    return content[2:22] if len(content) == X_BYTES else content[1:]


def _spellings(address: str) -> tuple[str, ...]:
    """Of an account its classic address, which is its X-address's too, and its X-address without a tag."""
    account = _account(address)
    without_tag = base58.encode_checked(X_PREFIX + account + bytes(9), base58.RIPPLES)
    return address, _classic(account), without_tag


def _usual(address: str) -> str:
    """The classic one where there is no tag."""
    bare, _, query = address.partition("?")
    if query not in ("", "dt=0"):
        return address
    try:
        content = base58.decode_checked(bare, base58.RIPPLES)
    except base58.Base58Error:
        return bare
    has_tag = len(content) != X_BYTES or any(content[22:])
    return bare if has_tag else _classic(_account(bare))


def _objection(address: str) -> str | None:
    if is_nobodys_account(_account(address)):
        return "this is an address that nobody has the key of: what is sent there is lost"
    return None


XRP = Family(
    described="an XRP address",
    form="r… of up to 35 characters, or with a destination tag an X-address, X… of 47, or r…:tag",
    characters=frozenset(base58.RIPPLES),
    longest=47,
    put_together=_put_together,
    read=_read,
    objection=_objection,
    spellings=_spellings,
    usual=_usual,
)
