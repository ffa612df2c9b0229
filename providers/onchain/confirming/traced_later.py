"""Traced later: blocks that were followed while no endpoint showed what contracts send in them are traced once one
does, the newest first, since not every node keeps the states of old ones."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from providers.onchain.blocks.transfers import MalformedError
from providers.onchain.chains import Chain
from providers.onchain.confirming.payees import Payees
from providers.onchain.matching.position import Finality, Following
from providers.onchain.matching.untraced import numbers_of, without
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.headers import header_of
from providers.onchain.nodes.node import TooLargeError
from providers.onchain.nodes.rpc import ChainRpc, FaultyError, RefusedByNodeError
from providers.onchain.reading.scanning import Seen, transactions_of
from providers.onchain.reading.traces import Traces
from providers.onchain.steps import Step
from providers.onchain.watchlist import Watchlist

__all__ = ["TracedLater"]

# A block costs two questions, beside what the chain itself costs in a round.
BLOCKS_AT_ONCE = 8
# After nobody has shown one.
PAUSE_SECONDS = 60.0


@dataclass(slots=True)
class TracedLater:
    """Traces some of them in each round, and takes up what was missed."""

    _chain: Chain
    _rpc: ChainRpc
    _traces: Traces
    _watchlist: Watchlist
    _payees: Payees
    _clock: Callable[[], float]
    waiting: str | None = None
    """Which blocks were followed without traces, for a person to read."""
    _why: str = "none offers traces"
    _next_at: float = 0.0

    async def read(self, following: Following, finality: Finality) -> Step | None:
        """Traces some of those that are left; None if there are none, or nobody shows any now."""
        numbers = numbers_of(following.untraced)
        if numbers and not self._watchlist.wants_own_coin:  # nobody is left whose money may be in them
            numbers, following = [], replace(following, untraced=())
        self.waiting = self._named(numbers)
        if not numbers or self._clock() < self._next_at:
            return Step(following)
        places = [place for place in self._rpc.well() if self._traces.may_be_offered_by(place)]
        if not places:
            return None
        step = Step(following)
        done: list[int] = []
        for number in reversed(numbers[-BLOCKS_AT_ONCE:]):
            if not await self._trace_by_two(places, number, step, finality):
                self._next_at = self._clock() + PAUSE_SECONDS
                break
            done.append(number)
        step.following = replace(step.following, untraced=without(step.following.untraced, done))
        self.waiting = self._named(numbers_of(step.following.untraced))
        return step

    async def _trace_by_two(self, places: list[int], number: int, step: Step, finality: Finality) -> bool:
        """Whether two endpoints have shown what contracts send in a block, or the only one that may: one alone may
        hide some."""
        offering = sum(map(self._traces.may_be_offered_by, range(len(self._rpc.endpoints))))
        words, self._why = 0, "a second endpoint is to show it too"
        for place in places:
            reason = await self._trace(place, number, step, finality)
            if reason is None:
                words += 1
            else:
                self._why = reason
            if words >= min(2, offering):
                return True
        return False

    async def _trace(self, place: int, number: int, step: Step, finality: Finality) -> str | None:
        """Takes up what contracts send in one block. Returns why it is not shown, None if it is, or never can be."""
        host = self._rpc.endpoints[place].host
        try:
            content = await self._rpc.ask_at(place, "eth_getBlockByNumber", hex(number), True)
            header = header_of(content)
            if step.following.canonical.hash_at(number) not in (None, header.hash):
                return f"{host} has another block {number} than was followed"
            moved = await self._traces.shown_by(place, header.id, transactions_of(content))
            if not self._traces.may_be_offered_by(place):
                return f"{host} offers no traces"
            seen = [Seen(one, header.made_at, place) for one in moved if one.recipient in self._watchlist]
            await self._payees.take_up(step, await self._payees.missed(step, seen), finality)
        except TooLargeError as error:
            self._traces.go_over(header.id, str(error))
        except FaultyError as error:
            self._rpc.suspend(place, error)
            return f"{host}: {error}"
        except MalformedError as error:
            self._rpc.suspend(place, FaultyError(Fault.INCONSISTENT, str(error)))
            return f"{host}: {error}"
        except RefusedByNodeError as error:
            return f"{host}: {error}"
        return None

    def _named(self, numbers: list[int]) -> str | None:
        if not numbers:
            return None
        first, last = numbers[0], numbers[-1]
        blocks = f"block {first}" if len(numbers) == 1 else f"{len(numbers)} blocks from {first} to {last}"
        return (
            f"{blocks} passed without what contracts send, since no endpoint showed it ({self._why}): to be traced"
            " once one does; name an endpoint that offers traces, or the transaction of a payment that is missed"
        )
