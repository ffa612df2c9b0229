"""Bitcoin addresses, and those of its relatives: Base58 with a checksum, or bech32 (BIP 173, BIP 350)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from providers.accounts import is_nobodys_account
from providers.shkeeper.destinations.family import (
    ALPHANUMERIC,
    DestinationWrongError,
    Family,
    MistypedError,
    NotOfFamilyError,
)
from providers.shkeeper.texts import base58, bech32

__all__ = ["BITCOIN", "DOGECOIN", "FIRO", "FIRO_SPARK", "LITECOIN"]

HASH_BYTES = 20
PROGRAM_BYTES = {0: (20, 32), 1: (32,)}
"""By witness version. BIP 350 would have later ones sent to as well; but they have no rules yet, and neither has a
program of another length (such as `bc1pfeessrawgf`, that transactions anchor to): anybody can take what is there."""
SPARK_BYTES = 84
LONGEST_SPARK_ADDRESS = 144
# Twelve bytes of zeros: nobody's, as `is_nobodys_account` has it.
HOPELESS_GROUPS = 20
# Addresses that were written by hand, so that there is no key for them.
_BURNT = {
    "1BitcoinEaterAddressDontSendf59kuE",
    "1CounterpartyXXXXXXXXXXXXXXXUWLpVr",
    "DDogepartyxxxxxxxxxxxxxxxxxxw1dfzr",
}


@dataclass(frozen=True, slots=True)
class _Network:
    """The prefixes of one network."""

    versions: tuple[bytes, ...]
    """Before a hash in Base58."""
    witness: tuple[str, ...] = ()
    """Of bech32."""
    spark: tuple[str, ...] = ()
    """Of Firo's private addresses."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """How addresses begin that the chain knows and SHKeeper cannot send to, and what to say of them."""


@dataclass(frozen=True, slots=True)
class _Coin:
    main: _Network
    test: _Network


def _read(coin: _Coin, address: str, test_network: bool) -> str:
    network = coin.test if test_network else coin.main
    prefix, separator, _ = address.lower().partition("1")
    if separator and prefix in network.refused:
        raise DestinationWrongError(network.refused[prefix])
    if separator and prefix in network.witness:
        return _read_witness(address)
    if separator and prefix in network.spark:
        return _read_spark(address)
    try:
        content = base58.decode_checked(address)
    except base58.Base58Error:
        raise MistypedError() from None
    if not any(len(content) == len(one) + HASH_BYTES and content.startswith(one) for one in network.versions):
        raise NotOfFamilyError("this is none")
    for beginning, why in network.refused.items():
        if address.startswith(beginning):
            raise DestinationWrongError(why)
    return address


def _read_witness(address: str) -> str:
    """The address in small letters, since not every daemon reads capitals."""
    try:
        read = bech32.decode(address)
        version, program = (read.groups[0], bech32.as_bytes(read.groups[1:])) if read.groups else (-1, b"")
    except bech32.Bech32Error as error:
        raise NotOfFamilyError(str(error)) from None
    if read.checksum is not (bech32.Checksum.BECH32 if version == 0 else bech32.Checksum.BECH32M):
        raise MistypedError()
    if len(program) not in PROGRAM_BYTES.get(version, ()):
        raise DestinationWrongError("it is of a kind without rules, so that anybody could take what is sent there")
    return address.lower()


def _read_spark(address: str) -> str:
    """What it says is scrambled, so that nothing but its length and its checksum can be looked at."""
    try:
        read = bech32.decode(address, LONGEST_SPARK_ADDRESS)
        content = bech32.as_bytes(read.groups)
    except bech32.Bech32Error as error:
        raise NotOfFamilyError(str(error)) from None
    if read.checksum is not bech32.Checksum.BECH32M or len(content) != SPARK_BYTES:
        raise NotOfFamilyError("this is none")
    return address.lower()


def _objection(address: str) -> str | None:
    if address in _BURNT or _is_nobodys(address):
        return "this is an address that nobody has the key of: what is sent there is lost"
    return None


def _is_nobodys(address: str) -> bool:
    try:
        return is_nobodys_account(base58.decode_checked(address)[-HASH_BYTES:])
    except base58.Base58Error:
        return not any(bech32.decode(address, LONGEST_SPARK_ADDRESS).groups[1:HOPELESS_GROUPS])


def _usual_litecoin(address: str) -> str:
    """With an M, where an older wallet writes a 3."""
    try:
        content = base58.decode_checked(address)
    except base58.Base58Error:
        return address
    is_old = content[:1] == b"\x05" and len(content) == 1 + HASH_BYTES
    return base58.encode_checked(b"\x32" + content[1:]) if is_old else address


def _family(
    described: str,
    form: str,
    coin: _Coin,
    longest: int,
    usual: Callable[[str], str] = lambda address: address,
) -> Family:
    return Family(
        described=described,
        form=form,
        characters=ALPHANUMERIC,
        longest=longest,
        read=partial(_read, coin),
        objection=_objection,
        usual=usual,
    )


BITCOIN = _family(
    "a Bitcoin address",
    "bc1q… or bc1p…, or 1… or 3… of up to 34 characters",
    _Coin(_Network((b"\x00", b"\x05"), ("bc",)), _Network((b"\x6f", b"\xc4"), ("tb", "bcrt"))),
    bech32.LONGEST_ADDRESS,
)
_OLD_LITECOIN = (
    "one that begins with 3 is Bitcoin's as well, and SHKeeper does not send to it;"
    " the seller's wallet can show the same address with M at its beginning"
)
_MWEB = "SHKeeper does not send to addresses of MWEB; the seller's wallet has one that begins with ltc1 as well"
LITECOIN = _family(
    "a Litecoin address",
    "ltc1…, or L… or M… of 34 characters",
    _Coin(
        _Network((b"\x30", b"\x32", b"\x05"), ("ltc",), refused={"3": _OLD_LITECOIN, "ltcmweb": _MWEB}),
        _Network((b"\x6f", b"\x3a"), ("tltc", "rltc"), refused={"tmweb": _MWEB}),
    ),
    200,  # so that one of MWEB is told from a mistyped one
    _usual_litecoin,
)
DOGECOIN = _family(
    "a Dogecoin address",
    "D… or A… of 34 characters",
    _Coin(
        _Network((b"\x1e", b"\x16"), refused={"9": "SHKeeper does not send to one that begins with 9"}),
        _Network((b"\x71", b"\xc4")),
    ),
    34,
)
# Exchanges that take transparent coins alone have a prefix of their own to say so.
FIRO = _family(
    "a Firo address",
    "a…, 3… or 4… of 34 characters, or EX… of 36",
    _Coin(
        _Network(
            (b"\x52", b"\x07", b"\x01\xb9\xbb"),
            refused={"sm": "SHKeeper sends to Spark addresses with the coin FIRO-SPARK alone"},
        ),
        _Network((b"\x41", b"\xb2", b"\x01\xb9\xb1")),
    ),
    LONGEST_SPARK_ADDRESS,
)
FIRO_SPARK = _family(
    "a Firo address for Spark",
    "sm1… of 144 characters, or a…, 3… or 4… of 34",
    _Coin(
        _Network(
            (b"\x52", b"\x07", b"\x01\xb9\xbb"),
            spark=("sm",),
            refused={"EX": "an exchange's address takes no private coins"},
        ),
        _Network((b"\x41", b"\xb2"), spark=("st", "sr")),
    ),
    LONGEST_SPARK_ADDRESS,
)
