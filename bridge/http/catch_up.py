"""Catching up: what a client that was away looks up, out of the journal, within what its token grants."""

from typing import Annotated

from litestar import Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter
from pydantic import Field

from bridge.catalogue.chat import Message, Moment
from bridge.catalogue.notifications import NewNotification, UnreadCountUpdate
from bridge.http.front.callers import require_rooms
from bridge.http.front.dependencies import GivenGrants, GivenJournal, GivenPrincipal
from bridge.http.front.openapi import problem_responses
from bridge.http.front.problems import wrong_field
from bridge.projections import chats
from bridge.projections.purchase_requests import SOURCE_EVENTS, PurchaseRequestState, purchase_request
from coordinator import rooms
from coordinator.ids import is_id
from coordinator.models import FrozenModel

__all__ = ["catch_up_router"]

MESSAGES_LIMIT = 200

REFUSALS = {400: "Something is wrong; the answer names it", 401: "No good token", 403: "The token does not grant it"}


class UnreadCount(FrozenModel):
    """How many notifications a user has not read."""

    unread_count: int


class ChatMessage(Message):
    """A message as it reads now."""

    edited_at: Moment | None = Field(None, exclude_if=lambda value: value is None)


class ChatMessages(FrozenModel):
    """A stretch of a chat, the oldest message first."""

    messages: list[ChatMessage]
    next_before: str | None = Field(
        description="Pass it as `before` for the stretch before this one; null at the end."
    )


@get(
    "/notifications/unread-count",
    summary="How many notifications a user has not read",
    description=(
        "The last count that was published for the user; before the first, the number of notifications so far. Both "
        "are kept for longer than the events are (`retention_days`)."
    ),
    responses=problem_responses(REFUSALS),
)
async def get_unread_count(
    journal: GivenJournal,
    principal: GivenPrincipal,
    grants: GivenGrants,
    user_id: Annotated[
        str | None, QueryParameter(name="userId", description="Needed unless the token says who asks.")
    ] = None,
) -> UnreadCount:
    user_id = user_id or principal.user_id
    if not is_id(user_id):
        raise wrong_field("userId", "expected the id of a user")
    room = rooms.user(str(user_id))
    await require_rooms(principal, [room], grants)
    last = await journal.last_counted(room, UnreadCountUpdate.event_name)
    if last is not None:
        return UnreadCount(unread_count=last["unreadCount"])
    return UnreadCount(unread_count=await journal.count_counted(room, NewNotification.event_name))


@get(
    "/purchase-requests/{request_id:str}",
    summary="The state of a purchase request",
    description=(
        "As the events about it have told that are stored still (`retention_days`). Its payments stay: they are "
        "under `/api/payments?requestId=…`."
    ),
    responses=problem_responses({**REFUSALS, 404: "There are no events about it, or none any more"}),
)
async def get_purchase_request(
    request_id: FromPath[str], journal: GivenJournal, principal: GivenPrincipal, grants: GivenGrants
) -> PurchaseRequestState:
    if not is_id(request_id):
        raise wrong_field("requestId", "expected the id of a purchase request")
    await require_rooms(principal, [rooms.request(request_id)], grants)
    found_events = await journal.events_about([request_id], SOURCE_EVENTS)
    state = purchase_request(request_id, [journaled.event for journaled in found_events])
    if state is None:
        raise NotFoundException(f"There are no events about a purchase request {request_id!r}.")
    return state


@get(
    "/chats/{chat_id:str}/messages",
    summary="The messages of a chat",
    description=(
        "The newest, or the newest before a message; as they read now, without those that were deleted. An answer "
        "holds `limit` messages, and fewer where they are large. Messages are stored for `retention_days`."
    ),
    responses=problem_responses(REFUSALS),
)
async def get_messages(
    chat_id: FromPath[str],
    journal: GivenJournal,
    principal: GivenPrincipal,
    grants: GivenGrants,
    before: Annotated[str | None, QueryParameter(description="The `_id` of a message of the chat.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MESSAGES_LIMIT)] = 50,
) -> ChatMessages:
    if not is_id(chat_id):
        raise wrong_field("chatId", "expected the id of a chat")
    room = rooms.chat(chat_id)
    await require_rooms(principal, [room], grants)
    end = None
    if before is not None:
        written = await journal.events_about([before], [chats.WRITTEN]) if is_id(before) else []
        end = next((one.offset for one in written if room in one.event.audience.rooms), None)
        if end is None:
            raise wrong_field("before", "there is no such message in this chat")
    # One more than is shown tells whether there is another stretch before this one.
    written, are_large = await journal.room_events_before(room, chats.WRITTEN, before=end, limit=limit + 1)
    shown = [journaled.event for journaled in written[-limit:]]
    ids = [event.payload["message"]["_id"] for event in shown]
    changes = [journaled.event for journaled in await journal.events_about(ids, chats.CHANGES)]
    return ChatMessages(
        messages=[ChatMessage.model_validate(message) for message in chats.messages(shown, changes)],
        next_before=ids[0] if are_large or len(written) > limit else None,
    )


catch_up_router = Router(
    "/api", route_handlers=[get_unread_count, get_purchase_request, get_messages], tags=["Catching up"]
)
