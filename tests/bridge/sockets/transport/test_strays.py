"""Requests of sessions that are at another bridge: told from those whose bridge is gone, and from strangers'."""

from datetime import UTC, datetime, timedelta

from bridge.sockets.transport.strays import TROUBLE_FOR, Strays
from tests.clock import Clock

NOW = datetime(2026, 5, 1, tzinfo=UTC)
OWN, OTHER, ANOTHER = "aaaaaaaa1", "bbbbbbbb2", "cccccccc3"
SECOND = timedelta(seconds=1)


def shared(clock: Clock) -> Strays:
    strays = Strays()
    strays.share(OWN, clock)
    strays.see({OTHER: NOW, ANOTHER: NOW})
    return strays


def test_one_whose_bridge_goes_on_went_astray_for_a_minute() -> None:
    clock = Clock(NOW)
    strays = shared(clock)
    strays.note(f"{OTHER[:8]}rest")
    assert strays.trouble() is None
    clock.now += SECOND
    strays.see({OTHER: clock.now})
    assert str(strays.trouble()).startswith("1 polls")
    clock.now += TROUBLE_FOR
    strays.see({OTHER: clock.now})
    assert strays.trouble() is None


def test_one_whose_bridge_is_gone_or_stops_did_not_and_neither_did_a_strangers() -> None:
    clock = Clock(NOW)
    strays = shared(clock)
    for sid in (f"{OTHER[:8]}rest", f"{ANOTHER[:8]}rest", f"{OWN[:8]}rest", "dddddddd", "", "x"):
        strays.note(sid)
    clock.now += SECOND
    strays.see({OTHER: NOW})  # not seen since
    assert strays.trouble() is None
    strays.see({})
    strays.see({OTHER: clock.now + SECOND})
    assert strays.trouble() is None
