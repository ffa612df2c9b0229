"""What finance ops do about refunds: open one, and withdraw one that nobody gave an address for. Where it goes is not
theirs to say: the buyer does, on the payment's page."""

from typing import Annotated

from litestar import post
from litestar.exceptions import NotFoundException
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath
from pydantic import Field

from bridge.http.documents.refunds import RefundDocument, refund_document
from bridge.http.front.bodies import LISTS_LIMIT_BYTES
from bridge.http.front.dependencies import GivenChains, GivenJournal, GivenPayoutSender, GivenPrincipal
from bridge.http.front.idempotency import idempotency_of
from bridge.http.front.openapi import IdempotencyKeyHeader, problem_responses
from bridge.http.front.staff import GivenOpsAccess
from bridge.http.ops.actions import REFUSALS, Doing
from bridge.http.ops.rows import ActionItem, action_item
from bridge.http.refunds.orders import SEEN, RefundWanted, ordered_refund
from bridge.http.refunds.routes import RefundRequest, Withdrawal, listed_refund
from bridge.journal import Action, Journal
from coordinator.ids import is_id
from coordinator.models import FrozenModel
from coordinator.money import format_amount

__all__ = ["open_refund_in_console", "withdraw_refund_in_console"]

SCOPE = "refunds-in-console"
"""Of the idempotency keys of its dialogs."""


class ConsoleRefund(Doing, RefundWanted):
    """A refund as it is opened in the console."""


class ConsoleWithdrawal(Doing, Withdrawal):
    """That a refund is to be withdrawn."""


class RefundDoing(FrozenModel):
    """How a refund stands after what was done."""

    refund: RefundDocument
    message: str
    action: ActionItem | None = Field(description="Null for a repeat, which opened nothing.")


@post(
    "/payments/{payment_id:str}/refund",
    status_code=201,
    summary="Open a refund",
    request_max_body_size=LISTS_LIMIT_BYTES,
    description="As `POST /api/refunds`, on record as done by whoever opens it: they cannot approve it.",
    responses=problem_responses(
        {
            **REFUSALS,
            404: "No such payment",
            409: "So much cannot go back, nothing can be sent back here, or there are others",
            422: "The `Idempotency-Key` was used for another request",
        }
    ),
)
async def open_refund_in_console(
    payment_id: FromPath[str],
    data: Annotated[ConsoleRefund, Body(examples=[Example(value={"reason": "It arrived bent", "by": "Ada"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    sender: GivenPayoutSender,
    chains: GivenChains,
    idempotency_key: IdempotencyKeyHeader = None,
) -> RefundDoing:
    by = ops_access.actor(principal, data.by)
    record = await journal.payment_record(payment_id) if is_id(payment_id) else None
    if record is None:
        raise NotFoundException(f"There is no payment {payment_id!r}.")
    request = RefundRequest(**data.model_dump(exclude={"by"}), payment_id=payment_id, asked_by=by)
    idempotency = idempotency_of(SCOPE, idempotency_key, request, unsaid=SEEN)
    refund_id = None if idempotency is None else await journal.refunds.made_with(idempotency)
    if refund_id is not None:
        return await _done(journal, refund_id, "It was opened already; nothing was opened once more.", None)
    wanted = await ordered_refund(journal, record, data, sender, chains, by=by, through=None)
    opened = await journal.refunds.open(payment_id, wanted.order, idempotency, sent=wanted.sent)
    amount = f"{format_amount(wanted.order.amount)} {record.payment.currency}"
    message = f"{amount} are reserved, and the buyer is asked on the payment's page where to send them."
    if wanted.sent is not None:
        message = f"{amount} are written down as sent back by {wanted.sent.tx_hash}."
    return await _done(journal, opened.refund_id, message, opened.action)


@post(
    "/refunds/{refund_id:str}/cancellation",
    status_code=200,
    summary="Withdraw a refund",
    description="For one that nobody gave an address for; its money is there for the seller again.",
    responses=problem_responses(
        {**REFUSALS, 404: "No such refund", 409: "An address was given, or it was withdrawn already"}
    ),
)
async def withdraw_refund_in_console(
    refund_id: FromPath[str],
    data: Annotated[ConsoleWithdrawal, Body(examples=[Example(value={"by": "Ada"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> RefundDoing:
    by = ops_access.actor(principal, data.by)
    await listed_refund(journal, refund_id)
    _, action = await journal.refunds.withdraw(refund_id, by=by, note=data.note)
    return await _done(journal, refund_id, "It is withdrawn, and its money is there again.", action)


async def _done(journal: Journal, refund_id: str, message: str, action: Action | None) -> RefundDoing:
    document = refund_document(await listed_refund(journal, refund_id), with_address=True)
    return RefundDoing(refund=document, message=message, action=None if action is None else action_item(action))
