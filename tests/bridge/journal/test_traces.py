"""An event keeps the trace of the request that made it, for whoever reads it, and for another bridge."""

from collections.abc import Iterator

import pytest

from bridge.journal import Journal
from bridge.traces import tracing
from bridge.traces.otel import begin_tracing, end_tracing
from bridge.traces.traceparent import TraceParent
from coordinator.events import Audience, Event
from tests.bridge.journal.database.test_shared import nodes
from tests.waiting import until

EVENT = Event("new-offer", Audience(everyone=True), "{}")
PARENTS = [TraceParent(number, 7, is_sampled=False).text for number in (1, 2)]


@pytest.fixture
def _traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    begin_tracing()
    yield
    end_tracing(0)


@pytest.mark.usefixtures("_traced")
async def test_each_event_knows_its_trace(journal: Journal) -> None:
    assert tracing.traces is not None
    for parent in PARENTS:
        with tracing.traces.continued(parent):
            await journal.publish_events([EVENT, EVENT])
    with tracing.traces.continued(None):
        await journal.publish_events([EVENT])
    found = await journal.all_events(after=0, limit=10, limit_bytes=10_000)
    assert [one.traceparent for one in found.events] == [*PARENTS[:1] * 2, *PARENTS[1:] * 2, None]


@pytest.mark.usefixtures("_traced")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_each_bridge_delivers_an_event_with_its_trace(database_url: str) -> None:
    assert tracing.traces is not None
    async with nodes(database_url, 2) as both:
        with tracing.traces.continued(PARENTS[0]):
            await both[0].publish(1)
        await until(lambda: all(node.delivered for node in both))
        assert [node.delivered[0].traceparent for node in both] == PARENTS[:1] * 2


async def test_where_nobody_traces_there_is_none(journal: Journal) -> None:
    await journal.publish_events([EVENT])
    found = await journal.all_events(after=0, limit=10, limit_bytes=10_000)
    assert [one.traceparent for one in found.events] == [None]
