"""In whose name a route reads: with the rooms that the marketplace grants, and of these none that was taken since."""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.access import AccessChangedError, Grants, Principal, Revocations, act_as
from bridge.catalogue.access import AccessChanged
from bridge.http.front.callers import require_rooms, require_unrevoked
from bridge.journal import Journal

USER = Principal("u1", user_id="u1", proven_by="a key", issued_at=datetime(2020, 1, 1, tzinfo=UTC))


async def test_what_the_marketplace_granted_is_not_shown_once_the_journal_has_it_taken_back(tmp_path: Path) -> None:
    async def ask(_user_id: str, rooms: Collection[str]) -> Collection[str]:
        return rooms

    journal = await Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")
    # This bridge has heard of nothing that was taken back.
    grants = Grants(ask, Revocations(), remembered_seconds=60)
    change = AccessChanged(change="room_revoked", user_id="u1", room="chat-1", changed_at="2026-11-28T10:00:00.000Z")
    await journal.access.change(change, by="guard", note=None)
    act_as(USER)
    await require_rooms(USER, ["chat-2"], grants)
    await journal.newest_place()
    await require_unrevoked(lambda: journal)
    await require_rooms(USER, ["chat-1"], grants)
    with pytest.raises(AccessChangedError):
        await require_unrevoked(lambda: journal)
    act_as(None)
    await require_unrevoked(lambda: journal)
    await journal.close()
