"""What the marketplace answers of grants: remembered for a while, dropped by what is taken back, never guessed."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime

import pytest

from bridge.access import ANYBODY, Claims, Grants, GrantsUnknownError, Principal, Revocations, principal_of
from tests.clock import Clock

START = datetime(2026, 11, 27, tzinfo=UTC)
USER = principal_of(Claims(sub="u1", exp=4e9, requests=("r1",)), START)


class Marketplace:
    """Grants what it is told to, and knows what it was asked."""

    def __init__(self, *granted: str) -> None:
        self.granted = set(granted)
        self.asked: list[tuple[str, list[str]]] = []
        self.clock = Clock(START)
        self.revocations = Revocations()
        self.grants = Grants(self, self.revocations, remembered_seconds=60, clock=lambda: self.clock.now.timestamp())

    async def __call__(self, user_id: str, rooms: Collection[str]) -> Collection[str]:
        self.asked.append((user_id, [*rooms]))
        return {*self.granted, "user-somebody-else"}

    async def may(self, *rooms: str, principal: Principal = USER) -> list[str]:
        found = await self.grants.with_rooms(principal, rooms)
        assert found.rooms - principal.rooms <= set(rooms)
        return [room for room in rooms if found.may_see(room)]


async def test_only_what_a_token_does_not_say_is_asked_and_remembered_for_as_long_as_is_said() -> None:
    shop = Marketplace("request-r2", "chat-c1")
    assert await shop.may("request-r1") == ["request-r1"]
    assert shop.asked == []
    assert await shop.may("request-r1", "chat-c1", "request-r3") == ["request-r1", "chat-c1"]
    assert shop.asked == [("u1", ["chat-c1", "request-r3"])]
    # A refusal is asked about again soon: somebody waits for it.
    shop.granted.add("request-r3")
    assert await shop.may("chat-c1", "request-r3") == ["chat-c1"]
    shop.clock.move(seconds=5)
    assert await shop.may("chat-c1", "request-r3") == ["chat-c1", "request-r3"]
    assert shop.asked[1:] == [("u1", ["request-r3"])]
    shop.granted.clear()
    shop.clock.move(seconds=54)
    assert await shop.may("chat-c1") == ["chat-c1"]
    shop.clock.move(seconds=1)
    assert await shop.may("chat-c1") == []


async def test_nobody_is_asked_about_who_sees_everything_or_a_room_that_is_somebodys_own() -> None:
    shop = Marketplace("request-r2", "user-u2", "ops", "sellers", "staff", "request-")
    assert await shop.may("request-r2", principal=ANYBODY) == ["request-r2"]
    assert await shop.may("request-r2", principal=Principal("a service", service="a")) == []
    assert await shop.may("user-u2", "ops", "staff", "request-", "seller-u2", "buyer-u2") == []
    assert shop.asked == []


async def test_what_is_taken_back_or_given_again_is_asked_anew() -> None:
    shop = Marketplace("chat-c1")
    other = principal_of(Claims(sub="u2", exp=4e9), START)
    assert await shop.may("chat-c1") == await shop.may("chat-c1", principal=other) == ["chat-c1"]
    shop.granted.clear()
    shop.grants.forget("u1")
    assert await shop.may("chat-c1") == []
    assert await shop.may("chat-c1", principal=other) == ["chat-c1"]
    shop.granted.add("chat-c1")
    shop.grants.forget("u1")
    assert await shop.may("chat-c1") == ["chat-c1"]


@pytest.mark.parametrize("times", [1, 3])
async def test_an_answer_to_what_was_asked_before_something_was_taken_back_does_not_count(times: int) -> None:
    shop = Marketplace("chat-c1")
    asked = 0

    async def ask(user_id: str, rooms: Collection[str]) -> Collection[str]:
        nonlocal asked
        asked += 1
        said = await shop(user_id, rooms)
        await asyncio.sleep(0)
        if asked <= times:
            shop.granted.clear()
            grants.forget("u1")  # while the answer is on its way
        return said

    grants = Grants(ask, Revocations(), remembered_seconds=60)
    if times == 1:
        assert not (await grants.with_rooms(USER, ["chat-c1"])).may_see("chat-c1")
    else:
        with pytest.raises(GrantsUnknownError):
            await grants.with_rooms(USER, ["chat-c1"])


async def test_a_room_that_was_taken_back_is_not_granted_whatever_is_answered() -> None:
    shop = Marketplace("chat-c1", "chat-c2")
    shop.revocations.revoke_room("u1", "chat-c1", START, None)
    assert await shop.may("chat-c1", "chat-c2") == ["chat-c2"]
    later = principal_of(Claims(sub="u1", exp=4e9, iat=START.timestamp() + 1), START)
    assert await shop.may("chat-c1", principal=later) == ["chat-c1"]
    assert await shop.may("chat-c1") == []
    # What the token says is kept, so that it counts once the room is given again.
    named = principal_of(Claims(sub="u1", exp=4e9, chats=("c1",)), START)
    assert (await shop.grants.with_rooms(named, ["chat-c2"])).may_see("chat-c1")
    shop.revocations.restore_room(["u1"], "chat-c1")
    assert await shop.may("chat-c1") == ["chat-c1"]


async def test_a_room_that_is_taken_back_while_it_is_asked_for_is_not_granted() -> None:
    revocations = Revocations()

    async def ask(user_id: str, rooms: Collection[str]) -> Collection[str]:
        revocations.revoke_room(user_id, "chat-c1", START, None)
        return rooms

    grants = Grants(ask, revocations, remembered_seconds=60)
    found = await grants.with_rooms(USER, ["chat-c1", "chat-c2"])
    assert (found.may_see("chat-c1"), found.may_see("chat-c2")) == (False, True)


async def test_nothing_is_remembered_where_that_is_set_to_nothing() -> None:
    shop = Marketplace("chat-c1")
    shop.grants = Grants(shop, Revocations(), remembered_seconds=0)
    for _ in range(2):
        assert await shop.may("chat-c1") == ["chat-c1"]
    assert len(shop.asked) == 2
