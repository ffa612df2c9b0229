"""The feed of everything, as a browser's own EventSource reads it."""

import sqlite3
from contextlib import closing

from playwright.sync_api import Page

from tests.asking import post
from tests.conftest import BridgeProcess, StartBridge
from tests.pages.browsing import WAIT_MS, Browsing

LISTEN = """() => {
    window.heard = [];
    window.source = new EventSource("/api/events?all=true&after=now");
    source.onmessage = ({ data, lastEventId }) => heard.push([lastEventId, JSON.parse(data).data.unreadCount]);
    source.addEventListener("gone", ({ data }) => { window.gone = JSON.parse(data).status; });
    return new Promise((done) => { source.onopen = () => done(true); });
}"""


def publish(bridge: BridgeProcess, *counts: int) -> list[str]:
    events = [
        {"event": "unread-count-update", "target": {"userId": "u1"}, "data": {"unreadCount": count}}
        for count in counts
    ]
    offsets: list[str] = post(f"{bridge.url}/api/events", json={"events": events}).json()["offsets"]
    return offsets


def until(page: Page, holds: str) -> None:
    page.wait_for_function(holds, timeout=WAIT_MS)


def test_a_browser_hears_every_event_once_and_in_order_through_a_kill_and_stops_when_its_offset_is_gone(
    browsing: Browsing, make_bridge: StartBridge
) -> None:
    browsing.expect_trouble(r"ERR_|EventSource")
    bridge = make_bridge()
    page = browsing.page()
    page.goto(f"{bridge.url}/health/live")
    assert page.evaluate(LISTEN)
    offsets: list[str] = []
    for round_number in range(3):
        counts = range(3 * round_number, 3 * round_number + 3)
        offsets += publish(bridge, *counts[:2])
        if round_number:  # also what was committed, and perhaps not told any more
            until(page, f"heard.length >= {len(offsets)}")
        offsets += publish(bridge, counts[2])
        bridge.kill()
        bridge.start()
    until(page, f"heard.length >= {len(offsets)}")
    assert page.evaluate("heard") == [[offset, number] for number, offset in enumerate(offsets)]
    bridge.kill()
    # A restored backup calls itself another journal, so that no offset from before means anything.
    with closing(sqlite3.connect(bridge.database)) as database, database:
        database.execute("UPDATE journal SET epoch = ?, secret = ?", ("0" * 16, "1" * 64))
    database.close()
    bridge.start()
    until(page, "window.gone === 410 && source.readyState === EventSource.CLOSED")
    assert page.evaluate("heard.length") == len(offsets)
