"""What the server tells one client alone about its own connection. The product added it to the specification."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field

from coordinator.events import AudienceRule, Payload, Text

__all__ = ["BridgeStopping", "Ending", "SessionEnded"]

Ending = Literal["token_expired", "key_withdrawn", "token_revoked", "disconnected"]


WORDS: Mapping[Ending, str] = {
    "token_expired": "the token has expired; connect again with a new one",
    "key_withdrawn": "the key that the token was signed with is not accepted any more; connect again with a new one",
    "token_revoked": "the token has been revoked; connect again with a new one",
    "disconnected": "somebody of the staff, or a service, has closed this connection",
}


class SessionEnded(Payload):
    """The connection is about to be closed: the token it was made with has expired or was revoked, the key that it
    was signed with is not accepted any more, or somebody disconnects its user."""

    event_name: ClassVar[str] = "session-ended"
    audience_rule: ClassVar[AudienceRule] = AudienceRule()

    reason: Ending
    message: Text

    @classmethod
    def because(cls, reason: Ending) -> Self:
        """With words for a person."""
        return cls(reason=reason, message=WORDS[reason])


class BridgeStopping(Payload):
    """The connection is about to be closed, because the bridge stops: come back once the time that it says has
    passed. Each client is told another time, so that they do not come all at once. It is not journaled."""

    event_name: ClassVar[str] = "bridge-stopping"
    audience_rule: ClassVar[AudienceRule] = AudienceRule()

    come_back_in_ms: int = Field(ge=0, description="Milliseconds until it is of use to connect again; 0: at once.")
