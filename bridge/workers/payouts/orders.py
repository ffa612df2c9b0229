"""Orders to send payouts, given to a provider one at a time in each coin, and their results. No payout is asked for
twice.

The journal records that an attempt begins, and under what name the payout is asked for, before the provider is asked;
while payouts are held none begins. An attempt that is found without an outcome, after a crash or a broken connection,
is only looked up. The provider is asked first whether it knows the name: its books outlive a journal that was
restored from a backup.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import Counter

from bridge.journal import Journal, observation_key
from bridge.workers.payouts.books import PayoutBooks
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.observations import (
    PayoutBooked,
    PayoutFailed,
    PayoutNamePassedOn,
    PayoutNotAsked,
    PayoutObservation,
    PayoutPutOff,
    PayoutUnclear,
    PayoutWithheld,
)
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import Naming
from coordinator.waits import backoff
from providers.availability import UnansweredError
from providers.contract import PayoutGateway
from providers.errors import ProviderError, RefusedTogetherError

__all__ = ["Order", "PayoutOrders", "names_of"]

logger = logging.getLogger("bridge.payouts")

Order = Sequence[Payout]
"""Payouts in one coin that are asked for in one request."""

# A provider or a wallet that is away is tried again within seconds, and within a minute when it was for long.
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=1)
# An order about which a provider does not answer, while it answers otherwise, is tried again ever later.
LONGEST_WAIT_ALONE = timedelta(minutes=10)
# What lasts for longer a person should know.
REPORTED_AFTER = timedelta(minutes=1)
KNOWN_BEFORE = PayoutUnclear(
    reason="the provider had this payout in its books before it was asked for; was the journal restored?"
)
ASKED = Counter("bridge_payout_attempts", "Attempts to have a payout sent, by outcome", ["provider", "outcome"])


def names_of(payouts: Sequence[Payout]) -> str:
    """For a line of the log."""
    return ", ".join(payout.payout_id for payout in payouts)


@dataclass(frozen=True, slots=True)
class _PutOff:
    """That a coin, or one order, is not tried for a moment, because nothing could be asked for."""

    failures: int
    """How often in a row."""
    since: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class _Name:
    """What is needed to ask for a payout."""

    external_id: str
    is_known: bool
    """Whether the provider has it in its books already."""


def _name(payout: Payout) -> str:
    """Of one that is being asked for."""
    if payout.external_id is None:
        raise LookupError(f"{payout.payout_id} was given no name")
    return payout.external_id


class PayoutOrders:
    """The orders of one queue: of one coin, or of all coins that share a wallet, through one provider.

    One after the other, because SHKeeper checks whether it knows a payout of this coin and then sends it, so two
    requests at the same moment could both pass. Queues do not wait for each other, and within one no coin waits for
    another's daemon.
    """

    def __init__(
        self, journal: Journal, gateway: PayoutGateway, books: PayoutBooks, rules: PayoutRules | None
    ) -> None:
        self._journal = journal
        self._rules = rules
        self._gateway = gateway
        self._books = books
        self._put_offs: dict[str, _PutOff] = {}
        """By coin: if several share a wallet one may fail, and the others go on."""
        self._alone: dict[str, _PutOff] = {}
        """By the first payout of an order: its provider does not answer about that one, and does about others."""
        self.asking: frozenset[str] = frozenset()
        """The payouts that may be asked for now."""
        self.given = 0
        """How many orders were begun: whoever decided that it is a coin's turn sees whether others went first."""
        self._one_at_a_time = asyncio.Lock()
        self._is_last = False
        self._waiting: frozenset[str] = frozenset()
        """The payouts that the log has already reported as waiting for others."""

    @property
    def is_giving(self) -> bool:
        """Whether an order is being given now."""
        return self._one_at_a_time.locked()

    def waits(self, coin: str) -> bool:
        """Whether nothing is asked for in a coin for a moment, because that failed."""
        put_off = self._put_offs.get(coin)
        return put_off is not None and self._journal.steady() < put_off.until

    def is_put_off(self, order: Order) -> bool:
        """Whether an order is not given for a moment, for its coin's sake or its own."""
        put_off = self._alone.get(order[0].payout_id)
        is_alone = put_off is not None and self._journal.steady() < put_off.until
        return is_alone or self.waits(order[0].coin)

    def give_no_more(self) -> None:
        """Makes the order that is being given the last one."""
        self._is_last = True

    async def give(self, orders: Sequence[Order], given: int) -> None:
        """Gives orders in one coin until one of them cannot be given; the rest is for another time. It was the
        coin's turn when so many were `given`: once another coin went first, it no longer is."""
        coin = orders[0][0].coin
        for order in orders:
            try:
                # A daemon that hangs takes half a minute, in which others of its wallet may go first.
                await self._gateway.check(coin)
                async with self._one_at_a_time:
                    if self.given != given:
                        return
                    try:
                        names = await self._names(order)
                    except UnansweredError as error:
                        await self._say_why(order, self._put_off_alone(order, error))
                        continue
                    if self._is_last:
                        return
                    self.given = given = given + 1
                    goes_on = await self._give(order, names) or await self._may_go_on()
            except ProviderError as error:
                self._put_off(order, error)
                goes_on = False
            if self.waits(coin):
                await self._say_why(order, self._put_offs[coin])
                return
            self._put_offs.pop(coin, None)
            self._alone.pop(order[0].payout_id, None)
            if not goes_on:
                return

    async def _may_go_on(self) -> bool:
        return not await self._journal.console.payout_holds()

    def _put_off(self, order: Order, error: ProviderError) -> None:
        coin = order[0].coin
        self._put_offs[coin] = self._longer(self._put_offs.get(coin), error, LONGEST_WAIT)
        logger.warning("%s is not asked for yet: %s", names_of(order), error)

    def _put_off_alone(self, order: Order, error: UnansweredError) -> _PutOff:
        first, now = order[0].payout_id, self._journal.steady()
        put_off = self._longer(self._alone.get(first), error, LONGEST_WAIT_ALONE)
        # One that was taken back meanwhile is not tried any more.
        still_waiting = {one: known for one, known in self._alone.items() if known.until > now - LONGEST_WAIT_ALONE}
        self._alone = {**still_waiting, first: put_off}
        logger.warning("%s is not asked for yet: %s", names_of(order), error)
        return put_off

    def _longer(self, before: _PutOff | None, error: ProviderError, longest: timedelta) -> _PutOff:
        now = self._journal.steady()
        failures, since = (0, now) if before is None else (before.failures, before.since)
        wait = backoff(FIRST_WAIT, failures + 1, longest)
        return _PutOff(failures + 1, since, now + wait, str(error))

    async def _say_why(self, order: Order, put_off: _PutOff) -> None:
        """Writes down why an order has not been given for so long, where that is news."""
        if self._journal.steady() - put_off.since < REPORTED_AFTER:
            return
        seen = PayoutPutOff(at=self._journal.clock(), reason=f"it is not asked for yet: {put_off.reason}")
        for payout in order:
            if payout.delayed_by is None or payout.delayed_by.reason != seen.reason:
                await self._journal.payouts.record_observation(payout.payout_id, observation_key(seen), seen)

    async def _names(self, order: Order) -> Mapping[str, _Name]:
        """What is needed to ask for each payout, without those that have to wait. Raises ProviderError."""
        names: dict[str, _Name] = {}
        for payout in order:
            await self._books.compare_before_sending(payout.payment_id)
            while (naming := await self._naming(payout)) is not None:
                is_known = await self._gateway.knows_payout(naming.external_id, payout.coin)
                if naming.takes_over and not is_known and payout.facts.approved is None:
                    # Whether it may leave was not checked, since it had left.
                    gone = PayoutWithheld(
                        reasons=(f"{payout.provider} had it as {naming.external_id}, and has not now",)
                    )
                    await self._journal.payouts.record_observation(payout.payout_id, "taken-over:gone", gone)
                    break
                if naming.is_new and is_known:
                    logger.error(
                        "%s is not asked for: %s has %s in its books, and nobody here asked for that; a person has"
                        " to look, on the list of what needs one",
                        payout.payout_id,
                        payout.provider,
                        naming.external_id,
                    )
                    await self._books.note_unasked(payout, naming.external_id)
                    break
                if naming.is_anothers and not is_known:
                    left = PayoutNamePassedOn(external_id=naming.external_id)
                    key = f"passed-on:{naming.external_id}"
                    await self._journal.payouts.record_observation(payout.payout_id, key, left)
                    continue
                if not is_known or naming.arrived is None:
                    names[payout.payout_id] = _Name(naming.external_id, is_known)
                    break
                booked = PayoutBooked(external_id=naming.external_id)
                await self._journal.payouts.record_observation(naming.arrived, observation_key(booked), booked)
        return names

    async def _naming(self, payout: Payout) -> Naming | None:
        naming = (await self._journal.payouts.name([payout.payout_id])).get(payout.payout_id)
        if naming is None and payout.payout_id not in self._waiting:
            logger.warning(
                "%s is not asked for yet: of %s it is not known what became of earlier payouts of its payment, or"
                " the journal had forgotten some of them",
                payout.payout_id,
                payout.provider,
            )
        self._waiting = self._waiting | {payout.payout_id} if naming is None else self._waiting - {payout.payout_id}
        return naming

    async def _give(self, order: Order, names: Mapping[str, _Name]) -> bool:
        """Returns whether any of it was given."""
        self.asking = frozenset(payout.payout_id for payout in order)
        try:
            asked_by = {payout_id: name.external_id for payout_id, name in names.items()}
            begun = list((await self._journal.payouts.begin_attempts(asked_by, rules=self._rules)).values())
            known = [payout for payout in begun if names[payout.payout_id].is_known]
            new = [payout for payout in begun if not names[payout.payout_id].is_known]
            # Nothing is awaited between recording it and sending it.
            outcomes = await self._ask(new) if new else []
            results = [*zip(new, outcomes, strict=True), *((payout, KNOWN_BEFORE) for payout in known)]
            for payout, outcome in results:
                if outcome is KNOWN_BEFORE:
                    logger.warning("%s is not asked for: %s", payout.payout_id, KNOWN_BEFORE.reason)
                ASKED.labels(payout.provider, outcome.kind.removeprefix("payout-")).inc()
            booked = [
                (payout, PayoutBooked(external_id=_name(payout)))
                for payout, outcome in results
                if outcome is KNOWN_BEFORE or await self._is_booked_all_the_same(payout, outcome)
            ]
            if results:
                await self._journal.payouts.record_outcomes(
                    [(payout.payout_id, payout.facts.attempts, one) for payout, one in (*booked, *results)]
                )
            return bool(begun)
        finally:
            self.asking = frozenset()

    async def _is_booked_all_the_same(self, payout: Payout, outcome: PayoutObservation) -> bool:
        """Whether the provider recorded what it refused. If it does not say, the name goes to the next payout,
        which is not sent then if the name turns out to be taken."""
        is_refused = isinstance(outcome, PayoutFailed) or (isinstance(outcome, PayoutNotAsked) and outcome.alone_next)
        if not is_refused:
            return False
        try:
            return await self._gateway.knows_payout(_name(payout), payout.coin)
        except ProviderError:
            return False

    async def _ask(self, asked: Sequence[Payout]) -> Sequence[PayoutObservation]:
        try:
            return await self._gateway.send_payouts(asked)
        except ProviderError as error:
            alone_next = isinstance(error, RefusedTogetherError)
            if alone_next:
                logger.warning("%s: %s", names_of(asked), error)
            else:
                self._put_off(asked, error)
            return [
                PayoutNotAsked(attempt=one.facts.attempts, reason=str(error), alone_next=alone_next) for one in asked
            ]
        except Exception as error:
            # However the bridge failed, the request may have been sent.
            logger.exception("the bridge failed while it asked for %s", names_of(asked))
            return [PayoutUnclear(reason=f"the bridge failed while it asked ({type(error).__name__})")] * len(asked)
