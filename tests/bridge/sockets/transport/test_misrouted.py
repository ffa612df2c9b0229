"""Requests of sessions that are at another bridge: told from those whose bridge is gone, and from strangers'."""

from datetime import UTC, datetime, timedelta

from bridge.sockets.transport.misrouted import TROUBLE_FOR, MisroutedRequests
from tests.clock import Clock

NOW = datetime(2026, 5, 1, tzinfo=UTC)
OWN, OTHER, ANOTHER = "aaaaaaaa1", "bbbbbbbb2", "cccccccc3"
SECOND = timedelta(seconds=1)


def shared(clock: Clock) -> MisroutedRequests:
    misrouted = MisroutedRequests()
    misrouted.share(OWN, clock)
    misrouted.see({OTHER: NOW, ANOTHER: NOW})
    return misrouted


def test_one_whose_bridge_goes_on_went_astray_for_a_minute() -> None:
    clock = Clock(NOW)
    misrouted = shared(clock)
    misrouted.note(f"{OTHER[:8]}rest")
    assert misrouted.trouble() is None
    clock.now += SECOND
    misrouted.see({OTHER: clock.now})
    assert str(misrouted.trouble()).startswith("1 polls")
    clock.now += TROUBLE_FOR
    misrouted.see({OTHER: clock.now})
    assert misrouted.trouble() is None


def test_one_whose_bridge_is_gone_or_stops_did_not_and_neither_did_a_strangers() -> None:
    clock = Clock(NOW)
    misrouted = shared(clock)
    for sid in (f"{OTHER[:8]}rest", f"{ANOTHER[:8]}rest", f"{OWN[:8]}rest", "dddddddd", "", "x"):
        misrouted.note(sid)
    clock.now += SECOND
    misrouted.see({OTHER: NOW})  # not seen since
    assert misrouted.trouble() is None
    misrouted.see({})
    misrouted.see({OTHER: clock.now + SECOND})
    assert misrouted.trouble() is None
