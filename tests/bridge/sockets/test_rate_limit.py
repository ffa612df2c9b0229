"""How fast a client may go, over every sequence of attempts."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sockets.addresses import network_of
from bridge.sockets.rate_limit import RateLimit, RateLimits

attempts = st.lists(st.floats(0, 3), min_size=1, max_size=60).map(lambda gaps: list(itertools.accumulate(gaps)))
rate_limits_of_any_kind = st.builds(RateLimit, per_second=st.floats(0.5, 50), burst=st.floats(1, 20))


@given(attempts, rate_limits_of_any_kind)
def test_never_more_than_the_burst_and_the_rate_together(times: list[float], rate_limit: RateLimit) -> None:
    rate_limits = RateLimits(rate_limit)
    taken = [now for now in times if rate_limits.wait_seconds("one", now) == 0]
    for begin, first in enumerate(taken):
        for number, last in enumerate(taken[begin:], start=1):
            assert number <= rate_limit.burst + (last - first) * rate_limit.per_second + 1e-6


@given(attempts, rate_limits_of_any_kind)
def test_whoever_waits_as_long_as_told_is_let_in(times: list[float], rate_limit: RateLimit) -> None:
    rate_limits = RateLimits(rate_limit)
    for now in times:
        wait_seconds = rate_limits.wait_seconds("one", now)
        if wait_seconds:
            assert rate_limits.wait_seconds("one", now + wait_seconds) == 0
            return


def test_one_does_not_slow_another_and_the_rested_are_forgotten() -> None:
    rate_limits = RateLimits(RateLimit(1, 1))
    assert rate_limits.wait_seconds("one", 0) == 0
    assert rate_limits.wait_seconds("one", 0) == 1
    assert rate_limits.wait_seconds("another", 0) == 0
    for number in range(5_000):
        assert rate_limits.wait_seconds(number, 10 * number) == 0
    assert len(rate_limits) < 1_100


def test_a_pace_without_a_limit_never_waits() -> None:
    rate_limits = RateLimits(RateLimit(math.inf, math.inf))
    assert {rate_limits.wait_seconds("one", 0) for _ in range(10_000)} == {0}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", None),
        ("127.0.0.6", "127.0.0.6"),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        # What carries an address of IPv4 stands for that: NAT64, 6to4, Teredo.
        ("64:ff9b::203.0.113.7", "203.0.113.7"),
        ("64:ff9b::203.0.113.8", "203.0.113.8"),
        ("2002:cb00:7107::1", "203.0.113.7"),
        ("2002:cb00:7107:1234::9", "203.0.113.7"),
        ("2001:0:4136:e378:8000:63bf:34ff:8ef8", "203.0.113.7"),
        ("2001:1:4136:e378::1", "2001:1:4136:e378::/64"),
        # Whoever says that it is this machine is not.
        ("64:ff9b::127.0.0.1", "127.0.0.1"),
        ("2002:7f00:1::1", "127.0.0.1"),
        ("", None),
        ("unix:", None),
        ("1" * 1_000, None),
    ],
)
def test_who_an_address_stands_for(address: str, network: str | None) -> None:
    assert network_of(address) == network
