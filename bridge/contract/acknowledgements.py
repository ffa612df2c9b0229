"""What a client's event is answered with, as models: the shapes that `bridge.catalogue.answers` makes."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, RootModel

from bridge.catalogue import answers
from bridge.catalogue.activities import UserStatus
from bridge.catalogue.chat import Moment
from bridge.catalogue.client_events import REFRESH_TOKEN, UNWATCH_USERS, WATCH_USERS, ClientEvent, IdEvent
from coordinator.events import unless_none
from coordinator.models import FrozenModel

__all__ = [
    "ANSWERS",
    "Answer",
    "Done",
    "ErrorCode",
    "Refused",
    "RefusedError",
    "RoomsAnswer",
    "RoomsDone",
    "TokenAnswer",
    "TokenDone",
    "UsersAnswer",
    "UsersDone",
    "answer_to",
]

OnlyFalse = Annotated[Literal[False] | None, Field(exclude_if=unless_none)]


class ErrorCode(RootModel[answers.ErrorCode]):
    """Why something was not done, for programs."""


class RefusedError(FrozenModel):
    """Why something was not done: a code for programs, a message for people."""

    code: ErrorCode
    message: str


class Refused(FrozenModel):
    """It was not done."""

    ok: Literal[False]
    error: RefusedError


class Done(FrozenModel):
    """It is done."""

    ok: Literal[True]


class RoomsDone(FrozenModel):
    """It is done, and these are the rooms that were joined or left."""

    ok: Literal[True]
    rooms: list[str]
    recovered: OnlyFalse = None
    """Here only where the client was recovered, and its session did not have all of this: what was told of it since
    may be missed, so look it up."""


class RoomsAnswer(RootModel[RoomsDone | Refused]):
    """What an event about rooms is answered with."""


class UsersDone(FrozenModel):
    """It is done, and this is how each of these users stands."""

    ok: Literal[True]
    users: list[UserStatus]
    recovered: OnlyFalse = None
    """Here only where the client was recovered, and its session did not watch all of these users."""


class UsersAnswer(RootModel[UsersDone | Refused]):
    """What an event about watching users is answered with."""


class TokenDone(FrozenModel):
    """The new token counts from now on."""

    ok: Literal[True]
    expires_at: Moment | None
    """When it ends; null where nobody is asked for a token."""


class TokenAnswer(RootModel[TokenDone | Refused]):
    """What a new token is answered with."""


class Answer(RootModel[Done | Refused]):
    """What any other event is answered with."""


ANSWERS: tuple[type[BaseModel], ...] = (RoomsAnswer, UsersAnswer, TokenAnswer, Answer)


def answer_to(event: ClientEvent) -> type[BaseModel]:
    """The model of the acknowledgement of a client's event: those that take an id, or nothing, tell the rooms."""
    if event in (WATCH_USERS, UNWATCH_USERS):
        return UsersAnswer
    if event == REFRESH_TOKEN:
        return TokenAnswer
    return RoomsAnswer if isinstance(event, IdEvent) else Answer
