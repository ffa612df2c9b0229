"""Connections: which clients are connected, to which bridge, and in which rooms they are."""

import json
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from pydantic import Field

from bridge.compression import COMPRESSED
from bridge.http.front.dependencies import GivenIsConnected, GivenJournal
from bridge.http.front.openapi import problem_responses
from bridge.journal import ConnectedClient, Journal
from coordinator.models import FrozenModel

__all__ = ["list_connections"]

PAGE = 100


class ConnectionItem(FrozenModel):
    """A client that is connected."""

    socket_id: str = Field(description="The client's `socket.id`, by which it can be disconnected.")
    user_id: str | None = Field(description="Whose token it brought; null where nobody is asked for one.")
    online: list[str] = Field(description="The users that it has said are online.")
    rooms: list[str]
    bridge: str | None = Field(description="Where it is connected; null where there is only one.")


class ConnectionList(FrozenModel):
    """Connected clients, by their ids."""

    connections: list[ConnectionItem]
    next: str | None = Field(description="For `after`, to read on; null at the end.")


@get(
    "/connections",
    summary="Which clients are connected",
    middleware=COMPRESSED,
    description=(
        "Those of all bridges of the journal. Whoever came or went a moment ago may be shown as they were. To "
        "disconnect one, or its user, see `POST /api/ops/access`."
    ),
    responses=problem_responses({401: "No good token", 403: "They may not see the console"}),
)
async def list_connections(
    journal: GivenJournal,
    is_connected: GivenIsConnected,
    user_id: Annotated[str | None, QueryParameter(name="userId", description="Of this user alone.")] = None,
    room: Annotated[str | None, QueryParameter(description="In this room alone.")] = None,
    after: Annotated[str, QueryParameter(description="What the last answer had as `next`.")] = "",
) -> ConnectionList:
    shown: list[ConnectedClient] = []
    next_after: str | None = after
    while next_after is not None and len(shown) < PAGE:
        found = await journal.sessions.connected(user_id=user_id, room=room, after=next_after, limit=PAGE)
        # Of a bridge that is alone and was killed the journal has clients that are connected no more.
        shown += [one for one in found if journal.sessions.is_shared or is_connected(one.socket_id)]
        next_after = found[-1].socket_id if len(found) == PAGE else None
    names = await _names(journal)
    items = [
        ConnectionItem(
            socket_id=one.socket_id,
            user_id=one.user_id,
            online=list(one.online),
            rooms=list(one.rooms),
            bridge=None if one.node is None else names.get(one.node, one.node),
        )
        for one in shown
    ]
    return ConnectionList(connections=items, next=next_after)


async def _names(journal: Journal) -> dict[str, str]:
    """What bridges call themselves."""
    reports = await journal.nodes.reports()
    return {one.node: json.loads(one.report)["name"] for one in reports if one.report is not None}
