"""How far endpoints are, and how slow, held against each other."""

import dataclasses

import pytest

from providers.onchain.nodes.endpoints import (
    Fault,
    NodeEndpoint,
    after_fault,
    after_head,
    after_seconds,
    apart,
    choose,
    fault_of_head,
)


def at(*heads: int) -> list[NodeEndpoint]:
    """Endpoints that have shown these as their newest blocks."""
    return [dataclasses.replace(NodeEndpoint(f"rpc{place}.example"), head=head) for place, head in enumerate(heads)]


@pytest.mark.parametrize(
    ("heads", "faults"),
    [
        ((100, 98), [None, None]),
        ((100, 90), [None, Fault.LAGGING]),
        ((100, 98, 90), [None, None, Fault.LAGGING]),
        # Of three, what one alone has come to is no reason for the others to lag.
        ((110, 98, 97), [None, None, None]),
        ((900, 98, 97), [Fault.INCONSISTENT, None, None]),
        ((900, 98, 90), [Fault.INCONSISTENT, None, Fault.LAGGING]),
        ((900, 98), [None, Fault.LAGGING]),
    ],
)
def test_who_is_far_behind_the_best_lags_and_of_three_nobody_is_ahead_alone(
    heads: tuple[int, ...], faults: list[Fault | None]
) -> None:
    there = range(len(heads))
    assert [fault_of_head(at(*heads), place, now=0, block_seconds=1) for place in there] == faults


@pytest.mark.parametrize(
    ("block_seconds", "behind", "fault"),
    [(12, 3, None), (12, 4, Fault.LAGGING), (0.25, 12, None), (0.25, 13, Fault.LAGGING)],
)
def test_the_blocks_of_some_seconds_are_a_matter_of_who_heard_first(
    block_seconds: float, behind: int, fault: Fault | None
) -> None:
    assert fault_of_head(at(1000, 1000 - behind), 1, now=0, block_seconds=block_seconds) is fault


def test_whom_nobody_believes_makes_nobody_lag() -> None:
    best, *near = at(100, 90, 90)
    liar = after_fault(best, Fault.INCONSISTENT, "", now=0)
    assert fault_of_head([liar, *near], 1, now=1, block_seconds=1) is None


def test_endpoints_that_are_apart_are_said_to_be_after_a_while_and_until_they_meet() -> None:
    both = at(100, 100)

    def shown(place: int, head: int, now: float) -> None:
        both[place] = after_head(both, place, head, now, block_seconds=1)

    shown(0, 200, now=0)
    shown(1, 101, now=10)
    assert apart(both, now=69, block_seconds=1) is None
    shown(1, 102, now=60)
    said = "rpc1.example is at block 102, and rpc0.example at 200: one stands still, or is wrong"
    assert str(apart(both, now=70, block_seconds=1)).startswith(said)
    shown(1, 150, now=71)  # as many a one is on a fast chain all the time
    assert apart(both, now=500, block_seconds=1) is None


@pytest.mark.parametrize(
    ("seconds", "order"),
    [
        ((None, None), [0, 1]),
        ((8.0, 0.1), [1, 0]),
        ((0.1, 8.0), [0, 1]),
        ((8.0, None), [0, 1]),  # nobody is known to be quicker
        ((8.0, 2.5), [0, 1]),
        ((1.9, 0.01), [0, 1]),  # no one waits for long
        ((9.0, 8.0, 0.1), [2, 0, 1]),
        ((0.1, 8.0, 0.2), [0, 2, 1]),
    ],
)
def test_who_is_several_times_slower_than_another_one_is_asked_after_it(
    seconds: tuple[float | None, ...], order: list[int]
) -> None:
    endpoints = [NodeEndpoint(f"rpc{place}.example", answer_seconds=took) for place, took in enumerate(seconds)]
    assert choose(endpoints, now=0) == order


def test_a_quick_endpoint_that_is_away_makes_nobody_slow() -> None:
    slow, quick = NodeEndpoint("rpc0.example", answer_seconds=8.0), NodeEndpoint("rpc1.example", answer_seconds=0.1)
    away = after_fault(quick, Fault.UNREACHABLE, "", now=0)
    assert choose([slow, NodeEndpoint("rpc2.example", answer_seconds=9.0), away], now=0.5) == [0, 1]


def test_who_was_late_once_is_not_slow_and_who_was_slow_is_quick_again_after_some_answers() -> None:
    late = NodeEndpoint("rpc0.example")
    for seconds in (0.1, 0.1, 5.0):
        late = after_seconds(late, seconds)
    assert choose([late, NodeEndpoint("rpc1.example", answer_seconds=0.1)], now=0) == [0, 1]
    slow, answers = after_seconds(NodeEndpoint("rpc0.example"), 8.0), 0
    while choose([slow, NodeEndpoint("rpc1.example", answer_seconds=0.1)], now=0) == [1, 0]:
        slow, answers = after_seconds(slow, 0.1), answers + 1
    assert 2 <= answers <= 6
