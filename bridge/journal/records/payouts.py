"""The payouts' part of the journal: what is ordered, what is known of it, and how it goes on."""

import functools
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from bridge.journal.queries import payouts as payout_queries
from bridge.journal.queries.readers import Read
from bridge.journal.records.nodes import NodeRecords
from bridge.journal.requests import network_fees
from bridge.journal.requests.payments import SOME_IDS, IdempotencyKey, made_before
from bridge.journal.requests.payouts import attempts, recording, registration
from bridge.journal.tables.unreadable_rows import UnreadableRow, all_read
from bridge.journal.wakeups import SENDING_PAYOUTS
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.payment_log import log_payout
from bridge.journal.writing.writer import Submit
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.facts import NetworkFee
from coordinator.payouts.observations import PayoutObservation
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import Naming, whose_name
from coordinator.payouts.statuses import PayoutStatus

__all__ = ["PayoutRecords"]


class PayoutRecords:
    """Payouts, from their registration to their end. Writing raises JournalUnavailableError."""

    def __init__(self, read: Read, submit: Submit, nodes: NodeRecords) -> None:
        self._read = read
        self._submit = submit
        self._nodes = nodes

    async def register(
        self,
        payouts: Sequence[Payout],
        idempotency: IdempotencyKey | None = None,
        *,
        rules: PayoutRules | None,
        another: bool = False,
        known: Mapping[str, Sequence[PayoutObservation]] | None = None,
        doubts: Mapping[str, Sequence[str]] | None = None,
        payment_hashes: Mapping[str, str] | None = None,
    ) -> registration.RegisteredPayouts:
        """Registers payouts, all of them or none; with `another` also for payments that are paid out already. `rules`
        say which of them have to be approved first; None, that none has. `known` is what is known already of those
        that are sent elsewhere, by their ids, and `doubts` are why others have to be approved, whatever the rules;
        `payment_hashes` name the payments of those that go to invoices, which are paid once.

        Raises PayoutRefusedError and IdempotencyKeyReusedError.
        """
        return await self._submit(
            functools.partial(
                registration.register_payouts,
                payouts=payouts,
                idempotency=idempotency,
                rules=rules,
                another=another,
                known=known or {},
                doubts=doubts or {},
                payment_hashes=payment_hashes or {},
            )
        )

    async def made_with(self, idempotency: IdempotencyKey) -> Sequence[str] | None:
        """The ids of the payouts that were made with a key; None if there are none yet. Raises
        IdempotencyKeyReusedError."""
        return await self._submit(lambda batch: made_before(batch, idempotency, SOME_IDS))

    async def name(self, payout_ids: Sequence[str]) -> dict[str, Naming]:
        """What each of some payouts would be asked for by at this moment; nothing of those that have to wait."""
        return await self._submit(lambda batch: attempts.name_payouts(batch, payout_ids))

    async def begin_attempts(self, names: Mapping[str, str], *, rules: PayoutRules | None) -> dict[str, Payout]:
        """Writes down that a provider is about to be asked to send payouts in one order, each by its name; those that
        are not returned must not be asked for: none is where another bridge sends payouts by now. `rules` as they
        are by now, of `register`."""

        def request(batch: Batch) -> dict[str, Payout]:
            if not self._nodes.holds(batch, SENDING_PAYOUTS):
                return {}
            return attempts.begin_attempts(batch, names, rules)

        return await self._submit(request)

    async def record_outcomes(self, outcomes: Sequence[attempts.Outcome]) -> None:
        """Writes down what came of an order."""
        for recorded in await self._submit(lambda batch: attempts.record_outcomes(batch, outcomes)):
            if recorded.moved:
                log_payout(recorded.payout)

    async def record_interruption(self, payout_id: str, attempt: int, reason: str) -> None:
        """Writes down that nobody will learn any more what came of an attempt, unless somebody has, or another bridge
        sends payouts by now, which may be waiting for that answer."""

        def request(batch: Batch) -> None:
            if self._nodes.holds(batch, SENDING_PAYOUTS):
                attempts.record_interruption(batch, payout_id, attempt, reason)

        await self._submit(request)

    async def record_observation(
        self,
        payout_id: str,
        key: str,
        observation: PayoutObservation,
        *,
        only_if: Collection[PayoutStatus] | None = None,
    ) -> recording.RecordedPayout:
        """Writes down what was observed of a payout, moves it and its payment's escrow, and appends the events;
        nothing of it unless the payout has one of the statuses `only_if`, where they are given."""
        recorded = await self._submit(
            functools.partial(
                recording.record_payout_observation,
                payout_id=payout_id,
                key=key,
                observation=observation,
                only_if=only_if,
            )
        )
        if recorded.moved:
            log_payout(recorded.payout)
        return recorded

    async def record_observations(
        self, payout_id: str, observations: Sequence[recording.KeyedObservation]
    ) -> recording.RecordedPayout:
        """Writes down what was reported of a payout in one go, each after its key."""
        recorded = await self._submit(
            lambda batch: recording.record_payout_observations(batch, payout_id, observations)
        )
        if recorded.moved:
            log_payout(recorded.payout)
        return recorded

    async def record_network_fees(self, payout_id: str, reported: Mapping[str, NetworkFee] | str) -> None:
        """Writes down what the network took for each transaction of a payout, or why nobody says."""
        await self._submit(
            functools.partial(network_fees.record_network_fees, payout_id=payout_id, reported=reported)
        )

    # Looking up

    async def called(self, provider: str, external_id: str, coin: str | None) -> Payout | None:
        """The payout that a provider tells of by this name, in a coin where it says so."""
        called = await self._read(payout_queries.payouts_called, provider, external_id)
        return whose_name(called, external_id, coin)

    async def records(self, payout_ids: Sequence[str]) -> list[payout_queries.PayoutRecord]:
        """Those of the payouts that there are, oldest first. Raises UnreadableRowError."""
        return all_read(await self._read(payout_queries.payout_records, payout_ids))

    async def of_payment(self, payment_id: str) -> list[payout_queries.PayoutRecord | UnreadableRow]:
        """The payouts of a payment, oldest first."""
        return await self._read(payout_queries.payment_payouts, payment_id)

    async def is_any_unanswered(self) -> bool:
        """Whether a provider was asked to send a payout, and no answer is written down."""
        return await self._read(payout_queries.is_any_unanswered)

    async def count_overdue(self, now: datetime) -> int:
        """How many are not settled although they should be."""
        return await self._read(payout_queries.count_overdue, now)

    async def to_follow(self, *, after: Payout | None = None, failed_since: datetime, limit: int) -> list[Payout]:
        """Payouts that are not settled and wait for nobody's approval, and those that failed no longer ago than that,
        those of one batch together: each page `after` the last one of the page before."""
        return await self._read(payout_queries.payouts_to_follow, after, failed_since, limit)

    async def without_network_fee(self, *, after: str, limit: int) -> list[payout_queries.WithoutNetworkFee]:
        """Those of which it is to be found out what the network took, in order of their ids."""
        return await self._read(payout_queries.payouts_without_network_fee, after, limit)
