"""What the server tells one client alone about its own connection. The product added it to the specification."""

from typing import ClassVar, Literal

from coordinator.events import AudienceRule, Payload, Text

__all__ = ["SessionEnded"]


class SessionEnded(Payload):
    """The connection is about to be closed: the token it was made with has expired. Connect again with a new one."""

    event_name: ClassVar[str] = "session-ended"
    audience_rule: ClassVar[AudienceRule] = AudienceRule()

    reason: Literal["token_expired"]
    message: Text
