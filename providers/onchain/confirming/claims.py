"""Transactions that are said to pay: what the nodes know of one, and what that means for whoever waits. Whoever says
so may be mistaken or lie, so all that counts is what the chain shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from coordinator.addresses import resembled
from coordinator.payments.observed.transfers import Cause, chain_hash
from providers.onchain.addresses import with_checksum
from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.transfers import (
    FAILED_STATUS,
    ChainTransfer,
    MalformedError,
    distinct,
    from_log,
    from_trace,
    from_transaction,
)
from providers.onchain.chains import Chain
from providers.onchain.matching.matching import OLDER, Watched, is_older
from providers.onchain.nodes.headers import Header, header_of
from providers.onchain.nodes.rpc import ChainRpc, RefusedByNodeError, SourcedAnswer, sole
from providers.onchain.quantities import hash_in, quantity

__all__ = ["ClaimFinding", "ClaimVerdict", "Lookup", "OneEndpoint", "examine_claim", "judge_claim"]

# keccak256 of "transfer(address,uint256)", the first four bytes, and the call's two words.
TRANSFER_CALL = "0xa9059cbb"
TRANSFER_CALL_CHARACTERS = len(TRANSFER_CALL) + 2 * 64
NOT_MINED = BlockId(number=0, hash="")


class ClaimVerdict(StrEnum):
    """What a transaction that is said to pay turns out to be."""

    UNKNOWN = "unknown"
    """No node knows it."""
    PENDING = "pending"
    """It waits to be mined, and would pay, or nobody can tell yet."""
    PAYS = "pays"
    FAILED = "failed"
    """It is mined, and failed or pays something else."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the nodes know of a transaction."""

    tx_hash: str
    sender: str | None = None
    """None if no node knows the transaction."""
    nonce: int = 0
    """Which of its sender's transactions it is."""
    block: BlockId | None = None
    """Where it is mined; None if it is not."""
    mined_at: datetime | None = None
    has_failed: bool = False
    transfers: tuple[ChainTransfer, ...] = ()
    """What it moves, or would move as far as can be told from outside."""
    is_untraced: bool = False
    """Whether no node shows what contracts send on in it, although that is wanted."""
    reported_by: int | None = None
    """The endpoint that told all of it, by its place; None if several told parts of it."""


@dataclass(frozen=True, slots=True)
class ClaimFinding:
    """What a look found."""

    verdict: ClaimVerdict
    transfers: tuple[ChainTransfer, ...] = ()
    """Those to whoever waits."""
    reason: str | None = None
    cause: Cause | None = None


class AskedNodes(Protocol):
    """Who is asked: the endpoints of a chain, one after the other until one answers, or one of them alone."""

    async def call_with_source(self, method: str, *parameters: Any) -> SourcedAnswer:
        """What a method answers, with who answers."""

    async def block_if_there(self, number: int) -> Header | None:
        """The block of that number, as far as it is there yet, with who shows it."""


@dataclass(frozen=True, slots=True)
class OneEndpoint:
    """One endpoint alone. Raises FaultyError."""

    rpc: ChainRpc
    place: int

    async def call_with_source(self, method: str, *parameters: Any) -> SourcedAnswer:
        return SourcedAnswer(self.place, await self.rpc.ask_at(self.place, method, *parameters))

    async def block_if_there(self, number: int) -> Header | None:
        block = (await self.call_with_source("eth_getBlockByNumber", hex(number), False)).answer
        return None if block is None else replace(header_of(block), shown_by=self.place)


async def examine_claim(rpc: AskedNodes, chain: Chain, tx_hash: str, *, symbol: str) -> Lookup:
    """Asks the nodes about a transaction that is said to pay in this token. Raises ChainUnavailableError,
    RefusedByNodeError, and MalformedError."""
    sent_as = await rpc.call_with_source("eth_getTransactionByHash", tx_hash)
    transaction = sent_as.answer
    if transaction is None:
        return Lookup(tx_hash)
    reported = await rpc.call_with_source("eth_getTransactionReceipt", tx_hash)
    receipt = reported.answer
    try:
        sender, nonce = with_checksum(transaction["from"]), quantity(transaction["nonce"])
        hash_in(transaction["hash"])
        waits = Lookup(tx_hash, sender, nonce, transfers=_would_move(chain, transaction))
        if receipt is None:
            return waits
        block = BlockId(number=quantity(receipt["blockNumber"]), hash=hash_in(receipt["blockHash"]))
        # Before Byzantium a receipt did not say whether it failed. If it did, it has no logs.
        status, logs = receipt.get("status"), _logs_of(receipt, tx_hash)
        is_placed = transaction.get("blockHash") == block.hash
    except (KeyError, TypeError, ValueError, AttributeError):
        raise MalformedError("a transaction or its receipt is malformed") from None
    header = await rpc.block_if_there(block.number)
    if not is_placed or header is None or header.hash != block.hash:
        return waits  # of several backends behind one endpoint, one is ahead of the others
    made_at = header.made_at
    if status == FAILED_STATUS:
        return Lookup(tx_hash, sender, nonce, block, made_at, has_failed=True)
    of_tokens = distinct(one for log in logs if (one := from_log(chain, log)) is not None)
    sent = None if status is None else from_transaction(chain, transaction)
    own_coin = [] if sent is None else [sent]
    tellers, is_untraced = {sent_as.place, reported.place, header.shown_by}, False
    if chain.own_coin is not None and chain.own_coin.symbol == symbol:
        shown_by, sent_on = await _sent_on(rpc, chain, transaction, block)
        is_untraced = sent_on is None
        own_coin += sent_on or []
        tellers |= set() if shown_by is None else {shown_by}
    transfers = (*of_tokens, *distinct(own_coin))
    return Lookup(
        tx_hash,
        sender,
        nonce,
        block,
        made_at,
        transfers=transfers,
        is_untraced=is_untraced,
        reported_by=sole(*tellers),
    )


def _logs_of(receipt: Mapping[str, Any], tx_hash: str) -> list[Mapping[str, Any]]:
    """Those of this transaction, in the block that its receipt names. Raises ValueError for any other."""
    logs = list(receipt["logs"])
    placed = chain_hash(tx_hash), receipt["blockHash"], receipt["blockNumber"]
    if any((chain_hash(one["transactionHash"]), one["blockHash"], one["blockNumber"]) != placed for one in logs):
        raise ValueError
    return logs


async def _sent_on(
    rpc: AskedNodes, chain: Chain, transaction: Mapping[str, Any], block: BlockId
) -> tuple[int | None, list[ChainTransfer] | None]:
    """Who shows what contracts send on of the chain's own coin, and that; None if no node shows it."""
    try:
        to, data = transaction.get("to"), transaction.get("input", "0x")
        if to is not None and data in ("", "0x"):  # coin alone, which a contract may send on too
            code = await rpc.call_with_source("eth_getCode", to, "latest")
            if code.answer in ("", "0x"):
                return code.place, []
        trace = await rpc.call_with_source("debug_traceTransaction", transaction["hash"], {"tracer": "callTracer"})
        return trace.place, from_trace(chain, transaction["hash"], trace.answer, block)
    except (RefusedByNodeError, MalformedError):
        return None, None


def _would_move(chain: Chain, transaction: Mapping[str, Any]) -> tuple[ChainTransfer, ...]:
    """What a transaction that waits will move, if it calls no contract but a token's `transfer`."""
    data, to = transaction.get("input") or "0x", transaction.get("to")
    if to is None:
        return _would_endow(chain, transaction)
    token = next((token for token in chain.tokens if token.address == with_checksum(to)), None)
    recipient, units = with_checksum(to), quantity(transaction["value"])
    if token is None:
        token = chain.own_coin if data in ("", "0x") else None
    elif data.startswith(TRANSFER_CALL) and len(data) == TRANSFER_CALL_CHARACTERS:
        recipient, units = with_checksum("0x" + data[34:74]), quantity("0x" + data[74:])
    else:
        token = None
    if token is None:
        return ()
    sender = with_checksum(transaction["from"])
    return (ChainTransfer(hash_in(transaction["hash"]), token, sender, recipient, units, NOT_MINED),)


def _would_endow(chain: Chain, transaction: Mapping[str, Any]) -> tuple[ChainTransfer, ...]:
    """What the contract will be given of the chain's own coin that a transaction is to make."""
    placed = {"blockNumber": hex(NOT_MINED.number), "blockHash": "0x0"}
    sent = from_transaction(chain, {**transaction, **placed})
    return () if sent is None else (replace(sent, block=NOT_MINED),)


def judge_claim(watched: Watched, lookup: Lookup) -> ClaimFinding:
    """What a transaction means for whoever waits for it."""
    if lookup.sender is None:
        return ClaimFinding(ClaimVerdict.UNKNOWN)
    paying = tuple(
        one
        for one in lookup.transfers
        if one.recipient == watched.recipient
        and one.token.symbol == watched.symbol
        and watched.payer in (None, one.sender)
    )
    if lookup.block is None:
        return ClaimFinding(ClaimVerdict.PENDING, paying)
    if lookup.has_failed:
        return ClaimFinding(ClaimVerdict.FAILED, reason="the transaction failed", cause=Cause.FAILED)
    if not paying and lookup.is_untraced:
        return ClaimFinding(ClaimVerdict.PENDING)
    if not paying:
        reason, cause = _why_not(watched, lookup.transfers)
        return ClaimFinding(ClaimVerdict.FAILED, reason=reason, cause=cause)
    # A payout may be registered after it was sent, but money that came before a payment was asked for is not its.
    if watched.subject.kind == "payment" and lookup.mined_at is not None and is_older(lookup.mined_at, watched):
        return ClaimFinding(ClaimVerdict.FAILED, reason=OLDER, cause=Cause.TOO_EARLY)
    return ClaimFinding(ClaimVerdict.PAYS, paying)


def _why_not(watched: Watched, transfers: Sequence[ChainTransfer]) -> tuple[str, Cause]:
    to_it = [one for one in transfers if one.recipient == watched.recipient]
    of_token = [one for one in transfers if one.token.symbol == watched.symbol]
    if any(one.token.symbol == watched.symbol for one in to_it):
        sender = to_it[0].sender
        return f"it is sent by {sender}, not by {watched.payer}{_if_alike(sender, watched.payer)}", Cause.OTHER_SENDER
    if to_it:
        return f"it carries {to_it[0].token.symbol}, but {watched.symbol} is waited for", Cause.OTHER_COIN
    if of_token:
        paid = of_token[0].recipient
        return f"it pays {paid}, not {watched.recipient}{_if_alike(paid, watched.recipient)}", Cause.OTHER_ADDRESS
    return f"it moves no {watched.symbol}", Cause.OTHER_COIN


def _if_alike(address: str, expected: str | None) -> str:
    """What to say of an address that may have been mistaken for the one that was expected."""
    is_alike = expected is not None and resembled(address, [expected]) is not None
    return ", which it was made to look like" if is_alike else ""
