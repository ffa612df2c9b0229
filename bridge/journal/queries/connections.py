"""Connections, as staff looks them up: the sessions whose clients are connected, at whichever bridge."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bridge.journal.tables import schema
from coordinator.compact_json import compact_json

__all__ = ["ConnectedClient", "connected_clients"]


@dataclass(frozen=True, slots=True)
class ConnectedClient:
    """A client that is connected, as its bridge saved it last."""

    socket_id: str
    user_id: str | None
    """Whose token it brought; None where nobody is asked for one."""
    online: tuple[str, ...]
    """The users that it has said are online."""
    rooms: tuple[str, ...]
    node: str | None
    """The bridge that has it; None where there is only one."""


def connected_clients(
    connection: Connection,
    *,
    user_id: str | None,
    room: str | None,
    nodes: Collection[str] | None,
    after: str,
    limit: int,
) -> list[ConnectedClient]:
    """The next clients by their ids, of a user, in a room, or all; `nodes` are the bridges that are there, None where
    there is only one."""
    sessions = schema.sessions
    wanted = select(sessions.c.session_id, sessions.c.content, sessions.c.node).where(
        sessions.c.is_connected.is_(True), sessions.c.session_id > after
    )
    if nodes is not None:
        wanted = wanted.where(sessions.c.node.in_(nodes))
    # What the text holds narrows the search, and what it says is looked at below.
    if user_id is not None:
        wanted = wanted.where(sessions.c.content.contains(compact_json(user_id), autoescape=True))
    if room is not None:
        wanted = wanted.where(sessions.c.content.contains(compact_json(room), autoescape=True))
    found = []
    for row in connection.execute(wanted.order_by(sessions.c.session_id)):
        client = _client(row.session_id, row.node, row.content)
        is_users = user_id is None or user_id == client.user_id or user_id in client.online
        if is_users and (room is None or room in client.rooms):
            found.append(client)
        if len(found) == limit:
            break
    return found


def _client(socket_id: str, node: str | None, content: str) -> ConnectedClient:
    said = json.loads(content)
    return ConnectedClient(socket_id, said.get("user"), tuple(said["online"]), tuple(sorted(said["rooms"])), node)
