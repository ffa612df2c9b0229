"""Activities: that a user is online, or types in a chat. They are told of by `user-status-change` and `user-typing`,
and bridges that share a journal tell each other of them."""

from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, Field

from coordinator.models import FrozenModel

__all__ = ["UserActivity", "UserStatus"]


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


class UserStatus(FrozenModel):
    """How a user stands, in the words of `user-status-change`."""

    user_id: str
    status: Literal["online", "offline"]
    last_seen: AwareDatetime | None = Field(description="Null for a user who was not seen since the bridge started.")

    @classmethod
    def of(cls, user_id: str, is_online: bool, last_seen: datetime | None) -> "UserStatus":
        return cls(user_id=user_id, status="online" if is_online else "offline", last_seen=last_seen)
