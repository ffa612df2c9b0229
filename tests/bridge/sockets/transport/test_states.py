"""The table of a connection's states: every cell of it, as the page has it, and against the flags before it."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.sockets.errors import ConnectionStateError
from bridge.sockets.transport.states import (
    TRANSITIONS,
    WRITTEN_TO,
    State,
    Trigger,
    Written,
    after,
    is_present,
)

PAGE = Path(__file__).parents[4] / "docs" / "architecture.md"
WORDS = {
    Written.TO_THE_BACKLOG: "its backlog",
    Written.TO_THE_SOCKET: "its WebSocket",
    Written.NOWHERE: "nowhere",
}


def rows() -> dict[str, tuple[str, str]]:
    """The table as the page has it: by state, what is written to and what moves it on."""
    found = {}
    for state, moves in TRANSITIONS.items():
        onward = [f"{event.value}: {to.value}" for event, to in moves.items() if to is not state]
        found[state.value] = WORDS[WRITTEN_TO[state]], "; ".join(onward)
    return found


def test_the_page_has_the_table() -> None:
    [table] = re.findall(r"\| a connection that is \|.*\n\|[- |]+\n((?:\|.*\n)+)", PAGE.read_text(encoding="utf-8"))
    told = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
    assert {state: (written, moves) for state, written, moves in told} == rows()


@pytest.mark.parametrize("state", State)
def test_each_event_leads_to_one_state_or_is_a_fault_that_names_both(state: State) -> None:
    for event in Trigger:
        if event in TRANSITIONS[state]:
            assert after(state, event) is TRANSITIONS[state][event]
        else:
            with pytest.raises(ConnectionStateError, match=f"{state.value}.*{event.value}"):
                after(state, event)


@dataclass
class Flags:
    """What there was in the place of a state: each written to by whoever knew of it."""

    connected: bool = False
    upgrading: bool = False
    probed: bool = False
    upgraded: bool = False
    ends: bool = False
    closing: bool = False
    closed: bool = False

    def take(self, event: Trigger) -> None:
        is_over = self.ends or self.closing or self.closed
        match event:
            case Trigger.OPENED:
                self.connected = True
            case Trigger.ACCEPTED:
                self.connected, self.upgraded = True, not is_over
            case Trigger.TRIED:
                self.upgrading = True
            case Trigger.PROBED:
                self.probed = True
            case Trigger.UPGRADED | Trigger.BROKE_OFF:
                self.upgraded |= event is Trigger.UPGRADED and not is_over
                self.upgrading = self.probed = False
            case Trigger.ENDED:
                self.ends = True
            case Trigger.LEFT:
                self.closing = True
            case Trigger.GONE:
                self.closed = True

    @property
    def state(self) -> State:
        over = {State.CLOSED: self.closed, State.LEAVING: self.closing, State.ENDING: self.ends}
        there = {State.WEB_SOCKET: self.upgraded, State.CHANGING_OVER: self.probed, State.TRYING: self.upgrading}
        standing = {**over, **there, State.POLLING: self.connected, State.ARRIVING: True}
        return next(state for state, holds in standing.items() if holds)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(Trigger), max_size=12))
def test_whatever_happens_in_whatever_order_a_state_is_what_the_flags_come_to(events: list[Trigger]) -> None:
    state, flags, was_over = State.ARRIVING, Flags(), False
    for event in events:
        if event not in TRANSITIONS[state]:
            continue
        state = after(state, event)
        flags.take(event)
        assert state is flags.state
        is_over = WRITTEN_TO[state] is Written.NOWHERE
        assert is_over >= was_over  # nothing brings it back
        assert not (is_over and is_present(state))
        was_over = is_over


@pytest.mark.parametrize("state", State)
def test_from_everywhere_a_connection_can_be_given_up_and_closed(state: State) -> None:
    ended = after(state, Trigger.ENDED)
    assert WRITTEN_TO[ended] is Written.NOWHERE
    left = after(ended, Trigger.LEFT)
    assert left is State.CLOSED or after(left, Trigger.GONE) is State.CLOSED
