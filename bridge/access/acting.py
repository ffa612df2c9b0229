"""Acting: in whose name a request is answered, by a token, for whoever knows best what is taken back of it.

What a request will read and write is not known where its token is looked at, and what was taken back of the token may
not be known at this bridge yet. So whoever acts goes along with the task that answers the request, and with no other:
what the bridge does by itself it does in nobody's name.
"""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from bridge.access.principals import Principal

__all__ = ["Acting", "act_as", "acting_now"]


@dataclass(slots=True)
class Acting:
    """Somebody whose token let a request in."""

    principal: Principal
    """With the rooms that count for the request, whoever has granted them."""
    task: asyncio.Task[Any] | None
    has_read: bool = False
    """Whether the journal was read for the answer."""
    has_written: bool = False
    """Whether something was committed in their name, by which their token was good."""


_ACTING: ContextVar[Acting | None] = ContextVar("acting", default=None)


def act_as(principal: Principal | None) -> None:
    """From now on this task acts in somebody's name; in nobody's, if no token proved it that can be revoked."""
    if principal is None or principal.proven_by is None:
        _ACTING.set(None)
    elif (acting := acting_now()) is None:
        _ACTING.set(Acting(principal, asyncio.current_task()))
    else:
        acting.principal = principal


def acting_now() -> Acting | None:
    """Who acts in this task."""
    acting = _ACTING.get()
    return acting if acting is not None and acting.task is asyncio.current_task() else None
