"""The stop button of payouts: nothing is sent from the moment it is pressed, until somebody has them sent again."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from litestar import get, post
from litestar.exceptions import ClientException
from litestar.openapi.spec import Example
from litestar.params import Body
from pydantic import AwareDatetime, Field

from bridge.http.front.dependencies import GivenJournal, GivenPayoutSender, GivenPrincipal, GivenService
from bridge.http.front.idempotency import idempotency_of
from bridge.http.front.notes import Note
from bridge.http.front.openapi import IdempotencyKeyHeader, problem_responses
from bridge.http.front.staff import GivenOpsAccess
from bridge.http.ops.actions import REFUSALS, Doing
from bridge.http.ops.rows import ActionItem, action_item
from bridge.journal import IdempotencyKey, Journal, ResumedPayouts
from bridge.workers.payouts.sender import PayoutSender
from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.payouts.holds import (
    HOLDS_LIMIT,
    OWN_HOLDS_LIMIT,
    ComparisonOpenError,
    HeldByOthersError,
    HoldsExhaustedError,
    HoldsUnseenError,
    PayoutHold,
    Resumption,
    described,
)

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
    "person saying the same changes nothing. One name has "
    f"{OWN_HOLDS_LIMIT} holds at most, and all together {HOLDS_LIMIT}; one more is refused, and not placed."
)
RESUME = (
    "Ends the holds that are named in `seen`; what waits is sent once no other is left. Where there are others that "
    "this would end, nothing is ended, and the answer lists them (`holds_unseen`). Where nothing is held nothing "
    "changes, and a repeat with the same `Idempotency-Key` ends nothing."
)
RESUME_AS_SERVICE = (
    f"{RESUME} A service ends only the holds that it placed itself; where it placed none, and others hold payouts, "
    "the answer says who and why (`held_by_others`)."
)
RESUME_AS_STAFF = (
    f"{RESUME} While the bridge compares the books with the providers, after the journal was restored, its own hold "
    "stays, unless `withoutComparison` says to go on without; where there is no other, the answer says so "
    "(`comparison_open`)."
)
KEY_REUSED = "The `Idempotency-Key` was used for another request"
TOO_MANY = "There are too many holds; this one was not placed (`holds_exhausted`)"
SERVICE_REFUSALS = {
    400: "A field is missing or wrong; the answer names it",
    401: "No token of a service",
    403: "The service may not have payouts sent",
    503: "Not known to be stored; send it again, with the same key",
}
RESUMPTION = "resumption"
"""The scope of the keys of resumptions."""
SEEN = {"seen"}
SEEN_EXAMPLE = {"note": "all is well", "seen": ["hold_5f0c1d2e3b4a59687f6e5d4c"]}


class HoldRequest(FrozenModel):
    """Why payouts are held."""

    note: Note | None = Field(None, description="Why, for the record.")


class ConsoleHoldRequest(Doing, HoldRequest):
    """The same from the console."""


class ResumptionRequest(FrozenModel):
    """Why payouts are sent again, and what was seen of who holds them."""

    note: Note | None = Field(None, description="Why, for the record.")
    seen: tuple[Id, ...] = Field(
        (),
        max_length=2 * HOLDS_LIMIT,
        description="The `holdId` of each hold that was seen, as `GET /api/payouts/hold` has them.",
    )


class ConsoleResumptionRequest(Doing, ResumptionRequest):
    """The same from the console."""

    without_comparison: bool = Field(
        False,
        description="Whether payouts go on though the books are still being compared: what the journal has forgotten "
        "may be sent once more.",
    )


class HoldItem(FrozenModel):
    """Somebody who holds payouts."""

    hold_id: str = Field(description="Of this hold alone, for `seen`.")
    held_at: AwareDatetime
    held_by: str
    note: str | None = Field(description="Why; null where they did not say.")
    service: str | None = Field(None, description="The service that placed it; null if a person did, or the bridge.")
    comparison: Literal["open", "over"] | None = Field(
        None,
        description="Of the bridge's own hold: whether the books are still being compared. Null if somebody holds "
        "payouts.",
    )
    missing_decisions: int | None = Field(
        None,
        description="Of the bridge's own hold: how many decisions of people (holds, rejections, what was paid by "
        "hand) the journal lacks, as its mark shows. Null if that is not known, or somebody holds payouts.",
    )

    @classmethod
    def of(cls, hold: PayoutHold) -> Self:
        return cls(
            hold_id=hold.hold_id,
            held_at=hold.held_at,
            held_by=hold.held_by,
            note=hold.note,
            service=hold.service,
            comparison=hold.comparison,
            missing_decisions=hold.missing_decisions,
        )


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
    """What was done about the holds."""

    message: str
    action: ActionItem | None = Field(None, description="Null where nothing changed.")
    ended: list[str] = Field([], description="The `holdId` of each hold that ended.")
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
    first = holds[0]
    return HoldDocument(held=True, held_at=first.held_at, held_by=first.held_by, note=first.note, holds=holds)


@post(
    "/hold",
    status_code=200,
    summary="Hold all payouts",
    description=HOLD,
    responses=problem_responses({**SERVICE_REFUSALS, 409: TOO_MANY}),
)
async def hold_payouts(
    data: Annotated[HoldRequest, Body(examples=[Example(value={"note": "two sellers report strange payouts"})])],
    journal: GivenJournal,
    service: GivenService,
    sender: GivenPayoutSender,
) -> HoldDoing:
    service.require_payouts()
    return await _hold(journal, sender, service.display_name, data.note, service.name)


@post(
    "/resumption",
    status_code=200,
    summary="Have payouts sent again",
    description=RESUME_AS_SERVICE,
    responses=problem_responses(
        {
            **SERVICE_REFUSALS,
            403: "The service may not have payouts sent, or others hold them (`held_by_others`)",
            409: "There are holds that are not in `seen` (`holds_unseen`)",
            422: KEY_REUSED,
        }
    ),
)
async def resume_payouts(
    data: Annotated[ResumptionRequest, Body(examples=[Example(value=SEEN_EXAMPLE)])],
    journal: GivenJournal,
    service: GivenService,
    idempotency_key: IdempotencyKeyHeader = None,
) -> HoldDoing:
    service.require_payouts()
    wanted = Resumption(service.display_name, data.note, frozenset(data.seen), service.name)
    idempotency = idempotency_of(service.scope(RESUMPTION), idempotency_key, data, unsaid=SEEN)
    return await _resume(journal, wanted, idempotency)


@post(
    "/hold",
    status_code=200,
    summary="Hold all payouts",
    description=HOLD,
    responses=problem_responses({**REFUSALS, 409: TOO_MANY}),
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
    description=RESUME_AS_STAFF,
    responses=problem_responses(
        {
            **REFUSALS,
            409: "There are holds that are not in `seen` (`holds_unseen`), or nothing holds payouts but the "
            "comparison of the books (`comparison_open`)",
            422: KEY_REUSED,
        }
    ),
)
async def resume_payouts_in_console(
    data: Annotated[ConsoleResumptionRequest, Body(examples=[Example(value={"by": "Ada", **SEEN_EXAMPLE})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    idempotency_key: IdempotencyKeyHeader = None,
) -> HoldDoing:
    by = ops_access.actor(principal, data.by)
    wanted = Resumption(by, data.note, frozenset(data.seen), without_comparison=data.without_comparison)
    request = data.model_copy(update={"by": by})
    idempotency = idempotency_of(f"console/{RESUMPTION}", idempotency_key, request, unsaid=SEEN)
    return await _resume(journal, wanted, idempotency)


async def _hold(
    journal: Journal, sender: PayoutSender, by: str, note: str | None, service: str | None = None
) -> HoldDoing:
    try:
        holds, action = await journal.console.hold_payouts(by=by, note=note, service=service)
    except HoldsExhaustedError as error:
        raise _refused(409, "holds_exhausted", error) from None
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
    return [HoldItem.of(hold) for hold in holds]


async def _answered(sender: PayoutSender) -> bool:
    """Whether no order is under way any more that was given before."""
    try:
        async with asyncio.timeout(LONGEST_ANSWER_SECONDS):
            await sender.orders_answered()
    except TimeoutError:
        return False
    return True


async def _resume(journal: Journal, wanted: Resumption, idempotency: IdempotencyKey | None) -> HoldDoing:
    try:
        resumed = await journal.console.resume_payouts(wanted, idempotency)
    except HeldByOthersError as error:
        raise _refused(403, "held_by_others", error, error.holds) from None
    except HoldsUnseenError as error:
        raise _refused(409, "holds_unseen", error, error.holds) from None
    except ComparisonOpenError as error:
        raise _refused(409, "comparison_open", error, error.holds) from None
    action = None if resumed.action is None else action_item(resumed.action)
    ended, holds = list(resumed.ended), _items(resumed.holds)
    return HoldDoing(message=_resumed_in_words(resumed), action=action, ended=ended, holds=holds)


def _resumed_in_words(resumed: ResumedPayouts) -> str:
    if resumed.is_repeat:
        return "This was done already; nothing was ended once more."
    if not resumed.ended:
        return "Payouts were not held."
    if not resumed.holds:
        return "Payouts are sent again."
    message = f"What you could end has ended; payouts are still held by {described(resumed.holds)}."
    if any(hold.is_comparing for hold in resumed.holds):
        message += " The books are still being compared; withoutComparison goes on without."
    return message


def _refused(status: int, code: str, error: Exception, holds: Sequence[PayoutHold] = ()) -> ClientException:
    text = str(error)
    listed = [item.model_dump(mode="json", by_alias=True) for item in _items(holds)]
    extra: dict[str, object] = {"code": code, **({"holds": listed} if listed else {})}
    return ClientException(f"{text[:1].upper()}{text[1:]}.", status_code=status, extra=extra)
