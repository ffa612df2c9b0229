"""A trace from a webhook to its delivery, as a collector is told of it over OTLP."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.answering_server import Asked, answering_requests
from tests.asking import client_of
from tests.bridge.http.exchanges import notice, registration, signed, stored
from tests.conftest import BridgeProcess, StartBridge
from tests.played_shkeeper import KEY, PlayedShkeeper, played_shkeeper
from tests.system.conftest import StartListener
from tests.system.shkeeper.conftest import ORDER, settings_for
from tests.waiting import wait_until

SPAN = "00f067aa0ba902b7"


class Collector:
    """Takes spans as a collector does, in the wire's own form."""

    url: str

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()

    def answer(self, asked: Asked) -> tuple[int, dict[str, Any]]:
        assert asked.path == "/v1/traces"
        for of_resource in ExportTraceServiceRequest.FromString(asked.body).resource_spans:
            self.services |= {
                one.value.string_value for one in of_resource.resource.attributes if one.key == "service.name"
            }
            for of_scope in of_resource.scope_spans:
                self.spans += of_scope.spans
        return 200, {}

    def of(self, trace_id: str) -> list[Span]:
        return [span for span in self.spans if span.trace_id.hex() == trace_id]

    def wait_for(self, trace_id: str, name: str) -> Span:
        return wait_until(lambda: next((one for one in self.of(trace_id) if one.name == name), None)) or Span()


def said(span: Span) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()
    with answering_requests(collector.answer) as collector.url:
        yield collector


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper() as shkeeper:
        yield shkeeper


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, collector: Collector, shkeeper: PlayedShkeeper) -> BridgeProcess:
    return make_bridge(
        BRIDGE_TRACES="true",
        BRIDGE_LOG_FORMAT="json",
        BRIDGE_ENDPOINT_NETWORKS="127.0.0.0/8",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="50",
        **settings_for(shkeeper),
    )


def pay(bridge: BridgeProcess, traceparent: str) -> None:
    """Registers a payment, and has it paid by a webhook of that trace."""
    order = registration()
    with client_of(bridge.url) as client:
        client.post("/api/payments", json=order).raise_for_status()
        body = notice(order["externalId"])
        headers = signed(body, KEY) | {"Traceparent": traceparent}
        assert client.post("/webhooks/shkeeper", content=body, headers=headers).json()["outcome"] == "applied"


def test_a_webhooks_trace_goes_on_to_its_commit_its_delivery_and_endpoints(
    bridge: BridgeProcess, collector: Collector, listen: StartListener
) -> None:
    trace, unsampled = "4bf92f3577b34da6a3ce929d0e0e4736", "5bf92f3577b34da6a3ce929d0e0e4736"
    told: list[str] = []

    def take(asked: Asked) -> tuple[int, dict[str, Any]]:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        told.append(headers["traceparent"])
        return 200, {}

    buyers = [listen(bridge.url, [["join-user-room", "b1"]]) for _ in range(2)]
    with answering_requests(take) as url:
        with client_of(bridge.url) as client:
            wanted = {"url": url, "events": ["payment-update"]}
            client.post("/api/endpoints", json=wanted).raise_for_status()
        pay(bridge, f"00-{unsampled}-{SPAN}-00")
        pay(bridge, f"00-{trace}-{SPAN}-01")
        wait_until(lambda: all(any(one[3:35] == wanted for one in told) for wanted in (trace, unsampled)))
    for buyer in buyers:
        buyer.fence()
    sent = wait_until(
        lambda: next((one for one in collector.of(trace) if one.kind == Span.SpanKind.SPAN_KIND_CLIENT), None)
    )
    assert sent is not None
    received = collector.wait_for(trace, "POST /webhooks/{provider}")
    commit = collector.wait_for(trace, "commit")
    delivered = [one for one in collector.of(trace) if one.name.startswith("deliver ")]
    assert (received.kind, received.parent_span_id.hex()) == (Span.SpanKind.SPAN_KIND_SERVER, SPAN)
    assert said(received)["http.response.status_code"] == 202
    assert {one.parent_span_id for one in (commit, sent, *delivered)} == {received.span_id}
    assert [one.span_id for one in commit.links] == [received.span_id]
    for span in (received, commit, sent, *delivered):
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
    # Of each event one, though two clients heard it.
    heard = {offset for buyer in buyers for offset in buyer.offsets}
    assert heard
    assert len({said(one)["bridge.offset"] for one in delivered}) == len(delivered)
    assert max(said(one)["bridge.clients"] for one in delivered) == 2
    assert f"00-{trace}-{sent.span_id.hex()}-01" in told
    # What is not to be recorded is continued all the same.
    assert any(one.startswith(f"00-{unsampled}-") and one.endswith("-00") for one in told)
    assert collector.of(unsampled) == []
    assert collector.services == {"bridge"}
    of_row = stored(bridge, "SELECT DISTINCT traceparent FROM events WHERE traceparent LIKE ?", f"00-{trace}-%")
    assert of_row == [(f"00-{trace}-{received.span_id.hex()}-01",)]


def test_questions_to_shkeeper_and_lines_of_the_log_belong_to_the_trace(
    bridge: BridgeProcess, collector: Collector
) -> None:
    trace = "6bf92f3577b34da6a3ce929d0e0e4736"
    with client_of(bridge.url, headers={"traceparent": f"00-{trace}-{SPAN}-01"}) as client:
        client.post("/api/payments", json=ORDER).raise_for_status()
    asked = collector.wait_for(trace, "POST 127.0.0.1")
    request = collector.wait_for(trace, "POST /api/payments")
    assert asked.kind == Span.SpanKind.SPAN_KIND_CLIENT
    assert asked.parent_span_id == request.span_id
    assert said(asked)["bridge.asked"] == "ETH-USDT/payment_request"
    assert asked.status.code == Status.StatusCode.STATUS_CODE_UNSET
    lines = [json.loads(line) for line in bridge.log.read_text().splitlines() if line.startswith("{")]
    assert request.span_id.hex() in {line["span_id"] for line in lines if line.get("trace_id") == trace}


def test_what_is_malformed_begins_a_trace_of_its_own(bridge: BridgeProcess, collector: Collector) -> None:
    trace = "7bf92f3577b34da6a3ce929d0e0e4736"
    right = f"00-{trace}-{SPAN}-01"
    wrong = [[right.upper()], [f"{right}-more"], [right, right], [f"00-{trace}-{'0' * 16}-01"], []]
    with client_of(bridge.url) as client:
        for number, values in enumerate(wrong):
            headers = [("traceparent", value) for value in values]
            client.get(f"/api/payments/wrong-{number}", headers=headers)
    paths = {f"/api/payments/wrong-{number}" for number in range(len(wrong))}

    def found() -> list[Span]:
        return [span for span in collector.spans if said(span).get("url.path") in paths]

    wait_until(lambda: len(found()) == len(wrong))
    assert {span.parent_span_id for span in found()} == {b""}
    assert len({span.trace_id for span in found()} | {bytes.fromhex(trace)}) == len(wrong) + 1


def test_what_was_not_told_yet_is_told_at_the_end(make_bridge: StartBridge, collector: Collector) -> None:
    trace = "8bf92f3577b34da6a3ce929d0e0e4736"
    bridge = make_bridge(
        BRIDGE_TRACES="true", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="86400000"
    )
    with client_of(bridge.url) as client:
        client.get("/api/payments/none", headers={"traceparent": f"00-{trace}-{SPAN}-01"})
    assert bridge.stop() == 0
    assert [span.name for span in collector.of(trace)] == ["GET /api/payments/{payment_id}"]


def test_a_collector_that_says_nothing_holds_up_nothing(make_bridge: StartBridge) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bridge = make_bridge(
            BRIDGE_TRACES="true",
            BRIDGE_STOP_SECONDS="2",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}",
            OTEL_BSP_SCHEDULE_DELAY="1",
        )
        with client_of(bridge.url) as client:
            assert client.get("/api/payments/none").status_code == 404
        assert bridge.stop() == 0
