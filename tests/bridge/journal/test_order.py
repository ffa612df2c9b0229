"""The order of a journal that several bridges write to: everything that three of them can do, in any interleaving,
with a connection that breaks, a commit of which nobody hears and a bridge that dies at any moment.

The first model is of writing: what a batch does (`Writer._begin`, `_follow`, `_write`), step by step. The second is
of following: what a bridge that writes beside others hands on, by the very decisions of the dispatcher.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import pytest

from bridge.journal.dispatcher import Upcoming
from bridge.journal.tables.rows import JournaledEvent
from bridge.journal.writing.lately_moved import moved_since, with_commit
from tests.bridge.journal.explorer import explore

# Writing


@dataclass(frozen=True)
class Writing:
    """A bridge that writes: what it remembers of the journal, and the batch that it is in the middle of."""

    to_write: tuple[str, ...]
    """The messages that it was sent and has not answered."""
    commits: int = -1
    """How many it knows of; -1 if it has to look."""
    next_offset: int = 0
    remembers: frozenset[tuple[str, frozenset[str]]] = frozenset()
    """Payments, each with the messages about it, all of them, as far as it knows."""
    says_what_it_moves: bool = True
    """An older one only counts its commits."""
    is_in_batch: bool = False
    staged: tuple[int, str] | None = None


@dataclass(frozen=True)
class Shared:
    """The database, and the bridges that write to it."""

    bridges: tuple[Writing, ...]
    is_locked: bool
    """Whether a batch locks the head; without it there is a fault to find."""
    faults: int
    """How many more there may be."""
    head: int = 0
    """How many commits there were."""
    holder: int | None = None
    """The bridge whose transaction has the head locked."""
    log: tuple[tuple[int, str], ...] = ()
    answered: frozenset[str] = frozenset()
    """The messages that somebody was told are stored."""
    lately_moved: str | None = None
    """What its head says of the last commits."""


def payment_of(message: str) -> str:
    """Two of the messages are about one payment."""
    return "p" if message in "ab" else "q"


def writing_steps(state: Shared) -> Iterator[tuple[str, Shared]]:
    for place, bridge in enumerate(state.bridges):
        for name, following in _steps_of(state, place, bridge):
            yield f"{place}: {name}", following


def _steps_of(state: Shared, place: int, bridge: Writing) -> Iterator[tuple[str, Shared]]:
    if state.faults and (bridge.is_in_batch or bridge.commits >= 0):
        # Its memory is gone, and its transaction; whoever has no answer sends the message again.
        fewer = replace(state, faults=state.faults - 1)
        yield "dies and starts again", _let_go(_with(fewer, place, _forgetful(bridge)), place)
    if not bridge.is_in_batch:
        if bridge.to_write and (state.holder is None or not state.is_locked):
            yield "begins", replace(_with(state, place, _begun(state, bridge)), holder=place)
        return
    if bridge.staged is None:
        yield "decides", _decided(state, place, bridge)
        return
    gone = replace(bridge, is_in_batch=False, staged=None, commits=-1, remembers=frozenset())
    if state.is_locked and state.holder != place:
        yield "finds that its connection broke", _with(state, place, gone)
        return
    yield "commits", _committed(state, place, bridge, is_heard=True)
    if state.faults:
        fewer = replace(state, faults=state.faults - 1)
        yield "commits and does not hear of it", _committed(fewer, place, bridge, is_heard=False)
        # As of a bridge that stands still in the middle of a batch: it learns that only when it goes on.
        yield "has its transaction ended by the server", _let_go(fewer, place)


def _begun(state: Shared, bridge: Writing) -> Writing:
    if bridge.commits == state.head:
        return replace(bridge, is_in_batch=True)
    remembers = frozenset[tuple[str, frozenset[str]]]()
    moved = moved_since(state.lately_moved, bridge.commits, state.head)
    if bridge.commits >= 0 and moved is not None and bridge.says_what_it_moves:
        remembers = frozenset(known for known in bridge.remembers if known[0] not in moved)
    return replace(bridge, is_in_batch=True, commits=state.head, next_offset=len(state.log) + 1, remembers=remembers)


def _forgetful(bridge: Writing) -> Writing:
    return Writing(bridge.to_write, says_what_it_moves=bridge.says_what_it_moves)


def _decided(state: Shared, place: int, bridge: Writing) -> Shared:
    message = bridge.to_write[0]
    remembered, payment = dict(bridge.remembers), payment_of(message)
    stored = frozenset(one for _, one in state.log if payment_of(one) == payment)
    known = remembered.get(payment, stored)
    remembers = frozenset((remembered | {payment: known | {message}}).items())
    if message in known:
        left = replace(bridge, is_in_batch=False, to_write=bridge.to_write[1:], remembers=remembers)
        return _let_go(replace(_with(state, place, left), answered=state.answered | {message}), place)
    return _with(state, place, replace(bridge, staged=(bridge.next_offset, message), remembers=remembers))


def _committed(state: Shared, place: int, bridge: Writing, *, is_heard: bool) -> Shared:
    offset, message = bridge.staged or (0, "")
    done = replace(state, head=state.head + 1, log=(*state.log, (offset, message)))
    if bridge.says_what_it_moves:
        said = with_commit(state.lately_moved, state.head + 1, [payment_of(message)])
        done = replace(done, lately_moved=said)
    if is_heard:
        after = replace(
            bridge,
            is_in_batch=False,
            staged=None,
            commits=bridge.commits + 1,
            next_offset=offset + 1,
            to_write=bridge.to_write[1:],
        )
        done = replace(done, answered=state.answered | {message})
    else:
        after = _forgetful(bridge)
    return _let_go(_with(done, place, after), place)


def _with(state: Shared, place: int, bridge: Writing) -> Shared:
    return replace(state, bridges=(*state.bridges[:place], bridge, *state.bridges[place + 1 :]))


def _let_go(state: Shared, place: int) -> Shared:
    return replace(state, holder=None) if state.holder == place else state


def wrong_writing(state: Shared) -> str | None:
    if [offset for offset, _ in state.log] != list(range(1, len(state.log) + 1)):
        return f"offsets with a gap, or twice: {state.log}"
    messages = [message for _, message in state.log]
    if len(set(messages)) < len(messages):
        return f"a message counts twice: {state.log}"
    if not state.answered <= set(messages):
        return f"answered, and not stored: {state.answered - set(messages)}"
    if not any(bridge.to_write for bridge in state.bridges) and set(messages) != {"a", "b", "c"}:
        return f"nobody goes on, and there is {state.log}"
    return None


def three(*, is_locked: bool, faults: int, older: int | None = None) -> Shared:
    """Two messages about one payment come to two of them each, and one about another payment; one may be older."""
    to_write = (("a", "c", "b"), ("b", "c"), ("a",))
    bridges = tuple(Writing(messages, says_what_it_moves=place != older) for place, messages in enumerate(to_write))
    return Shared(bridges, is_locked=is_locked, faults=faults)


def test_three_that_write_keep_one_order_whatever_happens_to_them() -> None:
    states, way = explore(three(is_locked=True, faults=2), writing_steps, wrong_writing)
    assert way == []
    assert states > 1_000


@pytest.mark.parametrize("older", range(3))
def test_so_they_do_beside_one_that_does_not_say_what_it_moves(older: int) -> None:
    _, way = explore(three(is_locked=True, faults=1, older=older), writing_steps, wrong_writing)
    assert way == []


def test_without_the_lock_they_do_not() -> None:
    _, way = explore(three(is_locked=False, faults=0), writing_steps, wrong_writing)
    assert way
    assert way[-1].startswith("offsets")


# Following


@dataclass(frozen=True)
class Event:
    """As much of an event as its place is."""

    offset: int


Known = tuple[int, tuple[Event, ...], bool, int, int]
"""What a dispatcher knows: its cursor, what was committed here, whether that is all, and up to where others are."""


@dataclass(frozen=True)
class Following:
    """A bridge that follows the journal that it writes to beside another."""

    known: Known
    own: int
    """How many events it will commit still."""
    others: int
    """How many the others will."""
    uncertain: int
    """How often it may not hear what became of a commit."""
    lost: int
    """How many notices may be lost."""
    length: int = 0
    """Of the journal."""
    notices: tuple[int, ...] = ()
    """On their way to it, in any order."""
    answers: tuple[tuple[int, ...], ...] = ()
    """Of its own commits, on their way from the writer's thread: the offsets; none if that is not certain."""
    delivered: tuple[int, ...] = ()
    is_woken: bool = True
    reads_after: int | None = None
    """The cursor from which it is reading."""
    found: tuple[int, ...] | None = None
    """What the database answers to that, as it was at that moment."""
    is_unheard: bool = False
    """Whether something was committed that only a look can tell of."""
    committed_limit: int = 100
    """How much of what it commits it remembers until that is handed on."""


LIMIT = 2


def following_steps(state: Following) -> Iterator[tuple[str, Following]]:
    yield from _commits(state)
    yield from _news(state)
    if state.reads_after is None:
        if state.is_woken:
            yield "goes on", _goes_on(state)
    elif state.found is None:
        found = tuple(range(state.reads_after + 1, min(state.length, state.reads_after + LIMIT) + 1))
        yield "the journal is read", replace(state, found=found)
    else:
        yield "has read", _has_read(state, state.found)
    if state.is_unheard and not state.is_woken and state.reads_after is None:
        yield "looks", replace(_heard(state, None), is_unheard=False)


def _commits(state: Following) -> Iterator[tuple[str, Following]]:
    offset = state.length + 1
    if state.own:
        fewer = replace(state, own=state.own - 1, length=offset)
        yield "commits", replace(fewer, answers=(*state.answers, (offset,)))
        if state.uncertain:
            yield "may have committed", replace(fewer, uncertain=state.uncertain - 1, answers=(*state.answers, ()))
    if state.others:
        fewer = replace(state, others=state.others - 1, length=offset)
        yield "another commits", replace(fewer, notices=(*state.notices, offset))


def _news(state: Following) -> Iterator[tuple[str, Following]]:
    if state.answers:
        upcoming, (offsets, *answers) = _upcoming(state), state.answers
        upcoming.committed([cast(JournaledEvent, Event(offset)) for offset in offsets], is_certain=bool(offsets))
        yield "hears of its commit", replace(state, known=_known(upcoming), answers=tuple(answers), is_woken=True)
    for notice in state.notices:
        left = tuple(one for one in state.notices if one != notice)
        yield f"hears of {notice}", _heard(replace(state, notices=left), notice)
        if state.lost:
            yield f"does not hear of {notice}", replace(state, notices=left, lost=state.lost - 1, is_unheard=True)


def _heard(state: Following, offset: int | None) -> Following:
    upcoming = _upcoming(state)
    is_news = upcoming.committed_elsewhere(offset)
    return replace(state, known=_known(upcoming), is_woken=state.is_woken or is_news)


def _goes_on(state: Following) -> Following:
    """As `Dispatcher.run` and `catch_up` do, up to where they wait for the database or to be woken."""
    upcoming = _upcoming(state)
    delivered = state.delivered
    while stretch := upcoming.take(LIMIT):
        delivered += tuple(one.offset for one in stretch)
        upcoming.handed_on(stretch)
    reads_after = upcoming.cursor if upcoming.is_to_be_read() else None
    return replace(
        state, known=_known(upcoming), delivered=delivered, reads_after=reads_after, is_woken=False, found=None
    )


def _has_read(state: Following, found: tuple[int, ...]) -> Following:
    upcoming = _upcoming(state)
    events = [cast(JournaledEvent, Event(offset)) for offset in found]
    upcoming.read(events, LIMIT)
    if not found:
        return replace(state, known=_known(upcoming), reads_after=None, found=None)
    upcoming.handed_on(events)
    read = replace(state, known=_known(upcoming), delivered=state.delivered + found)
    # It asks what comes next, without being woken, until there is nothing.
    return replace(_goes_on(read), is_woken=state.is_woken)


def _upcoming(state: Following) -> Upcoming:
    known = state.known
    upcoming = Upcoming(known[0], state.committed_limit)
    upcoming._committed.extend(cast(tuple[JournaledEvent, ...], known[1]))
    upcoming._knows_all, upcoming._elsewhere, upcoming._sought = known[2:]
    return upcoming


def _known(upcoming: Upcoming) -> Known:
    committed = cast(tuple[Event, ...], tuple(upcoming._committed))
    return upcoming.cursor, committed, upcoming._knows_all, upcoming._elsewhere, upcoming._sought


def wrong_following(state: Following) -> str | None:
    if state.delivered != tuple(range(1, len(state.delivered) + 1)) or len(state.delivered) > state.length:
        return f"delivered {state.delivered} of {state.length}"
    if next(following_steps(state), None) is None and len(state.delivered) < state.length:
        return f"nothing goes on, and {state.delivered} of {state.length} are delivered"
    return None


@pytest.mark.parametrize("committed_limit", [100, 1])
def test_a_bridge_hands_on_all_that_any_commits_once_and_in_order_as_soon_as_it_hears_of_it(
    committed_limit: int,
) -> None:
    begin = Following((0, (), False, 0, 0), own=2, others=2, uncertain=1, lost=1, committed_limit=committed_limit)
    states, way = explore(begin, following_steps, wrong_following)
    assert way == []
    assert states > 1_000
