"""What finance ops do: read a kept webhook again, have a payout re-checked, say what became of one, and take off the
list what needs nobody any more. Each is written down with who did it, in the same commit as what it changed."""

from typing import Annotated, Literal

from litestar import post
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath
from pydantic import Field, StringConstraints

from bridge.http.front.dependencies import (
    GivenChains,
    GivenJournal,
    GivenPayoutSender,
    GivenPrincipal,
    GivenProviderAlarms,
    GivenRefundAddressWait,
    GivenWebhookReaders,
)
from bridge.http.front.notes import Note
from bridge.http.front.openapi import problem_responses
from bridge.http.front.people import Person
from bridge.http.front.problems import wrong_field
from bridge.http.front.staff import GivenOpsAccess
from bridge.http.ops.names import read_webhook_name, stored_webhook_name
from bridge.http.ops.overview import needs_a_person
from bridge.http.ops.rows import ActionItem, PayoutRow, action_item, explorer_links, payout_row
from bridge.http.payouts.resolution import Resolution, resolution_refusals
from bridge.http.webhooks import reported_payout
from bridge.journal import Action, Journal, ListedPayout, Outcome, StoredWebhook, waiting_name
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payouts.findings import Findings
from coordinator.attention.alerts import ChangedSinceError, require_seen
from coordinator.attention.items import Attention, AttentionKind
from coordinator.ids import Id, is_id
from coordinator.models import FrozenModel
from coordinator.payments.problems.problems import ProblemKind
from providers.contract import AskFirst, NoneOfOurs, PayoutReading, Reading, WebhookReader
from providers.errors import ProviderError, WebhookUnreadableError

__all__ = [
    "REFUSALS",
    "By",
    "Doing",
    "PayoutDoing",
    "Seen",
    "dismiss",
    "payout_done",
    "recheck_payout",
    "replay_webhook",
    "require_as_seen",
    "resolve_payout_in_console",
]

By = Annotated[Person, StringConstraints(max_length=100)]
ReplayOutcome = Literal["applied", "unchanged", "duplicate", "kept", "unreadable"]

REFUSALS = {
    400: "A field is missing or wrong; the answer names it",
    401: "No good token",
    403: "They may not act, or a page of another origin asks",
    503: "Not known to be stored; try again",
}


NOT_SENT_EXAMPLE = {"outcome": "not-sent", "note": "the wallet's books have no such transaction", "by": "Ada"}


# Money that is held, or went out, about which nobody else is asked.
OF_MONEY = (
    AttentionKind.PAYOUT_FAILED,
    AttentionKind.PAYOUT_RETURNED,
    AttentionKind.PAYOUT_PAID_TWICE,
    ProblemKind.OVERDRAWN,
)


class Doing(FrozenModel):
    """Who does it."""

    by: By | None = Field(None, description="Their name, needed where nobody is asked for a token.")


class ConsoleResolution(Doing, Resolution):
    """What a person found out about a payout, on the chain, at the provider or from the seller."""


DISMISSAL_REFUSED = "It leaves the list only by being dealt with, or says something else by now (`changed_since`)"
Seen = Annotated[
    str | None,
    Field(
        max_length=100,
        description="The `mark` that it had when they looked at it: if it says something else by now, nothing "
        "is done (409, `changed_since`). Left out, whatever it says.",
    ),
]


class Dismissal(Doing):
    """What needs nobody any more."""

    id: Annotated[Id, Field(description="What it is called in `GET /api/ops/attention`.")]
    note: Note | None = Field(None, description="Why, for the record.")
    seen: Seen = None


class Dismissed(FrozenModel):
    """What was taken off the list, on record."""

    message: str
    action: ActionItem


class Replay(FrozenModel):
    """What became of a webhook that was read again."""

    outcome: ReplayOutcome
    message: str
    action: ActionItem


class PayoutDoing(FrozenModel):
    """How a payout stands after what was done."""

    payout: PayoutRow
    message: str
    action: ActionItem


REPLAY_MESSAGES: dict[Outcome, tuple[ReplayOutcome, str]] = {
    Outcome.APPLIED: ("applied", "It was read, and moved what it is about."),
    Outcome.UNCHANGED: ("unchanged", "It was read, and said nothing new."),
    Outcome.OTHER_CURRENCY: ("unchanged", "It was read, but counts in another currency than the payment."),
    Outcome.NOT_COUNTED: ("unchanged", "It was read, but does not fit the payment; its story says why."),
    Outcome.DUPLICATE: ("duplicate", "It was read; the same had been reported before, and counts once."),
    Outcome.STORED: ("kept", "It was read; its payment is not registered, and it is applied when that is."),
    Outcome.NONE_OF_OURS: ("kept", "It was read; it is about nothing that the bridge has to do with. Dismiss it."),
}


@post(
    "/webhooks/{webhook_id:str}/replay",
    status_code=200,
    summary="Read a stored webhook again",
    description=(
        "As if it came now; its signature held when it came. It counts once, however often it is replayed and "
        "repeated."
    ),
    responses=problem_responses({**REFUSALS, 404: "No such webhook"}),
)
async def replay_webhook(
    webhook_id: FromPath[str],
    data: Annotated[Doing, Body(examples=[Example(value={"by": "Ada"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    readers: GivenWebhookReaders,
) -> Replay:
    by = ops_access.actor(principal, data.by)
    named = read_webhook_name(webhook_id)
    missing = NotFoundException(f"There is no webhook {webhook_id!r}.")
    if named is None:
        raise missing
    is_waiting, number = named
    if is_waiting:
        return await _replay_waiting(journal, number, by, missing)
    webhook = await journal.console.stored_webhook(number)
    reader = None if webhook is None else readers.get(webhook.provider)
    if webhook is None or reader is None:
        raise missing
    return await _replay_stored(journal, webhook, reader, by)


async def _replay_waiting(journal: Journal, number: int, by: str, missing: NotFoundException) -> Replay:
    """What waits for its payment is applied when that is registered, so there is only to look whether it was."""
    found = await journal.console.waiting_observation(number)
    if found is None:
        raise missing
    external_id, payment_id = found
    outcome = Outcome.STORED if payment_id is None else Outcome.DUPLICATE
    name = waiting_name(number)
    action = await journal.console.add_action("replay", name, outcome, by=by, concerns=payment_id)
    message = (
        f"{external_id} is not registered yet; what waits for it is applied when it is."
        if payment_id is None
        else f"It was applied when {external_id} was registered, and counts once."
    )
    return Replay(outcome=REPLAY_MESSAGES[outcome][0], message=message, action=action_item(action))


async def _replay_stored(journal: Journal, webhook: StoredWebhook, reader: WebhookReader, by: str) -> Replay:
    name = stored_webhook_name(webhook.webhook_id)
    try:
        reading = reader.read_again(webhook.body)
        if isinstance(reading, AskFirst):
            reading = await reading.ask()
    except (WebhookUnreadableError, ProviderError) as error:
        action = await journal.console.add_action("replay", name, "unreadable", by=by)
        return Replay(outcome="unreadable", message=f"It still cannot be read: {error}", action=action_item(action))
    if isinstance(reading, NoneOfOurs):
        outcome, message = REPLAY_MESSAGES[Outcome.NONE_OF_OURS]
        action = await journal.console.add_action("replay", name, Outcome.NONE_OF_OURS, by=by)
        return Replay(outcome=outcome, message=message, action=action_item(action))
    if isinstance(reading, Reading):
        replayed = await journal.console.replay_payment_webhook(
            webhook.webhook_id,
            name=name,
            by=by,
            provider=webhook.provider,
            external_id=reading.external_id,
            key=reading.key,
            observation=reading.observation,
        )
        outcome, message = REPLAY_MESSAGES[replayed.outcome]
        return Replay(outcome=outcome, message=message, action=action_item(replayed.action))
    return await _replay_payout(journal, webhook, name, reading, by)


async def _replay_payout(
    journal: Journal, webhook: StoredWebhook, name: str, reading: PayoutReading, by: str
) -> Replay:
    reported = await reported_payout(journal, webhook.provider, reading)
    if reported is None:
        action = await journal.console.add_action("replay", name, Outcome.STORED, by=by)
        message = "It was read; it tells of a payout that the bridge did not ask for."
        return Replay(outcome="kept", message=message, action=action_item(action))
    payout, keyed = reported
    replayed = await journal.console.replay_payout_webhook(
        webhook.webhook_id, name=name, by=by, payout_id=payout.payout_id, observations=keyed
    )
    outcome, message = REPLAY_MESSAGES[replayed.outcome]
    return Replay(outcome=outcome, message=message, action=action_item(replayed.action))


@post(
    "/payouts/{payout_id:str}/recheck",
    status_code=200,
    summary="Ask the provider and the chain about a payout, now",
    description="What they say is taken as if they had said it by themselves. Nothing is sent again by it.",
    responses=problem_responses({**REFUSALS, 404: "No such payout"}),
)
async def recheck_payout(
    payout_id: FromPath[str],
    data: Annotated[Doing, Body(examples=[Example(value={"by": "Ada"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    sender: GivenPayoutSender,
    chains: GivenChains,
) -> PayoutDoing:
    by = ops_access.actor(principal, data.by)
    payout = (await listed_payout(journal, payout_id)).payout
    action = await Findings(journal, sender, chains).recheck(payout, by=by)
    return await payout_done(journal, chains, payout_id, action)


@post(
    "/payouts/{payout_id:str}/resolution",
    status_code=200,
    summary="Say what became of a payout",
    description=(
        "As under `/api/payouts/{payoutId}/resolution`: the provider and the chain are asked first, and what they "
        "know counts. It needs a `note`, unless it was `sent` over a chain that is followed."
    ),
    responses=problem_responses(
        {**REFUSALS, 404: "No such payout", 409: "The payout is none that a person has to settle"}
    ),
)
async def resolve_payout_in_console(
    payout_id: FromPath[str],
    data: Annotated[ConsoleResolution, Body(examples=[Example(value=NOT_SENT_EXAMPLE)])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    sender: GivenPayoutSender,
    chains: GivenChains,
) -> PayoutDoing:
    by = ops_access.actor(principal, data.by)
    payout = (await listed_payout(journal, payout_id)).payout
    with resolution_refusals():
        action = await Findings(journal, sender, chains).settle(
            payout, data.outcome, data.tx_hash, by=by, note=data.note, for_several=data.for_several
        )
    return await payout_done(journal, chains, payout_id, action)


@post(
    "/attention/dismissal",
    status_code=200,
    summary="Take something off the list of what needs a person",
    description=(
        "For webhooks, transfers and alarms that somebody has dealt with elsewhere, and for problems of payments "
        "about which nothing is to be done: nothing of what is kept changes. What is about a payment comes back when "
        "there is news of it. A payout leaves the list by being resolved, or made up for by another; one that failed "
        "or came back, and what went out beyond what came, can be dismissed with a `note`."
    ),
    responses=problem_responses({**REFUSALS, 404: "It is not on the list", 409: DISMISSAL_REFUSED}),
)
async def dismiss(
    data: Annotated[Dismissal, Body(examples=[Example(value={"id": "webhook-unmatched:waiting_7", "by": "Ada"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    refund_address_wait: GivenRefundAddressWait,
    provider_alarms: GivenProviderAlarms,
) -> Dismissed:
    by = ops_access.actor(principal, data.by)
    listed = await needs_a_person(journal, refund_address_wait, provider_alarms=provider_alarms())
    item = next((one for one in listed if one.key == data.id), None)
    if item is None:
        raise NotFoundException(f"{data.id!r} is not on the list.")
    require_as_seen(item, data.seen)
    if "dismiss" not in item.remedies:
        raise ClientException("This leaves the list only by being dealt with.", status_code=409)
    if item.kind in OF_MONEY and data.note is None:
        raise wrong_field("note", "missing; say how it was settled, for nobody is asked about this money any more")
    payment_id = item.payment_id if isinstance(item.kind, ProblemKind) else None
    action = await journal.console.dismiss(item.key, by=by, note=data.note, payment_id=payment_id)
    message = "It is off the list." + ("" if item.news_at is None else " It comes back when there is news of it.")
    return Dismissed(message=message, action=action_item(action))


def require_as_seen(item: Attention, mark: str | None) -> None:
    """Raises ClientException where it says something else than what whoever acts has seen."""
    try:
        require_seen(item, mark)
    except ChangedSinceError as error:
        raise ClientException(str(error), status_code=409, extra={"code": "changed_since"}) from None


async def listed_payout(journal: Journal, payout_id: str) -> ListedPayout:
    listed = await journal.console.payout(payout_id) if is_id(payout_id) else None
    if listed is None:
        raise NotFoundException(f"There is no payout {payout_id!r}.")
    return listed


async def payout_done(journal: Journal, chains: ChainFollowers, payout_id: str, action: Action) -> PayoutDoing:
    row = payout_row(await listed_payout(journal, payout_id), journal.clock(), explorer_links(chains))
    message = f"{action.outcome[0].upper()}{action.outcome[1:]}."
    return PayoutDoing(payout=row, message=message, action=action_item(action))
