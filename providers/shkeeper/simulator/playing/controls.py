"""Controls under `/simulator`: where a person or a test plays the world around the local SHKeeper, changes what its
operator has set, and looks what it has done."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from providers.shkeeper.simulator.books.invoices import Output
from providers.shkeeper.simulator.faults import Fault
from providers.shkeeper.simulator.gateway import LocalGateway
from providers.shkeeper.simulator.playing.inspection import everything, shown_invoice
from providers.shkeeper.simulator.playing.requests import (
    AgeRequest,
    AtOnceRequest,
    ConfirmationsRequest,
    DaemonRequest,
    FeesRequest,
    GatewayRequest,
    OutcomeRequest,
    RateRequest,
    TransactionRequest,
    TransferRequest,
    WalletRequest,
)
from providers.shkeeper.simulator.terms.coins import COINS
from providers.shkeeper.simulator.terms.refusals import RefusedError
from providers.shkeeper.simulator.terms.terms import Fees
from providers.shkeeper.wire import faults as faults_of

__all__ = ["playing_routes"]

Model = TypeVar("Model", bound=BaseModel)
Act = Callable[[web.Request], Awaitable[dict[str, Any] | None]]


def playing_routes(gateway: LocalGateway) -> list[web.RouteDef]:
    """The routes, for one gateway."""
    playing = _Playing(gateway)
    posts: dict[str, Act] = {
        "transfers": playing.transfer,
        "transfers/{txid}/confirm": playing.confirm,
        "transfers/{txid}/confirmations": playing.set_confirmations,
        "transactions": playing.transact,
        "transfers-at-once": playing.transfer_at_once,
        "outcomes": playing.decide_outcome,
        "faults": playing.add_fault,
        "rates": playing.move_rate,
        "fees": playing.set_fees,
        "wallets/{coin}": playing.set_wallet,
        "daemons/{coin}": playing.set_daemon,
        "gateway": playing.set_gateway,
        "invoices/{external_id}/age": playing.make_older,
    }
    return [
        web.get("/simulator", _handler(playing.look)),
        web.delete("/simulator/faults", _handler(playing.clear_faults)),
        *(web.post(f"/simulator/{path}", _handler(act)) for path, act in posts.items()),
    ]


def _handler(act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(await act(request) or {})
        except RefusedError as error:
            raise web.HTTPNotFound(text=str(error)) from None

    return handle


class _Playing:
    """What the routes do."""

    def __init__(self, gateway: LocalGateway) -> None:
        self._gateway = gateway

    async def look(self, request: web.Request) -> dict[str, Any]:
        return everything(self._gateway)

    def _played(self, *txids: str) -> dict[str, Any]:
        invoice = shown_invoice(self._gateway.invoices.holder_of(txids[0]))
        return {"txid": txids[0], "txids": txids, "invoice": invoice}

    async def transfer(self, request: web.Request) -> dict[str, Any]:
        wanted = await _read(request, TransferRequest)
        return self._played(
            self._gateway.transfer(
                wanted.address,
                wanted.amount,
                datetime.now(UTC),
                confirmed=wanted.confirmed,
                confirmations=wanted.confirmations,
                txid=wanted.txid,
            )
        )

    async def transact(self, request: web.Request) -> dict[str, Any]:
        wanted = await _read(request, TransactionRequest)
        outputs = [Output(output.address, output.amount) for output in wanted.outputs]
        now = datetime.now(UTC)
        return self._played(
            self._gateway.transact(outputs, now, confirmations=wanted.confirmations, txid=wanted.txid)
        )

    async def transfer_at_once(self, request: web.Request) -> dict[str, Any]:
        wanted = await _read(request, AtOnceRequest)
        now = datetime.now(UTC)
        return self._played(
            *self._gateway.transfer_at_once(wanted.address, wanted.amounts, now, counted=wanted.counted)
        )

    async def confirm(self, request: web.Request) -> dict[str, Any]:
        txid = request.match_info["txid"]
        self._gateway.confirm(txid, datetime.now(UTC))
        return self._played(txid)

    async def set_confirmations(self, request: web.Request) -> dict[str, Any]:
        wanted, txid = await _read(request, ConfirmationsRequest), request.match_info["txid"]
        self._gateway.confirm(txid, datetime.now(UTC), wanted.confirmations, is_reported=wanted.reported)
        return self._played(txid)

    async def decide_outcome(self, request: web.Request) -> None:
        wanted = await _read(request, OutcomeRequest)
        destination = wanted.destination.lower()
        self._gateway.payouts.outcomes[destination] = wanted.outcome
        self._gateway.payouts.messages.pop(destination, None)
        if wanted.message:
            self._gateway.payouts.messages[destination] = wanted.message

    async def add_fault(self, request: web.Request) -> None:
        self._gateway.faults.add(await _read(request, Fault))

    async def clear_faults(self, request: web.Request) -> None:
        self._gateway.faults.clear()

    async def move_rate(self, request: web.Request) -> None:
        wanted = await _read(request, RateRequest)
        self._gateway.terms.rates[_coin(wanted.coin), wanted.fiat] = wanted.rate

    async def set_fees(self, request: web.Request) -> None:
        wanted = await _read(request, FeesRequest)
        fees = Fees(wanted.policy, wanted.percent, wanted.fixed)
        self._gateway.terms.fees[_coin(wanted.coin), wanted.fiat] = fees

    async def set_wallet(self, request: web.Request) -> None:
        wanted = await _read(request, WalletRequest)
        _set(self._gateway.terms.wallets[_coin(request.match_info["coin"])], wanted)

    async def set_daemon(self, request: web.Request) -> None:
        wanted = await _read(request, DaemonRequest)
        daemon = self._gateway.daemons.by_coin[_coin(request.match_info["coin"])]
        _set(daemon, wanted)
        daemon.gather()

    async def set_gateway(self, request: web.Request) -> None:
        wanted = await _read(request, GatewayRequest)
        _set(self._gateway.terms, wanted.model_copy(update={"poll_seconds": None, "reserves_payouts": None}))
        if wanted.reserves_payouts is not None:
            self._gateway.payouts.reserves = wanted.reserves_payouts
        if wanted.poll_seconds is not None:
            self._gateway.payouts.poll_seconds = wanted.poll_seconds

    async def make_older(self, request: web.Request) -> None:
        wanted, external_id = await _read(request, AgeRequest), request.match_info["external_id"]
        self._gateway.invoices.make_older(external_id, timedelta(hours=wanted.hours))


async def _read(request: web.Request, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        raise web.HTTPBadRequest(text=faults_of(error)) from None


def _coin(name: str) -> str:
    if name not in COINS:
        raise web.HTTPNotFound(text=f"{name} is no coin; there are {', '.join(COINS)}")
    return name


def _set(target: object, wanted: BaseModel) -> None:
    """Sets what was given."""
    for name, value in wanted.model_dump(exclude_none=True).items():
        setattr(target, name, value)
