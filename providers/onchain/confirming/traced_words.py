"""Traced words: the calls of transactions as one endpoint shows them when it is asked for its word, each block's and
each transaction's once in a round of asking, however many transfers are asked about.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.onchain.nodes.headers import header_of
from providers.onchain.nodes.rpc import ChainRpc, RefusedByNodeError
from providers.onchain.reading.call_traces import CALL_TRACER, Calls, calls_in
from providers.onchain.reading.scanning import transactions_of

__all__ = ["TracedWords"]

# A trace takes up to some megabytes.
REMEMBERED_LIMIT = 16


@dataclass(slots=True)
class TracedWords:
    """Asks for them, and remembers them until the next round: an endpoint may say something else then."""

    rpc: ChainRpc
    _transactions: dict[tuple[int, str], Any] = field(default_factory=dict)
    """By who shows it and its hash."""
    _blocks: dict[tuple[int, str], Calls] = field(default_factory=dict)
    """By who shows it and the block's hash."""
    _blocks_alone: set[int] = field(default_factory=set)
    """Who offers no traces of single transactions."""

    def begin(self) -> None:
        """Forgets what was said before."""
        self._transactions.clear()
        self._blocks.clear()
        self._blocks_alone.clear()

    async def calls(self, place: int, tx_hash: str, block: Mapping[str, Any]) -> Any:
        """The calls of a transaction, by itself or in the trace of its block: some offer just one of these, and who
        shows it in either has a word. Raises FaultyError, and RefusedByNodeError, for good if it offers none."""
        known = self._transactions.get((place, tx_hash))
        if known is not None:
            return known
        if place not in self._blocks_alone:
            try:
                call = await self.rpc.ask_at(place, "debug_traceTransaction", tx_hash, CALL_TRACER)
            except RefusedByNodeError as error:
                if not error.is_for_good:
                    raise
                self._blocks_alone.add(place)
            else:
                _remember(self._transactions, (place, tx_hash), call)
                return call
        return (await self._of_block(place, block)).get(tx_hash)

    async def _of_block(self, place: int, block: Mapping[str, Any]) -> Calls:
        block_hash = header_of(block).hash
        calls = self._blocks.get((place, block_hash))
        if calls is None:
            answer = await self.rpc.ask_at(place, "debug_traceBlockByHash", block_hash, CALL_TRACER)
            calls = calls_in(answer, transactions_of(block))
            _remember(self._blocks, (place, block_hash), calls)
        return calls


def _remember(known: dict[tuple[int, str], Any], named: tuple[int, str], said: Any) -> None:
    known[named] = said
    while len(known) > REMEMBERED_LIMIT:
        del known[next(iter(known))]
