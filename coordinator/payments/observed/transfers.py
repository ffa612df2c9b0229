"""Transfers: movements of money, on a chain or between banks, as a provider or a chain's follower tells of them."""

import re
from collections.abc import Sequence
from enum import StrEnum
from unicodedata import normalize

from pydantic import AwareDatetime, Field

from coordinator.models import FrozenModel
from coordinator.money import Amount

__all__ = [
    "SETBACKS",
    "Cause",
    "Sighting",
    "Stage",
    "Transfer",
    "chain_hash",
    "hash_expected",
    "transfer_key",
    "with_sighting",
]

_OUTPUT = re.compile("([0-9a-f]{64}):[0-9]+")


_CUT = re.compile("0[xX](?![0-9a-fA-F]{64}$)[0-9a-fA-F]*")
_ZEROES = re.compile("(0[xX])?0+(:[0-9]+)?")


def hash_expected(tx_hash: str) -> str | None:
    """What was expected of something that names no transaction, whatever its chain; None if it may name one. With a
    part missing it would count as another transaction: of those that begin with 0x it can be told, since behind it
    are 64 digits. Of zeroes is the hash of none: programs write it where they know of no transaction."""
    if _ZEROES.fullmatch(tx_hash) is not None:
        return "the hash of a transaction; of zeroes there is none"
    return None if _CUT.fullmatch(tx_hash) is None else "the whole hash: 0x and 64 hexadecimal digits"


def chain_hash(tx_hash: str) -> str:
    """The hash of a transaction on an EVM chain as nodes write it, and as it is stored."""
    return tx_hash.lower()


def transfer_key(transfer_id: str) -> str:
    """A transfer's id as all can agree on it: providers and people write hashes in capitals or without `0x`, with
    blanks around them, or with the number of an output behind them."""
    plain = transfer_id if transfer_id.isascii() else normalize("NFKC", transfer_id)
    key = plain.strip().casefold()
    while key.startswith("0x"):
        key = key[2:].lstrip()
    output = _OUTPUT.fullmatch(key) if ":" in key else None
    return key if output is None else output[1]


class Transfer(FrozenModel):
    """One movement of money towards an invoice."""

    transfer_id: str
    """The transaction's hash, as the provider writes it; behind a `#` what tells it from others in its transaction,
    where that is needed. Of what goes over no chain, the provider's name for it."""
    asset: str
    """What moved, in the provider's word for it, such as `ETH-USDT`."""
    amount: Amount
    """How much of the asset moved."""
    value: Amount | None = None
    """What that counts for in the payment's currency; unknown before confirmation."""
    fee: Amount | None = None
    """How much of that is the gateway's fee, if it says so."""
    occurred_at: AwareDatetime | None = None
    """When the provider saw it, if it says so."""
    over_a_chain: bool = Field(True, exclude_if=bool)
    """Whether a transaction carries it, that is, whether its id is a hash."""

    @property
    def tx_hash(self) -> str:
        return self.transfer_id.partition("#")[0]

    @property
    def key(self) -> str:
        return transfer_key(self.transfer_id)


class Stage(StrEnum):
    """How far a transfer on a chain has come."""

    SEEN = "seen"
    """It was sent, and no block holds it yet."""
    MINED = "mined"
    FINAL = "final"
    """So deep in the chain that it is not taken back."""
    REORGANISED = "reorganised"
    """The block that held it is not part of the chain any more."""
    DROPPED = "dropped"
    """It never came into a block, and will not: replaced by another transaction, or forgotten."""
    FAILED = "failed"
    """Its transaction failed, or does not pay what was asked for."""


class Cause(StrEnum):
    """Why a transaction does not pay what it was to pay, for a page to say in its own words."""

    FAILED = "failed"
    OTHER_SENDER = "other-sender"
    OTHER_COIN = "other-coin"
    OTHER_ADDRESS = "other-address"
    TOO_EARLY = "too-early"
    """It was there before anybody could have made it for this."""
    COUNTED_ELSEWHERE = "counted-elsewhere"
    UNDECIDED = "undecided"
    """It may be for something else; a person has to tell."""
    REPLACED = "replaced"
    """Another one of its sender took its place."""
    FORGOTTEN = "forgotten"
    """No node knows it any more."""


class Sighting(FrozenModel):
    """A transfer on a chain, as its follower sees it at one moment. Only what is final is not taken back."""

    transfer: Transfer
    stage: Stage
    view: int = Field(ge=0)
    """Counts the follower's steps along its chain. Of two sightings of one transfer the later view is right."""
    confirmations: int = Field(0, ge=0)
    """How many blocks confirm it, its own included."""
    required_confirmations: int | None = None
    """How many make it final; None where the chain itself says what is."""
    block_number: int | None = None
    block_hash: str | None = None
    """The block that holds it, or held it; None where no block is known to."""
    reason: str | None = None
    """Why it came to nothing, or is not final yet, for a person to read."""
    cause: Cause | None = Field(None, exclude_if=lambda value: value is None)
    """The same for a page, where it came to nothing for one of these reasons."""
    sender: str | None = None
    """Who sent it, as far as that is known; of a transaction that came to nothing, who signed it."""


SETBACKS = (Stage.REORGANISED, Stage.DROPPED, Stage.FAILED)
"""What takes something back that was seen before, or shows that it never was."""


def with_sighting(known: Sequence[Sighting], more: Sighting) -> tuple[Sighting, ...]:
    """All of them, in order of their ids; of two of one transfer the one that was final first, or else the later
    view. So it is of two blocks that are said to hold one transaction, which is in one block."""
    by_id = {sighting.transfer.transfer_id: sighting for sighting in known}
    other = by_id.get(more.transfer.transfer_id, more)
    by_id[more.transfer.transfer_id] = max(other, more, key=_outranks)
    of_transaction = [one for one in by_id.values() if one.transfer.tx_hash == more.transfer.tx_hash]
    holding = max(of_transaction, key=_rank).block_hash
    for one in of_transaction:
        if one.block_hash != holding:
            del by_id[one.transfer.transfer_id]
    return tuple(by_id[transfer_id] for transfer_id in sorted(by_id))


def _outranks(sighting: Sighting) -> tuple[tuple[bool, int, str], str]:
    return _rank(sighting), sighting.model_dump_json()


def _rank(sighting: Sighting) -> tuple[bool, int, str]:
    is_final = sighting.stage is Stage.FINAL
    return is_final, -sighting.view if is_final else sighting.view, sighting.block_hash or ""
