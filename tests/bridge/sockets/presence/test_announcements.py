"""What is announced of who comes and goes, in every order of coming, going, telling and looking up."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bridge.catalogue.activities import UserActivity
from bridge.sockets.presence.announcements import Announcements, OnlineState

START = datetime(2026, 5, 1, tzinfo=UTC)
USERS = ("u1", "u2", "u3")


class AnyOrder(RuleBasedStateMachine):
    """Users come and go; some of that is taken, and told later, by one who tells it all before taking more."""

    def __init__(self) -> None:
        super().__init__()
        self.announcements = Announcements()
        self.now = START
        self.standing: dict[str, OnlineState] = dict.fromkeys(USERS, OnlineState(is_online=False, last_seen=None))
        self.heard: dict[str, list[bool]] = {user_id: [False] for user_id in USERS}
        self.taken: list[UserActivity] = []

    @rule(user_id=st.sampled_from(USERS))
    def comes_or_goes(self, user_id: str) -> None:
        self.now += timedelta(seconds=1)
        before = self.standing[user_id]
        change = UserActivity(user_id, None, is_on=not before.is_online, at=self.now)
        self.standing[user_id] = OnlineState(change.is_on, None if change.is_on else self.now)
        self.announcements.add(change, before)

    @rule(limit=st.sampled_from([None, 1, 2]))
    def take(self, limit: int | None) -> None:
        if not self.taken:
            self.taken = self.announcements.take(limit)
            assert [change.at for change in self.taken] == sorted(change.at for change in self.taken)
            assert limit is None or len(self.taken) <= limit

    @rule()
    def note_announced(self) -> None:
        if self.taken:
            change = self.taken.pop(0)
            self.announcements.note_announced(change)
            self.heard[change.user_id].append(change.is_on)

    @invariant()
    def nobody_hears_of_anybody_twice(self) -> None:
        for heard in self.heard.values():
            assert all(one is not other for one, other in pairwise(heard))

    @invariant()
    def who_is_looked_up_stands_as_it_was_told_last(self) -> None:
        for user_id, heard in self.heard.items():
            announced = self.announcements.announced(user_id)
            assert (self.standing[user_id] if announced is None else announced).is_online == heard[-1]

    @invariant()
    def in_the_end_everybody_is_told_how_each_stands(self) -> None:
        waiting = {change.user_id for change in self.taken}
        if not self.announcements and not waiting:
            assert all(self.announcements.announced(user_id) is None for user_id in USERS)


TestAnyOrder = AnyOrder.TestCase


def test_who_comes_and_goes_before_it_is_told_is_told_once_or_not_at_all() -> None:
    announcements = Announcements()
    came, went = (UserActivity("u1", None, is_on=is_on, at=START) for is_on in (True, False))
    never_seen, online = OnlineState(is_online=False, last_seen=None), OnlineState(is_online=True, last_seen=None)
    announcements.add(came, never_seen)
    announcements.add(went, online)
    assert (announcements.take(), announcements.announced("u1")) == ([], None)
    announcements.add(came, never_seen)
    announcements.add(went, online)
    announcements.add(came, never_seen)
    assert (announcements.take(), announcements.announced("u1")) == ([came], never_seen)
