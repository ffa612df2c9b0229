"""What is asked about endpoints. A secret of somebody's own is never shown."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from bridge.http.front.notes import Note
from coordinator.endpoints.addresses import URL_LIMIT_CHARACTERS
from coordinator.endpoints.endpoints import PATTERN
from coordinator.endpoints.signing import require_secret
from coordinator.ids import Id
from coordinator.models import FrozenModel

__all__ = ["EndpointDeed", "EndpointRegistration", "NewSecret", "Removed", "ReplayFrom"]

# Long enough for another secret to reach whoever verifies, and the longest for which an old one may be valid.
OVERLAP_SECONDS, OVERLAP_LIMIT_SECONDS = 86_400, 30 * 86_400

Pattern = Annotated[str, StringConstraints(max_length=100, pattern=PATTERN)]
Patterns = Annotated[list[Pattern], Field(min_length=1, max_length=50)]


def _secret(secret: SecretStr) -> SecretStr:
    require_secret(secret.get_secret_value())
    return secret


OwnSecret = Annotated[SecretStr, AfterValidator(_secret)]
By = Annotated[
    Id | None,
    StringConstraints(max_length=100),
    Field(description="The person who wants it, for the record, where no token says so."),
]


class EndpointRegistration(FrozenModel):
    """Where events are to be sent."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=URL_LIMIT_CHARACTERS)]
    events: Patterns = Field(description="Names of events, or patterns such as `payment-*`; `*` is every event.")
    ordered: bool = Field(
        True,
        description="Whether an event that is not taken holds up those after it. Otherwise several are sent at "
        "once, and what is not taken is tried again beside the others.",
    )
    secret: OwnSecret | None = Field(
        None, description="A secret of your own, `whsec_` and Base64; left out, one is made."
    )
    by: By = None


class EndpointDeed(FrozenModel):
    """Who wants it, and why."""

    note: Note | None = Field(None, description="Why, for the record.")
    by: By = None


class NewSecret(FrozenModel):
    """Another secret, beside which those before go on to be valid for a while."""

    secret: OwnSecret | None = Field(None, description="One of your own; left out, one is made.")
    keep_seconds: int = Field(
        OVERLAP_SECONDS, ge=0, le=OVERLAP_LIMIT_SECONDS, description="How long those before are signed with too."
    )
    by: By = None


class ReplayFrom(FrozenModel):
    """From where on events are sent again."""

    after: str | None = Field(description="An offset, of a delivery or an event; null: the oldest that is stored.")
    by: By = None


class Removed(FrozenModel):
    """That an endpoint is there no more."""

    message: str
