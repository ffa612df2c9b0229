"""What a benchmark says of what it measured: medians and ratios with their spread, and what failed."""

import statistics

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.report import (
    Failure,
    Figure,
    Ratio,
    Verdict,
    closing,
    exit_code,
    how_to_read,
    one_line,
    ratio,
    ratio_of_all,
    table,
    verdict,
)

amounts = st.floats(min_value=0.001, max_value=1e6)
runs = st.lists(st.tuples(st.none() | amounts, st.none() | amounts), max_size=7)
COST = Figure("cost", "CPU µs per delivery", {"Node": 0.5})


def shown(figure: Figure, ours: list[float | None], theirs: list[float | None]) -> list[str]:
    """The lines of a table with one figure of the bridge and of Node, without its head."""
    runs_of = {
        "bridge": [{figure.key: value} for value in ours],
        "Node": [{figure.key: value} for value in theirs],
    }
    return table("", "bridge", [figure], runs_of).splitlines()[1:]


@given(runs)
def test_a_ratio_is_of_the_runs_that_measured_both(pairs: list[tuple[float | None, float | None]]) -> None:
    both = [ours / theirs for ours, theirs in pairs if ours is not None and theirs is not None]
    found = ratio([ours for ours, _ in pairs], [theirs for _, theirs in pairs])
    assert found == (Ratio(statistics.median(both), min(both), max(both), len(both)) if both else None)


@given(runs, st.integers(0, 7), amounts)
def test_a_run_that_failed_changes_no_ratio(
    pairs: list[tuple[float | None, float | None]], place: int, value: float
) -> None:
    ours, theirs = [ours for ours, _ in pairs], [theirs for _, theirs in pairs]
    found = ratio(ours, theirs)
    assert ratio([*ours[:place], value, *ours[place:]], [*theirs[:place], None, *theirs[place:]]) == found
    assert ratio([*ours[:place], None, *ours[place:]], [*theirs[:place], value, *theirs[place:]]) == found


def test_ratios_are_taken_run_by_run_and_not_of_medians() -> None:
    assert ratio([1, 20, 300], [2, 10, 100]) == Ratio(median=2, least=0.5, most=3, count=3)


def test_nothing_is_a_multiple_of_nothing() -> None:
    assert ratio([1.0, 2.0], [0.0, 4.0]) == Ratio(median=0.5, least=0.5, most=0.5, count=1)
    assert ratio([1.0], [0.0]) is None


@given(st.lists(amounts, max_size=7), st.lists(amounts, max_size=7))
def test_where_runs_do_not_come_in_pairs_each_is_compared_with_each(ours: list[float], theirs: list[float]) -> None:
    every = [our / their for our in ours for their in theirs]
    found = ratio_of_all(ours, theirs)
    if not every:
        assert found is None
    else:
        assert found is not None
        assert found.count == len(every)
        assert found.median == pytest.approx(statistics.median(every))
        assert min(every) <= found.least * (1 + 1e-9)
        assert found.least <= found.median <= found.most
        assert found.most <= max(every) * (1 + 1e-9)


def test_the_spread_of_many_ratios_leaves_their_extremes_out() -> None:
    assert ratio_of_all([1.0, 10.0, 11.0, 12.0, 1000.0], [10.0]) == Ratio(median=1.1, least=1.0, most=1.2, count=5)
    assert ratio_of_all([1.0], [4.0]) == Ratio(median=0.25, least=0.25, most=0.25, count=1)
    assert ratio_of_all([1.0], [0.0]) is None


@given(st.lists(amounts, min_size=1, max_size=7), amounts, st.booleans())
def test_a_target_is_missed_when_no_run_met_it_and_met_when_the_median_meets_it(
    ratios: list[float], target: float, more_is_better: bool
) -> None:
    found = ratio(ratios, [1.0] * len(ratios))
    assert found is not None
    said = verdict(found, target, more_is_better=more_is_better)

    def meets(value: float) -> bool:
        return value >= target if more_is_better else value <= target

    assert (said is Verdict.MISSED) == (not any(meets(value) for value in ratios))
    assert (said is Verdict.MET) == meets(statistics.median(ratios))


@given(st.lists(amounts, min_size=1, max_size=7), amounts)
def test_less_is_judged_as_more_is_the_other_way_round(ratios: list[float], target: float) -> None:
    less = ratio(ratios, [1.0] * len(ratios))
    assert less is not None
    assume(all(value != target for value in (less.least, less.median, less.most)))
    more = Ratio(-less.median, -less.most, -less.least, less.count)
    assert verdict(less, target) is verdict(more, -target, more_is_better=True)


def test_every_ratio_is_shown_with_its_spread_and_what_it_says_of_its_target() -> None:
    assert [
        shown(COST, [4.0, 4.5, 6.0], [10.0, 10.0, 10.0])[1],
        shown(COST, [4.0, 5.5, 6.0], [10.0, 10.0, 10.0])[1],
        shown(COST, [5.1, 5.5, 6.0], [10.0, 10.0, 10.0])[1],
    ] == [
        "    0.45 × Node, 0.40 to 0.60; target 0.5: met",
        "    0.55 × Node, 0.40 to 0.60; target 0.5: within the spread",
        "    0.55 × Node, 0.51 to 0.60; target 0.5: missed",
    ]


def test_where_more_is_better_a_target_is_missed_from_below() -> None:
    speed = Figure("speed", "connections per second", {"Node": 1.5}, more_is_better=True)
    assert [
        shown(speed, [10.0, 15.0, 16.0], [10.0, 10.0, 10.0])[1],
        shown(speed, [10.0, 14.0, 16.0], [10.0, 10.0, 10.0])[1],
        shown(speed, [10.0, 12.0, 14.0], [10.0, 10.0, 10.0])[1],
    ] == [
        "    1.50 × Node, 1.00 to 1.60; target 1.5: met",
        "    1.40 × Node, 1.00 to 1.60; target 1.5: within the spread",
        "    1.20 × Node, 1.00 to 1.40; target 1.5: missed",
    ]


def test_a_figure_measured_in_fewer_runs_than_asked_says_in_how_many() -> None:
    row, below = shown(COST, [4.0, 5.0, 6.0], [10.0, None, 12.0])
    assert row.split()[-5:] == ["5.00", "11.00", "(2", "of", "3)"]
    assert below == "    0.45 × Node, 0.40 to 0.50 in 2 of 3 runs; target 0.5: met"


def test_a_peer_that_always_failed_is_shown_as_failed_and_has_no_ratio() -> None:
    row, below = shown(COST, [4.0, 5.0], [None, None])
    assert row.split()[-2:] == ["4.50", "failed"]
    assert below == "    no ratio to Node: no run measured both"


def test_runs_that_failed_alternately_have_medians_but_no_ratio() -> None:
    row, below = shown(COST, [4.0, None], [None, 10.0])
    assert row.split()[-8:] == ["4.00", "(1", "of", "2)", "10.00", "(1", "of", "2)"]
    assert below == "    no ratio to Node: no run measured both"


def test_one_run_has_no_spread_and_the_head_says_so() -> None:
    assert shown(COST, [4.0], [10.0])[1] == "    0.40 × Node; target 0.5: met"
    assert "no spread" in how_to_read(1)
    assert "Medians of 5 runs" in how_to_read(5)


def test_what_nobody_asked_a_peer_for_is_left_empty() -> None:
    asked = Figure("asked", "asked of both", {"Node": None})
    runs_of = {"bridge": [{"asked": 1.0, "cost": 2.0}], "Node": [{"asked": 4.0}]}
    assert [line.split() for line in table("costs", "bridge", [asked, COST], runs_of).splitlines()] == [
        ["costs", "bridge", "Node"],
        ["asked", "of", "both", "1.00", "4.00"],
        ["0.25", "×", "Node"],
        ["CPU", "µs", "per", "delivery", "2.00"],
    ]


def test_a_figure_that_nobody_was_asked_for_is_not_in_the_table() -> None:
    assert table("costs", "bridge", [COST], {"bridge": [{}], "Node": [{}]}).split() == ["costs", "bridge", "Node"]


@given(runs)
def test_the_columns_of_a_table_stay_below_each_other(pairs: list[tuple[float | None, float | None]]) -> None:
    assume(pairs)
    runs_of = {
        "bridge": [{"cost": ours and ours / 1e3} for ours, _ in pairs],
        "Node": [{"cost": theirs and theirs / 1e3} for _, theirs in pairs],
    }
    head, row = table("", "bridge", [Figure("cost", "cost")], runs_of).splitlines()
    assert len(head) == len(row)


def test_what_failed_is_said_at_the_end_each_on_one_line() -> None:
    cut_off = Failure(
        "stock Python", 2, "fan-out", "the server cut a client off:\n  it closed the connection", is_ours=False
    )
    assert closing([]) == ""
    assert closing([cut_off]).splitlines() == [
        "Failed, and left out of the medians:",
        "    stock Python, run 2, fan-out: the server cut a client off: it closed the connection",
    ]


def test_a_failure_of_the_bridge_is_said_to_be_one_of_the_benchmark() -> None:
    ours = Failure("bridge", 1, "webhooks", "it did not start", is_ours=True)
    theirs = Failure("Node", 1, "webhooks", "it did not start", is_ours=False)
    assert [exit_code(failures) for failures in ([], [theirs], [theirs, ours])] == [0, 0, 1]
    assert closing([ours]).splitlines()[-1] == "The bridge failed itself, and so this benchmark did."


@given(st.text())
def test_a_reason_is_one_line_of_bounded_length(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert len(line) <= 300


@pytest.mark.parametrize("text", ["short", "of two words"])
def test_a_short_reason_is_left_as_it_is(text: str) -> None:
    assert one_line(text) == text


def test_a_figure_with_a_target_of_its_own_is_judged_beside_nobody() -> None:
    def said(*values: float | None) -> str:
        return table("", "ours", [Figure("ms", "later", at_most=10.0)], {"ours": [{"ms": value} for value in values]})

    assert said(4.0, 9.0, 18.0, None).endswith("\n    target 10: met")
    assert said(8.0, 11.0, 18.0).endswith("\n    target 10: within the spread")
    assert said(11.0).endswith("\n    target 10: missed")
    assert "target" not in said(None)
