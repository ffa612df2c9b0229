"""What clients hear of who comes, goes and types, those who listen, and a grace period that a test ends."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta

import pytest

from bridge.catalogue.activities import UserActivity
from tests.bridge.sockets.houses import Client, House
from tests.system.soak.records import Publications
from tests.waiting import GIVE_UP_SECONDS

__all__ = ["GRACE_SECONDS", "changes", "hear", "let_grace_pass", "newcomer", "store_later", "watcher_at"]

GRACE_SECONDS = 3_600.0
"""Longer than any test: `let_grace_pass` ends it."""


def changes(client: Client) -> list[tuple[str, str]]:
    """What a client was told of who is there and who types."""
    return [
        (
            delivered["userId"],
            delivered["status"] if name == "user-status-change" else f"types {delivered['isTyping']}",
        )
        for name, delivered in client.activity
    ]


def let_grace_pass(house: House) -> None:
    """Has the clocks of presence go on."""
    presence, grace = house.server.presence, timedelta(seconds=GRACE_SECONDS)
    clocks = presence._clock, presence._steady
    presence._clock, presence._steady = lambda: clocks[0]() + grace, lambda: clocks[1]() + grace
    presence._expire()
    presence._clock, presence._steady = clocks


def store_later(house: House, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Nothing of who comes, goes and types is stored there before this is set."""
    may_store, note = asyncio.Event(), house.journal.activities.note

    async def note_late(noted: Mapping[str | None, Collection[UserActivity]]) -> None:
        await may_store.wait()
        await note(noted)

    monkeypatch.setattr(house.journal.activities, "note", note_late)
    return may_store


async def hear(client: Client, *expected: tuple[str, str]) -> None:
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while len(changes(client)) < len(expected):
            await client.listen()
    await client.listen()
    heard = changes(client)
    assert heard == [*expected], f"heard {heard}, and not {[*expected]}"


async def newcomer(house: House) -> Client:
    """A client that has just come."""
    client = Client(house, Publications())
    await client.come()
    return client


async def watcher_at(house: House) -> Client:
    """A client that hears who comes, goes and types in a chat."""
    watcher = await newcomer(house)
    await watcher.call("join-chat-room", "c1")
    return watcher
