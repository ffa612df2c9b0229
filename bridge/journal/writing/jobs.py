"""What waits to be committed: a request, and whoever waits for what becomes of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.journal.writing.batch import Batch
from bridge.journal.writing.prefetch import Prefetch

__all__ = ["Job"]


@dataclass(slots=True)
class Job:
    request: Callable[[Batch], Any]
    future: asyncio.Future[Any]
    about: Prefetch | None
    traceparent: str | None
    """The trace that it belongs to, if there is one."""
    result: Any = None
    error: BaseException | None = None
    deadline: asyncio.TimerHandle | None = None
    """When its caller is told that it takes too long; one for all that were handed on together."""
