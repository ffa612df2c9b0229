"""`/simulator`: where a person or a test plays the world around the local SHKeeper, and looks what it has done."""

import dataclasses
from datetime import UTC, datetime
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from coordinator.money import PositiveAmount, trimmed
from providers.shkeeper.simulator.faults import Fault
from providers.shkeeper.simulator.gateway import LocalGateway
from providers.shkeeper.simulator.invoice_books import BookedInvoice, RefusedError
from providers.shkeeper.simulator.payout_books import BookedPayout, Outcome, SentMoney
from providers.shkeeper.wire import faults as faults_of

__all__ = ["playing_routes"]

Model = TypeVar("Model", bound=BaseModel)


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TransferRequest(_Request):
    """A buyer's wallet sends coins to an address; without an amount, as many as the invoice lacks."""

    address: str
    amount: PositiveAmount | None = None
    confirmed: bool = True


class OutcomeRequest(_Request):
    """What is to become of money for a destination."""

    destination: str
    outcome: Outcome


async def _read(request: web.Request, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        raise web.HTTPBadRequest(text=faults_of(error)) from None


def playing_routes(gateway: LocalGateway) -> list[web.RouteDef]:
    """The routes, for one gateway."""

    async def look(request: web.Request) -> web.Response:
        return web.json_response(_everything(gateway))

    async def transfer(request: web.Request) -> web.Response:
        wanted = await _read(request, TransferRequest)
        try:
            txid = gateway.transfer(wanted.address, wanted.amount, datetime.now(UTC), confirmed=wanted.confirmed)
        except RefusedError as error:
            raise web.HTTPNotFound(text=str(error)) from None
        return web.json_response({"txid": txid, "invoice": _invoice(gateway.invoices.holder_of(txid))})

    async def confirm(request: web.Request) -> web.Response:
        txid = request.match_info["txid"]
        try:
            gateway.confirm(txid, datetime.now(UTC))
        except RefusedError as error:
            raise web.HTTPNotFound(text=str(error)) from None
        return web.json_response({"txid": txid, "invoice": _invoice(gateway.invoices.holder_of(txid))})

    async def decide_outcome(request: web.Request) -> web.Response:
        wanted = await _read(request, OutcomeRequest)
        gateway.payouts.outcomes[wanted.destination.lower()] = wanted.outcome
        return web.json_response({})

    async def add_fault(request: web.Request) -> web.Response:
        gateway.faults.add(await _read(request, Fault))
        return web.json_response({})

    async def clear_faults(request: web.Request) -> web.Response:
        gateway.faults.clear()
        return web.json_response({})

    return [
        web.get("/simulator", look),
        web.post("/simulator/transfers", transfer),
        web.post("/simulator/transfers/{txid}/confirm", confirm),
        web.post("/simulator/outcomes", decide_outcome),
        web.post("/simulator/faults", add_fault),
        web.delete("/simulator/faults", clear_faults),
    ]


def _everything(gateway: LocalGateway) -> dict[str, Any]:
    return {
        "asked": [{"call": asked.call, "content": asked.content} for asked in gateway.asked],
        "invoices": [_invoice(invoice) for invoice in gateway.invoices.invoices],
        "payouts": [_payout(payout) for payout in gateway.payouts.payouts],
        "sent": [_sent(money) for money in gateway.payouts.sent],
        "notices": [
            {
                "subject": notice.subject,
                "txid": notice.txid,
                "tries": notice.tries,
                "accepted": notice.is_accepted,
                "last_status": notice.last_status,
            }
            for notice in gateway.outbox.notices
        ],
        "faults": [fault.model_dump(mode="json") for fault in gateway.faults.waiting],
    }


def _invoice(invoice: BookedInvoice) -> dict[str, Any]:
    paid = {"amount_crypto": trimmed(invoice.amount_crypto), "crypto": invoice.crypto}
    return invoice.looked_up() | paid | {"addresses": invoice.addresses}


def _payout(payout: BookedPayout) -> dict[str, Any]:
    return {
        "external_id": payout.external_id,
        "crypto": payout.crypto,
        "destination": payout.destination,
        "amount": trimmed(payout.amount),
        "status": payout.status,
        "txids": payout.txids,
    }


def _sent(money: SentMoney) -> dict[str, Any]:
    return dataclasses.asdict(money) | {"amount": trimmed(money.amount)}
