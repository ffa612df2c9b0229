"""What finance ops do about what needs a person, without deciding it: take it on, note something, put it off, close
it. Each is written down with who did it, and others see it at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter, SkipValidation
from pydantic import AwareDatetime, Field

from bridge.access import Principal
from bridge.http.front.dependencies import (
    GivenChains,
    GivenJournal,
    GivenPrincipal,
    GivenProviderAlarms,
    GivenRefundAddressWait,
    GivenSeverities,
)
from bridge.http.front.notes import Note
from bridge.http.front.openapi import problem_responses
from bridge.http.front.problems import wrong_field
from bridge.http.front.staff import GivenOpsAccess, OpsAccess
from bridge.http.ops.actions import REFUSALS, By, Doing, Seen, require_as_seen
from bridge.http.ops.overview import needs_a_person
from bridge.http.ops.rows import (
    ActionItem,
    AttentionItem,
    action_item,
    attention_item,
    explorer_links,
)
from bridge.journal import Journal
from bridge.workers.chains.followers import ChainFollowers
from coordinator.attention.alerts import Alert, AlertChange, assigned, closed, reopened, snoozed
from coordinator.attention.items import LISTED_WHILE_SO, Attention
from coordinator.attention.severities import Severities
from coordinator.ids import Id
from coordinator.models import FrozenModel

__all__ = [
    "assign_attention",
    "attention_desk",
    "close_attention",
    "get_attention_history",
    "note_attention",
    "reopen_attention",
    "snooze_attention",
]

LONGEST_SNOOZE = timedelta(days=90)

ItemId = Annotated[Id, Field(description="What it is called in `GET /api/ops/attention`.")]
ITEM_EXAMPLE = "payout-failed:out_65f1c0ffee0123456789abcd"
NOT_LISTED = {**REFUSALS, 404: "It needs nobody"}
STAYS = {
    **NOT_LISTED,
    409: "It stays on the list for as long as it is so, or says something else by now (`changed_since`)",
}


class About(Doing):
    """What needs a person."""

    id: ItemId


class Assignment(About):
    """Who sees to it."""

    to: By | None = Field(description="The person; null: nobody any more.")


class Noting(About):
    """What others are to know of it."""

    note: Note


class Snooze(About):
    """Until when nobody is told of it, nor shown it."""

    until: AwareDatetime = Field(description="At most 90 days from now.")
    note: Note | None = Field(None, description="Why, for the record.")
    seen: Seen = None


class Closure(About):
    """That nobody has to look."""

    note: Note = Field(description="Why, for the record.")
    seen: Seen = None


class Reopening(About):
    """That it is open again, before its time."""

    note: Note | None = Field(None, description="Why, for the record.")


class Handled(FrozenModel):
    """What was done, on record, and how it stands now."""

    message: str
    item: AttentionItem
    action: ActionItem


class AlertStepItem(FrozenModel):
    """What happened to something that needs a person."""

    at: AwareDatetime
    by: str
    what: str = Field(
        description="`opened`, `changed`, `told`, `assigned`, `unassigned`, `noted`, `snoozed`, `awake`, `closed`, "
        "`reopened`, `ended` or `back`."
    )
    words: str


class AttentionHistory(FrozenModel):
    """What happened to something that needs a person, or did, oldest first."""

    steps: list[AlertStepItem]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where somebody sees to what needs a person."""

    journal: Journal
    chains: ChainFollowers
    principal: Principal
    ops_access: OpsAccess
    refund_address_wait: timedelta
    severities: Severities
    provider_alarms: Sequence[Attention]

    async def handle(
        self,
        about: About,
        action: str,
        act: Callable[[str], Callable[[Alert, datetime], AlertChange]],
        *,
        seen: str | None = None,
    ) -> Handled:
        """Does something in somebody's name, which `act` is given, who has seen it with that mark."""
        by = self.ops_access.actor(self.principal, about.by)
        listed = await needs_a_person(self.journal, self.refund_address_wait, provider_alarms=self.provider_alarms)
        item = next((one for one in listed if one.key == about.id), None)
        if item is None:
            raise NotFoundException(f"{about.id!r} needs nobody.")
        require_as_seen(item, seen)
        if item.kind in LISTED_WHILE_SO and action in ("snooze", "closure"):
            raise ClientException(
                f"{about.id!r} stays on the list for as long as it is so. Resume payouts to have it go.",
                status_code=409,
            )
        alert, done = await self.journal.alerts.act(item, act(by), action=action, by=by, severities=self.severities)
        return Handled(
            message=f"{done.outcome[:1].upper()}{done.outcome[1:]}.",
            item=attention_item(item, explorer_links(self.chains), alert, self.severities, self.journal.clock()),
            action=action_item(done),
        )


def attention_desk(
    journal: GivenJournal,
    chains: GivenChains,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    refund_address_wait: GivenRefundAddressWait,
    severities: GivenSeverities,
    provider_alarms: GivenProviderAlarms,
) -> Desk:
    return Desk(journal, chains, principal, ops_access, refund_address_wait, severities, provider_alarms())


GivenDesk = NamedDependency[SkipValidation[Desk]]


@post(
    "/attention/assignment",
    status_code=200,
    summary="Say who sees to something that needs a person",
    description="Others see it, and are told of it all the same. Null leaves it to anybody again.",
    responses=problem_responses(NOT_LISTED),
)
async def assign_attention(
    data: Annotated[Assignment, Body(examples=[Example(value={"id": ITEM_EXAMPLE, "to": "Ada", "by": "Ada"})])],
    attention_desk: GivenDesk,
) -> Handled:
    return await attention_desk.handle(data, "assignment", lambda _by: lambda alert, _now: assigned(alert, data.to))


@post(
    "/attention/note",
    status_code=200,
    summary="Note something about what needs a person",
    description="Its history has it, for whoever looks next.",
    responses=problem_responses(NOT_LISTED),
)
async def note_attention(
    data: Annotated[Noting, Body(examples=[Example(value={"id": ITEM_EXAMPLE, "note": "asked", "by": "Ada"})])],
    attention_desk: GivenDesk,
) -> Handled:
    return await attention_desk.handle(
        data, "note", lambda _by: lambda alert, _now: AlertChange(alert, "noted", data.note)
    )


@post(
    "/attention/snooze",
    status_code=200,
    summary="Put off something that needs a person",
    description=(
        "Until then it is listed with `state=snoozed`, and nobody is told of it. Then it is open again by itself, "
        "and whoever hears of what is new hears of it."
    ),
    responses=problem_responses(STAYS),
)
async def snooze_attention(
    data: Annotated[
        Snooze, Body(examples=[Example(value={"id": ITEM_EXAMPLE, "until": "2030-05-01T07:00:00Z", "by": "Ada"})])
    ],
    attention_desk: GivenDesk,
) -> Handled:
    now = attention_desk.journal.clock()
    if not now < data.until <= now + LONGEST_SNOOZE:
        raise wrong_field("until", "expected a moment from now on, within 90 days")
    return await attention_desk.handle(
        data, "snooze", lambda _by: lambda alert, _now: snoozed(alert, data.until, data.note), seen=data.seen
    )


@post(
    "/attention/closure",
    status_code=200,
    summary="Close something that needs a person",
    description=(
        "Nobody has to look, though what it is about goes on. It is open again once it changes: when its title or "
        "detail says something else, or there is news of it. Nothing of what is kept changes: what can be decided or "
        "dismissed is better decided or dismissed."
    ),
    responses=problem_responses(STAYS),
)
async def close_attention(
    data: Annotated[Closure, Body(examples=[Example(value={"id": ITEM_EXAMPLE, "note": "known", "by": "Ada"})])],
    attention_desk: GivenDesk,
) -> Handled:
    return await attention_desk.handle(
        data, "closure", lambda by: lambda alert, now: closed(alert, by, data.note, now), seen=data.seen
    )


@post(
    "/attention/reopening",
    status_code=200,
    summary="Have something that was snoozed or closed open again",
    responses=problem_responses(NOT_LISTED),
)
async def reopen_attention(
    data: Annotated[Reopening, Body(examples=[Example(value={"id": ITEM_EXAMPLE, "by": "Ada"})])],
    attention_desk: GivenDesk,
) -> Handled:
    return await attention_desk.handle(
        data, "reopening", lambda _by: lambda alert, now: reopened(alert, data.note, now)
    )


@get(
    "/attention/history",
    summary="What happened to something that needs a person",
    description="Also to what needs nobody any more, until it is forgotten. Of many steps the last 500.",
)
async def get_attention_history(
    journal: GivenJournal,
    item_id: Annotated[Id, QueryParameter(name="id", description="What it is called in `GET /api/ops/attention`.")],
) -> AttentionHistory:
    steps = await journal.alerts.steps(item_id)
    return AttentionHistory(
        steps=[AlertStepItem(at=one.at, by=one.by, what=one.what, words=one.words) for one in steps]
    )
