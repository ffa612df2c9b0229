"""A collector of traces whose answers are made to hurt, asked as the bridge's spans are told."""

import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread

import pytest
import requests

from bridge.traces.collector import ANSWER_LIMIT_BYTES, CollectorSession
from bridge.traces.otel import OpenTelemetryTraces
from tests.answering_server import Asked as AskedProperly
from tests.answering_server import answering_requests
from tests.lying_neighbour import LIES, Asked, LyingNeighbour, drip, drip_head, lying_neighbour
from tests.waiting import GIVE_UP_SECONDS, wait_until


@pytest.fixture
def session() -> Iterator[CollectorSession]:
    with CollectorSession() as session:
        yield session


def put(session: CollectorSession, liar: LyingNeighbour, *, seconds: float) -> int | None:
    with suppress(requests.RequestException):
        return session.request("POST", liar.url, data=b"spans", timeout=seconds, allow_redirects=False).status_code
    return None


@pytest.mark.parametrize("lie", LIES)
def test_whatever_a_collector_answers_takes_no_more_than_the_bound(session: CollectorSession, lie: str) -> None:
    with lying_neighbour(LIES[lie]) as liar:
        next(iter(LIES[lie](Asked("GET", "/", b""))), None)  # made before it is measured
        put(session, liar, seconds=GIVE_UP_SECONDS)
        tracemalloc.start()
        try:
            put(session, liar, seconds=GIVE_UP_SECONDS)
            # The neighbour's pieces are in this process too.
            assert tracemalloc.get_traced_memory()[1] < 8_000_000 + ANSWER_LIMIT_BYTES
        finally:
            tracemalloc.stop()
        wait_until(lambda: len(liar.ended) == len(liar.asked))


@pytest.mark.parametrize("lie", [drip, drip_head], ids=["body", "head"])
def test_an_answer_that_goes_on_is_hung_up_on_at_the_deadline_for_the_whole(
    session: CollectorSession, lie: Callable[[Asked], Iterator[bytes]]
) -> None:
    with lying_neighbour(lie) as liar:
        statuses: list[int | None] = []
        asking = Thread(target=lambda: statuses.append(put(session, liar, seconds=0.5)), daemon=True)
        asking.start()
        wait_until(lambda: len(liar.ended) == 1)
        asking.join()
        assert len(statuses) == 1


def test_a_connection_serves_again_and_spans_are_told_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()

    def take(one: AskedProperly) -> tuple[int, dict[str, str]]:
        asked[one.path] += 1
        return 200, {}

    with answering_requests(take) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        made: list[object] = []
        connect = requests.adapters.HTTPAdapter.send

        def send(self: requests.adapters.HTTPAdapter, *what: object, **options: object) -> requests.Response:
            assert options["stream"]
            answer = connect(self, *what, **options)  # type: ignore[arg-type]
            made.append(answer.raw.connection)
            return answer

        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
        traces = OpenTelemetryTraces("one")
        for _ in range(2):
            with traces.question("GET", "shop.example", 443, None):
                pass
            assert traces._provider.force_flush()
        traces.close(GIVE_UP_SECONDS)
    assert asked == {"/v1/traces": 2}
    assert made[0] is made[1]
