"""Deferred answers, which wait until what was asked for is kept."""

from typing import Any

__all__ = ["DeferredAnswer"]


class DeferredAnswer(list[Any]):
    """What a handler answers once all that its client has changed is kept, so that it would get it back after
    whatever happens. While nothing can be kept, it receives what goes to its rooms all the same, and is answered once
    it can."""
