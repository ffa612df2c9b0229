"""Who is online, for those who have just come. Afterwards `user-status-change` tells."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from bridge.catalogue.activities import UserStatus
from bridge.http.front.dependencies import GivenPresence, GivenPrincipal
from bridge.http.front.openapi import problem_responses
from bridge.http.front.problems import wrong_field
from coordinator.ids import is_id
from coordinator.models import FrozenModel

__all__ = ["get_presence"]

USERS_LIMIT = 200


class Presence(FrozenModel):
    """How some users stand, in the order in which they were named."""

    users: list[UserStatus]


@get(
    "/api/presence",
    summary="Who is online",
    responses=problem_responses({400: "`userIds` is missing or wrong", 401: "No good token"}),
    tags=["Catching up"],
)
async def get_presence(
    presence: GivenPresence,
    principal: GivenPrincipal,
    user_ids: Annotated[
        list[str],
        QueryParameter(name="userIds", description=f"Up to {USERS_LIMIT} ids, separated by commas, or repeated."),
    ],
) -> Presence:
    named = list(dict.fromkeys(user_id for some in user_ids for user_id in some.split(",")))
    if len(named) > USERS_LIMIT or not all(map(is_id, named)):
        raise wrong_field("userIds", f"expected 1 to {USERS_LIMIT} ids of users, separated by commas")
    return Presence(users=[UserStatus.of(user.user_id, user.is_online, user.last_seen) for user in presence(named)])
