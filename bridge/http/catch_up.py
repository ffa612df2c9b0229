"""Catching up: what a client that was away looks up, out of the journal, within what its token grants."""

from typing import Annotated

from litestar import Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter
from pydantic import AwareDatetime, Field

from bridge.catalogue import EVENTS
from bridge.catalogue.chat import Message, Moment
from bridge.catalogue.notifications import NewNotification, UnreadCountUpdate
from bridge.http.front.callers import require_room
from bridge.http.front.dependencies import GivenConfidence, GivenJournal, GivenPrincipal
from bridge.http.front.openapi import problem_responses
from bridge.http.front.problems import wrong_field
from bridge.journal import OffsetUnreadableError
from bridge.projections import chats
from bridge.projections.purchase_requests import SOURCE_EVENTS, PurchaseRequestState, purchase_request
from coordinator import rooms
from coordinator.events import Document
from coordinator.ids import is_id
from coordinator.models import FrozenModel

__all__ = ["catch_up_router", "get_events"]

EVENTS_LIMIT = 500
ROOMS_LIMIT = 50
MESSAGES_LIMIT = 200

CONFIDENTIAL = tuple(name for name, model in EVENTS.items() if model.audience_rule.confidential)

REFUSALS = {400: "Something is wrong; the answer names it", 401: "No good token", 403: "The token does not grant it"}


class PastEvent(FrozenModel):
    """An event as it was sent, and its place in the journal."""

    offset: str
    event: str
    data: Document
    at: AwareDatetime


class PastEvents(FrozenModel):
    """Events in the order of the journal."""

    events: list[PastEvent]
    next: str = Field(description="Pass it as `after` to go on from here, also if there was nothing.")
    more: bool = Field(description="Whether there is more already.")


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
    "/",
    summary="The past events of some rooms",
    description=(
        "What a client in these rooms would have heard after `after`, each event once and in order; without `after`, "
        "from the beginning of the journal. `everyone=true` adds what went to everyone. An answer holds "
        "`limit` events, and fewer where they are large, some megabytes of them; `more` says whether to go on."
    ),
    responses=problem_responses(
        {
            **REFUSALS,
            410: "The journal does not hold the offset: it is of another history, of an event that is gone, or older "
            "than what is kept; begin anew without it",
        }
    ),
)
async def get_events(
    journal: GivenJournal,
    principal: GivenPrincipal,
    keeps_confidence: GivenConfidence,
    room: Annotated[
        list[str] | None, QueryParameter(description=f"A room's name; may be repeated up to {ROOMS_LIMIT} times.")
    ] = None,
    everyone: Annotated[bool, QueryParameter(description="Also what went to everyone.")] = False,
    after: Annotated[str | None, QueryParameter(description="An offset, such as `next` of the last answer.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=EVENTS_LIMIT)] = 100,
) -> PastEvents:
    names = list(dict.fromkeys(room or []))
    if len(names) > ROOMS_LIMIT or not (names or everyone):
        raise wrong_field("room", f"expected the names of 1 to {ROOMS_LIMIT} rooms, or everyone=true")
    for name in names:
        if not name:
            raise wrong_field("room", "expected the name of a room")
        require_room(principal, name)
    try:
        offset = 0 if after is None else await journal.held_offset(after)
    except OffsetUnreadableError as error:
        raise wrong_field("after", str(error)) from None
    hidden = CONFIDENTIAL if keeps_confidence and not principal.may_see_confidential else ()
    stretch = await journal.room_events(names, everyone=everyone, hidden=hidden, after=offset, limit=limit)
    return PastEvents(
        events=[
            PastEvent(
                offset=journal.offset_text(journaled.place),
                event=journaled.event.name,
                data=journaled.event.payload,
                at=journaled.committed_at,
            )
            for journaled in stretch.events
        ],
        next=journal.offset_text(stretch.next),
        more=stretch.more,
    )


@get(
    "/notifications/unread-count",
    summary="How many notifications a user has not read",
    description=(
        "The last count that was published for the user; before the first, the number of notifications so far."
    ),
    responses=problem_responses(REFUSALS),
)
async def get_unread_count(
    journal: GivenJournal,
    principal: GivenPrincipal,
    user_id: Annotated[
        str | None, QueryParameter(name="userId", description="Needed unless the token says who asks.")
    ] = None,
) -> UnreadCount:
    user_id = user_id or principal.user_id
    if not is_id(user_id):
        raise wrong_field("userId", "expected the id of a user")
    room = rooms.user(str(user_id))
    require_room(principal, room)
    last = await journal.room_events_before(room, UnreadCountUpdate.event_name, limit=1)
    if last:
        return UnreadCount(unread_count=last[0].event.payload["unreadCount"])
    return UnreadCount(unread_count=await journal.count_room_events(room, NewNotification.event_name))


@get(
    "/purchase-requests/{request_id:str}",
    summary="The state of a purchase request",
    description="As the events about it have told. Its payments are under `/api/payments?requestId=…`.",
    responses=problem_responses({**REFUSALS, 404: "There are no events about it"}),
)
async def get_purchase_request(
    request_id: FromPath[str], journal: GivenJournal, principal: GivenPrincipal
) -> PurchaseRequestState:
    if not is_id(request_id):
        raise wrong_field("requestId", "expected the id of a purchase request")
    require_room(principal, rooms.request(request_id))
    found_events = await journal.events_about([request_id], SOURCE_EVENTS)
    state = purchase_request(request_id, [journaled.event for journaled in found_events])
    if state is None:
        raise NotFoundException(f"There are no events about a purchase request {request_id!r}.")
    return state


@get(
    "/chats/{chat_id:str}/messages",
    summary="The messages of a chat",
    description="The newest, or the newest before a message; as they read now, without those that were deleted.",
    responses=problem_responses(REFUSALS),
)
async def get_messages(
    chat_id: FromPath[str],
    journal: GivenJournal,
    principal: GivenPrincipal,
    before: Annotated[str | None, QueryParameter(description="The `_id` of a message of the chat.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MESSAGES_LIMIT)] = 50,
) -> ChatMessages:
    if not is_id(chat_id):
        raise wrong_field("chatId", "expected the id of a chat")
    room = rooms.chat(chat_id)
    require_room(principal, room)
    end = None
    if before is not None:
        written = await journal.events_about([before], [chats.WRITTEN]) if is_id(before) else []
        end = next((one.offset for one in written if room in one.event.audience.rooms), None)
        if end is None:
            raise wrong_field("before", "there is no such message in this chat")
    # One more than is shown tells whether there is another stretch before this one.
    written = await journal.room_events_before(room, chats.WRITTEN, before=end, limit=limit + 1)
    shown = [journaled.event for journaled in written[-limit:]]
    ids = [event.payload["message"]["_id"] for event in shown]
    changes = [journaled.event for journaled in await journal.events_about(ids, chats.CHANGES)]
    return ChatMessages(
        messages=[ChatMessage.model_validate(message) for message in chats.messages(shown, changes)],
        next_before=ids[0] if len(written) > limit else None,
    )


catch_up_router = Router(
    "/api", route_handlers=[get_unread_count, get_purchase_request, get_messages], tags=["Catching up"]
)
