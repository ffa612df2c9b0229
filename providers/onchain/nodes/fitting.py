"""Fitting: whether an answer is one to its question, about the block or the transaction that was asked for. Whoever
passes questions on may mix up what comes back. Pure."""

from collections.abc import Sequence
from typing import Any

from providers.onchain.quantities import quantity

__all__ = ["misfit"]

# What a method answers with, if with anything.
_KINDS = {
    "eth_getBlockByNumber": "block",
    "eth_getTransactionByHash": "transaction",
    "eth_getTransactionReceipt": "receipt",
}
# Under which name an answer says which transaction it is about.
_NAMES_OF_HASHES = {"eth_getTransactionByHash": "hash", "eth_getTransactionReceipt": "transactionHash"}


def misfit(method: str, parameters: Sequence[Any], answer: Any) -> str | None:
    """Why it is no answer to this question; None if it is one, or is read elsewhere."""
    if not isinstance(answer, dict):
        return f"what it answers is no {_KINDS[method]}" if answer is not None and method in _KINDS else None
    asked = str(parameters[0]) if parameters else ""
    if method == "eth_getBlockByNumber" and asked.startswith("0x"):
        return None if _has_number(answer, int(asked, 16)) else f"its block {int(asked, 16)} is another"
    name = _NAMES_OF_HASHES.get(method)
    is_other = name is not None and str(answer.get(name)).lower() != asked.lower()
    return f"it answers about another transaction than {asked}" if is_other else None


def _has_number(block: dict[str, Any], number: int) -> bool:
    try:
        return quantity(block.get("number")) == number
    except ValueError:
        return False
