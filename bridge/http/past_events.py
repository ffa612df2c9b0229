"""Past events: what some rooms heard, or everybody, from an offset on, within what the token grants; at once, as soon
as there is something, or as a stream that goes on."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Schema
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream

from bridge.access import Principal
from bridge.catalogue import EVENTS
from bridge.compression import COMPRESSED
from bridge.http.event_feed import GONE, STREAM_MEDIA_TYPE, EventFeed, GivenEventFeed, WantedStream, gone, opening
from bridge.http.event_forms import BATCH_MEDIA_TYPE, Form, PastEvents, cloud_event, past_event
from bridge.http.front.callers import require_rooms
from bridge.http.front.dependencies import (
    GivenConfidence,
    GivenDispatcher,
    GivenGrants,
    GivenJournal,
    GivenPrincipal,
    GivenPublicUrl,
)
from bridge.http.front.openapi import problem_responses
from bridge.http.front.problems import wrong_field
from bridge.journal import Journal, JournalUnavailableError, OffsetElsewhereError, OffsetUnreadableError, Stretch
from coordinator.compact_json import compact_json

__all__ = ["get_events"]

EVENTS_LIMIT = 500
ROOMS_LIMIT = 50
# Proxies give up an answer that takes a minute.
WAIT_LIMIT_SECONDS = 50
# A page ends with the event that makes it larger than this.
PAGE_BYTES = 4_000_000
NOW = "now"

CONFIDENTIAL = tuple(name for name, model in EVENTS.items() if model.audience_rule.confidential)


@dataclass
class EventsOperation(Operation):
    """The other forms that are answered besides JSON of the bridge's own."""

    def __post_init__(self) -> None:
        content = (self.responses or {})["200"].content  # type: ignore[union-attr]
        if content is not None:
            content[BATCH_MEDIA_TYPE] = OpenAPIMediaType(
                schema=Schema(
                    type=OpenAPIType.ARRAY,
                    items=Schema(type=OpenAPIType.OBJECT),
                    description="With `format=cloudevents`: CloudEvents 1.0, each with its offset as `id`. The "
                    '`Link` header with `rel="next"` says where to go on.',
                )
            )
            content[STREAM_MEDIA_TYPE] = OpenAPIMediaType(
                schema=Schema(
                    type=OpenAPIType.STRING,
                    description="With `Accept: text/event-stream`: each event's offset as `id`, and as `data` the "
                    "event itself, in the form that `format` names.",
                )
            )


@get(
    "/",
    summary="Past events, of some rooms or all",
    middleware=COMPRESSED,
    description=(
        "What a client in these rooms would have heard after `after`, each event once and in order; without `after`, "
        "from the beginning of the journal, and after `now`, from this moment on. `everyone=true` adds what went to "
        "everyone. `all=true` is every event there is, for staff and services that read: with `wait` an "
        "answer that would be empty waits for the next event, and with `Accept: text/event-stream` it goes on for as "
        "long as somebody listens (server-sent events; `Last-Event-ID` counts for `after`, and an offset that is not "
        "held is told by an event `gone`). An answer holds `limit` events, and fewer where they are large, some "
        "megabytes of them; `more` says whether to go on."
    ),
    operation_class=EventsOperation,
    responses={
        200: ResponseSpec(PastEvents, description="The events", generate_examples=False),
        204: ResponseSpec(None, description="To a browser that was told that its offset is gone: it stops asking"),
        **problem_responses(
            {
                400: "Something is wrong; the answer names it",
                401: "No good token",
                403: "The token does not grant it",
                410: "The journal does not hold the offset: it is of another history, of an event that is gone, or "
                "older than what is kept; begin anew without it",
                429: "Too many wait for events already",
            }
        ),
    },
)
async def get_events(
    request: Request[Any, Any, Any],
    journal: GivenJournal,
    dispatcher: GivenDispatcher,
    principal: GivenPrincipal,
    grants: GivenGrants,
    keeps_confidence: GivenConfidence,
    event_feed: GivenEventFeed,
    public_url: GivenPublicUrl,
    room: Annotated[
        list[str] | None, QueryParameter(description=f"A room's name; may be repeated up to {ROOMS_LIMIT} times.")
    ] = None,
    everyone: Annotated[bool, QueryParameter(description="Also what went to everyone.")] = False,
    all: Annotated[bool, QueryParameter(description="Every event, instead of those of rooms.")] = False,  # noqa: A002
    after: Annotated[
        str | None, QueryParameter(description="An offset, such as `next` of the last answer; or `now`.")
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=EVENTS_LIMIT)] = 100,
    wait: Annotated[
        int,
        QueryParameter(ge=0, le=WAIT_LIMIT_SECONDS, description="How many seconds to wait where nothing is there."),
    ] = 0,
    format: Annotated[  # noqa: A002
        Literal["bridge", "cloudevents"], QueryParameter(description="How events are written.")
    ] = "bridge",
    last_event_id: Annotated[
        str | None, HeaderParameter(name="Last-Event-ID", description="Of a stream: counts for `after`.")
    ] = None,
) -> Response[Any]:
    is_stream = STREAM_MEDIA_TYPE in request.headers.get("accept", "")
    authorization = request.headers.get("authorization")
    names = _rooms(principal, room, everyone=everyone, everything=all)
    await require_rooms(principal, names, grants)
    if (wait or is_stream) and not all:
        raise wrong_field("wait" if wait else "all", "only all=true can be waited for; sockets tell of rooms")
    written: Form = cloud_event(public_url) if format == "cloudevents" else past_event
    if is_stream:
        wanted = WantedStream(journal, dispatcher, written, authorization)
        return await _stream(event_feed, wanted, last_event_id or after)
    offset = await _offset(journal, after)
    hidden = CONFIDENTIAL if keeps_confidence and not principal.may_see_confidential else ()

    async def read() -> Stretch:
        if all:
            return await journal.all_events(after=offset, limit=limit, limit_bytes=PAGE_BYTES)
        return await journal.room_events(names, everyone=everyone, hidden=hidden, after=offset, limit=limit)

    stretch = await read()
    if wait and not stretch.events:
        event_feed.require_place()
        with event_feed.following() as follower:
            await follower.wait(dispatcher, stretch.next.number, wait)
        event_feed.recognize(authorization).require_all_events()
        stretch = await read()
    return _answer(request, journal, stretch, written, is_batch=format == "cloudevents")


def _rooms(principal: Principal, room: list[str] | None, *, everyone: bool, everything: bool) -> list[str]:
    """Those that are asked for. Raises ValidationException, and NotPermittedError."""
    names = list(dict.fromkeys(room or []))
    if everything:
        if names or everyone:
            raise wrong_field("all", "all=true is every event, and goes without room and everyone")
        principal.require_all_events()
    elif len(names) > ROOMS_LIMIT or not (names or everyone):
        raise wrong_field("room", f"expected the names of 1 to {ROOMS_LIMIT} rooms, or everyone=true, or all=true")
    for name in names:
        if not name:
            raise wrong_field("room", "expected the name of a room")
    return names


async def _offset(journal: Journal, after: str | None) -> int:
    """Raises ValidationException, and OffsetElsewhereError."""
    if after is None:
        return 0
    if after == NOW:
        return (await journal.newest_place()).number
    try:
        return await journal.held_offset(after)
    except OffsetUnreadableError as error:
        raise wrong_field("after", str(error)) from None


async def _stream(feed: EventFeed, wanted: WantedStream, after: str | None) -> Response[Any]:
    journal = wanted.journal
    if after == GONE:
        return Response(None, status_code=204)
    feed.require_place()
    try:
        if after == NOW:
            after = journal.offset_text(await journal.newest_place())
        offset = await _offset(journal, after)
    except OffsetElsewhereError as error:
        content = iter([gone(error)])
    except JournalUnavailableError:
        content = iter([opening()])  # a browser that is answered 503 does not come back
    else:
        return _streamed(feed.stream(wanted, offset, after))
    return _streamed(content)


def _streamed(content: Any) -> Stream:
    # A proxy that gathers what it passes on would pass on nothing for long.
    return Stream(content, media_type=STREAM_MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})


def _answer(
    request: Request[Any, Any, Any], journal: Journal, stretch: Stretch, form: Form, *, is_batch: bool
) -> Response[Any]:
    after = journal.offset_text(stretch.next)
    events = [form(journal, journaled) for journaled in stretch.events]
    if not is_batch:
        return Response({"events": events, "next": after, "more": stretch.more})
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    return Response(
        compact_json([event.model_dump(mode="json") for event in events]).encode(),
        media_type=BATCH_MEDIA_TYPE,
        headers={"Link": f'<?{urlencode([*asked, ("after", after)])}>; rel="next"'},
    )
