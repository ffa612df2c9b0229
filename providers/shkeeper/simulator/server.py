"""The local SHKeeper on loopback: its API, the notices that it posts, and `/simulator`, where the world around it is
played: buyers' transfers, what becomes of payouts, and everything that goes wrong.

On aiohttp, because a server that is to misbehave must be able to cut its connections.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import unquote

from aiohttp import web

from providers.shkeeper.simulator.api import Route, answer, lost_after_sending, note, route_of, subjects
from providers.shkeeper.simulator.faults import Fault, Happens, What
from providers.shkeeper.simulator.gateway import LocalGateway
from providers.shkeeper.simulator.playing.controls import playing_routes
from providers.shkeeper.simulator.posting import keep_posting
from providers.shkeeper.simulator.questions import Allows, PlayedAnswer, Question, crashed, error, login, operator

__all__ = ["HOST", "serving"]

HOST = "127.0.0.1"
PREFIX = "/api/v1/"
HTML_OF_A_PROXY = "<html><h1>502 Bad Gateway</h1></html>"
HALF_AN_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"task'
BUSY = "database is locked"


def _handler(gateway: LocalGateway) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        question = Question(
            request.method,
            tuple(unquote(part) for part in request.rel_url.raw_path.removeprefix(PREFIX).split("/")),
            dict(request.query),
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
        )
        answered = await _answered(gateway, question, request)
        await asyncio.sleep(answered.seconds)
        return web.Response(
            body=answered.body,
            status=answered.status,
            headers=answered.headers,
            content_type=answered.content_type,
            charset="utf-8" if answered.content_type == "text/html" else None,
        )

    return handle


async def _answered(gateway: LocalGateway, question: Question, request: web.Request) -> PlayedAnswer:
    now = datetime.now(UTC)
    route = route_of(question)
    if isinstance(route, PlayedAnswer):
        return route
    note(gateway, route, question)
    gateway.advance(now)
    fault = gateway.faults.take(route.call, subjects(gateway, route, question))
    refusal = route.allows(gateway.configuration, question)
    if fault is None:
        return refusal or answer(gateway, route, question, now)
    if fault.what is What.SLOW:
        return refusal or await _slowly(gateway, route, question, fault)
    if refusal is None and fault.what is What.NOT_WRITTEN_DOWN:
        lost_after_sending(gateway, route, question, now)
    elif refusal is None and fault.happens is Happens.AFTER:
        answer(gateway, route, question, now)
    return await _go_wrong(request, fault, route.allows)


async def _slowly(gateway: LocalGateway, route: Route, question: Question, fault: Fault) -> PlayedAnswer:
    if fault.happens is Happens.BEFORE:
        await asyncio.sleep(fault.seconds)
        return answer(gateway, route, question, datetime.now(UTC))
    answered = answer(gateway, route, question, datetime.now(UTC))
    await asyncio.sleep(fault.seconds)
    return answered


_SAID: Mapping[What, Callable[[str | None], PlayedAnswer]] = {
    What.ERROR_500: lambda words: error(words or BUSY, 500, has_traceback=True),
    What.ERROR_200: lambda words: error(words or f"(sqlite3.OperationalError) {BUSY}", has_traceback=True),
    What.ERROR_MSG: lambda words: PlayedAnswer({"status": "error", "msg": words or BUSY}),
    What.ERROR_NESTED: lambda words: PlayedAnswer({"result": None, "error": {"code": -1, "message": words or BUSY}}),
}
_SAID_INSTEAD = {
    What.ERROR_CODE: crashed(),
    What.GARBAGE: PlayedAnswer(HTML_OF_A_PROXY, 502, content_type="text/html"),
    What.HTML_500: PlayedAnswer("<!doctype html>\n<h1>Internal Server Error</h1>", 500, content_type="text/html"),
    What.EMPTY: PlayedAnswer("", content_type="text/html"),
    What.LOGIN: login(),
}


async def _go_wrong(request: web.Request, fault: Fault, allows: Allows) -> PlayedAnswer:
    """What comes instead of the answer. Does not return if there is none."""
    if fault.what in _SAID:
        return _SAID[fault.what](fault.words)
    if fault.what in _SAID_INSTEAD:
        return _SAID_INSTEAD[fault.what]
    if fault.what is What.WRONG_KEY:
        return error("Bad HTTP Basic Auth credentials" if allows is operator else "Bad API key")
    if fault.what is What.TIMEOUT:
        await asyncio.sleep(fault.seconds)
    transport = request.transport
    if fault.what is What.BREAKS_OFF and transport is not None:
        transport.write(HALF_AN_ANSWER)
    if transport is not None:
        # What was written is still to arrive.
        transport.close() if fault.what is What.BREAKS_OFF else transport.abort()
    raise asyncio.CancelledError  # there is nobody left to answer


@asynccontextmanager
async def serving(gateway: LocalGateway, port: int = 0) -> AsyncIterator[str]:
    """Runs it on loopback; gives its address. Port 0 takes a free one."""
    application = web.Application()
    application.router.add_route("*", f"{PREFIX}{{question:.*}}", _handler(gateway))
    application.add_routes(playing_routes(gateway))
    # A question whose asker has hung up is not waited for.
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    posting = asyncio.create_task(keep_posting(gateway))
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
        await runner.cleanup()
