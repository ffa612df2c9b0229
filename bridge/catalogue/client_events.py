"""What clients may send: every client-to-server event, its one argument, and what it does.

The joins and leaves come from one table of rooms. No line of it can make a room whose name `coordinator.rooms` did
not make: every name has its prefix, so no id can spell another client's private room.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import Field, StringConstraints, ValidationError

from coordinator import rooms
from coordinator.errors import BridgeError
from coordinator.ids import ID_LIMIT_CHARACTERS, Id, is_id
from coordinator.models import FrozenModel

__all__ = [
    "CLIENT_EVENTS",
    "REFRESH_TOKEN",
    "ROOM_MEMBERSHIPS",
    "TYPING_START",
    "TYPING_STOP",
    "UNWATCH_USERS",
    "USER_ONLINE",
    "WATCHED_LIMIT",
    "WATCH_USERS",
    "ArgumentError",
    "ClientEvent",
    "IdEvent",
    "ObjectEvent",
    "RoomMembership",
    "TokenRenewal",
    "TypingStart",
    "TypingStop",
    "WatchedUsers",
]

# As many as one may ask `GET /api/presence` about.
WATCHED_LIMIT = 200
# Room for a thousand ids; whatever is longer is no token that is accepted.
TOKEN_LIMIT_CHARACTERS = 100_000

Model = TypeVar("Model", bound=FrozenModel)


class ArgumentError(BridgeError):
    """A client's event did not come with what it takes; the message says what that is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEvent:
    """One event that clients may send."""

    name: str
    argument: str | None
    """What its one argument is called; None if it takes none."""
    effect: str
    is_addition: bool = False
    """Whether the product added it to the specification."""


class IdEvent(ClientEvent):
    """An event that takes an id, or nothing."""

    def read(self, arguments: Sequence[object]) -> str:
        """The id, or "" for an event that takes none. Raises ArgumentError."""
        if self.argument is None:
            if arguments:
                raise ArgumentError(f"{self.name} takes no argument")
            return ""
        match arguments:
            case (str() as identifier,) if is_id(identifier):
                return identifier
        raise ArgumentError(
            f"{self.name} takes one {self.argument}: a non-empty string of at most {ID_LIMIT_CHARACTERS} characters"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEvent(ClientEvent, Generic[Model]):
    """An event that takes an object."""

    model: type[Model]

    def read(self, arguments: Sequence[object]) -> Model:
        """The object. Raises ArgumentError, which names the field that is wrong."""
        if len(arguments) != 1 or not isinstance(arguments[0], dict):
            known = ", ".join(str(field.alias) for field in self.model.model_fields.values())
            raise ArgumentError(f"{self.name} takes one object with {known}")
        try:
            return self.model.model_validate(arguments[0], strict=True, by_name=False)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
            field = ".".join(str(part)[:ID_LIMIT_CHARACTERS] for part in fault["loc"])
            raise ArgumentError(f"{self.name}: {field}: {fault['msg']}") from None


@dataclass(frozen=True, slots=True)
class RoomMembership:
    """The rooms, made from an id or fixed, that a pair of `join-…` and `leave-…` opens."""

    name: str
    argument: str | None
    rooms: Callable[[str], tuple[str, ...]]
    additions: tuple[str, ...] = ()
    """Which of `join` and `leave` the product added to the specification."""

    @property
    def join(self) -> IdEvent:
        return self._event("join", "Joins")

    @property
    def leave(self) -> IdEvent:
        return self._event("leave", "Leaves")

    def _event(self, verb: str, effect: str) -> IdEvent:
        names = " and ".join(f"`{room}`" for room in self.rooms(f"<{self.argument}>"))
        return IdEvent(
            name=f"{verb}-{self.name}",
            argument=self.argument,
            effect=f"{effect} {names}.",
            is_addition=verb in self.additions,
        )


ROOM_MEMBERSHIPS: tuple[RoomMembership, ...] = (
    RoomMembership("user-room", "userId", lambda user_id: (rooms.user(user_id),), ("leave",)),
    RoomMembership("request-room", "requestId", lambda request_id: (rooms.request(request_id),)),
    RoomMembership("seller-room", "sellerId", lambda seller_id: (rooms.seller(seller_id), rooms.SELLERS)),
    RoomMembership("buyer-room", "buyerId", lambda buyer_id: (rooms.buyer(buyer_id), rooms.BUYERS)),
    RoomMembership("chat-room", "chatId", lambda chat_id: (rooms.chat(chat_id),)),
    RoomMembership(
        "template-checkout-room",
        "checkoutId",
        lambda checkout_id: (rooms.template_checkout(checkout_id),),
        ("join", "leave"),
    ),
    RoomMembership("ops-room", None, lambda _: (rooms.OPS,), ("join", "leave")),
)


class TypingStart(FrozenModel):
    """Who began to type, and in which chat."""

    chat_id: Id
    user_id: Id
    user_name: Annotated[str, StringConstraints(max_length=ID_LIMIT_CHARACTERS)]


class TypingStop(FrozenModel):
    """Who stopped typing, and in which chat."""

    chat_id: Id
    user_id: Id


class WatchedUsers(FrozenModel):
    """Users who are to be watched, or no longer."""

    user_ids: Annotated[list[Id], Field(min_length=1, max_length=WATCHED_LIMIT)]


class TokenRenewal(FrozenModel):
    """A new token for a connection that is there."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=TOKEN_LIMIT_CHARACTERS)]


USER_ONLINE = IdEvent(
    name="user-online",
    argument="userId",
    effect=(
        "Joins `user-<userId>` and counts as the user being there: everyone receives `user-status-change`, or whoever"
        " watches the user, where the bridge tells nobody else (`presence_to`)."
    ),
)
TYPING_START = ObjectEvent(
    name="typing-start",
    argument="typing",
    model=TypingStart,
    effect="Tells the others in `chat-<chatId>` that the user is typing, with `user-typing`.",
)
TYPING_STOP = ObjectEvent(
    name="typing-stop",
    argument="typing",
    model=TypingStop,
    effect="Tells the others in `chat-<chatId>` that the user is not typing any more, with `user-typing`.",
)

WATCH_USERS = ObjectEvent(
    name="watch-users",
    argument="users",
    model=WatchedUsers,
    effect=(
        "Watches these users, besides those that are watched: `user-status-change` tells of each, also where the"
        f" bridge tells nobody else. One connection watches at most {WATCHED_LIMIT} users. The answer has how each"
        " stands."
    ),
    is_addition=True,
)
UNWATCH_USERS = ObjectEvent(
    name="unwatch-users",
    argument="users",
    model=WatchedUsers,
    effect="Watches these users no longer. The answer has how each stands.",
    is_addition=True,
)

REFRESH_TOKEN = ObjectEvent(
    name="refresh-token",
    argument="renewal",
    model=TokenRenewal,
    effect=(
        "Goes on with a new token of the same user: what it grants may be joined from now on, and rooms that it does"
        " not grant any more are left. The answer has `expiresAt`, null where nobody is asked for a token."
    ),
    is_addition=True,
)

CLIENT_EVENTS: Mapping[str, ClientEvent] = {
    event.name: event
    for event in (
        *(event for membership in ROOM_MEMBERSHIPS for event in (membership.join, membership.leave)),
        USER_ONLINE,
        TYPING_START,
        TYPING_STOP,
        WATCH_USERS,
        UNWATCH_USERS,
        REFRESH_TOKEN,
    )
}
"""Every event that clients may send, by name."""
