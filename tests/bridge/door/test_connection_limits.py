"""Who is let in, and who is turned away and told of it."""

import logging

import pytest

from bridge.door import ConnectionLimits
from bridge.settings import Settings
from bridge.sockets.rate_limit import RateLimit

A_SECOND = RateLimit(per_second=1, burst=2)


class Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def nobody_leaves() -> bool:
    return False


def test_all_places_and_then_those_that_are_kept() -> None:
    connection_limits = ConnectionLimits(places=2, reserved_places=1, per_address=100)
    let_in = [connection_limits.enter("127.0.0.1", nobody_leaves) for _ in range(4)]
    assert [accepted and accepted.is_last for accepted in let_in] == [False, False, True, None]
    assert connection_limits.stand[:2] == (3, 2)


def test_who_has_a_kept_place_gets_another_once_somebody_has_left() -> None:
    connection_limits = ConnectionLimits(places=1, reserved_places=1, per_address=100)
    first, last = connection_limits.enter("", nobody_leaves), connection_limits.enter("", nobody_leaves)
    assert first is not None
    assert last is not None
    assert not connection_limits.find_place(last, nobody_leaves)
    first.leave()
    first.leave()
    assert connection_limits.find_place(last, nobody_leaves)
    assert connection_limits.stand[:2] == (1, 1)


def all_taken() -> ConnectionLimits:
    """With twenty more that are kept."""
    connection_limits = ConnectionLimits(places=100, reserved_places=20, per_address=100)
    for _ in range(100):
        accepted = connection_limits.enter("", nobody_leaves)
        assert accepted is not None
        assert connection_limits.may_probe(accepted)  # at a place of its own
    return connection_limits


def test_of_the_places_that_are_kept_half_stay_for_webhooks_however_many_ask_for_health() -> None:
    connection_limits = all_taken()
    let_in = [connection_limits.enter(f"203.0.113.{number % 7}", nobody_leaves) for number in range(20)]
    probing = [accepted for accepted in let_in if accepted is not None and connection_limits.may_probe(accepted)]
    assert [connection_limits.may_probe(accepted) for accepted in probing] == [True] * 10
    assert len({accepted.network for accepted in probing}) == 7
    probing.pop().leave()
    assert (another := connection_limits.enter("198.51.100.1", nobody_leaves)) is not None
    assert connection_limits.may_probe(another)


def test_of_one_address_few_have_such_a_place_at_once() -> None:
    connection_limits = all_taken()
    let_in = [connection_limits.enter("203.0.113.7", nobody_leaves) for _ in range(5)]
    assert [accepted is not None and connection_limits.may_probe(accepted) for accepted in let_in] == [
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("addresses", "let_in"),
    [
        (["203.0.113.7"] * 3, 2),
        (["203.0.113.7", "203.0.113.8", "203.0.113.9"], 3),
        (["::ffff:203.0.113.7", "203.0.113.7", "203.0.113.7"], 2),
        (["2001:db8::1", "2001:db8::2", "2001:db8::ffff:1"], 2),
        (["127.0.0.1"] * 3, 3),
        (["127.8.9.1", "::1", "::1", "::1"], 4),
        (["64:ff9b::203.0.113.7", "203.0.113.7", "2002:cb00:7107::1"], 2),
        (["64:ff9b::203.0.113.7", "64:ff9b::203.0.113.8", "64:ff9b::203.0.113.9"], 3),
        (["10.1.2.3"] * 3, 3),
        (["::ffff:10.1.2.3"] * 3, 3),
        (["64:ff9b::10.1.2.3"] * 3, 2),
        (["10.2.0.1"] * 3, 2),
        (["2001:db8:1::7"] * 3, 3),
        ([""] * 3, 3),
    ],
)
def test_one_address_may_have_some_and_this_machine_and_proxies_all(addresses: list[str], let_in: int) -> None:
    trusted = "10.1.0.0/16, 2001:db8:1::7"
    connection_limits = ConnectionLimits(places=100, reserved_places=1, per_address=2, trusted=trusted)
    assert sum(connection_limits.enter(address, nobody_leaves) is not None for address in addresses) == let_in


def test_an_address_whose_connections_have_gone_may_come_again() -> None:
    connection_limits = ConnectionLimits(places=100, reserved_places=1, per_address=1)
    for _ in range(3):
        accepted = connection_limits.enter("203.0.113.7", nobody_leaves)
        assert accepted is not None
        accepted.leave()


def test_sessions_that_poll_count_with_the_connections_of_their_address_and_with_each_other() -> None:
    connection_limits = ConnectionLimits(places=100, reserved_places=1, per_address=2)
    connection = connection_limits.enter("203.0.113.7", nobody_leaves)
    session = connection_limits.seat("203.0.113.7", None, nobody_leaves)
    assert connection is not None
    assert session is not None
    assert connection_limits.seat("203.0.113.7", None, nobody_leaves) is None
    assert connection_limits.enter("203.0.113.7", nobody_leaves) is None
    assert connection_limits.stand[:2] == (1, 100)
    connection.leave()
    session.leave()
    assert [connection_limits.seat("203.0.113.8", "whoever", nobody_leaves) is None for _ in range(3)] == [
        False,
        False,
        True,
    ]
    assert connection_limits.seat("203.0.113.7", None, nobody_leaves) is not None


def test_there_are_as_many_sessions_that_poll_as_places() -> None:
    connection_limits = ConnectionLimits(places=1, reserved_places=1, per_address=100)
    assert connection_limits.seat("127.0.0.1", None, nobody_leaves) is not None
    assert connection_limits.seat("127.0.0.1", None, nobody_leaves) is None
    assert connection_limits.seat("127.0.0.1", None, lambda: True) is not None
    assert connection_limits.enter("127.0.0.1", nobody_leaves) is not None


def test_it_is_said_in_the_log_once_a_minute_and_for_a_minute_to_whoever_asks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    time = Time()
    connection_limits = ConnectionLimits(places=1, reserved_places=0, per_address=100, clock=time)
    assert connection_limits.enter("", nobody_leaves) is not None
    assert connection_limits.stand.turned_away == 0
    with caplog.at_level(logging.WARNING, logger="bridge.door"):
        for _ in range(100):
            assert connection_limits.enter("", nobody_leaves) is None
            time.now += 0.5
        assert connection_limits.stand.turned_away >= 99
        time.now += 11
        assert connection_limits.enter("", nobody_leaves) is None
    first, second = (record.getMessage() for record in caplog.records)
    assert (
        first
        == "turning connections away: all 1 places are taken (max_connections, or the system's limit on open files)"
    )
    assert second.endswith("; 99 more since this was last said")
    time.now += 61
    assert connection_limits.stand.turned_away == 0


@pytest.mark.parametrize(
    ("files", "places", "most"),
    [(1_000_000, 20_000, 500), (1_024, 760, 190), (256, 176, 44), (64, 44, 11)],
)
def test_there_are_no_more_places_than_files(files: int, places: int, most: int) -> None:
    connection_limits = Settings().connection_limits(files)
    assert (connection_limits.places, connection_limits.per_address) == (places, most)


def test_an_address_may_open_ten_connections_for_each_client_that_may_come_from_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    time = Time()
    connection_limits = ConnectionLimits(
        places=9, reserved_places=1, per_address=9, clients=A_SECOND, trusted="10.0.0.7", clock=time
    )
    assert [connection_limits.may_come("203.0.113.7") for _ in range(22)] == [True] * 20 + [False] * 2
    # Whoever else comes, a proxy that is trusted and this machine are let in.
    assert all(connection_limits.may_come(one) for one in ["203.0.113.8", *["10.0.0.7", "127.0.0.1"] * 50])
    time.now += 1
    assert [connection_limits.may_come("203.0.113.7") for _ in range(11)] == [True] * 10 + [False]
    [record] = caplog.records
    assert "203.0.113.7 opens more than 10 connections a second (10 times connections_per_second" in record.message
    assert "2 connections were turned away within a minute" in (connection_limits.trouble() or "")
