"""How the handlers of events are called, and what is said for them where they cannot."""

import asyncio
import inspect
from typing import Any

from bridge.catalogue.answers import failure

__all__ = ["INTERNAL_FAILURE", "UNKNOWN_EVENT", "fitting", "is_cancelled"]

INTERNAL_FAILURE = failure("internal", "the server failed to handle this event")
UNKNOWN_EVENT = failure("unknown_event", "this server has no such event")


def fitting(handler: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of a connect or a disconnect, without the last if the handler is of the older kind: connect
    without `auth`, disconnect without the reason."""
    if handler is None:
        return arguments
    try:
        inspect.signature(handler).bind(*arguments)
    except TypeError:
        return arguments[:-1]
    return arguments


def is_cancelled() -> bool:
    """Whether this task itself is being cancelled, as opposed to something that a handler waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
