"""Revocations: of whatever order of grants, revocations and restorations, what is granted is what was said last."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.access import AccessChangedError, Principal, Revocations, TokenError

BEGAN = datetime(2026, 11, 27, tzinfo=UTC)
ROOMS = ("chat-1", "chat-2")
STEPS = st.lists(st.tuples(st.sampled_from(("revoke", "restore")), st.sampled_from(ROOMS)), max_size=8)


def holder(issued: int | None, **changes: object) -> Principal:
    issued_at = None if issued is None else BEGAN + timedelta(seconds=issued)
    return Principal("u1", user_id="u1", rooms=frozenset(ROOMS), issued_at=issued_at, **changes)  # type: ignore[arg-type]


@given(STEPS, st.none() | st.integers(-1, 9))
def test_a_room_is_granted_unless_it_was_revoked_since_and_not_restored(
    steps: list[tuple[str, str]], issued: int | None
) -> None:
    revocations = Revocations()
    revoked_at: dict[str, int] = {}
    for second, (step, room) in enumerate(steps):
        if step == "revoke":
            revocations.revoke_room("u1", room, BEGAN + timedelta(seconds=second), second)
            revoked_at[room] = second
        else:
            revocations.restore_room(["u1", "u2"], room)
            revoked_at.pop(room, None)
    lost = {room for room, second in revoked_at.items() if issued is None or issued <= second}
    assert revocations.applied_to(holder(issued)).rooms == set(ROOMS) - lost
    assert revocations.applied_to(holder(issued, sees_everything=True)).rooms == set(ROOMS)
    stranger = Principal("u3", user_id="u3", rooms=frozenset(ROOMS))
    assert revocations.applied_to(stranger) is stranger


def test_a_token_is_refused_by_its_id_or_if_all_of_its_user_were_revoked_since() -> None:
    revocations = Revocations()
    revocations.revoke_all_of("u1", BEGAN, 1)
    revocations.revoke_token("t1")
    assert [revocations.refuses(holder(issued)) for issued in (-1, 0, 1, None)] == [True, True, False, True]
    assert revocations.refuses(holder(1, token_id="t1"))
    assert not revocations.refuses(holder(1, token_id="t2"))
    assert not revocations.refuses(Principal("a service"))


@given(
    st.dictionaries(st.sampled_from(ROOMS), st.tuples(st.none() | st.integers(1, 9), st.booleans())),
    st.dictionaries(st.sampled_from(ROOMS), st.integers(0, 9)),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_a_session_has_lost_a_room_that_it_is_in_from_before_or_of_which_it_may_not_have_heard_all(
    revoked: dict[str, tuple[int | None, bool]], joined: dict[str, int], heard_until: int, there_until: int
) -> None:
    revocations = Revocations()
    for room, (offset, is_restored) in revoked.items():
        # One of which the event is not known was at the fifth second.
        revocations.revoke_room("u1", room, BEGAN + timedelta(seconds=5 if offset is None else offset), offset)
        if is_restored:
            revocations.restore_room(["u1"], room)
    expected = False
    for room, (offset, _) in revoked.items():
        is_in_from_before = offset is not None and room in joined and joined[room] < offset
        was_there = there_until > (5 if offset is None else offset)
        has_heard = offset is not None and heard_until >= offset
        expected |= is_in_from_before or not (was_there or has_heard)
    moment = BEGAN + timedelta(seconds=there_until)
    assert revocations.has_lost_rooms(holder(None), joined, heard_until, moment) == expected
    assert not revocations.has_lost_rooms(holder(None, sees_everything=True), joined, heard_until, moment)


@given(st.permutations([(1, 5), (2, 900), (3, 7)]), st.integers(0, 1_000))
def test_of_two_revocations_the_later_in_the_journal_counts_in_whatever_order_they_are_learned(
    told: list[tuple[int, int]], issued: int
) -> None:
    """The second was made by a clock that was ahead, and the third says it again."""
    revocations = Revocations()
    for offset, second in told:
        revocations.revoke_all_of("u1", BEGAN + timedelta(seconds=second), offset)
        revocations.revoke_room("u2", "chat-1", BEGAN + timedelta(seconds=second), offset)
    assert revocations.refuses(holder(issued)) == (issued <= 7)
    other = Principal("u2", user_id="u2", rooms=frozenset(ROOMS), issued_at=BEGAN + timedelta(seconds=issued))
    assert revocations.withholds(other, "chat-1") == (issued <= 7)


@given(STEPS, STEPS, st.none() | st.integers(-1, 20))
def test_whoever_let_somebody_in_is_told_of_each_room_and_token_that_they_did_not_know_of(
    heard: list[tuple[str, str]], unheard: list[tuple[str, str]], issued: int | None
) -> None:
    known, all_there_is = Revocations(), Revocations()
    for second, (step, room) in enumerate([*heard, *unheard]):
        for one in (known, all_there_is) if second < len(heard) else (all_there_is,):
            if step == "revoke":
                one.revoke_room("u1", room, BEGAN + timedelta(seconds=second), second)
            else:
                one.restore_room(["u1"], room)
    let_in = known.applied_to(holder(issued, token_id="t1"))
    if let_in.rooms - all_there_is.applied_to(holder(issued)).rooms:
        with pytest.raises(AccessChangedError):
            all_there_is.require(let_in)
    else:
        all_there_is.require(let_in)
    all_there_is.require(replace(let_in, sees_everything=True))
    all_there_is.revoke_token("t1")
    with pytest.raises(TokenError, match="revoked"):
        all_there_is.require(let_in)
