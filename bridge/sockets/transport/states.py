"""The states of a connection, and what moves it from one to another. No I/O.

A client that polls may try out a WebSocket, which carries nothing of its own until the client has changed over. Once
a connection is to be closed, nothing brings it back: whatever else was under way comes too late and changes nothing.
"""

from collections.abc import Mapping
from enum import Enum, auto

from bridge.sockets.errors import ConnectionStateError

__all__ = ["TRANSITIONS", "WRITTEN_TO", "State", "Trigger", "Written", "after", "is_present"]


class State(Enum):
    """Where a connection stands."""

    ARRIVING = "arriving"
    """It is there, and has not been told so."""
    POLLING = "polling"
    """It is told what there is when it polls."""
    TRYING = "trying"
    """It polls, and has opened a WebSocket beside, over which nothing has been said."""
    CHANGING_OVER = "changing over"
    """It polls, and its probe over the WebSocket was answered: its poll is, too, so that it can change over."""
    WEB_SOCKET = "web socket"
    """It is told everything over its WebSocket."""
    ENDING = "ending"
    """It is to be closed, in a moment."""
    LEAVING = "leaving"
    """It is being closed: the handlers of its end are told."""
    CLOSED = "closed"


class Trigger(Enum):
    """What happens to a connection."""

    OPENED = "its first poll is answered"
    ACCEPTED = "its WebSocket is open, which is all it came with"
    TRIED = "it opens a WebSocket beside its polls"
    PROBED = "its probe is answered"
    UPGRADED = "it has said that it changes over"
    BROKE_OFF = "the WebSocket beside its polls ends, or says anything else"
    ENDED = "it is given up"
    LEFT = "it goes, or is closed"
    GONE = "all have been told"


class Written(Enum):
    """Where what is sent to a connection goes."""

    TO_THE_BACKLOG = auto()
    TO_THE_SOCKET = auto()
    NOWHERE = auto()


_PRESENT = {
    State.ARRIVING: {Trigger.OPENED: State.POLLING, Trigger.ACCEPTED: State.WEB_SOCKET},
    State.POLLING: {Trigger.TRIED: State.TRYING},
    State.TRYING: {Trigger.PROBED: State.CHANGING_OVER, Trigger.BROKE_OFF: State.POLLING},
    State.CHANGING_OVER: {Trigger.UPGRADED: State.WEB_SOCKET, Trigger.BROKE_OFF: State.POLLING},
    State.WEB_SOCKET: {},
}
_LATE = (
    Trigger.OPENED,
    Trigger.ACCEPTED,
    Trigger.PROBED,
    Trigger.UPGRADED,
    Trigger.BROKE_OFF,
    Trigger.ENDED,
)
"""What was under way, or is said once more."""

TRANSITIONS: Mapping[State, Mapping[Trigger, State]] = {
    **{
        state: {**moves, Trigger.ENDED: State.ENDING, Trigger.LEFT: State.LEAVING}
        for state, moves in _PRESENT.items()
    },
    State.ENDING: {**dict.fromkeys(_LATE, State.ENDING), Trigger.LEFT: State.LEAVING},
    State.LEAVING: {
        **dict.fromkeys((*_LATE, Trigger.LEFT), State.LEAVING),
        Trigger.GONE: State.CLOSED,
    },
    State.CLOSED: dict.fromkeys((*_LATE, Trigger.LEFT), State.CLOSED),
}
"""Every move there is. What is not here is a fault of the bridge's own."""

WRITTEN_TO: Mapping[State, Written] = {
    **dict.fromkeys(_PRESENT, Written.TO_THE_BACKLOG),
    State.WEB_SOCKET: Written.TO_THE_SOCKET,
    **dict.fromkeys((State.ENDING, State.LEAVING, State.CLOSED), Written.NOWHERE),
}


def after(state: State, event: Trigger) -> State:
    """The state that an event leads to. Raises ConnectionStateError if it cannot happen there."""
    to = TRANSITIONS[state].get(event)
    if to is None:
        raise ConnectionStateError(f"a connection that is {state.value} cannot be told that {event.value}")
    return to


def is_present(state: State) -> bool:
    """Whether requests may name a connection: it has been told that it is there, and is not to be closed."""
    return state in _PRESENT and state is not State.ARRIVING
