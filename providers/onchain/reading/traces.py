"""What contracts send of a chain's own coin, which stands in no log: the calls of each transaction of a block, as far
as an endpoint shows them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.batched import batched
from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.transfers import ChainTransfer, MalformedError, from_trace
from providers.onchain.chains import Chain
from providers.onchain.nodes.node import FaultyError, RefusedByNodeError, TooLargeError
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError
from providers.onchain.nodes.side_by_side import side_by_side
from providers.onchain.reading.call_traces import CALL_TRACER, Calls, calls_in, is_of_call_tracer, may_call

__all__ = ["TRACES_ASKED_AGAIN_SECONDS", "TRACES_AWAITED_SECONDS", "TRIES", "Traces"]

logger = logging.getLogger("bridge.onchain")

# How long the chain waits for an endpoint that shows what contracts send, before it goes on without.
TRACES_AWAITED_SECONDS = 60.0
# Waited for so many tries at least, since all may have been away for longer than that.
TRIES = 3
# For so long it is said which blocks were gone over without.
PASSED_SHOWN_SECONDS = 3600.0
# One that says that it does not offer this is asked again after so long: a plan may have changed, or a backend.
TRACES_ASKED_AGAIN_SECONDS = 600.0
# Where a stranger makes one trace larger than is taken, those of the other transactions of its block are asked for by
# themselves, if they are no more than this, and so many at once.
TRACED_ONE_BY_ONE = 256
TRACED_AT_ONCE = 4

Shown = dict[str, tuple[int, Mapping[str, Any] | None]]
"""By transaction, who shows its calls, by the endpoint's place, and these; None for one that nobody can show."""


@dataclass(slots=True)
class _Waiting:
    """Since when nobody has shown what contracts send, and how often that was asked for."""

    since: float
    tries: int = 0


@dataclass(frozen=True, slots=True)
class _Passed:
    """Blocks that were gone over since more is sent in them than is taken."""

    first: int
    last: int
    at: float
    """When the last was."""
    reason: str


class Traces:
    """Asks for them, waits for an endpoint that is away, but not for long, and remembers who does not offer them."""

    def __init__(self, chain: Chain, rpc: ChainRpc, clock: Callable[[], float]) -> None:
        self._chain = chain
        self._rpc = rpc
        self._clock = clock
        self._without_until: dict[int, float] = {}
        """The endpoints that do not offer it, and when they are asked again."""
        self._waiting: _Waiting | None = None
        self._passed: _Passed | None = None
        self._too_large = False
        """Whether an endpoint had more to show of this block than is taken."""

    @property
    def passed(self) -> str | None:
        """Which blocks were gone over lately since more is sent in them than is taken, for a person to read."""
        passed = self._passed
        if passed is None or self._clock() > passed.at + PASSED_SHOWN_SECONDS:
            return None
        return (
            f"some of blocks {passed.first} to {passed.last} were gone over without what contracts send in them"
            f" ({passed.reason}); name the transaction of a payment that is missed"
        )

    def may_be_offered_by(self, place: int) -> bool:
        """Whether this endpoint has not said lately that it offers none."""
        return not self._does_not_offer(place)

    async def sent_on(
        self, block: BlockId, transactions: Sequence[Mapping[str, Any]]
    ) -> list[tuple[ChainTransfer, int]] | None:
        """What contracts sent on in a block with these transactions, each with who shows it; None if no endpoint
        does now. Raises ChainUnavailableError."""
        if all(map(self._does_not_offer, range(len(self._rpc.endpoints)))):
            return None
        self._too_large = False
        try:
            traced = await self._traced(block, transactions)
        except (RefusedByNodeError, ChainUnavailableError) as error:
            if self._too_large:
                self.go_over(block, str(error))  # it would not be smaller in a minute
                return []
            if all(map(self._does_not_offer, range(len(self._rpc.endpoints)))):
                logger.warning("%s: no endpoint shows what contracts send on (%s)", self._chain.name, error)
            else:
                self._wait(block, str(error))
            return None
        self._waiting = None
        found: list[tuple[ChainTransfer, int]] = []
        for tx_hash, (place, call) in traced.items():
            transfers = None if call is None else self._transfers(tx_hash, call, block)
            if transfers is None:
                logger.error(
                    "%s: what contracts send in %s is not shown; name it for a payment that is missed",
                    self._chain.name,
                    tx_hash,
                )
            found += [(transfer, place) for transfer in transfers or ()]
        return found

    async def shown_by(
        self, place: int, block: BlockId, transactions: Sequence[Mapping[str, Any]]
    ) -> list[ChainTransfer]:
        """What contracts sent on by the word of just this endpoint, as far as it shows it. Raises FaultyError, and
        RefusedByNodeError."""
        if self._does_not_offer(place):
            return []
        try:
            calls = await self._calls(place, block, transactions)
        except RefusedByNodeError as error:
            if error.is_for_good:
                return []
            raise
        shown = [(tx_hash, call) for tx_hash, call in calls.items() if call is not None]
        return [one for tx_hash, call in shown for one in self._transfers(tx_hash, call, block) or ()]

    async def _calls(self, place: int, block: BlockId, transactions: Sequence[Mapping[str, Any]]) -> Calls:
        """What one endpoint shows of the calls of each transaction. Raises FaultyError, and RefusedByNodeError."""
        try:
            answer = await self._rpc.ask_at(place, "debug_traceBlockByHash", block.hash, CALL_TRACER)
            return calls_in(answer, transactions)
        except TooLargeError:
            calling = [one for one in transactions if may_call(one)]
            if len(calling) > TRACED_ONE_BY_ONE:
                raise
            return await self._one_by_one(place, calling)
        except RefusedByNodeError as error:
            if error.is_for_good:
                self._without_until[place] = self._clock() + TRACES_ASKED_AGAIN_SECONDS
            raise

    async def _one_by_one(self, place: int, transactions: Sequence[Mapping[str, Any]]) -> Calls:
        """The calls of each transaction by itself, where those of one are more than is taken. Raises FaultyError."""
        hashes = [str(one["hash"]) for one in transactions]
        found: Calls = {}
        for some in batched(hashes, TRACED_AT_ONCE):
            found |= zip(some, await side_by_side(self._call(place, one) for one in some), strict=True)
        return found

    async def _call(self, place: int, tx_hash: str) -> Mapping[str, Any] | None:
        try:
            call = await self._rpc.ask_at(place, "debug_traceTransaction", tx_hash, CALL_TRACER)
        except RefusedByNodeError:
            return None
        return call if is_of_call_tracer(call) else None

    async def _traced(self, block: BlockId, transactions: Sequence[Mapping[str, Any]]) -> Shown:
        """The calls of each transaction. One transaction that an endpoint cannot trace is no reason to go without the
        others, but one to ask the next endpoint too."""
        found: Shown = {}

        async def asked(place: int) -> None:
            if self._does_not_offer(place):
                raise RefusedByNodeError(0, "it shows no traces")
            try:
                calls = await self._calls(place, block, transactions)
            except TooLargeError:
                self._too_large = True
                raise
            found.update(_news(found, place, calls))

        await self._rpc.first_good(asked)
        for place in self._rpc.well():
            if all(call is not None for _, call in found.values()):
                break
            try:
                await asked(place)
            except FaultyError as error:
                self._rpc.suspend(place, error)
            except RefusedByNodeError:
                continue
        return found

    def _transfers(self, tx_hash: str, call: Mapping[str, Any], block: BlockId) -> list[ChainTransfer] | None:
        try:
            return from_trace(self._chain, tx_hash, call, block)
        except MalformedError:
            return None

    def _does_not_offer(self, place: int) -> bool:
        return self._clock() < self._without_until.get(place, 0.0)

    def _wait(self, block: BlockId, reason: str) -> None:
        """Raises ChainUnavailableError until it has been waited for long enough."""
        now = self._clock()
        waiting = self._waiting = self._waiting or _Waiting(now)
        waiting.tries += 1
        if now < waiting.since + TRACES_AWAITED_SECONDS or waiting.tries <= TRIES:
            raise ChainUnavailableError(
                f"{self._chain.name}: no endpoint shows at the moment what contracts send in block {block.number}"
            )
        self._log(block, reason)

    def go_over(self, block: BlockId, reason: str) -> None:
        """Goes on without a block of which more would be shown than is taken, whoever is asked."""
        before = None if self.passed is None else self._passed
        numbers = [block.number] if before is None else [block.number, before.first, before.last]
        self._passed = _Passed(min(numbers), max(numbers), self._clock(), reason)
        self._log(block, reason)

    def _log(self, block: BlockId, reason: str) -> None:
        logger.error(
            "%s: block %d is gone over without what contracts send in it (%s); name the transaction of a payment that"
            " is missed",
            self._chain.name,
            block.number,
            reason,
        )


def _news(found: Shown, place: int, calls: Calls) -> Shown:
    """What an endpoint shows of transactions that nobody has shown the calls of yet."""
    return {
        tx_hash: (place, call) for tx_hash, call in calls.items() if tx_hash not in found or found[tx_hash][1] is None
    }
