"""Traces by OpenTelemetry, to a collector that speaks OTLP over HTTP. What is sampled and where it goes is said by
OpenTelemetry's own variables of the environment.

It is imported only where it is wanted.
"""

import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, TraceFlags

from bridge import __version__
from bridge.arrival_times import arrival_of
from bridge.traces import Delivered, tracing
from bridge.traces.collector import CollectorSession
from bridge.traces.traceparent import TraceParent, read_traceparent, traceparent_in
from providers.question_spans import question_spans

__all__ = ["OpenTelemetryTraces", "begin_tracing", "end_tracing"]

logger = logging.getLogger("bridge.traces")


def begin_tracing() -> None:
    """From now on this process traces."""
    traces = OpenTelemetryTraces(f"{socket.gethostname()}:{os.getpid()}")
    tracing.traces, question_spans.begin = traces, traces.question


def end_tracing(within_seconds: float) -> None:
    """And no longer. What was not said yet is said, if that can be done in time."""
    traces, tracing.traces, question_spans.begin = tracing.traces, None, None
    if traces is not None:
        traces.close(within_seconds)


class OpenTelemetryTraces:
    """One for a process."""

    def __init__(self, instance: str) -> None:
        """`instance` is what tells this process from others."""
        said = {"service.name": "bridge", "service.version": __version__, "service.instance.id": instance}
        resource = Resource.create(said).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(session=CollectorSession())))
        self._tracer = self._provider.get_tracer("bridge", __version__)

    def close(self, within_seconds: float) -> None:
        closing = Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(within_seconds)

    # What is under way

    def current(self) -> str | None:
        context = trace.get_current_span().get_span_context()
        return _said(context).text if context.is_valid else None

    def ids(self) -> Mapping[str, str]:
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}

    @contextmanager
    def continued(self, traceparent: str | None) -> Iterator[None]:
        parent = None if traceparent is None else read_traceparent(traceparent)
        token = attach(_context_of(parent))
        try:
            yield
        finally:
            detach(token)

    # Spans

    @contextmanager
    def request(self, scope: Mapping[str, Any], method: str) -> Iterator["_Request"]:
        parent = _context_of(traceparent_in(scope["headers"]))
        span = self._tracer.start_span(
            method,
            parent,
            SpanKind.SERVER,
            {"http.request.method": method, "url.path": scope["path"]},
            start_time=_nanoseconds(arrival_of(scope)),
        )
        with trace.use_span(span, end_on_exit=True, record_exception=False):
            yield _Request(span, method)

    @contextmanager
    def question(self, method: str | None, host: str, port: int | None, asked: str | None) -> Iterator["_Question"]:
        """A neighbour is asked meanwhile."""
        known = {"http.request.method": method, "server.address": host, "server.port": port, "bridge.asked": asked}
        said = {name: value for name, value in known.items() if value is not None}
        span = self._tracer.start_span(f"{method or asked} {host}", kind=SpanKind.CLIENT, attributes=said)
        try:
            yield _Question(span)
        except Exception as error:
            span.set_status(StatusCode.ERROR, str(error))
            raise
        finally:
            span.end()

    def committed(self, traceparents: Sequence[str], begun: float, finished: float, *, is_stored: bool) -> None:
        """The batch is one span, in the trace of the first of its requests, with links to all of them."""
        parents = [one for one in map(read_traceparent, traceparents) if one is not None and one.is_sampled]
        if not parents:
            return
        start = _nanoseconds(begun)
        span = self._tracer.start_span(
            "commit",
            _context_of(parents[0]),
            links=[Link(_span_context(one)) for one in parents],
            attributes={"bridge.requests": len(traceparents)},
            start_time=start,
        )
        if not is_stored:
            span.set_status(StatusCode.ERROR, "not known to be stored")
        span.end(start + _nanoseconds_between(begun, finished))

    def delivered(self, events: Sequence[Delivered], begun: float) -> None:
        """Each event is one span, however many clients there are."""
        now = time.perf_counter()
        for event in events:
            with _no_harm_done():
                self._deliver(event, begun, now)

    def _deliver(self, event: Delivered, begun: float, finished: float) -> None:
        parent = read_traceparent(event.traceparent)
        if parent is None or not parent.is_sampled:
            return
        start = _nanoseconds(begun)
        span = self._tracer.start_span(
            f"deliver {event.name}",
            _context_of(parent),
            SpanKind.PRODUCER,
            {"bridge.event": event.name, "bridge.offset": event.offset, "bridge.clients": event.clients},
            start_time=start,
        )
        span.end(start + _nanoseconds_between(begun, finished))


class _Request:
    """The span of a request, while it is answered."""

    def __init__(self, span: Span, method: str) -> None:
        self._span = span
        self._method = method

    def answered(self, route: str | None, status: int) -> None:
        if route is not None:
            self._span.update_name(f"{self._method} {route}")
            self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)


class _Question:
    """The span of a question, while it is asked."""

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        return _said(self._span.get_span_context()).text

    def answered(self, status: int) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if status >= 400:
            self._span.set_status(StatusCode.ERROR)


@contextmanager
def _no_harm_done() -> Iterator[None]:
    """What was delivered would be delivered once more if it raised."""
    try:
        yield
    except Exception:
        logger.exception("could not make a span")


def _said(context: SpanContext) -> TraceParent:
    return TraceParent(context.trace_id, context.span_id, context.trace_flags.sampled)


def _span_context(parent: TraceParent) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if parent.is_sampled else TraceFlags.DEFAULT)
    return SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=flags)


def _context_of(parent: TraceParent | None) -> Context:
    """What follows belongs to its trace; to none, if there is no parent."""
    if parent is None:
        return Context()
    return trace.set_span_in_context(trace.NonRecordingSpan(_span_context(parent)), Context())


def _nanoseconds(moment: float) -> int:
    """A moment of `time.perf_counter`, since 1970."""
    return time.time_ns() - _nanoseconds_between(moment, time.perf_counter())


def _nanoseconds_between(begun: float, finished: float) -> int:
    return round((finished - begun) * 1e9)
