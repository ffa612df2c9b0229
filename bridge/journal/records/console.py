"""The console's part of the journal: what finance ops look up, and what they have done."""

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bridge.journal.queries import console as console_queries
from bridge.journal.queries import problems as problem_queries
from bridge.journal.queries.console import ConsoleFilter, ListedPayment, ListedPayout, PageEnd
from bridge.journal.queries.dated_notices import DatedNotice, dated_notices
from bridge.journal.queries.endpoints import endpoints
from bridge.journal.queries.histories import ForgottenRow, forgotten_payouts
from bridge.journal.queries.payments import latest_time
from bridge.journal.queries.readers import Read
from bridge.journal.queries.transactions import payments_named
from bridge.journal.queries.under_way import UnderWay, under_way
from bridge.journal.queries.waiting_at_providers import something_waiting_at, unasked_at, waiting_at_others
from bridge.journal.requests import console as console_requests
from bridge.journal.requests import holds as hold_requests
from bridge.journal.requests.console import Replayed
from bridge.journal.requests.holds import ResumedPayouts
from bridge.journal.requests.payments import IdempotencyKey
from bridge.journal.requests.payouts.recording import KeyedObservation
from bridge.journal.tables.rows import JournaledEvent
from bridge.journal.tables.unreadable_rows import UnreadableRow
from bridge.journal.writing.histories import HistoryRecord, histories
from bridge.journal.writing.staged.actions import DISMISS, Action
from bridge.journal.writing.staged.holds import payout_holds
from bridge.journal.writing.writer import Submit
from coordinator.attention.items import Kind
from coordinator.attention.unconfigured import AtProvider
from coordinator.attention.unreachable import Unasked
from coordinator.endpoints.endpoints import Endpoint
from coordinator.payments.observed.observations import Observation
from coordinator.payouts.holds import PayoutHold, Resumption
from coordinator.payouts.payouts import Payout
from coordinator.payouts.resolution import ResolutionOutcome

__all__ = ["ConsoleRecords", "ForAPerson"]


@dataclass(frozen=True, slots=True)
class ForAPerson:
    """What the journal knows that does not go on by itself, besides what is wrong with payments."""

    payouts: Sequence[ListedPayout]
    unreadable_webhooks: Sequence[console_queries.StoredWebhook]
    unmatched_webhooks: Sequence[console_queries.UnmatchedWebhook]
    without_address: Sequence[problem_queries.UnopenedInvoice]
    """Invoices that are to be paid, and that no provider has opened."""
    payout_holds: Sequence[PayoutHold]
    """That no payout is sent."""
    history: HistoryRecord | None
    """The present one."""
    forgotten_payouts: Sequence[ForgottenRow]
    """Payouts that a provider has in its books and the journal has forgotten."""
    endpoints: Sequence[Endpoint]
    """All of them, with whatever is wrong with some."""
    dismissed_at: Mapping[str, datetime]
    """What people took off their list, by what it is called there; it is among the others as well."""


class ConsoleRecords:
    """What finance ops look up and write down. Writing raises JournalUnavailableError."""

    def __init__(self, read: Read, submit: Submit) -> None:
        self._read = read
        self._submit = submit

    async def waiting_at_others(
        self, *, asked: Collection[str], sending: Collection[str], expired_since: datetime
    ) -> list[AtProvider]:
        """What waits at other providers than those that are asked about payments, and than those that send payouts;
        also payments that expired no longer ago than that."""
        return await self._read(waiting_at_others, asked=asked, sending=sending, expired_since=expired_since)

    async def something_waiting_at(self, provider: str) -> tuple[str | None, str | None]:
        """Of what waits at a provider its name of a payment, and the coin of a payout."""
        return await self._read(something_waiting_at, provider)

    async def unasked_at(self, provider: str, since: datetime) -> Unasked:
        """What waits for a provider that cannot be asked since then."""
        return await self._read(unasked_at, provider, since)

    async def dated_notices(self, provider: str) -> Sequence[DatedNotice]:
        """The first of each transfer among a provider's newest notices, newest first."""
        return await self._read(dated_notices, provider)

    async def under_way(self) -> UnderWay:
        """How many payments and payouts are under way, by status."""
        return await self._read(under_way)

    # Looking up

    async def payments(
        self, wanted: ConsoleFilter, after: PageEnd | None, limit: int
    ) -> list[ListedPayment | UnreadableRow]:
        """The payments that a filter wants, newest first, from a place on."""
        return await self._read(console_queries.listed_payments, wanted, after, limit)

    async def payouts(
        self, wanted: ConsoleFilter, after: PageEnd | None, limit: int
    ) -> list[ListedPayout | UnreadableRow]:
        """The payouts that a filter wants, newest first, from a place on."""
        return await self._read(console_queries.listed_payouts, wanted, after, limit)

    async def total(self, kind: Literal["payments", "payouts"], wanted: ConsoleFilter) -> int:
        """How many a filter wants; TOTAL_LIMIT if they are that many or more."""
        return await self._read(console_queries.total, kind, wanted)

    async def payment(self, payment_id: str) -> ListedPayment | None:
        return await self._read(console_queries.listed_payment, payment_id)

    async def payout(self, payout_id: str) -> ListedPayout | None:
        return await self._read(console_queries.listed_payout, payout_id)

    async def latest_time(self) -> datetime | None:
        """The latest time that a payment, or the last event, bears."""
        return await self._read(latest_time)

    async def for_a_person(self, now: datetime, wanted_before: datetime) -> ForAPerson:
        """What does not go on by itself; `wanted_before` is when an invoice was wanted that should be open by now."""
        dismissed_at = await self._read(console_queries.dismissals)
        limit = console_queries.SHOWN_LIMIT + len(dismissed_at)
        return ForAPerson(
            await self._read(console_queries.payouts_for_a_person, now, limit),
            await self._read(console_queries.unreadable_webhooks, limit),
            await self._read(console_queries.unmatched_webhooks, limit),
            await self._read(problem_queries.without_address, wanted_before, console_queries.SHOWN_LIMIT),
            await self.payout_holds(),
            next(iter(await self._read(histories, 1)), None),
            await self._read(forgotten_payouts),
            await self._read(endpoints),
            dismissed_at,
        )

    async def troubled_payments(self) -> list[problem_queries.TroubledPayment]:
        """The payments with which something is wrong that nobody has settled, of each kind up to a limit."""
        return await self._read(problem_queries.troubled_payments, console_queries.SHOWN_LIMIT)

    async def problem_counts(self) -> Mapping[Kind, int]:
        """How many payments need a person, by kind."""
        return await self._read(problem_queries.problem_counts)

    async def count_without_address(self, wanted_before: datetime) -> problem_queries.UnopenedCounts:
        """How many invoices are to be paid, and no provider has opened them; those that are wanted since before that
        are overdue."""
        return await self._read(problem_queries.count_without_address, wanted_before)

    async def payment_events(self, payment_id: str) -> list[JournaledEvent]:
        """The events about a payment and its payouts, in order, as far as they are stored."""
        return await self._read(console_queries.payment_events, payment_id)

    async def stored_webhook(self, webhook_id: int) -> console_queries.StoredWebhook | None:
        return await self._read(console_queries.stored_webhook, webhook_id)

    async def waiting_observation(self, observation_id: int) -> tuple[str, str | None] | None:
        """The provider's name for what an observation is about, and the payment that it was applied to, if it was."""
        return await self._read(console_queries.waiting_observation, observation_id)

    async def actions(self, limit: int) -> list[Action]:
        """What people did, newest first."""
        return await self._read(console_queries.actions, limit)

    async def actions_concerning(self, identifier: str) -> list[Action]:
        """What people did about one payment or payout, oldest first."""
        return await self._read(console_queries.actions_concerning, identifier)

    # Writing

    async def add_action(
        self, action: str, subject: str, outcome: str, *, by: str, concerns: str | None = None
    ) -> Action:
        """Writes down what somebody did that changed nothing."""
        return await self._submit(
            functools.partial(
                console_requests.add_action, action=action, subject=subject, outcome=outcome, by=by, concerns=concerns
            )
        )

    async def dismiss(self, key: str, *, by: str, note: str | None = None, payment_id: str | None = None) -> Action:
        """Takes something off the list of what needs a person, by what it is called there; `payment_id` if it is
        something that is wrong with a payment."""
        outcome = "taken off the list" if note is None else f"taken off the list: {note}"
        return await self.add_action(DISMISS, key, outcome, by=by, concerns=payment_id)

    async def replay_payment_webhook(
        self,
        webhook_id: int,
        *,
        name: str,
        by: str,
        provider: str,
        external_id: str,
        key: str,
        observation: Observation,
    ) -> Replayed:
        """Takes a stored webhook as if it came now; it counts once, however often it comes and is replayed.
        `name` is what the action's record calls it."""
        return await self._submit(
            functools.partial(
                console_requests.replay_payment_webhook,
                webhook_id=webhook_id,
                name=name,
                by=by,
                provider=provider,
                external_id=external_id,
                key=key,
                observation=observation,
            )
        )

    async def replay_payout_webhook(
        self, webhook_id: int, *, name: str, by: str, payout_id: str, observations: Sequence[KeyedObservation]
    ) -> Replayed:
        """As `replay_payment_webhook`, for one that tells of a payout that is registered."""
        return await self._submit(
            functools.partial(
                console_requests.replay_payout_webhook,
                webhook_id=webhook_id,
                name=name,
                by=by,
                payout_id=payout_id,
                observations=observations,
            )
        )

    async def payout_holds(self) -> Sequence[PayoutHold]:
        """All that hold payouts, people before the bridge; none if payouts are sent."""
        return await self._read(payout_holds)

    async def hold_payouts(
        self, *, by: str, note: str | None, service: str | None = None
    ) -> tuple[Sequence[PayoutHold], Action | None]:
        """Has no payout sent from this moment on; `service` is who places the hold, unless a person does. Returns all
        that hold them; no action if that was said before. Raises HoldsExhaustedError."""
        return await self._submit(functools.partial(hold_requests.hold_payouts, by=by, note=note, service=service))

    async def resume_payouts(
        self, resumption: Resumption, idempotency: IdempotencyKey | None = None
    ) -> ResumedPayouts:
        """Ends holds, after which what waits is sent if no other is left. Raises HoldsUnseenError, HeldByOthersError,
        ComparisonOpenError and IdempotencyKeyReusedError."""
        return await self._submit(
            functools.partial(hold_requests.resume_payouts, resumption=resumption, idempotency=idempotency)
        )

    async def record_recheck(
        self,
        payout_id: str,
        *,
        by: str,
        observations: Sequence[KeyedObservation],
        before: Payout,
        problems: Sequence[str] = (),
    ) -> tuple[Payout, Action]:
        """Writes down what a provider said of a payout when somebody had it asked; `before` is how the payout stood
        then, `problems` what kept others from answering."""
        return await self._submit(
            functools.partial(
                console_requests.record_recheck,
                payout_id=payout_id,
                by=by,
                observations=observations,
                before=before,
                problems=problems,
            )
        )

    async def record_resolution(
        self,
        payout_id: str,
        outcome: ResolutionOutcome,
        tx_hash: str | None,
        *,
        by: str,
        through: str | None = None,
        note: str | None = None,
        provider_knows: bool = False,
        for_several: bool = False,
    ) -> tuple[Payout, Action]:
        """Writes down what somebody found out about a payout, or a service tells for them (`through`). Raises
        NothingToResolveError, TransactionWrongError and TransactionTakenError."""
        named = [] if tx_hash is None else await self._read(payments_named, tx_hash)
        return await self._submit(
            functools.partial(
                console_requests.record_resolution,
                payout_id=payout_id,
                outcome=outcome,
                tx_hash=tx_hash,
                by=by,
                through=through,
                note=note,
                provider_knows=provider_knows,
                for_several=for_several,
                named=named,
            )
        )
