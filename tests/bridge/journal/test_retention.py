"""What is forgotten, and what is kept."""

from datetime import timedelta

import pytest

from bridge.journal import Journal
from bridge.workers import retention
from bridge.workers.retention import Retention
from coordinator.compact_json import compact_json
from coordinator.events import Audience, Event
from coordinator.histories import Place
from tests.bridge.journal.conftest import NOW
from tests.clock import Clock


async def numbers(journal: Journal) -> list[int]:
    stretch = await journal.room_events(["r"], everyone=False, hidden=(), after=0, limit=1000)
    return [one.event.payload["n"] for one in stretch.events]


@pytest.mark.parametrize(
    ("days", "newest", "kept"),
    [
        (10, 0, range(6, 12)),
        (100, 0, range(12)),
        (100, 3, range(9, 12)),
        (0.5, 0, range(11, 12)),
        (10, 8, range(6, 12)),
    ],
)
async def test_old_events_go_and_the_last_one_stays(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch, days: float, newest: int, kept: range
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    for number in range(12):
        await journal.publish_events([Event("moved", Audience(rooms=("r",)), compact_json({"n": number}))])
        await journal.sessions.save({f"s{number}": {"n": number}})
        clock.now += timedelta(days=1) if number == 5 else timedelta()
    clock.now = NOW + timedelta(days=10, hours=1)
    worker = Retention(journal, days=days, newest=newest, sessions_in_use=lambda: {"s1"})
    assert await worker.round() == 12 - len(kept)
    assert await numbers(journal) == list(kept)
    assert await worker.round() == 0
    assert await journal.sessions.load("s1") is not None  # its client is connected
    assert (await journal.sessions.load("s0") is None) is (days <= 10)
    # The next event goes on where the last stands.
    offset = await journal.publish_events([Event("moved", Audience(rooms=("r",)), '{"n":12}')])
    assert offset == [journal.offset_text(Place(13, clock.now))]
