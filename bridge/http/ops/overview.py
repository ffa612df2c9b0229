"""What needs a person, and what people did."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

from litestar import get
from litestar.params import QueryParameter
from pydantic import Field

from bridge.compression import COMPRESSED
from bridge.http.front.dependencies import (
    GivenChains,
    GivenInvoiceOpener,
    GivenJournal,
    GivenPayoutSender,
    GivenProviderAlarms,
    GivenRefundAddressWait,
    GivenSeverities,
)
from bridge.http.ops.names import stored_webhook_name
from bridge.http.ops.rows import (
    ActionItem,
    AttentionItem,
    action_item,
    attention_item,
    explorer_links,
)
from bridge.http.refused_webhooks import refused_webhooks
from bridge.http.webhooks import NOT_ASKED_FOR
from bridge.journal import (
    ChainAlarm,
    ForAPerson,
    Journal,
    StoredWebhook,
    TroubledPayment,
    UnmatchedTransfer,
    UnopenedCounts,
    UnopenedInvoice,
    waiting_name,
)
from bridge.workers.alerts.alerting import NeedsAPerson
from bridge.workers.payments.invoices import InvoiceOpener
from bridge.workers.payouts.sender import PayoutSender
from coordinator.attention import items as attention
from coordinator.attention.alert_schedule import DestinationState
from coordinator.attention.alerts import seen
from coordinator.attention.clock import clock_wrong
from coordinator.attention.endpoints import endpoint_attention
from coordinator.attention.histories import forgotten_payout, journal_rewound
from coordinator.attention.items import Attention, AttentionKind, Kind
from coordinator.attention.payments import ADDRESS_EXPECTED_WITHIN, payment_attention, without_address
from coordinator.attention.payouts import payout_attention
from coordinator.attention.prices import prices_unusable
from coordinator.attention.refunds import refund_without_address
from coordinator.attention.unconfigured import coin_unfollowed
from coordinator.attention.unreadable import row_unreadable
from coordinator.attention.wallets import wallet_attention
from coordinator.histories import Beginning
from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.money import format_amount
from providers.onchain.matching.matching import paid_already

__all__ = ["all_that_needs_a_person", "count_by_kind", "get_attention", "list_actions", "needs_a_person"]

SHOWN = 200
TRANSFERS_LIMIT = 10_000
ACTIONS_LIMIT = 1_000


class LeftOut(FrozenModel):
    """A kind of which only the first are listed."""

    kind: str = Field(description="As in the items.")
    count: int | None = Field(description="How many more there are; null if they were not counted.")


class AttentionList(FrozenModel):
    """What does not go on by itself: what is critical first, and of each severity the most urgent first."""

    items: list[AttentionItem]
    left_out: list[LeftOut] = Field(
        description="The kinds of which more are wrong than are here; none if all are here.",
    )
    awaiting_address: int = Field(
        description="How many invoices were requested less than a minute ago and are not opened yet, so that their "
        "buyers have no address; if that lasts they are listed.",
    )
    elsewhere: dict[Literal["open", "snoozed", "closed"], int] = Field(
        description="How many of those that were found are in the other states.",
    )


class ActionList(FrozenModel):
    """What people did, newest first."""

    actions: list[ActionItem]


@get(
    "/attention",
    summary="What needs a person",
    middleware=COMPRESSED,
    description=(
        "Payments, payouts, webhooks, transfers and chains that do not go on by themselves, what is critical first "
        "and of each severity the most urgent, each with what can be done about it, but for what was settled or "
        "dismissed. Of each kind the first 200, of transfers as many as are asked for, the largest of each token "
        "first; `leftOut` says of which there are more. What somebody has snoozed or closed is listed only where it "
        "is asked for (`state`)."
    ),
)
async def get_attention(
    journal: GivenJournal,
    chains: GivenChains,
    opener: GivenInvoiceOpener,
    sender: GivenPayoutSender,
    refund_address_wait: GivenRefundAddressWait,
    severities: GivenSeverities,
    provider_alarms: GivenProviderAlarms,
    transfers: Annotated[
        int, QueryParameter(ge=1, le=TRANSFERS_LIMIT, description="How many unmatched transfers at most.")
    ] = SHOWN,
    standing: Annotated[
        Literal["open", "snoozed", "closed", "all"],
        QueryParameter(name="state", description="Only what stands so."),
    ] = "open",
    assigned_to: Annotated[
        Id | None, QueryParameter(name="assignedTo", description="Only what this person sees to.")
    ] = None,
    unassigned: Annotated[bool, QueryParameter(description="Only what nobody sees to.")] = False,
) -> AttentionList:
    link, now = explorer_links(chains), journal.clock()
    found = await needs_a_person(
        journal, refund_address_wait, opener, sender, provider_alarms=provider_alarms(), transfers=transfers
    )
    unopened = await journal.console.count_without_address(now - ADDRESS_EXPECTED_WITHIN)
    left_out = _left_out(found, await _counts_of_payments(journal, unopened), transfers)
    known = await journal.alerts.alerts(now)
    worst_first = sorted(found, key=lambda one: severities.of(one.kind).rank)
    listed = [attention_item(one, link, seen(known.get(one.key), one, now), severities, now) for one in worst_first]
    wanted = [one for one in listed if _is_seen_to(one, assigned_to, unassigned=unassigned)]
    return AttentionList(
        items=[one for one in wanted if standing in (one.state, "all")],
        left_out=left_out,
        awaiting_address=unopened.recent,
        elsewhere=Counter(one.state for one in wanted if standing not in (one.state, "all")),
    )


def _is_seen_to(item: AttentionItem, assigned_to: str | None, *, unassigned: bool) -> bool:
    if unassigned and item.assigned_to is not None:
        return False
    return assigned_to is None or item.assigned_to == assigned_to


async def _counts_of_payments(journal: Journal, unopened: UnopenedCounts) -> Mapping[Kind, int]:
    """How many payments need a person, by kind: those that lack an address as well."""
    return {**await journal.console.problem_counts(), AttentionKind.WITHOUT_ADDRESS: unopened.overdue}


def _left_out(listed: Sequence[Attention], wrong: Mapping[Kind, int], transfers: int) -> list[LeftOut]:
    """The kinds of which not all are listed: of payments they are counted, of all else it is known that as many were
    found as are looked for."""
    shown = Counter(one.kind for one in listed)
    more = [LeftOut(kind=kind, count=count - shown[kind]) for kind, count in wrong.items() if count > shown[kind]]
    asked_for = {AttentionKind.TRANSFER_UNMATCHED: transfers}
    others = [
        kind
        for kind, count in shown.items()
        if kind not in wrong and isinstance(kind, AttentionKind) and count >= asked_for.get(kind, SHOWN)
    ]
    return more + [LeftOut(kind=kind, count=None) for kind in others]


async def needs_a_person(
    journal: Journal,
    refund_address_wait: timedelta,
    opener: InvoiceOpener | None = None,
    sender: PayoutSender | None = None,
    *,
    provider_alarms: Sequence[Attention] = (),
    transfers: int = SHOWN,
) -> list[Attention]:
    """What does not go on by itself and was not dismissed, most urgent first. `refund_address_wait` is how long a
    buyer has to say where a refund goes. The opener knows what is wrong with a provider that does not open invoices,
    the sender which providers can send money back; `provider_alarms` are of providers that are not set up, or cannot
    be asked."""
    troubled = await journal.console.troubled_payments()
    others = await _besides_problems(journal, refund_address_wait, opener, provider_alarms, transfers)

    def items() -> list[Attention]:
        return attention.most_urgent_first([*_of_payments(troubled, sender), *others])

    return await asyncio.to_thread(items)


async def all_that_needs_a_person(
    journal: Journal, refund_address_wait: timedelta, provider_alarms: Callable[[], Sequence[Attention]] = tuple
) -> NeedsAPerson:
    """The same, with the kinds of which there are more."""
    found = await needs_a_person(journal, refund_address_wait, provider_alarms=provider_alarms())
    unopened = await journal.console.count_without_address(journal.clock() - ADDRESS_EXPECTED_WITHIN)
    left_out = _left_out(found, await _counts_of_payments(journal, unopened), SHOWN)
    return NeedsAPerson(found, {one.kind for one in left_out})


async def count_by_kind(
    journal: Journal, refund_address_wait: timedelta, provider_alarms: Sequence[Attention]
) -> Mapping[Kind, int]:
    """How many need a person, of every kind there is."""
    counts: Counter[Kind] = Counter(dict.fromkeys(attention.BY_URGENCY, 0))
    counts.update(item.kind for item in await _besides_problems(journal, refund_address_wait, None, provider_alarms))
    unopened = await journal.console.count_without_address(journal.clock() - ADDRESS_EXPECTED_WITHIN)
    return {**counts, **await _counts_of_payments(journal, unopened)}


async def _besides_problems(
    journal: Journal,
    refund_address_wait: timedelta,
    opener: InvoiceOpener | None,
    provider_alarms: Sequence[Attention],
    transfers_shown: int = SHOWN,
) -> list[Attention]:
    """What does not go on by itself, besides what is wrong with payments."""
    now = journal.clock()
    found = await journal.console.for_a_person(now, now - ADDRESS_EXPECTED_WITHIN)
    transfers = await journal.chains.unmatched_transfers(transfers_shown + len(found.dismissed_at))
    alarms = await journal.chains.alarms(None)
    states = await journal.alerts.states()
    refunds = await journal.refunds.without_address(now - refund_address_wait)
    wallets = await journal.wallets.last()
    unreadable = await journal.unreadable.rows(SHOWN)
    prices = await journal.prices.unusable()
    latest = await journal.console.latest_time()
    said = {} if opener is None else await _said_of_coins(opener, found.without_address)

    def items() -> list[Attention]:
        wrong = [*_of_journal(found, now, said), *map(_of_alarm, alarms), *provider_alarms]
        wrong += [_of_transfer(one, rank) for rank, one in enumerate(transfers)]
        wrong += [refund_without_address(refund, refund_address_wait) for refund in refunds]
        wrong += _of_alerts(states)
        wrong += filter(None, map(wallet_attention, wallets.values()))
        wrong += filter(None, (clock_wrong(now, latest, refused_webhooks.trouble()),))
        wrong += [row_unreadable(*one.row[:4], one.found_at) for one in unreadable]
        wrong += prices_unusable(prices)
        return attention.not_dismissed(wrong, found.dismissed_at)

    return await asyncio.to_thread(items)


async def _said_of_coins(opener: InvoiceOpener, unopened: Sequence[UnopenedInvoice]) -> Mapping[tuple[str, str], str]:
    """What keeps providers from opening invoices in some coins, by provider and coin."""
    ways = {(one.invoice.wanted.provider, one.invoice.wanted.coin) for one in unopened}
    said = {way: await opener.trouble_with(*way) for way in sorted(ways)}
    return {way: trouble for way, trouble in said.items() if trouble is not None}


@get("/actions", summary="What people did", middleware=COMPRESSED)
async def list_actions(
    journal: GivenJournal, limit: Annotated[int, QueryParameter(ge=1, le=ACTIONS_LIMIT)] = 100
) -> ActionList:
    return ActionList(actions=[action_item(action) for action in await journal.console.actions(limit)])


def _of_payments(troubled: Sequence[TroubledPayment], sender: PayoutSender | None) -> Iterator[Attention]:
    for one in troubled:
        can_send_back = sender is not None and sender.pays_buyers_of(one.payment.provider)
        wrong = payment_attention(one.payment, one.problems_at, can_send_back=can_send_back)
        yield from (item for item in wrong if item.kind in one.kinds)


def _of_journal(found: ForAPerson, now: datetime, said: Mapping[tuple[str, str], str]) -> Iterator[Attention]:
    for one in found.without_address:
        wanted = one.invoice.wanted
        yield without_address(one.invoice, said.get((wanted.provider, wanted.coin)), one.refused)
    if found.payout_holds:
        said_by = [(hold.held_by, hold.note) for hold in found.payout_holds]
        yield attention.payouts_held(min(hold.held_at for hold in found.payout_holds), said_by)
    history = found.history
    if history is not None and history.beginning is not Beginning.NEW:
        yield journal_rewound(
            history.epoch,
            history.beginning,
            history.evidence,
            history.began_at,
            history.last_commit_at,
            history.comparison,
            is_compared=history.compared_at is not None,
            missing_decisions=history.missing_decisions,
        )
    for forgotten in found.forgotten_payouts:
        yield forgotten_payout(forgotten.payout, forgotten.found_at)
    for listed in found.payouts:
        wrong = payout_attention(listed.payout, listed.updated_at, now)
        if wrong is not None:
            yield wrong
    for endpoint in found.endpoints:
        yield from endpoint_attention(endpoint)
    yield from map(_of_webhook, found.unreadable_webhooks)
    for waiting in found.unmatched_webhooks:
        name = waiting_name(waiting.observation_id)
        yield attention.unmatched_webhook(
            name,
            waiting.provider,
            waiting.external_id,
            waiting.count,
            waiting.received_at,
            waiting.last_received_at,
        )


def _of_webhook(webhook: StoredWebhook) -> Attention:
    name = stored_webhook_name(webhook.webhook_id)
    if webhook.reason == NOT_ASKED_FOR:
        return attention.foreign_payout(name, webhook.provider, webhook.received_at)
    return attention.unreadable_webhook(name, webhook.provider, webhook.reason, webhook.received_at)


def _of_transfer(unmatched: UnmatchedTransfer, rank: int) -> Attention:
    transfer = unmatched.transfer
    return attention.unmatched_transfer(
        transfer.chain,
        transfer.tx_hash,
        f"{format_amount(transfer.amount)} {transfer.symbol}",
        transfer.sender,
        transfer.recipient,
        transfer.reason,
        transfer.mined_at,
        rank=rank,
        smaller=unmatched.smaller,
        newest_at=unmatched.newest_at,
        # A transaction may carry several, of which one is dismissed alone.
        place="" if unmatched.is_alone else transfer.place,
        payout_id=paid_already(transfer.reason),
    )


def _of_alerts(states: Sequence[DestinationState]) -> Iterator[Attention]:
    for one in states:
        if one.is_undelivered and one.failing_since is not None:
            yield attention.alerts_undelivered(one.destination, one.problem or "it fails", one.failing_since)


def _of_alarm(alarm: ChainAlarm) -> Attention:
    if alarm.kind == "unfollowed":
        return coin_unfollowed(alarm.chain, alarm.message, alarm.raised_at)
    of_blocks = {"contradicted": attention.chain_contradicted, "unread": attention.chain_read_by_one}
    describe = of_blocks.get(alarm.kind, attention.chain_alarm)
    return describe(alarm.chain, alarm.block_number, alarm.message, alarm.raised_at)
