"""Activities: that a user is online, or types in a chat. They are told of by `user-status-change` and `user-typing`,
and bridges that share a journal tell each other of them."""

from datetime import datetime
from typing import NamedTuple

__all__ = ["UserActivity"]


class UserActivity(NamedTuple):
    """That a user is online or types, or that it does not any more."""

    user_id: str
    chat_id: str | None
    """Where it types; None for whether it is online."""
    is_on: bool
    at: datetime
    """Since when; of one who is offline when it was seen last."""
    user_name: str | None = None
    """Of one who types."""
