"""Headers of blocks, as far as they are looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.node import FaultyError
from providers.onchain.quantities import hash_in, quantity

__all__ = ["Header", "header_of"]


@dataclass(frozen=True, slots=True)
class Header:
    """A block that somebody has shown."""

    id: BlockId
    made_at: datetime
    """By whoever made it."""
    content: Mapping[str, Any]
    shown_by: int | None = None
    """The endpoint that showed it, by its place, where that is known."""

    @property
    def number(self) -> int:
        return self.id.number

    @property
    def hash(self) -> str:
        return self.id.hash

    @property
    def has_transactions(self) -> bool:
        """Whether it came with all that is in its transactions, and not just with their hashes."""
        transactions = self.content.get("transactions")
        return isinstance(transactions, list) and all(isinstance(one, Mapping) for one in transactions)


def header_of(block: Any) -> Header:
    """What an endpoint shows. Raises FaultyError."""
    try:
        number, seconds = quantity(block["number"]), quantity(block["timestamp"])
        return Header(
            BlockId(number=number, hash=hash_in(block["hash"])), datetime.fromtimestamp(seconds, UTC), block
        )
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise FaultyError(Fault.INCONSISTENT, "what it calls a block is none") from None
