"""The local SHKeeper on loopback: its API, the notices that it posts, and `/simulator`, where the world around it is
played: buyers' transfers, what becomes of payouts, and everything that goes wrong.

On aiohttp, because a server that is to misbehave must be able to cut its connections.
"""

import asyncio
import dataclasses
import hmac
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from providers.shkeeper.simulator.coins import COINS
from providers.shkeeper.simulator.faults import Call, Fault, Happens, What
from providers.shkeeper.simulator.gateway import Asked, LocalGateway
from providers.shkeeper.simulator.invoice_books import RefusedError
from providers.shkeeper.simulator.notices import plain
from providers.shkeeper.simulator.playing import playing_routes
from providers.shkeeper.simulator.posting import keep_posting

__all__ = ["HOST", "serving"]

HOST = "127.0.0.1"

Act = Callable[[LocalGateway, web.Request, Any], "Answer"]
Allows = Callable[[LocalGateway, web.Request], "Answer | None"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    content: Any
    status: int = 200
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


def _error(message: str, status: int = 200) -> Answer:
    traceback = "Traceback (most recent call last): …"
    return Answer({"status": "error", "message": message, "traceback": traceback}, status)


# Who may ask. SHKeeper: auth.py api_key_required, basic_auth_optional and login_required.


def _anyone(gateway: LocalGateway, request: web.Request) -> Answer | None:
    return None


def _key_holder(gateway: LocalGateway, request: web.Request) -> Answer | None:
    key = request.headers.get("X-Shkeeper-Api-Key")
    if key is None:
        return Answer({"status": "error", "message": "No API key"})
    if not hmac.compare_digest(key.encode(), gateway.configuration.api_key.encode()):
        return Answer({"status": "error", "message": "Bad API key"})
    return None


def _operator(gateway: LocalGateway, request: web.Request) -> Answer | None:
    credentials = request.headers.get("Authorization")
    if credentials is None:
        return Answer({}, 302, {"Location": "/login"})
    user_and_password = f"{gateway.configuration.user}:{gateway.configuration.password}"
    expected = f"Basic {b64encode(user_and_password.encode()).decode()}"
    if not hmac.compare_digest(credentials.encode(), expected.encode()):
        return Answer({"status": "error", "message": "Bad HTTP Basic Auth credentials"})
    return None


# What is asked for. SHKeeper: api_v1.py.


def _crypto(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    coins = [{"name": coin.name, "display_name": coin.display_name} for coin in COINS.values()]
    return Answer({"status": "success", "crypto": list(COINS), "crypto_list": coins})


def _payment_request(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    return Answer(gateway.invoices.request_payment(request.match_info["crypto"], content))


def _quote(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    return Answer(gateway.invoices.quote(request.match_info["crypto"], content))


def _invoices(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    invoices = gateway.invoices.look_up(request.match_info["external_id"])
    return Answer({"status": "success", "invoices": invoices})


def _transactions(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    found = gateway.invoices.transactions(request.match_info["crypto"], request.match_info["address"])
    return Answer({"status": "success", "transactions": found})


def _transaction(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    found = [
        transaction
        for invoice in gateway.invoices.look_up(request.match_info["external_id"])
        for transaction in invoice["txs"]
        if transaction["txid"] == request.match_info["txid"]
    ]
    return Answer({"status": "success", "info": found[0] if found else {}})


def _balance_of(gateway: LocalGateway, crypto: str) -> dict[str, Any]:
    amount, rate = gateway.payouts.balance(crypto), COINS[crypto].usd
    return {
        "name": crypto,
        "display_name": COINS[crypto].display_name,
        "amount_crypto": plain(amount),
        "rate": plain(rate),
        "fiat": "USD",
        "amount_fiat": plain(amount * rate),
        "server_status": "Synced",
    }


def _balance(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    crypto = request.match_info["crypto"]
    if crypto not in COINS:
        raise RefusedError(f"Crypto {crypto} is not enabled")
    return Answer(_balance_of(gateway, crypto))


def _balances(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    includes = [name for name in request.query.get("includes", "").split(",") if name in COINS] or list(COINS)
    return Answer({"success": True, "balances": [_balance_of(gateway, crypto) for crypto in includes]})


def _payout(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    return Answer(gateway.payouts.pay_out(request.match_info["crypto"], content, datetime.now(UTC)))


def _payout_that_is_lost(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    crypto = request.match_info["crypto"]
    return Answer(gateway.payouts.pay_out(crypto, content, datetime.now(UTC), writes_down=False))


def _multipayout(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    return Answer(gateway.payouts.pay_out_many(request.match_info["crypto"], content, datetime.now(UTC)))


def _task(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    return Answer(gateway.payouts.task(request.match_info["task_id"]))


def _payout_status(gateway: LocalGateway, request: web.Request, content: Any) -> Answer:
    external_id = request.query.get("external_id")
    if not external_id:
        return Answer({"error": "external_id is required"}, 400)
    found = gateway.payouts.status(request.match_info["crypto"], external_id)
    return Answer({"error": "Payout not found"}, 404) if found is None else Answer(found)


# The payouts' errors are the only ones that are not answered with 200 (api_v1.py handle_request_error).
_FAILS_WITH = {Call.PAYOUT: 500, Call.MULTIPAYOUT: 500}

ROUTES: tuple[tuple[str, str, Call, Allows, Act], ...] = (
    ("GET", "/crypto", Call.CRYPTO, _anyone, _crypto),
    ("GET", "/crypto/balances", Call.BALANCE, _key_holder, _balances),
    ("GET", "/invoices/{external_id}", Call.INVOICES, _key_holder, _invoices),
    ("GET", "/transactions/{crypto}/{address}", Call.INVOICES, _key_holder, _transactions),
    ("GET", "/tx-info/{txid}/{external_id}", Call.INVOICES, _key_holder, _transaction),
    ("POST", "/{crypto}/payment_request", Call.PAYMENT_REQUEST, _key_holder, _payment_request),
    ("POST", "/{crypto}/quote", Call.QUOTE, _key_holder, _quote),
    ("GET", "/{crypto}/balance", Call.BALANCE, _key_holder, _balance),
    ("POST", "/{crypto}/payout", Call.PAYOUT, _operator, _payout),
    ("POST", "/{crypto}/multipayout", Call.MULTIPAYOUT, _operator, _multipayout),
    ("GET", "/{crypto}/task/{task_id}", Call.TASK, _operator, _task),
    ("GET", "/{crypto}/payout/status", Call.PAYOUT_STATUS, _key_holder, _payout_status),
)


def _handler(
    gateway: LocalGateway, call: Call, allows: Allows, act: Act
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    def do(request: web.Request, content: Any, what: Act) -> Answer:
        try:
            return what(gateway, request, content)
        except (RefusedError, ArithmeticError, ValueError, KeyError, AttributeError, TypeError) as error:
            return _error(str(error), _FAILS_WITH.get(call, 200))

    async def handle(request: web.Request) -> web.StreamResponse:
        content = await request.json() if request.can_read_body else None
        gateway.asked.append(Asked(call, content, request.match_info.get("external_id")))
        gateway.advance(datetime.now(UTC))
        fault = gateway.faults.take(call)
        refusal = allows(gateway, request)
        if fault is None or fault.what is What.SLOW:
            answer = refusal or do(request, content, act)
            await asyncio.sleep(0 if fault is None else fault.seconds)
        else:
            if refusal is None and fault.what is What.NOT_WRITTEN_DOWN:
                do(request, content, _payout_that_is_lost)
            elif refusal is None and fault.happens is Happens.AFTER:
                do(request, content, act)
            answer = await _go_wrong(request, fault, allows)
        return web.json_response(answer.content, status=answer.status, headers=answer.headers)

    return handle


async def _go_wrong(request: web.Request, fault: Fault, allows: Allows) -> Answer:
    """What comes instead of the answer. Does not return if there is none."""
    match fault.what:
        case What.ERROR_500:
            return _error("database is locked", 500)
        case What.ERROR_200:
            return _error("(sqlite3.OperationalError) database is locked")
        case What.WRONG_KEY:
            is_operator = allows is _operator
            return _error("Bad HTTP Basic Auth credentials" if is_operator else "Bad API key")
        case What.GARBAGE:
            raise web.HTTPBadGateway(text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
        case What.TIMEOUT:
            await asyncio.sleep(fault.seconds)
    transport = request.transport
    if transport is not None:
        transport.abort()
    raise asyncio.CancelledError  # there is nobody left to answer


@asynccontextmanager
async def serving(gateway: LocalGateway, port: int = 0) -> AsyncIterator[str]:
    """Runs it on loopback; gives its address. Port 0 takes a free one."""
    application = web.Application()
    for method, path, call, allows, act in ROUTES:
        application.router.add_route(method, f"/api/v1{path}", _handler(gateway, call, allows, act))
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
