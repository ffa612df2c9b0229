"""Compression: which routes have it, for whom, and that what is answered in pieces stays in pieces."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from litestar import Litestar, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Stream
from litestar.routes import HTTPRoute
from litestar.types import Message

from bridge.compression import COMPRESSED, MINIMUM_BYTES, takes_gzip
from bridge.http.catch_up import catch_up_router
from bridge.http.chains import chain_router
from bridge.http.endpoints import endpoint_router
from bridge.http.events import event_router
from bridge.http.ops.routes import access_router, ops_router, payout_decision_router, sign_in_routes
from bridge.http.payments.checkouts import checkout_router
from bridge.http.payments.routes import payment_router
from bridge.http.payouts.routes import payout_router
from bridge.http.refunds.routes import refund_router
from bridge.http.webhooks import webhook_router

# Lists, reports and files, none of which has a token, a key or a signature in it.
ROUTES = {
    "GET /api/events",
    "GET /api/payments",
    "GET /api/payouts",
    *(
        f"GET /api/ops/{name}"
        for name in (
            *("payments", "payouts", "transfers", "attention", "actions", "connections"),
            *("totals", "statement", "network-fees", "wallets", "reconciliation", "wallet-movements"),
            *("payments/{payment_id:str}/story", "payouts/{payout_id:str}/story"),
            *("payments.csv", "payouts.csv", "transfers.csv", "totals.csv", "statement.csv", "entries.csv"),
            *("network-fees.csv", "reconciliation.csv"),
        )
    ),
}


def handlers() -> Iterator[tuple[str, HTTPRouteHandler]]:
    """Every route of the API and of webhooks, by its method and path."""
    routers = [ops_router, access_router, payout_decision_router, payment_router, checkout_router, payout_router]
    routers += [refund_router, chain_router, endpoint_router, catch_up_router, event_router(1), webhook_router(1)]
    routers.append(Router("/", route_handlers=sign_in_routes))
    for router in routers:
        assert not router.middleware
        for route in router.routes:
            assert isinstance(route, HTTPRoute)
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    yield f"{method} {route.path}", handler


def test_lists_reports_and_files_are_compressed_and_nothing_that_a_secret_may_be_in() -> None:
    with_it = {name for name, handler in handlers() if COMPRESSED[0] in (handler.middleware or ())}
    assert with_it == ROUTES
    others = {name: handler.middleware for name, handler in handlers() if name not in ROUTES}
    assert not any(others.values()), others
    assert {"POST /webhooks/{provider:str}", "POST /ops/sign-in/session", "POST /api/endpoints"} <= others.keys()


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("deflate, gzip ; q=1.0", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("x-gzip-not", False),
    ],
)
def test_only_who_takes_gzip_is_given_it(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) is takes


PIECES = [bytes([65 + number]) * 40_000 for number in range(20)]
made: list[int] = []


@get("/pieces", middleware=COMPRESSED)
async def in_pieces() -> Stream:
    async def pieces() -> AsyncIterator[bytes]:
        for number, piece in enumerate(PIECES):
            made.append(number)
            yield piece

    return Stream(pieces(), media_type="text/csv")


@get("/one", middleware=COMPRESSED)
async def at_once(size: FromQuery[int]) -> str:
    return "a" * size


async def asked(path: str, query: str = "", **headers: str) -> tuple[dict[str, str], list[tuple[int, bytes]]]:
    """The headers, and each piece of the answer, with how many had been made when it was sent."""
    application = Litestar([in_pieces, at_once], openapi_config=None, logging_config=None)
    made.clear()
    sent: list[Message] = []
    pieces: list[tuple[int, bytes]] = []

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            pieces.append((len(made), message["body"]))
            if not message["more_body"]:
                is_over.set()

    is_over = asyncio.Event()

    async def receive() -> Any:
        """Whoever asks stays until the whole answer has come."""
        await is_over.wait()
        return {"type": "http.disconnect"}

    scope: Any = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "raw_path": path.encode()}
    scope |= {"query_string": query.encode(), "scheme": "http", "root_path": "", "server": ("bridge.example", 80)}
    scope |= {
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), said.encode()) for name, said in headers.items()],
    }
    await application(scope, receive, send)
    first: Any = sent[0]
    return {name.decode().lower(): value.decode() for name, value in first["headers"]}, pieces


async def test_what_is_answered_in_pieces_is_compressed_in_pieces() -> None:
    headers, pieces = await asked("/pieces", **{"accept-encoding": "gzip"})
    assert (headers["content-encoding"], "content-length" in headers) == ("gzip", False)
    assert b"".join(piece for _, piece in pieces)[:2] == b"\x1f\x8b"
    reader = zlib.decompressobj(31)
    for number, piece in enumerate(PIECES):
        count, compressed = pieces[number]
        # Each is sent, whole, before the one after the next is made.
        assert count <= number + 1
        assert reader.decompress(compressed) == piece
        assert len(compressed) < 1_000
    assert gzip.decompress(b"".join(piece for _, piece in pieces)) == b"".join(PIECES)


async def test_who_does_not_take_it_and_who_follows_events_are_answered_as_it_is() -> None:
    for given in ({}, {"accept-encoding": "gzip;q=0"}, {"accept-encoding": "gzip", "accept": "text/event-stream"}):
        headers, pieces = await asked("/pieces", **given)
        assert "content-encoding" not in headers
        assert b"".join(piece for _, piece in pieces) == b"".join(PIECES)


async def test_what_is_small_is_answered_as_it_is() -> None:
    for size, encoding in ((MINIMUM_BYTES - 1, None), (MINIMUM_BYTES, "gzip")):
        headers, [(_, body)] = await asked("/one", f"size={size}", **{"accept-encoding": "gzip"})
        assert headers.get("content-encoding") == encoding
        assert int(headers["content-length"]) == len(body)
