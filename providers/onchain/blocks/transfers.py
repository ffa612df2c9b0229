"""Transfers as a chain shows them: in the logs of token contracts (ERC-20), in transactions, and in traces of what
contracts sent. Pure functions over what a node answers (JSON-RPC, numbers in hexadecimal).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from providers.onchain.addresses import with_checksum
from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.contract_addresses import created_by
from providers.onchain.chains import Chain, Token
from providers.onchain.quantities import hash_in, quantity

__all__ = [
    "FAILED_STATUS",
    "TRANSFER_TOPIC",
    "ChainTransfer",
    "MalformedError",
    "UnreadableLog",
    "distinct",
    "from_log",
    "from_trace",
    "from_transaction",
    "of_one_place",
    "readable",
    "topic_of",
]

# In the receipt of a transaction that was undone.
FAILED_STATUS = "0x0"
# keccak256 of "Transfer(address,address,uint256)", the event of ERC-20.
TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_WORD_DIGITS = 64
# What moves the chain's own coin. A delegated call shows the value of the call around it once more.
_MOVING_CALLS = frozenset({"CALL", "CREATE", "CREATE2", "SELFDESTRUCT"})


class MalformedError(Exception):
    """A node's answer is not what a node answers. `reported_by` is the endpoint's place, where that is known."""

    def __init__(self, message: str, *, reported_by: int | None = None) -> None:
        super().__init__(message)
        self.reported_by = reported_by


class UnreadableLog(NamedTuple):
    """A log that cannot be read."""

    tx_hash: str
    """The transaction that it names."""
    why: str

    def __str__(self) -> str:
        return f"{self.tx_hash}: {self.why}"


@dataclass(frozen=True, slots=True)
class ChainTransfer:
    """Money that moved from one address to another, in a block."""

    tx_hash: str
    token: Token
    sender: str
    recipient: str
    units: int
    """How much, in the token's base units."""
    block: BlockId
    log_index: int | None = None
    """Of a token: the place of its log in the block."""
    trace_address: tuple[int, ...] = ()
    """Of the chain's own coin that a contract sent on: which call within which."""

    @property
    def transfer_id(self) -> str:
        """What the chain calls it: a log by its block and its place there, the own coin by its place in the
        transaction. Never by its place in an answer, which may repeat, leave out and shuffle."""
        if self.log_index is not None:
            return f"{self.tx_hash}#{self.log_index}@{self.block.hash}"
        return "#".join((self.tx_hash, ".".join(("call", *map(str, self.trace_address)))))

    @property
    def in_transaction(self) -> str:
        """What names it among the transfers of all transactions, in whatever block they are: its transaction, and its
        place there."""
        return self.transfer_id.partition("@")[0]

    @property
    def what(self) -> tuple[str, str, str, str, int]:
        """What moved in its block, whatever it is called there."""
        return self.block.hash, self.token.symbol, self.sender, self.recipient, self.units

    @property
    def order(self) -> tuple[int, tuple[int, ...]]:
        """By which the transfers of one transaction are sorted as the chain has them."""
        return -1 if self.log_index is None else self.log_index, self.trace_address


def topic_of(address: str) -> str:
    """An address as a topic of a log."""
    return "0x" + address.removeprefix("0x").lower().rjust(_WORD_DIGITS, "0")


def distinct(transfers: Iterable[ChainTransfer]) -> list[ChainTransfer]:
    """Each transfer once, in the order of the chain, however often it was told. Raises MalformedError if one was told
    in two ways."""
    found: dict[str, ChainTransfer] = {}
    for transfer in transfers:
        if found.setdefault(transfer.transfer_id, transfer) != transfer:
            raise MalformedError("one transfer is told in two ways")
    return sorted(found.values(), key=lambda one: (one.block.number, one.order))


def of_one_place(transfers: Iterable[ChainTransfer]) -> list[list[ChainTransfer]]:
    """The transfers of tokens that are told of at one place in their block, and of several transactions. Where a
    chain counts the logs of a block each is another one's; where an endpoint counts those of each transaction they
    may be several transfers."""
    places: dict[tuple[str, int | None], list[ChainTransfer]] = {}
    for one in transfers:
        if one.log_index is not None:
            places.setdefault((one.block.hash, one.log_index), []).append(one)
    return [some for some in places.values() if len(some) > 1]


def from_log(chain: Chain, log: Mapping[str, Any]) -> ChainTransfer | None:
    """The transfer that a log tells of; None if it is another event, of a contract that is no token of the chain, of
    nothing, which anybody may send in anybody's name, from an address to itself, or of a block that was taken back.
    Raises MalformedError."""
    try:
        if _is_removed(log.get("removed")):
            return None
        topics, data = log["topics"], log["data"].removeprefix("0x")
        contract = with_checksum(log["address"])
        token = next((token for token in chain.tokens if token.address == contract), None)
        # An NFT's Transfer has a fourth topic in place of the amount.
        if token is None or len(topics) != 3 or topics[0] != TRANSFER_TOPIC:
            return None
        if len(data) != _WORD_DIGITS:
            _require_more(data)
            return None
        units, sender, recipient = quantity("0x" + data), _address_in(topics[1]), _address_in(topics[2])
        if not units or sender == recipient:
            return None
        return ChainTransfer(
            tx_hash=hash_in(log["transactionHash"]),
            token=token,
            sender=sender,
            recipient=recipient,
            units=units,
            block=BlockId(number=quantity(log["blockNumber"]), hash=hash_in(log["blockHash"])),
            log_index=quantity(log["logIndex"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise MalformedError(_wrong_in(log)) from None


def _require_more(data: str) -> None:
    """A token may tell of more than an amount, which is another event. Raises ValueError for what has no room even
    for that."""
    if len(data) < _WORD_DIGITS or len(bytes.fromhex(data)) * 2 != len(data):
        raise ValueError


def _is_removed(said: object) -> bool:
    """Whether a log is of a block that was taken back. Raises ValueError where that is not said as it is said."""
    if said is not None and not isinstance(said, bool):
        raise ValueError
    return bool(said)


_PARTS_OF_LOGS: Mapping[str, Callable[[Any], object]] = MappingProxyType(
    {
        "removed": _is_removed,
        "address": with_checksum,
        "transactionHash": hash_in,
        "blockNumber": quantity,
        "blockHash": hash_in,
        "logIndex": quantity,
        "topics": lambda said: [_address_in(topic) for topic in said[1:3]],
    }
)


def _wrong_in(log: object) -> str:
    """What of a log cannot be read, in the same words for each that is wrong in the same way."""
    if not isinstance(log, Mapping):
        return "what is told as a log is none"
    for name, read in _PARTS_OF_LOGS.items():
        try:
            read(log.get(name))
        except (TypeError, ValueError, AttributeError):
            return f"a log's {name} cannot be read"
    return "a log's data cannot be read"


def _named(log: object) -> str:
    """The transaction that a log names; it may be any text."""
    try:
        return hash_in(log.get("transactionHash") if isinstance(log, Mapping) else None)
    except ValueError:
        return "no transaction"


def readable(chain: Chain, logs: Iterable[Any]) -> tuple[list[ChainTransfer], list[UnreadableLog]]:
    """The transfers that logs tell of, without those that are malformed or told in two ways, and these: one bad log
    hides no other."""
    found: dict[str, ChainTransfer] = {}
    in_two_ways: set[str] = set()
    wrong: dict[str, str] = {}
    for log in logs:
        try:
            transfer = from_log(chain, log)
        except MalformedError as error:
            wrong[_named(log)] = str(error)
            continue
        if transfer is not None and found.setdefault(transfer.transfer_id, transfer) != transfer:
            in_two_ways.add(transfer.transfer_id)
            wrong[transfer.tx_hash] = "one transfer is told in two ways"
    there = [one for name, one in found.items() if name not in in_two_ways]
    return distinct(there), [UnreadableLog(tx_hash, why) for tx_hash, why in wrong.items()]


def from_transaction(chain: Chain, transaction: Mapping[str, Any]) -> ChainTransfer | None:
    """The chain's own coin that a mined transaction carries itself, whatever it calls or makes; None if it carries
    none, or is of an address to itself. Whether it succeeded stands in its receipt. Raises MalformedError."""
    token = chain.own_coin
    try:
        called, units = transaction["to"], quantity(transaction["value"])
        if token is None or not units:
            return None
        sender = with_checksum(transaction["from"])
        # What a new contract is endowed with comes to its address.
        recipient = created_by(sender, quantity(transaction["nonce"])) if called is None else with_checksum(called)
        if sender == recipient:
            return None
        return ChainTransfer(
            tx_hash=hash_in(transaction["hash"]),
            token=token,
            sender=sender,
            recipient=recipient,
            units=units,
            block=BlockId(number=quantity(transaction["blockNumber"]), hash=hash_in(transaction["blockHash"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedError(f"a transaction is malformed ({type(error).__name__})") from None


def from_trace(chain: Chain, tx_hash: str, call: object, block: BlockId) -> list[ChainTransfer]:
    """The chain's own coin that contracts sent on within a transaction: `call` is what the `callTracer` of
    `debug_trace…` answers. The outermost call is left out, being the transaction itself. Calls that were reverted,
    and all within them, moved nothing. Raises MalformedError."""
    if not isinstance(call, Mapping) or "type" not in call:  # as of a client that knows no `callTracer`
        raise MalformedError("a trace is malformed")
    token = chain.own_coin
    if token is None or call.get("error") is not None:
        return []
    try:
        moved = (
            ChainTransfer(
                tx_hash=tx_hash,
                token=token,
                sender=with_checksum(inner["from"]),
                recipient=with_checksum(inner["to"]),
                units=quantity(inner["value"]),
                block=block,
                trace_address=place,
            )
            for place, inner in _inner_calls(call.get("calls", ()))
            if inner["type"] in _MOVING_CALLS and quantity(inner.get("value") or "0x0")
        )
        return [one for one in moved if one.sender != one.recipient]
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise MalformedError(f"a trace is malformed ({type(error).__name__})") from None


def _inner_calls(
    calls: Iterable[Mapping[str, Any]], around: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[int, ...], Mapping[str, Any]]]:
    for number, call in enumerate(calls):
        if call.get("error") is None:
            yield (*around, number), call
            yield from _inner_calls(call.get("calls", ()), (*around, number))


def _address_in(topic: str) -> str:
    return with_checksum("0x" + topic[-40:])
