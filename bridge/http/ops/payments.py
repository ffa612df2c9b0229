"""What finance ops decide about payments: accept one as paid, cancel it, have it wait, give it a transaction that
fits nothing, or say that what is wrong with it was settled elsewhere. Each is written down with who did it, in the
same commit as what it changed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from litestar import post
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath
from pydantic import AwareDatetime, Field

from bridge.http.front.dependencies import GivenJournal, GivenPrincipal
from bridge.http.front.notes import Note
from bridge.http.front.openapi import problem_responses
from bridge.http.front.problems import wrong_field
from bridge.http.front.staff import GivenOpsAccess
from bridge.http.ops.actions import REFUSALS, Doing
from bridge.http.ops.rows import ActionItem, PaymentRow, action_item, payment_row
from bridge.http.payments.routes import TransferPlace, TxHash
from bridge.journal import Action, Journal, ruling_key
from coordinator.ids import is_id
from coordinator.models import FrozenModel
from coordinator.payments.observed.transfers import chain_hash
from coordinator.payments.problems.problems import ProblemKind
from coordinator.payments.problems.rulings import (
    LONGEST_WAIT,
    Rule,
    RulingRefusedError,
    TimeWrongError,
    acceptance,
    cancellation,
    transaction_found,
    waiting,
)

__all__ = [
    "accept_payment",
    "cancel_payment_in_console",
    "give_transaction",
    "have_payment_wait",
    "settle_payment",
]

LONGEST_WAIT_HOURS = int(LONGEST_WAIT.total_seconds()) // 3600


class Ruling(Doing):
    """A decision, and why it was taken."""

    note: Note


class Waiting(Doing):
    """How long a payment is to wait: until a time, or so many hours from now."""

    until: AwareDatetime | None = None
    hours: Annotated[int, Field(ge=1, le=LONGEST_WAIT_HOURS)] | None = None


class Settlement(Ruling):
    """What was done elsewhere about what is wrong with a payment."""

    problems: list[ProblemKind] | None = Field(
        None, min_length=1, description="What was settled; left out, all that is wrong with it."
    )


class FoundTransaction(Doing):
    """A transaction that somebody has looked at, and found to pay a payment."""

    tx_hash: TxHash
    place: TransferPlace | None = Field(
        None,
        description="Which of its transfers alone, as the item on the list has it; without it all to the payment's "
        "address that are nobody's.",
    )


class PaymentDoing(FrozenModel):
    """How a payment stands after what was done."""

    payment: PaymentRow
    message: str
    action: ActionItem


RULING_RESPONSES = problem_responses(
    {**REFUSALS, 404: "No such payment", 409: "As the payment stands it makes no sense; the answer says why"}
)


@post(
    "/payments/{payment_id:str}/acceptance",
    status_code=200,
    summary="Take a payment as paid",
    description=(
        "Whatever has come: it completes, and everybody is told as if all of the money were there. For one that is "
        "not completed or refunded; and for one that is completed while its provider contradicts itself, so that it "
        "can be paid out. A repeat with the same words counts once, as long as the payment stands so; otherwise it "
        "is a 409 that says how it stands."
    ),
    responses=RULING_RESPONSES,
)
async def accept_payment(
    payment_id: FromPath[str],
    data: Annotated[Ruling, Body(examples=[Example(value={"note": "The seller agrees to 49 of 50", "by": "Ada"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> PaymentDoing:
    by = ops_access.actor(principal, data.by)
    key = ruling_key("accepted", payment_id, by, data.note)
    ruled = _Ruled("acceptance", f"accepted as paid: {data.note}", key, acceptance(by, data.note))
    return await _rule(journal, payment_id, by, ruled)


@post(
    "/payments/{payment_id:str}/cancellation",
    status_code=200,
    summary="Cancel a payment for good",
    description=(
        "Money that comes from then on does not complete it, but waits for a person. For one that is not completed "
        "or refunded. A repeat with the same words counts once, as long as the payment stands so; otherwise it is a "
        "409 that says how it stands."
    ),
    responses=RULING_RESPONSES,
)
async def cancel_payment_in_console(
    payment_id: FromPath[str],
    data: Annotated[Ruling, Body(examples=[Example(value={"note": "The buyer changed their mind", "by": "Ada"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> PaymentDoing:
    by = ops_access.actor(principal, data.by)
    key = ruling_key("cancelled", payment_id, by, data.note)
    ruled = _Ruled("cancellation", f"cancelled: {data.note}", key, cancellation(by, data.note))
    return await _rule(journal, payment_id, by, ruled)


@post(
    "/payments/{payment_id:str}/waiting",
    status_code=200,
    summary="Have a payment wait longer",
    description=(
        "Until a time to come, later than the one it waits until: one that has expired is open again. For one that "
        "has a deadline, and is neither completed nor over for good."
    ),
    responses=RULING_RESPONSES,
)
async def have_payment_wait(
    payment_id: FromPath[str],
    data: Annotated[Waiting, Body(examples=[Example(value={"hours": 24, "by": "Ada"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> PaymentDoing:
    by = ops_access.actor(principal, data.by)
    until = _until(data, journal.clock())
    said = f"waits until {until:%Y-%m-%d %H:%M} UTC"
    ruled = _Ruled("waiting", said, ruling_key("waiting", payment_id, by, until.isoformat()), waiting(until))
    try:
        return await _rule(journal, payment_id, by, ruled)
    except TimeWrongError as error:
        raise wrong_field("until" if data.hours is None else "hours", str(error)) from None


@post(
    "/payments/{payment_id:str}/transaction",
    status_code=200,
    summary="Give a payment a transaction that fits nothing",
    description=(
        "For a payment over a chain, and a transaction that somebody has looked at: all that it brings to the "
        "payment's address and that is nobody's, or the transfer at one `place` alone. Only what the chain shows "
        "counts."
    ),
    responses=RULING_RESPONSES,
)
async def give_transaction(
    payment_id: FromPath[str],
    data: Annotated[FoundTransaction, Body(examples=[Example(value={"txHash": "0x" + "1" * 64, "by": "Ada"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> PaymentDoing:
    by, tx_hash = ops_access.actor(principal, data.by), chain_hash(data.tx_hash)
    key = ruling_key("given", payment_id, by, tx_hash, data.place or "")
    said = f"given {tx_hash}" if data.place is None else f"given the transfer {data.place} of {tx_hash}"
    ruled = _Ruled("transaction", said, key, transaction_found(by, tx_hash, data.place))
    return await _rule(journal, payment_id, by, ruled)


@post(
    "/payments/{payment_id:str}/settlement",
    status_code=200,
    summary="Say that what is wrong with a payment was settled elsewhere",
    description=(
        "Such as money that was sent back from the wallet. It is off the list until there is news. The payment stays "
        "as it is, but for one that has only a part of its money: that is cancelled with it, so that what comes "
        "later does not complete it but is on the list again."
    ),
    responses=RULING_RESPONSES,
)
async def settle_payment(
    payment_id: FromPath[str],
    data: Annotated[Settlement, Body(examples=[Example(value={"note": "Sent back by 0x5fe1…", "by": "Ada"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> PaymentDoing:
    by = ops_access.actor(principal, data.by)
    await _require_payment(journal, payment_id)
    try:
        _, action = await journal.rulings.settle(payment_id, by=by, note=data.note, kinds=data.problems)
    except RulingRefusedError as error:
        raise ClientException(str(error), status_code=409) from None
    return await _done(journal, payment_id, action)


@dataclass(frozen=True, slots=True)
class _Ruled:
    """A decision as it is written down."""

    action: str
    said: str
    key: str
    rule: Rule


async def _rule(journal: Journal, payment_id: str, by: str, ruled: _Ruled) -> PaymentDoing:
    await _require_payment(journal, payment_id)
    try:
        _, action = await journal.rulings.record(
            payment_id, by=by, action=ruled.action, said=ruled.said, key=ruled.key, rule=ruled.rule
        )
    except RulingRefusedError as error:
        raise ClientException(str(error), status_code=409) from None
    return await _done(journal, payment_id, action)


async def _require_payment(journal: Journal, payment_id: str) -> None:
    if not is_id(payment_id) or await journal.console.payment(payment_id) is None:
        raise NotFoundException(f"There is no payment {payment_id!r}.")


async def _done(journal: Journal, payment_id: str, action: Action) -> PaymentDoing:
    listed = await journal.console.payment(payment_id)
    if listed is None:
        raise LookupError(f"payment {payment_id} vanished after its commit")
    message = f"{action.outcome[0].upper()}{action.outcome[1:]}".rstrip(".") + "."
    return PaymentDoing(payment=payment_row(listed, journal.clock()), message=message, action=action_item(action))


def _until(data: Waiting, now: datetime) -> datetime:
    """Until when. Raises ValidationException unless that is said, and once."""
    if data.hours is not None and data.until is None:
        return now + timedelta(hours=data.hours)
    if data.until is None or data.hours is not None:
        raise wrong_field("until", "expected either a time, as `until`, or a number of `hours`")
    try:
        # A zone can lead beyond the years that there are.
        return data.until.astimezone(UTC)
    except OverflowError:
        raise wrong_field("until", "expected a time within the years that there are") from None
