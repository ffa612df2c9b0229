"""Which block descends from which, proven by the blocks' own hashes: a block's hash is made of all that its header
says, the hash of the one before it included. So whoever has a block has all those below it, whoever showed them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_utils.crypto import keccak

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.rlp import list_of, whole_number
from providers.onchain.quantities import quantity

__all__ = ["Ancestry", "is_hash_of"]

# The parts of a header in the order in which they are hashed (the yellow paper, 4.3, and EIPs 1559, 4895, 4844, 4788
# and 7685, each of which added some). A chain that hashes others proves nothing here, and is asked more.
_PARTS = (
    *("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"),
    *("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce"),
    *("baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash"),
)
_OLDEST_PARTS = _PARTS[:15]
_OF_GAS = frozenset({"gasLimit", "gasUsed", "baseFeePerGas", "blobGasUsed", "excessBlobGas"})
_NUMBERS = _OF_GAS | {"difficulty", "number", "timestamp"}
# More than any chain's confirmations; a header takes some two kilobytes.
BLOCKS_LIMIT = 256
HEADER_LIMIT_CHARACTERS = 32_000


@dataclass(slots=True)
class _Shown:
    """A header that an endpoint showed."""

    hash: str
    parent_hash: str
    parts: Mapping[str, str] | None
    """What it says; None once that is known to have this hash."""


@dataclass(slots=True)
class Ancestry:
    """The headers of the newest blocks, as they were followed."""

    _shown: dict[int, _Shown] = field(default_factory=dict)

    def note(self, block: BlockId, content: Mapping[str, Any]) -> None:
        """Remembers a header, in place of any other of its number."""
        parts = {name: one for name in _PARTS if isinstance(one := content.get(name), str)}
        if not all(name in parts for name in _OLDEST_PARTS):
            return
        if sum(map(len, parts.values())) > HEADER_LIMIT_CHARACTERS:
            return
        shown = self._shown.pop(block.number, None)
        if shown is None or shown.hash != block.hash:
            shown = _Shown(block.hash, parts["parentHash"], parts)
        self._shown[block.number] = shown
        while len(self._shown) > BLOCKS_LIMIT:
            del self._shown[next(iter(self._shown))]

    def descendant(self, block: BlockId, number: int) -> str | None:
        """The hash of the block of that number, if it is proven to descend from this one, or is this one."""
        expected = block.hash
        for height in range(block.number + 1, number + 1):
            shown = self._shown.get(height)
            if shown is None or shown.parent_hash != expected or not _is_proven(shown):
                return None
            expected = shown.hash
        return expected


def _is_proven(shown: _Shown) -> bool:
    if shown.parts is not None and is_hash_of(shown.hash, shown.parts):
        shown.parts = None
    return shown.parts is None


def is_hash_of(block_hash: str, content: Mapping[str, Any]) -> bool:
    """Whether a block of this hash says this in its header."""
    try:
        said = [_bytes(name, content[name]) for name in _PARTS if content.get(name) is not None]
        return keccak(list_of(said)) == _bytes("hash", block_hash)
    except (KeyError, TypeError, ValueError):
        return False


def _bytes(name: str, value: str) -> bytes:
    if name in _NUMBERS:
        return whole_number(quantity(value))
    return bytes.fromhex(value.removeprefix("0x"))
