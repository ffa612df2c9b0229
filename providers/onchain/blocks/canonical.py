"""The newest blocks that were followed, by which a reorganisation is noticed. Pure."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["BlockId", "Canonical", "HeadVerdict", "judge"]


class BlockId(BaseModel):
    """A block, told from another of the same height by its hash."""

    model_config = ConfigDict(frozen=True)

    number: int
    hash: str


class Canonical(BaseModel):
    """The last blocks that were followed, each the parent of the next. As deep as reorganisations are looked for."""

    model_config = ConfigDict(frozen=True)

    blocks: tuple[BlockId, ...] = ()

    @property
    def head(self) -> BlockId | None:
        return self.blocks[-1] if self.blocks else None

    def extended(self, block: BlockId, depth: int) -> "Canonical":
        """With one block more; no more than `depth` are kept."""
        return Canonical(blocks=(*self.blocks, block)[-depth:])

    def cut_back(self) -> "Canonical":
        """Without the newest block."""
        return Canonical(blocks=self.blocks[:-1])

    def hash_at(self, number: int) -> str | None:
        """What the block of that height is called, if it is among these."""
        if not self.blocks or not self.blocks[0].number <= number <= self.blocks[-1].number:
            return None
        return self.blocks[number - self.blocks[0].number].hash


@dataclass(frozen=True, slots=True)
class HeadVerdict:
    """What the block after the head turns out to be."""

    kind: Literal["extends", "reorganised"]


def judge(canonical: Canonical, number: int, parent_hash: str) -> HeadVerdict:
    """Whether the block of that number and parent goes on where the followed ones end. If not, the newest of them is
    not part of the chain any more; whether the one before is, the next question tells."""
    head = canonical.head
    if head is None or (head.number + 1 == number and head.hash == parent_hash):
        return HeadVerdict("extends")
    return HeadVerdict("reorganised")
