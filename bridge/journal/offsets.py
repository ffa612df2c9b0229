"""Offsets as clients know them: opaque text that names the epoch, so that one of another history is not mistaken for
one of this."""

import re

from bridge.journal.errors import OffsetElsewhereError, OffsetUnreadableError

__all__ = ["offset_number", "offset_text", "require_held"]

_OFFSET = re.compile(r"(?P<epoch>[0-9a-f]{16})-(?P<number>[0-9]{1,18})")


def offset_text(number: int, epoch: str) -> str:
    """A place in the journal, as clients know it."""
    return f"{epoch}-{number}"


def offset_number(text: str, epoch: str) -> int:
    """The place that a client brings back. Raises OffsetUnreadableError, and OffsetElsewhereError if it is of another
    history than that of an epoch."""
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise OffsetUnreadableError("this is no offset; send one as the bridge wrote it")
    if match["epoch"] != epoch:
        raise OffsetElsewhereError(
            "this offset is of another history than the journal's present one; begin anew without it"
        )
    return int(match["number"])


def require_held(number: int, *, oldest: int, newest: int) -> None:
    """Raises OffsetElsewhereError unless all that came after a place is kept; `oldest` and `newest` are the places of
    events."""
    if number > newest:
        raise OffsetElsewhereError("the journal does not reach to this offset; begin anew without it")
    if number < oldest - 1:
        raise OffsetElsewhereError("what came after this offset is not kept any more; begin anew without it")
