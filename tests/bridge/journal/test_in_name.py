"""In whose name something is committed: by the journal's order it counts whether their token was revoked before,
wherever that was, and in the very batch too."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from bridge.access import AccessChangedError, Principal, TokenError, act_as, acting_now
from bridge.catalogue.access import AccessChange, AccessChanged
from bridge.journal import Journal
from coordinator.events import Audience, Event
from tests.bridge.journal.conftest import NOW

T = TypeVar("T")

ROOM = "chat-1"
ISSUED = datetime(2020, 1, 1, tzinfo=UTC)
USER = Principal("u1", user_id="u1", rooms=frozenset({ROOM}), token_id="t1", proven_by="a key", issued_at=ISSUED)
TAKEN: dict[AccessChange, dict[str, str]] = {
    "tokens_revoked": {"user_id": "u1"},
    "token_revoked": {"token_id": "t1"},
    "room_revoked": {"user_id": "u1", "room": ROOM},
}


def change(journal: Journal, what: AccessChange, **of: str) -> Awaitable[object]:
    return journal.access.change(AccessChanged(change=what, changed_at=NOW.isoformat(), **of), by="guard", note=None)


def publish(journal: Journal) -> Awaitable[object]:
    return journal.publish_events([Event("news", Audience(everyone=True), "{}")])


async def in_name_of(principal: Principal | None, journal: Journal) -> None:
    act_as(principal)
    await publish(journal)


@pytest.mark.parametrize("what", TAKEN)
async def test_nothing_is_committed_for_a_token_that_another_bridge_has_revoked(
    database_url: str, what: AccessChange
) -> None:
    is_shared = database_url.startswith("postgresql")
    there = await Journal.open(database_url, is_shared=is_shared)
    here = await Journal.open(database_url, is_shared=True) if is_shared else there
    await in_name_of(USER, here)
    await asyncio.create_task(_changed(there, what))
    before = await here.newest_place()
    with pytest.raises(AccessChangedError if what == "room_revoked" else TokenError):
        await in_name_of(USER, here)
    assert (await here.newest_place()).number == before.number
    # A later token grants again, and so does one that is somebody else's.
    now = datetime.now(UTC).replace(year=2100)
    await in_name_of(replace(USER, issued_at=now, token_id="t2"), here)
    await in_name_of(replace(USER, user_id="u2", token_id="t2"), here)
    if what == "room_revoked":
        await asyncio.create_task(_changed(there, "room_restored", **TAKEN[what]))
        await in_name_of(USER, here)
    act_as(None)
    for one in {here, there}:
        await one.close()


async def _changed(journal: Journal, what: AccessChange, **of: str) -> None:
    await change(journal, what, **(of or TAKEN[what]))


@pytest.mark.parametrize("what", TAKEN)
async def test_of_one_batch_what_comes_before_the_revocation_is_done_and_nothing_after(
    journal: Journal, what: AccessChange
) -> None:
    outcomes = await asyncio.gather(
        in_name_of(USER, journal),
        _changed(journal, what),
        in_name_of(USER, journal),
        in_name_of(None, journal),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes] == [
        type(None),
        type(None),
        AccessChangedError if what == "room_revoked" else TokenError,
        type(None),
    ]
    assert (await journal.newest_place()).number == 3


async def test_what_somebodys_request_begins_beside_itself_is_done_in_nobodys_name(journal: Journal) -> None:
    async def begun() -> bool:
        await publish(journal)
        return acting_now() is None

    act_as(USER)
    acting = acting_now()
    assert acting is not None
    assert not acting.has_read
    await journal.newest_place()
    assert acting.has_read
    assert await asyncio.create_task(begun())
    assert not acting.has_written
    await in_name_of(USER, journal)
    assert acting.has_written
    act_as(None)
