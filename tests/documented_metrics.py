"""Metrics' page: docs/metrics.md, made from what the bridge registers with Prometheus's client.

python -m tests.documented_metrics > docs/metrics.md
"""

import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

import bridge
import coordinator
import providers

__all__ = ["documented_metrics"]

HEAD = """# Metrics

All that `GET /metrics` has of the bridge itself; `process_*` and `python_*` are of Prometheus's own client. How to
watch with them is in [operations.md](operations.md#watching-it). Written by `make contract` from the code: what is
said of each here is said on `/metrics` too.

| metric | type | labels | what it is |
| --- | --- | --- | --- |
"""


def documented_metrics() -> str:
    """The page, of all modules that there are."""
    for package in (bridge, coordinator, providers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "__main__" not in module.name and ".migrations." not in module.name:
                import_module(module.name)
    return HEAD + "".join(sorted(_rows()))


def _rows() -> Iterator[str]:
    for collector in list(REGISTRY._collector_to_names):
        for metric in collector.describe() if hasattr(collector, "describe") else ():
            if metric.name.startswith("bridge_"):
                name = f"{metric.name}_total" if metric.type == "counter" else metric.name
                # Those of the client know their labels, of the others the family does.
                named = collector if isinstance(collector, MetricWrapperBase) else metric
                labels = ", ".join(f"`{label}`" for label in getattr(named, "_labelnames", ()))
                yield f"| `{name}` | {metric.type} | {labels} | {metric.documentation} |\n"


if __name__ == "__main__":
    sys.stdout.write(documented_metrics())
