"""Access, revoked and restored: users and connections are disconnected, tokens revoked, rooms revoked of users.
Services do it over `/api/access`, and staff in the console; every bridge acts on it, and it is on record."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from litestar import get, post
from litestar.exceptions import ClientException
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter
from pydantic import AwareDatetime, Field

from bridge.catalogue.access import AccessChange, AccessChanged
from bridge.catalogue.chat import moment_text
from bridge.http.front.dependencies import GivenJournal, GivenPrincipal, GivenService
from bridge.http.front.notes import Note
from bridge.http.front.openapi import problem_responses
from bridge.http.front.problems import wrong_field
from bridge.http.front.staff import GivenOpsAccess, OpsAccess
from bridge.http.ops.actions import REFUSALS, Doing
from bridge.http.ops.rows import ActionItem, action_item
from bridge.journal import Journal
from coordinator import rooms
from coordinator.ids import Id
from coordinator.models import FrozenModel

__all__ = ["change_access", "change_access_in_console", "list_revocations"]

DESCRIPTION = (
    "`disconnected` closes the connections of a user (`userId`), or one (`socketId`); they come back by themselves "
    "if their token is good. `tokens_revoked` refuses every token of a user (`userId`) that was issued until now, by "
    "its `iat`, or that does not say when; `token_revoked` refuses one token (`tokenId`, its `jti`). `room_revoked` "
    "has a user leave a room and refuses it to their tokens of until now; `room_restored` undoes that. Whoever loses "
    "a room receives what was published before, and nothing that comes after. Staff see everything, whatever room is "
    "revoked: revoke their tokens. To publish `participant-removed` revokes the chat's room by itself, and "
    "`participants-added` restores it. On record."
)
TAKEN: Mapping[AccessChange, Sequence[set[str]]] = {
    "disconnected": [{"userId"}, {"socketId"}],
    "token_revoked": [{"tokenId"}],
    "tokens_revoked": [{"userId"}],
    "room_revoked": [{"userId", "room"}],
    "room_restored": [{"userId", "room"}],
}
"""Which fields each takes, in one way or another."""
EXAMPLE = {"change": "room_revoked", "userId": "u-17", "room": "request-77", "note": "sold to somebody else"}
NOT_FOR_USERS = 'nobody is asked for a token here, so there are no users to take anything from; set access = "jwt"'


class AccessRequest(FrozenModel):
    """What is to be revoked, or restored."""

    change: AccessChange
    user_id: Id | None = None
    socket_id: Id | None = Field(None, description="The connection's id, as its client and the log have it.")
    token_id: Id | None = Field(None, description="The token's `jti`.")
    room: str | None = Field(None, description="A room that tokens grant, such as `chat-5`.", max_length=300)
    note: Note | None = Field(None, description="Why, for the record.")


class ConsoleAccessRequest(Doing, AccessRequest):
    """The same from the console."""


class AccessDone(FrozenModel):
    """What was done, on record."""

    message: str
    action: ActionItem


class RevocationItem(FrozenModel):
    """Something that is revoked."""

    kind: str = Field(description="`user`: all tokens of a user; `token`: one token; `room`: a room of a user.")
    user_id: str | None
    token_id: str | None
    room: str | None
    revoked_at: AwareDatetime = Field(description="Tokens that were issued until then do not count.")
    revoked_by: str
    note: str | None


class RevocationList(FrozenModel):
    """What is revoked at the moment, oldest first."""

    revocations: list[RevocationItem]


@post(
    "/access",
    status_code=200,
    summary="Revoke access, or restore it",
    description=DESCRIPTION,
    responses=problem_responses(
        {
            400: "A field is missing or wrong; the answer names it",
            401: "No token of a service",
            403: "The service may not manage access",
            409: "Nobody is asked for a token here",
            503: "Not known to be stored; send it again",
        }
    ),
    tags=["Access"],
)
async def change_access(
    data: Annotated[AccessRequest, Body(examples=[Example(value=EXAMPLE)])],
    journal: GivenJournal,
    service: GivenService,
    ops_access: GivenOpsAccess,
) -> AccessDone:
    service.require_access()
    return await _change(journal, data, service.display_name, ops_access)


@post(
    "/access",
    status_code=200,
    summary="Revoke access, or restore it",
    description=DESCRIPTION,
    responses=problem_responses({**REFUSALS, 409: "Nobody is asked for a token here"}),
)
async def change_access_in_console(
    data: Annotated[ConsoleAccessRequest, Body(examples=[Example(value={**EXAMPLE, "by": "Ada"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> AccessDone:
    return await _change(journal, data, ops_access.actor(principal, data.by), ops_access)


@get(
    "/access",
    summary="What access is revoked",
    responses=problem_responses({401: "No good token", 403: "They may not see the console"}),
)
async def list_revocations(
    journal: GivenJournal,
    user_id: Annotated[str | None, QueryParameter(name="userId", description="Of this user alone.")] = None,
) -> RevocationList:
    return RevocationList(
        revocations=[
            RevocationItem(
                kind=one.kind,
                user_id=None if one.kind == "token" else one.name,
                token_id=one.name if one.kind == "token" else None,
                room=one.room or None,
                revoked_at=one.revoked_at,
                revoked_by=one.revoked_by,
                note=one.note,
            )
            for one in await journal.access.revocations()
            if one.restored_at is None and (user_id is None or (one.kind != "token" and one.name == user_id))
        ]
    )


async def _change(journal: Journal, data: AccessRequest, by: str, ops_access: OpsAccess) -> AccessDone:
    _require_fields(data)
    if data.socket_id is None and not ops_access.asks_for_tokens:
        raise ClientException(NOT_FOR_USERS, status_code=409)
    change = AccessChanged(
        change=data.change,
        user_id=data.user_id,
        room=data.room,
        token_id=data.token_id,
        socket_id=data.socket_id,
        changed_at=moment_text(journal.clock()),  # by which the revocation counts, whichever bridge writes it down
    )
    action = await journal.access.change(change, by=by, note=data.note)
    besides = ". Staff are in every room all the same: revoke their tokens" if data.change == "room_revoked" else ""
    return AccessDone(message=f"Done: {action.outcome}{besides}.", action=action_item(action))


def _require_fields(data: AccessRequest) -> None:
    """Raises ValidationException unless just what the change takes is given."""
    fields = {"userId": data.user_id, "socketId": data.socket_id, "tokenId": data.token_id, "room": data.room}
    given = {name for name, value in fields.items() if value is not None}
    taken = TAKEN[data.change]
    if given not in taken:
        expected = " or ".join(" and ".join(sorted(names, reverse=True)) for names in taken)
        wrong = min(given.symmetric_difference(taken[0]))
        raise wrong_field(wrong, f"{data.change} takes {expected}, and nothing else")
    if data.room is not None and not rooms.is_granted(data.room):
        raise wrong_field("room", "expected a room that tokens grant, such as chat-5 or request-77")
