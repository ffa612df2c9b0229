"""The stop button of payouts: nothing is sent from the moment it is pressed, until somebody has them sent again."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body
from pydantic import AwareDatetime, Field

from bridge.http.front.dependencies import GivenJournal, GivenPayoutSender, GivenPrincipal, GivenService
from bridge.http.front.notes import Note
from bridge.http.front.openapi import problem_responses
from bridge.http.front.staff import GivenOpsAccess
from bridge.http.ops.actions import REFUSALS, Doing
from bridge.http.ops.rows import ActionItem, action_item
from bridge.journal import Journal, PayoutHold
from bridge.workers.payouts.sender import PayoutSender
from coordinator.models import FrozenModel

__all__ = [
    "get_payout_hold",
    "hold_payouts",
    "hold_payouts_in_console",
    "resume_payouts",
    "resume_payouts_in_console",
]

# A little more than a provider is waited for that does not answer an order.
LONGEST_ANSWER_SECONDS = 15.0

HOLD = (
    "No payout is sent from the moment that this is answered, whoever asked for it; those that are asked for are "
    "taken, and wait. An order that is being given at this moment is waited for, fifteen seconds at most. What a "
    "provider has taken on already cannot be called back. It is said on the list of what needs a person, and by "
    "`bridge_payouts_held`. Where others hold them already, this is one more reason, with who said it; the same "
    "person saying the same changes nothing."
)
RESUME = "What waits is sent now, whoever held it. Where nothing is held nothing changes."
SERVICE_REFUSALS = {
    400: "A field is missing or wrong; the answer names it",
    401: "No token of a service",
    403: "The service may not have payouts sent",
    503: "Not known to be stored; send it again, with the same key",
}


class HoldRequest(FrozenModel):
    """Why payouts are held, or sent again."""

    note: Note | None = Field(None, description="Why, for the record.")


class ConsoleHoldRequest(Doing, HoldRequest):
    """The same from the console."""


class HoldItem(FrozenModel):
    """Somebody who holds payouts."""

    held_at: AwareDatetime
    held_by: str
    note: str | None = Field(description="Why; null where they did not say.")


class HoldDocument(FrozenModel):
    """Whether payouts are held."""

    held: bool
    held_at: AwareDatetime | None = None
    held_by: str | None = None
    note: str | None = None
    holds: list[HoldItem] = Field(
        [], description="All that hold them, people before the bridge; the first is told of above too."
    )


class HoldDoing(FrozenModel):
    """What was done about the hold."""

    message: str
    action: ActionItem | None = Field(None, description="Null where nothing changed.")
    holds: list[HoldItem] = Field([], description="All that hold payouts now.")


@get(
    "/hold",
    summary="Whether payouts are held",
    responses=problem_responses({401: "No good token", 403: "They may not see payouts"}),
)
async def get_payout_hold(journal: GivenJournal, principal: GivenPrincipal) -> HoldDocument:
    principal.require_all_payouts()
    holds = _items(await journal.console.payout_holds())
    if not holds:
        return HoldDocument(held=False)
    return HoldDocument(**holds[0].__dict__, held=True, holds=holds)


@post(
    "/hold",
    status_code=200,
    summary="Hold all payouts",
    description=HOLD,
    responses=problem_responses(SERVICE_REFUSALS),
)
async def hold_payouts(
    data: Annotated[HoldRequest, Body(examples=[Example(value={"note": "two sellers report strange payouts"})])],
    journal: GivenJournal,
    service: GivenService,
    sender: GivenPayoutSender,
) -> HoldDoing:
    service.require_payouts()
    return await _hold(journal, sender, service.display_name, data.note)


@post(
    "/resumption",
    status_code=200,
    summary="Have payouts sent again",
    description=RESUME,
    responses=problem_responses(SERVICE_REFUSALS),
)
async def resume_payouts(
    data: Annotated[HoldRequest, Body(examples=[Example(value={"note": "all is well"})])],
    journal: GivenJournal,
    service: GivenService,
) -> HoldDoing:
    service.require_payouts()
    return await _resume(journal, service.display_name, data.note)


@post(
    "/hold", status_code=200, summary="Hold all payouts", description=HOLD, responses=problem_responses({**REFUSALS})
)
async def hold_payouts_in_console(
    data: Annotated[ConsoleHoldRequest, Body(examples=[Example(value={"by": "Ada", "note": "strange payouts"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    sender: GivenPayoutSender,
) -> HoldDoing:
    return await _hold(journal, sender, ops_access.actor(principal, data.by), data.note)


@post(
    "/resumption",
    status_code=200,
    summary="Have payouts sent again",
    description=RESUME,
    responses=problem_responses({**REFUSALS}),
)
async def resume_payouts_in_console(
    data: Annotated[ConsoleHoldRequest, Body(examples=[Example(value={"by": "Ada", "note": "all is well"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> HoldDoing:
    return await _resume(journal, ops_access.actor(principal, data.by), data.note)


async def _hold(journal: Journal, sender: PayoutSender, by: str, note: str | None) -> HoldDoing:
    holds, action = await journal.console.hold_payouts(by=by, note=note)
    still_asked = not await _answered(sender)
    others = list(dict.fromkeys(hold.held_by for hold in holds if hold.held_by != by))
    if action is None:
        message = f"Payouts were held already, by {' and '.join((by, *others))}."
    else:
        message = "No payout is sent until they are resumed."
        if others:
            message += f" They were held already, by {' and '.join(others)}; what each has said is kept."
    if still_asked:
        message += " An order that was given before has not been answered yet, and may still be sent."
    done = None if action is None else action_item(action)
    return HoldDoing(message=message, action=done, holds=_items(holds))


def _items(holds: Sequence[PayoutHold]) -> list[HoldItem]:
    return [HoldItem(held_at=hold.held_at, held_by=hold.held_by, note=hold.note) for hold in holds]


async def _answered(sender: PayoutSender) -> bool:
    """Whether no order is under way any more that was given before."""
    try:
        async with asyncio.timeout(LONGEST_ANSWER_SECONDS):
            await sender.orders_answered()
    except TimeoutError:
        return False
    return True


async def _resume(journal: Journal, by: str, note: str | None) -> HoldDoing:
    action = await journal.console.resume_payouts(by=by, note=note)
    if action is None:
        return HoldDoing(message="Payouts were not held.")
    return HoldDoing(message="Payouts are sent again.", action=action_item(action))
