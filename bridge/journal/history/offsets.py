"""Offsets as clients know them: opaque text that names a place in one history and proves itself, so that one of an
event that is gone is proof of a rewind, and nobody can make one up.

The key is the history's own and lies in the journal: taken back to an earlier state, it still knows what it has
signed since. A copy that goes its own way begins another history, and signs with another key.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.journal.errors import OffsetElsewhereError, OffsetUnreadableError
from coordinator.histories import Place

__all__ = ["HeldOffsets", "Offsets", "proof_of_rewind", "require_held"]

_OFFSET = re.compile(
    r"(?P<epoch>[0-9a-f]{16})-(?P<number>[0-9]{1,18})-(?P<micros>[0-9a-f]{1,16})\.(?P<proof>[0-9a-f]{16})"
)
_PROOF_BYTES = 8
_PERSON = b"offset"
"""What else is signed with the same key is no offset."""
_BEGINNING = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)


class Offsets:
    """The offsets of one history."""

    def __init__(self, epoch: str, key: bytes) -> None:
        self._epoch = epoch
        # Copied for each: half of the cost is to take in the key.
        self._proof = hashlib.blake2b(key=key, digest_size=_PROOF_BYTES, person=_PERSON)

    def texts(self, places: Iterable[tuple[int, datetime | None]]) -> list[str]:
        """Places in the journal, as clients know them."""
        texts: list[str] = []
        begin, end, end_of = f"{self._epoch}-", "-0", None
        for number, at in places:
            if at is not end_of:  # what is of one commit has the very same time
                micros = 0 if at is None else (at - _BEGINNING) // _MICROSECOND
                end, end_of = f"-{micros:x}", at
            texts.append(f"{begin}{number}{end}")
        return self._signed(texts)

    def _signed(self, texts: Iterable[str]) -> list[str]:
        signed: list[str] = []
        for said in texts:
            proof = self._proof.copy()
            proof.update(said.encode())
            signed.append(f"{said}.{proof.hexdigest()}")
        return signed

    def place(self, text: str) -> Place:
        """The place that a client brings back. Raises OffsetUnreadableError if nobody was ever given it, and
        OffsetElsewhereError if it is of another history."""
        match = _OFFSET.fullmatch(text)
        if match is None:
            raise OffsetUnreadableError("this is no offset; send one as the bridge wrote it")
        if match["epoch"] != self._epoch:
            raise OffsetElsewhereError(
                "this offset is of another history than the journal's present one; begin anew without it"
            )
        if not hmac.compare_digest(self._signed([text.rpartition(".")[0]])[0], text):
            raise OffsetUnreadableError("this is no offset that the bridge wrote; send one as it did")
        micros = int(match["micros"], 16)
        return Place(int(match["number"]), _BEGINNING + micros * _MICROSECOND if micros else None)


@dataclass(frozen=True, slots=True)
class HeldOffsets:
    """What a journal holds, as far as that says something of one place."""

    oldest: int
    newest: int
    """The numbers of events."""
    committed_at: datetime | None
    """When the event of that place was committed; None if it is not there."""


def proof_of_rewind(place: Place, held: HeldOffsets) -> str | None:
    """What a genuine place proves, in words: that the journal was rewound, if it has no such event any more, or has
    another there; None if it has it, or has forgotten it."""
    if place.number > held.newest:
        return f"a client proves by its offset that there were {place.number} events, and there are {held.newest}"
    is_another = None not in (place.at, held.committed_at) and place.at != held.committed_at
    if is_another:
        return f"a client proves by its offset that the event {place.number} is another than the one that was there"
    return None


def require_held(place: Place, held: HeldOffsets) -> None:
    """Raises OffsetElsewhereError unless all that came after a place is stored."""
    if place.number < held.oldest - 1:
        raise OffsetElsewhereError("what came after this offset is not stored any more; begin anew without it")
