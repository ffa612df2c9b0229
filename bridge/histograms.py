"""Histograms of seconds that cost next to nothing to observe: prometheus_client's own takes a lock and walks through
its buckets each time. Each is observed by one thread alone, and is of this process."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client import REGISTRY
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import CollectorRegistry
from prometheus_client.utils import floatToGoString

__all__ = ["Histogram", "Seconds"]

# From what a webhook takes that waits for nobody to what its sender does not wait for.
BOUNDS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LE = (*map(floatToGoString, BOUNDS_SECONDS), "+Inf")


class Seconds:
    """How often something took how long."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * len(LE)
        """By bucket, without those that are smaller."""
        self.total = 0.0

    def observe(self, seconds: float, times: int = 1) -> None:
        """It took so long, so many times."""
        self.counts[bisect_left(BOUNDS_SECONDS, seconds)] += times
        self.total += seconds * times


class Histogram:
    """A family of them, one for each set of labels."""

    def __init__(
        self, name: str, documentation: str, labels: Sequence[str] = (), registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._name, self._documentation, self._label_names = name, documentation, labels
        self._by_labels: dict[tuple[str, ...], Seconds] = {}
        if not labels:
            self.of()
        registry.register(self)

    def of(self, *labels: str) -> Seconds:
        """The one with these labels, to be kept by whoever observes often."""
        found = self._by_labels.get(labels)
        if found is None:
            found = self._by_labels[labels] = Seconds()
        return found

    def describe(self) -> Iterable[HistogramMetricFamily]:
        return [HistogramMetricFamily(self._name, self._documentation, labels=self._label_names)]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._label_names)
        for labels, seconds in self._by_labels.items():
            buckets = zip(LE, map(float, accumulate(seconds.counts)), strict=True)
            family.add_metric(labels, [*buckets], seconds.total)
        return [family]
