"""Witnesses: what one endpoint has at a height where another one told of money."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from providers.onchain.blocks.ancestry import Ancestry
from providers.onchain.blocks.bloom import may_contain
from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.log_filters import transfer_filter
from providers.onchain.blocks.transfers import (
    FAILED_STATUS,
    TRANSFER_TOPIC,
    ChainTransfer,
    MalformedError,
    from_trace,
    from_transaction,
    readable,
    topic_of,
)
from providers.onchain.chains import Chain, token_amount
from providers.onchain.confirming.traced_words import TracedWords
from providers.onchain.matching.position import Sighted
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.headers import Header, header_of
from providers.onchain.nodes.node import TooLargeError
from providers.onchain.nodes.rpc import ChainRpc, FaultyError, RefusedByNodeError
from providers.onchain.reading.scanning import Seen, times_in, transactions_of

__all__ = ["DueTransfer", "Witnesses", "Word"]

logger = logging.getLogger("bridge.onchain")


class Word(StrEnum):
    """What another endpoint says of money in a block."""

    AGREES = "agrees"
    DIFFERS = "differs"
    """It has another block there, or made at another time."""
    OTHERWISE = "otherwise"
    """It has the block, with something else in it."""
    ABSENT = "absent"
    """It has the block, and does not tell of the money in it."""
    BEHIND = "behind"
    """It does not have the block, or not as deep."""
    UNTRACED = "untraced"
    """It has the transaction, and offers no traces at all, so that it cannot tell what contracts sent on in it."""
    PARTLY = "partly"
    """It tells of some of it, and what it tells of the rest cannot be read."""
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class DueTransfer:
    """A transfer that would be final by its depth, and whom it is to, as far as that is known."""

    sighted: Sighted
    recipient: str | None

    @property
    def transfer_id(self) -> str:
        return self.sighted.sighting.transfer.transfer_id

    @property
    def tx_hash(self) -> str:
        return self.sighted.sighting.transfer.tx_hash

    @property
    def block(self) -> tuple[int, str]:
        return self.sighted.sighting.block_number or 0, self.sighted.sighting.block_hash or ""


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Asks one endpoint at a time."""

    chain: Chain
    rpc: ChainRpc
    traced: TracedWords
    ancestry: Ancestry = field(default_factory=Ancestry)
    """Of the blocks that are followed."""
    called_final: dict[int, BlockId] = field(default_factory=dict)
    """What each endpoint called finalized last, by its place."""

    async def other_block(self, number: int, *, besides: int) -> tuple[str, BlockId] | None:
        """What another endpoint than this has at that height, and which one; None if none says so."""
        for place in self.rpc.everybody():
            if place != besides and (header := await self._header_at(place, number)) is not None:
                return self.rpc.endpoints[place].host, header.id
        return None

    async def block_at(self, place: int, number: int) -> BlockId | None:
        """What this endpoint has at that height; None if it does not say so."""
        header = await self._header_at(place, number)
        return None if header is None else header.id

    async def shown_at(self, number: int) -> dict[int, str | None]:
        """What each endpoint calls its block of that height, by place, or that it has none. Of one that does not
        answer nothing."""
        headers = await self._headers_at(self.rpc.everybody(), number)
        return {place: None if header is None else header.hash for place, header in headers.items()}

    async def have(self, places: Iterable[int], block: BlockId) -> bool:
        """Whether all these endpoints have this block."""
        headers = [await self._header_at(place, block.number) for place in places]
        return all(header is not None and header.id == block for header in headers)

    async def date(self, places: Iterable[int], block: BlockId, made_at: datetime) -> bool:
        """Whether all these endpoints say that this block was made then."""
        headers = [await self._header_at(place, block.number) for place in places]
        return all(header is not None and (header.id, header.made_at) == (block, made_at) for header in headers)

    async def is_undisputed(self, block: BlockId) -> bool:
        """Whether two endpoints have this block, or the only one that there is, and none has another."""
        shown = [await self._header_at(place, block.number) for place in self.rpc.everybody()]
        said = [header.id for header in shown if header is not None]
        return len(said) >= min(2, len(shown)) and all(one == block for one in said)

    async def _header_at(self, place: int, number: int) -> Header | None:
        return (await self._headers_at([place], number)).get(place)

    async def _headers_at(self, places: Iterable[int], number: int) -> dict[int, Header | None]:
        """What these endpoints have at that height, by place; None where one has no block there, and nothing of one
        that does not answer."""
        shown: dict[int, Header | None] = {}
        for place in places:
            try:
                block = await self.rpc.ask_at(place, "eth_getBlockByNumber", hex(number), False)
                shown[place] = None if block is None else header_of(block)
            except FaultyError as error:
                self.rpc.suspend(place, error)
            except RefusedByNodeError as error:
                logger.info("%s: %s: %s", self.chain.name, self.rpc.endpoints[place].host, error)
        return shown

    async def is_deep(self, place: int, number: int) -> bool:
        """Whether this endpoint shows a block as deep as money in it has to be. What is finalized is asked for
        elsewhere. Raises FaultyError, and RefusedByNodeError."""
        last = number + (self.chain.required_confirmations or 1) - 1
        if self.chain.required_confirmations is None or self.rpc.endpoints[place].head >= last:
            return True
        return await self.rpc.ask_at(place, "eth_getBlockByNumber", hex(last), False) is not None

    async def stands_by(self, place: int, due: Sequence[DueTransfer], reread: Mapping[str, Seen]) -> Word | None:
        """What one endpoint says that told the same of this block before: it agrees if it has the block now that
        makes the money deep, or has called one finalized, and the hash of that one proves that this block is below
        it. None where that does not tell, and it has to be asked for all. Raises FaultyError, and
        RefusedByNodeError."""
        number, block_hash = due[0].block
        block = BlockId(number=number, hash=block_hash)
        if not all(_is_reread(place, one, block, reread.get(one.transfer_id)) for one in due):
            return None
        if self.chain.required_confirmations is None:
            final = self.called_final.get(place)
            is_below = final is not None and self.ancestry.descendant(block, final.number) == final.hash
            return Word.AGREES if is_below else None
        last = number + self.chain.required_confirmations - 1
        expected = self.ancestry.descendant(block, last)
        if expected is None:
            return None
        shown = await self.rpc.ask_at(place, "eth_getBlockByNumber", hex(last), False)
        if shown is None:
            return Word.BEHIND
        return Word.AGREES if header_of(shown).hash == expected else None

    async def word_of(self, place: int, due: Sequence[DueTransfer]) -> tuple[Word, str]:
        """What one endpoint says. Raises FaultyError, and RefusedByNodeError."""
        native = [one for one in due if self.is_own_coin(one)]
        tokens = [one for one in due if not self.is_own_coin(one)]
        for some, ask in ((tokens, self._of_tokens), (native, self._of_own_coin)):
            if some:
                word, said = await ask(place, some)
                if word is not Word.AGREES:
                    return word, said
        return Word.AGREES, ""

    def is_own_coin(self, due: DueTransfer) -> bool:
        """Whether it is of the chain's own coin, of which others are asked in other words."""
        token = self.chain.token(due.sighted.sighting.transfer.asset)
        return token is not None and token.is_native

    async def _of_tokens(self, place: int, due: Sequence[DueTransfer]) -> tuple[Word, str]:
        number, block_hash = due[0].block
        recipients = [one.recipient for one in due if one.recipient is not None]
        tokens = {self.chain.token(one.sighted.sighting.transfer.asset) for one in due}
        contracts = sorted(token.address for token in tokens if token is not None and token.address is not None)
        narrowed = sorted(set(recipients)) if len(recipients) == len(due) else None
        question = {"fromBlock": hex(number), "toBlock": hex(number), **transfer_filter(contracts, narrowed)}
        try:
            logs = await self.rpc.ask_at(place, "eth_getLogs", question)
        except TooLargeError:
            raise
        except RefusedByNodeError:
            # Many nodes refuse to tell of blocks beyond their head, which is an answer: they do not have it.
            block = await self.rpc.ask_at(place, "eth_getBlockByNumber", hex(number), False)
            if (other := self._unless_same(place, block, due)) is None:
                raise
            return other
        reported, unreadable = self._told(logs)
        elsewhere = next((one.block.hash for one in reported if block_hash not in ("", one.block.hash)), None)
        if elsewhere is not None:
            return Word.DIFFERS, f"has block {elsewhere}"
        told = [one for one in due if any(_is_same(one, other) for other in reported)]
        if len(told) == len(due):
            return _of_time(due, await self._made_at(place, number, logs))
        if unreadable is not None:
            return Word.PARTLY if told else Word.SILENT, unreadable
        block = await self.rpc.ask_at(place, "eth_getBlockByNumber", hex(number), False)
        if (other := self._unless_same(place, block, due)) is not None:
            return other
        if (instead := _instead(due, reported)) is not None:
            return Word.OTHERWISE, instead
        if not _may_hold(block.get("logsBloom"), contracts, narrowed):
            return Word.OTHERWISE, "has that block, and no such transfer in it"
        return Word.ABSENT, "has that block, and reports no such transfer"

    def _told(self, logs: Any) -> tuple[list[ChainTransfer], str | None]:
        """What logs tell of, and what of them cannot be read. Raises RefusedByNodeError."""
        if not isinstance(logs, list):
            raise RefusedByNodeError(0, "what it answers are no logs")
        reported, wrong = readable(self.chain, logs)
        return reported, f"a log of its cannot be read ({wrong[0]})" if wrong else None

    async def _made_at(self, place: int, number: int, logs: Sequence[Any]) -> datetime:
        """When an endpoint's block was made, which not every one says in a log."""
        times = times_in(logs)
        if times:
            return next(iter(times.values()))
        return header_of(await self.rpc.ask_at(place, "eth_getBlockByNumber", hex(number), False)).made_at

    async def _of_own_coin(self, place: int, due: Sequence[DueTransfer]) -> tuple[Word, str]:
        number, _ = due[0].block
        block = await self.rpc.ask_at(place, "eth_getBlockByNumber", hex(number), True)
        if (other := self._unless_same(place, block, due)) is not None:
            return other
        word, said = self._of_content(due, block)
        if word is not Word.AGREES:
            return word, said
        for tx_hash in {one.tx_hash: None for one in due}:
            word, said = await self._of_success(place, tx_hash, header_of(block).hash)
            if word is not Word.AGREES:
                return word, said
        for one in (one for one in due if not one.transfer_id.endswith("#call")):
            word, said = await self._of_inner_call(place, one, block)
            if word is not Word.AGREES:
                return word, said
        return Word.AGREES, ""

    def _of_content(self, due: Sequence[DueTransfer], block: Mapping[str, Any]) -> tuple[Word, str]:
        """What another endpoint's block says of its time, and of transactions as far as they are in the block. Raises
        FaultyError."""
        try:
            transactions = {str(one.get("hash")): one for one in transactions_of(block)}
        except MalformedError as error:
            raise FaultyError(Fault.INCONSISTENT, str(error)) from None
        for one in due:
            transaction = transactions.get(one.tx_hash)
            if transaction is None:
                return Word.OTHERWISE, f"has no transaction {one.tx_hash} there"
            if one.transfer_id.endswith("#call") and not self._carries(transaction, one):
                return Word.OTHERWISE, f"has another transaction {one.tx_hash} there"
        return _of_time(due, header_of(block).made_at)

    async def _of_success(self, place: int, tx_hash: str, block_hash: str) -> tuple[Word, str]:
        """Whether a transaction succeeded. Its block shows only what it was to do."""
        receipt = await self.rpc.ask_at(place, "eth_getTransactionReceipt", tx_hash)
        if _of(receipt, "blockHash") != block_hash:
            return Word.SILENT, f"it has no receipt of {tx_hash}"
        if receipt.get("status") == FAILED_STATUS:
            return Word.OTHERWISE, f"says that {tx_hash} failed"
        return Word.AGREES, ""

    async def _of_inner_call(self, place: int, due: DueTransfer, block: Mapping[str, Any]) -> tuple[Word, str]:
        """Whether a contract sent it on within its transaction."""
        try:
            call = await self.traced.calls(place, due.tx_hash, block)
        except RefusedByNodeError as error:
            if error.is_for_good:
                return Word.UNTRACED, "it offers no traces"
            raise
        if not isinstance(call, dict):
            raise RefusedByNodeError(0, "its trace is none")
        number, block_hash = due.block
        try:
            reported = from_trace(self.chain, due.tx_hash, call, BlockId(number=number, hash=block_hash))
        except MalformedError as error:
            raise RefusedByNodeError(0, str(error)) from None
        if any(_is_same(due, one) for one in reported):
            return Word.AGREES, ""
        return Word.OTHERWISE, f"has no such transfer within {due.tx_hash}"

    def _unless_same(
        self, place: int, block: Mapping[str, Any] | None, due: Sequence[DueTransfer]
    ) -> tuple[Word, str] | None:
        """What an endpoint says by having no block at that height, or another one; None if it has this one."""
        number, block_hash = due[0].block
        if block is None:
            newest = self.rpc.endpoints[place].head
            if number < newest:
                return Word.BEHIND, f"has no block {number}, and {newest} is its newest: it may keep none that old"
            return Word.BEHIND, "has no such block yet"
        shown = header_of(block).hash
        return None if block_hash in ("", shown) else (Word.DIFFERS, f"has block {shown}")

    def _carries(self, transaction: Mapping[str, Any], due: DueTransfer) -> bool:
        """Whether a transaction carries the transfer itself, by what another endpoint says of it."""
        try:
            sent = from_transaction(self.chain, transaction)
        except MalformedError:
            return False
        return sent is not None and _is_same(due, sent)


def _of(one: Any, name: str) -> Any:
    return one.get(name) if isinstance(one, dict) else None


def _is_same(due: DueTransfer, other: ChainTransfer) -> bool:
    """Whether what another endpoint tells of is this transfer."""
    transfer = due.sighted.sighting.transfer
    if due.recipient not in (None, other.recipient) or due.sighted.sender not in (None, other.sender):
        return False
    if transfer.tx_hash != other.tx_hash:
        return False
    is_there = other.transfer_id == transfer.transfer_id or "@" not in transfer.transfer_id
    return is_there and (transfer.asset, transfer.amount) == (
        other.token.symbol,
        token_amount(other.token, other.units),
    )


def _instead(due: Sequence[DueTransfer], reported: Sequence[ChainTransfer]) -> str | None:
    """What an endpoint has at the places of these transfers; None if nothing."""
    ids = {one.transfer_id for one in due}
    instead = [one for one in reported if one.transfer_id in ids]
    if not instead:
        return None
    senders = {one.sighted.sender for one in due}
    sums = (f"{token_amount(one.token, one.units)} {one.token.symbol}" for one in instead)
    others = sorted({one.sender for one in instead if one.sender not in senders})
    sent_by = f", sent by {', '.join(others)}" if others else ""
    return f"has {', '.join(sums)} there{sent_by}"


def _is_reread(place: int, due: DueTransfer, block: BlockId, reread: Seen | None) -> bool:
    """Whether this endpoint told of this transfer in this block, made then."""
    if reread is None or (reread.reported_by, reread.transfer.block) != (place, block):
        return False
    return _is_same(due, reread.transfer) and _of_time([due], reread.mined_at)[0] is Word.AGREES


def _of_time(due: Sequence[DueTransfer], made_at: datetime) -> tuple[Word, str]:
    """Whether another endpoint's block was made when this one was: money may be too old, or late, by that."""
    if all(one.sighted.sighting.transfer.occurred_at in (None, made_at) for one in due):
        return Word.AGREES, ""
    return Word.DIFFERS, f"has that block made at {made_at.isoformat()}"


def _may_hold(bloom: Any, contracts: Sequence[str], recipients: Sequence[str] | None) -> bool:
    if not isinstance(bloom, str):
        return True
    topics = [TRANSFER_TOPIC, *map(topic_of, recipients or ())]
    return all(may_contain(bloom, entry) for entry in (*contracts, *topics))
