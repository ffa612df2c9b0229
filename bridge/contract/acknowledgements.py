"""What a client's event is answered with, as models: the shapes that `bridge.catalogue.answers` makes."""

from typing import Literal

from pydantic import BaseModel, RootModel

from bridge.catalogue import answers
from bridge.catalogue.client_events import ClientEvent, IdEvent
from coordinator.models import FrozenModel

__all__ = ["Answer", "Done", "ErrorCode", "Refused", "RefusedError", "RoomsAnswer", "RoomsDone", "answer_to"]


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


class RoomsAnswer(RootModel[RoomsDone | Refused]):
    """What an event about rooms is answered with."""


class Answer(RootModel[Done | Refused]):
    """What any other event is answered with."""


def answer_to(event: ClientEvent) -> type[BaseModel]:
    """The model of the acknowledgement of a client's event: those that take an id, or nothing, tell the rooms."""
    return RoomsAnswer if isinstance(event, IdEvent) else Answer
