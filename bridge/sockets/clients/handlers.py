"""What happens on each event of a client. Every one of them is answered, a refused one too.

It must never let a client into a room, or speak for a user, beyond what its principal is granted.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bridge.access import GrantsUnknownError, TokenError
from bridge.catalogue.activities import UserStatus
from bridge.catalogue.answers import failure, success
from bridge.catalogue.chat import moment_text
from bridge.catalogue.client_events import (
    REFRESH_TOKEN,
    ROOM_MEMBERSHIPS,
    TYPING_START,
    TYPING_STOP,
    UNWATCH_USERS,
    USER_ONLINE,
    WATCH_USERS,
    ArgumentError,
    RoomMembership,
    TypingStart,
    TypingStop,
)
from bridge.sockets.clients.activity import Activity
from bridge.sockets.errors import ClientGoneError, NotAllowedError, TooManyError
from bridge.sockets.presence.typing import Typing
from bridge.sockets.recovery.deferred_answers import DeferredAnswer
from bridge.sockets.server import SocketServer
from coordinator import rooms

__all__ = ["register_handlers"]

# While the journal cannot be written; a client that repeats what is not answered would fill the memory.
WAITING_LIMIT = 1_000

Answer = dict[str, Any] | DeferredAnswer
Handler = Callable[[str, tuple[object, ...]], Answer | Awaitable[Answer]]
"""Of what is done at once, in place, without a task of its own; but for what has to be asked first."""
LaterHandler = Callable[[str, tuple[object, ...]], Awaitable[Answer]]
"""Of what takes its time."""

Refused = (ArgumentError, NotAllowedError, TooManyError, TokenError, GrantsUnknownError)


def register_handlers(server: SocketServer, activity: Activity) -> None:
    """Registers every event of the catalogue that clients may send.

    A leave undoes what its join did, to the letter of the specification: `leave-seller-room` leaves `sellers` even
    if the client is still in another seller's room, and `leave-buyer-room` does the same with `buyers`. Leaving a
    room one is not in is fine.
    """
    for membership in ROOM_MEMBERSHIPS:
        server.on(membership.join.name, _answering(_join(server, membership)))
        server.on(membership.leave.name, _answering(_leave(server, membership)))
    server.on(USER_ONLINE.name, _answering_later(_user_online(server, activity)))
    server.on(TYPING_START.name, _answering_later(_typing_start(server, activity)))
    server.on(TYPING_STOP.name, _answering(_typing_stop(server, activity)))
    server.on(WATCH_USERS.name, _answering_later(_watch_users(server, activity)))
    server.on(UNWATCH_USERS.name, _answering_later(_unwatch_users(server, activity)))
    server.on(REFRESH_TOKEN.name, _answering_later(_refresh_token(server)))


def _answering(handle: Handler) -> Callable[..., Answer | Awaitable[Answer]]:
    def answered(sid: str, *arguments: object) -> Answer | Awaitable[Answer]:
        try:
            return handle(sid, arguments)
        except Refused as error:
            return _refusal(error)

    return answered


def _answering_later(handle: LaterHandler) -> Callable[..., Awaitable[Answer]]:
    async def answered(sid: str, *arguments: object) -> Answer:
        try:
            return await handle(sid, arguments)
        except Refused as error:
            return _refusal(error)

    return answered


def _refusal(
    error: ArgumentError | NotAllowedError | TooManyError | TokenError | GrantsUnknownError,
) -> Answer:
    match error:
        case ArgumentError():
            return failure("bad_argument", str(error))
        case NotAllowedError():
            return failure("not_allowed", str(error))
        case TooManyError():
            return failure("too_many", str(error))
        case TokenError():
            return failure(error.code, str(error))
        case GrantsUnknownError():
            return failure("unavailable", str(error))


def _join(server: SocketServer, membership: RoomMembership) -> Handler:
    event = membership.join

    def entered(sid: str, names: tuple[str, ...], *, is_new: bool) -> Answer:
        found = _recovered(server, sid, is_new)
        _enter(server, sid, names)
        return DeferredAnswer([success(rooms=list(names), **found)])

    async def ask_and_join(sid: str, arguments: tuple[object, ...]) -> Answer:
        names = membership.rooms(event.read(arguments))
        is_new = _require_place(server, sid, names)
        await server.admission.ask(("/", sid), _denied(server, sid, names))
        _require_connection(server, sid)
        if denied := _denied(server, sid, names):
            raise NotAllowedError(f"{denied[0]} is granted neither by the token nor by the marketplace")
        return entered(sid, names, is_new=is_new)

    asking = _answering_later(ask_and_join)

    def join(sid: str, arguments: tuple[object, ...]) -> Answer | Awaitable[Answer]:
        names = membership.rooms(event.read(arguments))
        denied = _denied(server, sid, names)
        if denied and server.admission.asks and all(map(rooms.is_part, denied)):
            return asking(sid, *arguments)
        return entered(sid, names, is_new=_require_rooms(server, sid, names))

    return join


def _leave(server: SocketServer, membership: RoomMembership) -> Handler:
    event = membership.leave

    def leave(sid: str, arguments: tuple[object, ...]) -> Answer:
        names = membership.rooms(event.read(arguments))
        _require_patience(server, sid)
        for name in names:
            server.manager.basic_leave_room(sid, "/", name)
        return DeferredAnswer([success(rooms=list(names))])

    return leave


def _user_online(server: SocketServer, activity: Activity) -> LaterHandler:
    async def user_online(sid: str, arguments: tuple[object, ...]) -> Answer:
        user_id = USER_ONLINE.read(arguments)
        names = (rooms.user(user_id),)
        _require_connection(server, sid)
        _require_voice(server, sid, user_id)
        _require_rooms(server, sid, names)
        found = _recovered(server, sid, not activity.presence.claims(sid, user_id))
        activity.presence.claim(sid, user_id)
        if server.recovery is not None:
            server.recovery.is_online(sid, user_id)
        _enter(server, sid, names)
        await activity.come_online(sid, user_id)
        return success(rooms=list(names), **found)

    return user_online


def _typing_start(server: SocketServer, activity: Activity) -> LaterHandler:
    async def typing_start(sid: str, arguments: tuple[object, ...]) -> Answer:
        typing = TYPING_START.read(arguments)
        _require_typist(server, sid, typing)
        _require_patience(server, sid)
        await activity.start_typing(sid, Typing(typing.chat_id, typing.user_id), typing.user_name)
        return success()

    return typing_start


def _typing_stop(server: SocketServer, activity: Activity) -> Handler:
    def typing_stop(sid: str, arguments: tuple[object, ...]) -> Answer:
        typing = TYPING_STOP.read(arguments)
        _require_typist(server, sid, typing)
        activity.stop_typing(sid, Typing(typing.chat_id, typing.user_id))
        return success()

    return typing_stop


def _watch_users(server: SocketServer, activity: Activity) -> LaterHandler:
    """Whoever is connected may: who is online is told to everyone, and answered to everyone who asks over REST."""

    async def watch_users(sid: str, arguments: tuple[object, ...]) -> Answer:
        watched = WATCH_USERS.read(arguments)
        _require_connection(server, sid)
        _require_patience(server, sid)
        _require_rate(server, sid)
        found = _recovered(server, sid, not activity.watches_all(sid, watched.user_ids))
        return _users(await activity.watch(sid, watched.user_ids), **found)

    return watch_users


def _unwatch_users(server: SocketServer, activity: Activity) -> LaterHandler:
    async def unwatch_users(sid: str, arguments: tuple[object, ...]) -> Answer:
        watched = UNWATCH_USERS.read(arguments)
        _require_connection(server, sid)
        _require_patience(server, sid)
        return _users(await activity.unwatch(sid, watched.user_ids))

    return unwatch_users


def _refresh_token(server: SocketServer) -> LaterHandler:
    async def refresh_token(sid: str, arguments: tuple[object, ...]) -> Answer:
        renewal = REFRESH_TOKEN.read(arguments)
        _require_connection(server, sid)
        _require_patience(server, sid)
        _require_rate(server, sid)
        principal = await server.admission.renew(("/", sid), renewal.token, server.manager.get_rooms(sid, "/"))
        for room in server.manager.get_rooms(sid, "/"):
            if room != sid and not principal.may_see(room):
                server.manager.basic_leave_room(sid, "/", room)
        if principal.is_staff:
            _enter(server, sid, (rooms.STAFF,))
        expires_at = principal.expires_at
        return DeferredAnswer([success(expiresAt=None if expires_at is None else moment_text(expires_at))])

    return refresh_token


def _users(users: Sequence[UserStatus], **found: bool) -> Answer:
    return success(users=[user.model_dump(mode="json") for user in users], **found)


def _recovered(server: SocketServer, sid: str, is_new: bool) -> dict[str, bool]:
    """What an answer says besides to a client that was recovered, and asks for what its session did not have: the
    journal may have been taken back to before it had, which nothing else shows."""
    is_resumed = server.recovery is not None and server.recovery.is_resumed(sid)
    return {"recovered": False} if is_resumed and is_new else {}


def _enter(server: SocketServer, sid: str, names: tuple[str, ...]) -> None:
    for name in names:
        server.manager.basic_enter_room(sid, "/", name)


def _require_rooms(server: SocketServer, sid: str, names: tuple[str, ...]) -> bool:
    """Returns whether it is not in all of these rooms yet."""
    if denied := _denied(server, sid, names):
        raise NotAllowedError(f"the token does not grant {denied[0]}")
    return _require_place(server, sid, names)


def _denied(server: SocketServer, sid: str, names: tuple[str, ...]) -> list[str]:
    principal = server.admission.principal(sid)
    return [name for name in names if not principal.may_see(name)]


def _require_place(server: SocketServer, sid: str, names: tuple[str, ...]) -> bool:
    """Returns whether it is not in all of these rooms yet."""
    limit, own = server.eio.limits.rooms, server.manager.own_rooms(sid, "/")
    new_count = sum(name not in own for name in names)
    if new_count and len(own) + new_count > limit:
        raise TooManyError(f"one connection is in at most {limit} rooms; leave some, or open another")
    _require_patience(server, sid)
    if new_count:  # whoever was recovered asks again for all that it was in, which costs next to nothing
        _require_rate(server, sid)
    return new_count > 0


def _require_rate(server: SocketServer, sid: str) -> None:
    connection = server.manager.connection(sid, "/")
    wait_seconds = connection.join_wait_seconds() if connection is not None else 0
    if wait_seconds:
        raise TooManyError(f"this connection joins rooms too fast; try again in {wait_seconds:.1f} s")


def _require_patience(server: SocketServer, sid: str) -> None:
    if server.recovery is not None and server.recovery.waiting_count(sid) >= WAITING_LIMIT:
        raise TooManyError("too much of what this connection asked for waits for the journal; try again later")


def _require_typist(server: SocketServer, sid: str, typing: TypingStart | TypingStop) -> None:
    _require_connection(server, sid)
    _require_voice(server, sid, typing.user_id)
    room = rooms.chat(typing.chat_id)
    if not server.admission.principal(sid).may_see(room):
        raise NotAllowedError(f"the token does not grant {room}")


def _require_connection(server: SocketServer, sid: str) -> None:
    if not server.manager.is_connected(sid, "/"):
        raise ClientGoneError(f"the client {sid} is gone, so nobody is there or types")


def _require_voice(server: SocketServer, sid: str, user_id: str) -> None:
    if not server.admission.principal(sid).may_speak_for(user_id):
        raise NotAllowedError(f"the token is not that of the user {user_id}")
