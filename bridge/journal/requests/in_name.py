"""In somebody's name: what a request with a token asks for is committed only if nothing that was committed before
takes the token back, whichever bridge wrote that down, and whether or not this one has heard of it.
"""

import functools
from collections.abc import Awaitable
from typing import TypeVar

from bridge.access import Principal, acting_now
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.prefetch import Prefetch
from bridge.journal.writing.writer import JournalWriter, Request

__all__ = ["InName"]

T = TypeVar("T")


class InName:
    """The way to the writer for all who have something committed."""

    def __init__(self, writer: JournalWriter) -> None:
        self._writer = writer

    def submit(self, request: Request[T], *, about: Prefetch | None = None) -> Awaitable[T]:
        """As the writer's, for whoever acts. Raises TokenError and AccessChangedError besides."""
        acting = acting_now()
        if acting is None:
            return self._writer.submit(request, about=about)
        acting.has_written = True
        return self._writer.submit(functools.partial(_decided, acting.principal, request), about=about)


def _decided(principal: Principal, request: Request[T], batch: Batch) -> T:
    batch.revocations.require(principal)
    return request(batch)
