"""TON addresses: 48 characters of base64 for URLs, with flags and a checksum (TEP-2).

The raw form (`0:` and hexadecimal digits) has no checksum and no flags, so it is refused, and so is the base64 with
`+` and `/`, which would mean something in the URL that SHKeeper asks its daemon with. Wallets show the form that is
taken.
"""

import base64
import binascii
import re

from providers.shkeeper.destinations.family import (
    ALPHANUMERIC,
    DestinationWrongError,
    Family,
    MistypedError,
    NotOfFamilyError,
)

__all__ = ["TON"]

LENGTH = 48
_RAW, _FRIENDLY = re.compile("0:([0-9a-fA-F]{64})"), re.compile("[A-Za-z0-9+/_-]{48}")
FOR_TEST_NETWORKS = 0x80
BOUNCEABLE, NOT_BOUNCEABLE = 0x11, 0x51
BASECHAIN, MASTERCHAIN = 0x00, 0xFF
_USDT = bytes.fromhex("b113a994b5024a16719f69139328eb759596c38a25f59028b146fecdc3621dfe")
_NOBODYS = (bytes(32), b"\xff" * 32)


def _read(address: str, test_network: bool) -> str:
    if address.startswith(("0:", "-1:")):
        raise DestinationWrongError("this is the raw form, whose mistypings nobody would notice; take UQ… or EQ…")
    if len(address) != LENGTH or ":" in address:
        raise NotOfFamilyError(f"this has {len(address)} characters, or not these")
    content = base64.urlsafe_b64decode(address)
    if _with_checksum(content[:-2]) != content:
        raise MistypedError()
    if content[0] & ~FOR_TEST_NETWORKS not in (BOUNCEABLE, NOT_BOUNCEABLE):
        raise NotOfFamilyError("this is none")
    # A wallet on a test network takes the addresses of both; the production network must not.
    if content[0] & FOR_TEST_NETWORKS and not test_network:
        raise NotOfFamilyError("it is one for test networks")
    if content[1] != BASECHAIN:
        raise DestinationWrongError(
            "it is one of the masterchain, where people have no wallets"
            if content[1] == MASTERCHAIN
            else "it is one of a chain that there is not"
        )
    return address


def _objection(address: str) -> str | None:
    account = base64.urlsafe_b64decode(address)[2:-2]
    if account == _USDT:
        return "this is the contract of the token USDT, which gives nothing back"
    if account in _NOBODYS:
        return "this is an address that nobody has the key of: what is sent there is lost"
    return None


def _spellings(address: str) -> tuple[str, ...]:
    """With each of its flags."""
    account = base64.urlsafe_b64decode(address)[1:-2]
    flags = (BOUNCEABLE, NOT_BOUNCEABLE, BOUNCEABLE | FOR_TEST_NETWORKS, NOT_BOUNCEABLE | FOR_TEST_NETWORKS)
    return (*(_friendly(bytes([each]) + account) for each in flags), f"0:{account[1:].hex()}")


def _usual(address: str) -> str:
    """As one that bounces nothing back, which is how wallets show their own."""
    raw = _RAW.fullmatch(address)
    if raw is not None:
        return _friendly(bytes([NOT_BOUNCEABLE, BASECHAIN]) + bytes.fromhex(raw[1]))
    if _FRIENDLY.fullmatch(address) is None:
        return address
    of_urls = address.replace("+", "-").replace("/", "_")
    content = base64.urlsafe_b64decode(of_urls)
    if _with_checksum(content[:-2]) != content:
        return of_urls
    return _friendly(bytes([content[0] & FOR_TEST_NETWORKS | NOT_BOUNCEABLE]) + content[1:-2])


def _with_checksum(content: bytes) -> bytes:
    return content + binascii.crc_hqx(content, 0).to_bytes(2, "big")


def _friendly(content: bytes) -> str:
    return base64.urlsafe_b64encode(_with_checksum(content)).decode()


TON = Family(
    described="a TON address",
    form="48 characters that begin with UQ or EQ",
    characters=ALPHANUMERIC | set("-_:"),
    longest=67,  # so that the raw form is told from a mistyped one
    read=_read,
    objection=_objection,
    spellings=_spellings,
    usual=_usual,
)
