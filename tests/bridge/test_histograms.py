"""Histograms say what prometheus_client's own would."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as Reference

from bridge.histograms import BOUNDS_SECONDS, Histogram

SECONDS = st.one_of(st.floats(0, 100), st.sampled_from(BOUNDS_SECONDS))


def figures(registry: CollectorRegistry) -> list[tuple[str, dict[str, str], float]]:
    samples = [(one.name, one.labels, one.value) for family in registry.collect() for one in family.samples]
    return [one for one in samples if not one[0].endswith("_created")]


@given(st.lists(st.tuples(st.sampled_from(["one", "two"]), SECONDS, st.integers(0, 3))))
def test_it_says_what_the_librarys_own_would(observed: list[tuple[str, float, int]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    histogram = Histogram("took_seconds", "How long", ["of"], ours)
    reference = Reference("took_seconds", "How long", ["of"], buckets=BOUNDS_SECONDS, registry=theirs)
    for label, seconds, times in observed:
        histogram.of(label).observe(seconds, times)
        child = reference.labels(label)
        for _ in range(times):
            child.observe(seconds)
    found, expected = figures(ours), figures(theirs)
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    for (_, _, ours_value), (_, _, their_value) in zip(found, expected, strict=True):
        assert abs(ours_value - their_value) < 1e-6


def test_one_without_labels_is_there_before_anything_was_observed() -> None:
    registry = CollectorRegistry()
    Histogram("took_seconds", "How long", registry=registry)
    assert registry.get_sample_value("took_seconds_count") == 0
    assert registry.get_sample_value("took_seconds_bucket", {"le": "+Inf"}) == 0
