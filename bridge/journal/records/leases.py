"""The leases' part of the journal: what one bridge does at a time, of those that share the journal."""

import secrets
from collections.abc import Collection
from datetime import timedelta

from bridge.journal.writing.batch import Batch
from bridge.journal.writing.writer import Submit

__all__ = ["SENDING_PAYOUTS", "Leases"]

SENDING_PAYOUTS = "payouts"
"""The lease of who asks providers to send money."""


class Leases:
    """What this process holds of the leases of its journal. Where nobody shares the journal it holds them all, and
    nothing is written down."""

    def __init__(self, submit: Submit, *, is_shared: bool) -> None:
        self._submit = submit
        self._is_shared = is_shared
        self._holder = secrets.token_hex(16)

    async def take(self, names: Collection[str], lasting: timedelta) -> Collection[str]:
        """Takes of some leases those that nobody else holds, and renews those that it has. Returns what it holds of
        them then. Raises JournalUnavailableError."""
        if not self._is_shared:
            return names
        return await self._submit(lambda batch: batch.leases.take(self._holder, names, lasting))

    async def release(self) -> None:
        """Gives back what it holds, so that another takes it at once. Raises JournalUnavailableError."""
        if self._is_shared:
            await self._submit(lambda batch: batch.leases.release(self._holder))

    def holds(self, batch: Batch, name: str) -> bool:
        """Whether this process holds a lease, and will until a batch is committed."""
        return not self._is_shared or name in batch.leases.held_by(self._holder)
