"""Access as the rest of the bridge has it written down: what is taken back of what tokens grant."""

import functools

from bridge.access import Acting, Revocations
from bridge.catalogue.access import AccessChanged
from bridge.journal.queries.readers import Read
from bridge.journal.requests.access import change_access
from bridge.journal.writing.staged.actions import Action
from bridge.journal.writing.staged.revocations import Revocation, revocations, revocations_of, taken_up
from bridge.journal.writing.writer import Submit

__all__ = ["AccessRecords"]


class AccessRecords:
    """Writes down what is taken back and given again. Raises JournalUnavailableError."""

    def __init__(self, read: Read, submit: Submit) -> None:
        self._read = read
        self._submit = submit

    async def revocations(self) -> list[Revocation]:
        """What is taken back, oldest first, with what was given again."""
        return await self._read(revocations)

    async def take_up(self, known: Revocations) -> None:
        """Has a bridge that starts know of all of it."""
        taken_up(await self.revocations(), known)

    async def require(self, acting: Acting) -> None:
        """Nothing that comes before what was read for somebody takes from them what they are taken to have. Raises
        TokenError and AccessChangedError."""
        principal = acting.principal
        taken_up(await self._read(revocations_of, principal), Revocations()).require(principal)

    async def change(self, change: AccessChanged, *, by: str, note: str | None) -> Action:
        """Takes something back or gives it again; every bridge of the journal acts on it when it delivers the
        event."""
        return await self._submit(functools.partial(change_access, change=change, by=by, note=note))
