"""The calls of each transaction of a block, out of what `debug_traceBlockByHash` answers. Clients differ: some do not
name the transactions, some know no `callTracer` and answer in another form, and any may leave out some. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.node import METHOD_NOT_FOUND, FaultyError, RefusedByNodeError
from providers.onchain.quantities import quantity

__all__ = ["CALL_TRACER", "Calls", "calls_in", "is_of_call_tracer", "may_call"]

CALL_TRACER = {"tracer": "callTracer"}
# What a transaction costs before it calls anything.
GAS_WITHOUT_CALLS = 21_000

Calls = dict[str, Mapping[str, Any] | None]
"""By transaction; None for one that is not shown."""


def calls_in(answer: Any, transactions: Sequence[Mapping[str, Any]]) -> Calls:
    """The calls of these transactions of a block. Raises FaultyError for what is no answer, and RefusedByNodeError
    for one that shows none of them: for good where it is in another form, as of who knows no `callTracer`."""
    try:
        if not isinstance(answer, list):
            raise TypeError
        results = list(zip(_names(answer, transactions), [one.get("result") for one in answer], strict=True))
        expected = [str(one["hash"]) for one in transactions if _executes(one)]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise FaultyError(Fault.INCONSISTENT, "its traces are none") from None
    shown = {tx_hash: call if is_of_call_tracer(call) else None for tx_hash, call in results}
    if not any(shown.values()) and any(isinstance(call, dict) for _, call in results):
        raise RefusedByNodeError(METHOD_NOT_FOUND, "its traces are in another form than callTracer's")
    if expected and not shown:
        raise RefusedByNodeError(0, "its traces leave out all transactions")
    return dict.fromkeys(expected) | shown


def _names(answer: Sequence[Mapping[str, Any]], transactions: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Of which transaction each of the traces is: as it says itself, or else by its place in the block. Raises
    KeyError, TypeError, and ValueError."""
    if any("txHash" in one for one in answer):
        named = [str(one["txHash"]) for one in answer]
        by_name = dict(zip(named, answer, strict=True))
        if len(by_name) < len(named) and any(by_name[name] != one for name, one in zip(named, answer, strict=True)):
            raise ValueError  # one transaction is told of in two ways
        return named
    for traced in (transactions, [one for one in transactions if _executes(one)], []):
        if len(traced) == len(answer) and all(map(_may_be_of, answer, traced)):
            return [str(one["hash"]) for one in traced]
    raise ValueError


def _may_be_of(trace: Mapping[str, Any], transaction: Mapping[str, Any]) -> bool:
    """Whether a trace that names no transaction can be this one's: its outermost call is of whoever signed it."""
    call = trace.get("result")
    sender = call.get("from") if isinstance(call, dict) else None
    return sender is None or str(sender).lower() == str(transaction.get("from")).lower()


def _executes(transaction: Mapping[str, Any]) -> bool:
    """Whether it runs at all: those with which a chain notes something for itself have no gas, and not every client
    traces them."""
    return transaction.get("gas") not in ("0x0", None)


def may_call(transaction: Mapping[str, Any]) -> bool:
    """Whether a transaction has gas for a call of a contract's."""
    try:
        return quantity(transaction.get("gas")) > GAS_WITHOUT_CALLS
    except ValueError:
        return True


def is_of_call_tracer(call: Any) -> bool:
    """Whether it is what the `callTracer` shows of a transaction."""
    return isinstance(call, dict) and "type" in call
