"""Who is online and who types, decided without a socket and without a clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bridge.sockets.errors import TooManyError
from bridge.sockets.presence.presence import USERS_LIMIT_PER_SOCKET, LocalPresence, Roster, UserPresence
from bridge.sockets.presence.remote_presence import RemotePresence
from bridge.sockets.presence.typing import CHATS_LIMIT_PER_SOCKET, Typing, Typists
from tests.clock import Clock, pass_seconds
from tests.waiting import until

START = datetime(2026, 5, 1, tzinfo=UTC)
GRACE = timedelta(seconds=5)
SOCKETS, USERS = ("s1", "s2", "s3"), ("u1", "u2")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def arrive(roster: Roster, sid: str, user_id: str) -> bool:
    roster.claim(sid, user_id)
    return roster.arrive(sid, user_id)


def test_a_user_is_online_once_however_many_sockets_say_so() -> None:
    roster = Roster(GRACE)
    assert [arrive(roster, sid, "u1") for sid in ("s1", "s2", "s1")] == [True, False, False]
    roster.depart("s1", at(1))
    assert roster.next_due is None
    roster.depart("s2", at(2))
    assert roster.next_due == at(7)
    assert roster.expire(at(6.9)) == []
    assert roster.look_up(["u1"], at(6.9)) == [UserPresence("u1", True, at(6.9))]
    assert roster.expire(at(7)) == [("u1", at(2))]
    assert roster.look_up(["u1", "u9"], at(8)) == [UserPresence("u1", False, at(2)), UserPresence("u9", False, None)]


def test_who_comes_back_within_the_grace_period_was_never_gone() -> None:
    roster = Roster(GRACE)
    arrive(roster, "s1", "u1")
    roster.depart("s1", at(0))
    assert not arrive(roster, "s2", "u1")
    assert roster.expire(at(100)) == []
    assert roster.next_due is None


@pytest.mark.parametrize("set_by_hours", [-1, 24])
async def test_the_grace_period_is_as_long_as_ever_when_the_clock_is_set(set_by_hours: float) -> None:
    announced: list[tuple[bool, datetime]] = []

    def note_announced() -> None:
        [change] = presence.announcements.take()
        presence.announcements.note_announced(change)
        announced.append((change.is_on, change.at))

    wall, steady = Clock(START), Clock(START - timedelta(days=900))
    presence = LocalPresence(
        note_announced,
        RemotePresence(on_status=print, on_typing=print),
        contradict=print,
        grace_seconds=5,
        clock=wall,
        steady=steady,
    )
    presence.claim("s1", "u1")
    presence.arrive("s1", "u1")
    presence.depart("s1")
    wall.move(hours=set_by_hours)
    for clock in (wall, steady):
        clock.move(seconds=5)
    # What remains to be waited for is nothing, and who left did so five seconds ago, by the clock as it is now.
    await pass_seconds(5)
    await until(lambda: len(announced) == 2)
    left_at = START + timedelta(hours=set_by_hours)
    assert announced == [(True, START), (False, left_at)]
    assert presence.look_up(["u1"]) == [UserPresence("u1", False, left_at)]


def test_those_who_leave_go_offline_in_the_order_in_which_they_left() -> None:
    roster = Roster(GRACE)
    for user_id in ("u1", "u2", "u3"):
        arrive(roster, f"of-{user_id}", user_id)
    roster.depart("of-u2", at(1))
    roster.depart("of-u1", at(2))
    arrive(roster, "again", "u2")
    roster.depart("of-u3", at(3))
    roster.depart("again", at(4))
    assert roster.expire(at(7)) == [("u1", at(2))]
    assert roster.expire(at(9)) == [("u3", at(3)), ("u2", at(4))]


def test_one_socket_cannot_stand_for_everybody() -> None:
    roster = Roster(GRACE)
    for number in range(USERS_LIMIT_PER_SOCKET):
        arrive(roster, "s1", f"u{number}")
    arrive(roster, "s1", "u0")
    with pytest.raises(TooManyError):
        roster.claim("s1", "one-more")
    assert not roster.look_up(["one-more"], START)[0].is_online


class PresenceMachine(RuleBasedStateMachine):
    """Against a model that only knows who has which sockets, and since when a user has none."""

    def __init__(self) -> None:
        super().__init__()
        self.roster = Roster(GRACE)
        self.now = START
        self.sockets: dict[str, set[str]] = {user_id: set() for user_id in USERS}
        self.alone_since: dict[str, datetime | None] = dict.fromkeys(USERS)
        self.announced: dict[str, bool] = dict.fromkeys(USERS, False)
        self.claimed: set[tuple[str, str]] = set()

    @rule(sid=st.sampled_from(SOCKETS), user_id=st.sampled_from(USERS))
    def claim(self, sid: str, user_id: str) -> None:
        self.roster.claim(sid, user_id)
        self.claimed.add((sid, user_id))

    @rule(sid=st.sampled_from(SOCKETS), user_id=st.sampled_from(USERS))
    def arrive(self, sid: str, user_id: str) -> None:
        is_news = self.roster.arrive(sid, user_id)
        assert self.roster.is_here(user_id) or (sid, user_id) not in self.claimed
        if (sid, user_id) not in self.claimed:
            assert not is_news
            return
        assert is_news is not self.announced[user_id]
        self.announced[user_id] = True
        self.sockets[user_id].add(sid)
        self.alone_since[user_id] = None

    @rule(sid=st.sampled_from(SOCKETS), user_id=st.sampled_from(USERS))
    def leave(self, sid: str, user_id: str) -> None:
        self.roster.leave(sid, user_id, self.now)
        self._without(sid, user_id)

    @rule(sid=st.sampled_from(SOCKETS))
    def depart(self, sid: str) -> None:
        self.roster.depart(sid, self.now)
        for user_id in USERS:
            self._without(sid, user_id)

    @rule(sid=st.sampled_from(SOCKETS), user_id=st.sampled_from(USERS))
    def leave_for_good(self, sid: str, user_id: str) -> None:
        self.roster.leave(sid, user_id, self.now, for_good=True)
        was_the_last = self.sockets[user_id] == {sid}
        self._without(sid, user_id)
        offline = self.roster.expire(self.now)
        assert ((user_id, self.now) in offline) is was_the_last
        for gone, last_seen in offline:
            assert gone == user_id or last_seen == self.alone_since[gone]
            self.announced[gone] = False

    def _without(self, sid: str, user_id: str) -> None:
        self.claimed.discard((sid, user_id))
        if self.sockets[user_id] == {sid}:
            self.alone_since[user_id] = self.now
        self.sockets[user_id].discard(sid)

    @rule(seconds=st.sampled_from((0, 1, 4, 5, 20)))
    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        for user_id, last_seen in self.roster.expire(self.now):
            assert self.announced[user_id]
            assert last_seen == self.alone_since[user_id]
            self.announced[user_id] = False

    @invariant()
    def is_online_while_there_is_a_socket_or_grace(self) -> None:
        for user_id in USERS:
            since = self.alone_since[user_id]
            due = since is not None and since + GRACE <= self.now
            assert self.announced[user_id] or not self.sockets[user_id]
            if self.announced[user_id] and not due:
                assert self.roster.look_up([user_id], self.now)[0].is_online
        leaving = [
            since for user_id, since in self.alone_since.items() if since is not None and self.announced[user_id]
        ]
        assert self.roster.next_due == (min(leaving) + GRACE if leaving else None)


TestPresenceMachine = PresenceMachine.TestCase


def test_a_typist_with_two_sockets_types_until_both_have_stopped() -> None:
    typists = Typists()
    typing = Typing("c1", "u1")
    typists.start("s1", typing)
    typists.start("s2", typing)
    typists.start("s2", typing)
    assert not typists.stop("s1", typing)
    assert not typists.stop("s1", typing)
    assert typists.depart("s2") == [typing]
    assert typists.depart("s2") == []


def test_leaving_a_chat_stops_typing_there_and_nowhere_else() -> None:
    typists = Typists()
    for chat_id in ("c1", "c2"):
        typists.start("s1", Typing(chat_id, "u1"))
    assert typists.leave("s1", "c1") == [Typing("c1", "u1")]
    assert typists.depart("s1") == [Typing("c2", "u1")]


def test_one_socket_types_in_a_limited_number_of_chats() -> None:
    typists = Typists()
    for number in range(CHATS_LIMIT_PER_SOCKET):
        typists.start("s1", Typing(f"c{number}", "u1"))
    with pytest.raises(TooManyError):
        typists.start("s1", Typing("one-more", "u1"))
    assert len(typists.depart("s1")) == CHATS_LIMIT_PER_SOCKET


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("start", "start", "stop", "leave", "leave_user", "depart")),
            st.sampled_from(SOCKETS),
            st.sampled_from([Typing(chat_id, user_id) for chat_id in ("c1", "c2") for user_id in ("u1", "u2")]),
        )
    )
)
def test_whoever_departs_leaves_nothing_behind(steps: list[tuple[str, str, Typing]]) -> None:
    typists, model = Typists(), set[tuple[str, Typing]]()
    for step, sid, typing in steps:
        own = {one for one in model if one[0] == sid}
        gone = {
            "start": set(),
            "stop": own & {(sid, typing)},
            "leave": {one for one in own if one[1].chat_id == typing.chat_id},
            "leave_user": {one for one in own if one[1].user_id == typing.user_id},
            "depart": own,
        }[step]
        model = (model | {(sid, typing)}) if step == "start" else model - gone
        still = {one for _, one in model}
        stopped = {one for _, one in gone} - still
        match step:
            case "start":
                typists.start(sid, typing)
            case "stop":
                assert typists.stop(sid, typing) is (typing in stopped)
            case "leave":
                assert set(typists.leave(sid, typing.chat_id)) == stopped
            case "leave_user":
                assert set(typists.leave_user(sid, typing.user_id)) == stopped
            case _:
                assert set(typists.depart(sid)) == stopped
    for sid in SOCKETS:
        typists.depart(sid)
    assert not typists._of_socket
    assert not typists._sockets
