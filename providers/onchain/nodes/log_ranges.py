"""The logs of a block or of a range of blocks, as an endpoint answers with them: of these blocks, and all of them as
far as can be told. What of one cannot be read is seen where it is read. Pure."""

from typing import Any

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.node import FaultyError, RefusedByNodeError
from providers.onchain.quantities import hash_in, quantity

__all__ = ["logs_in", "logs_of"]

# Some endpoints leave out, without a word, what is beyond one, five or ten thousand logs. Just as many by chance are
# rare, and cost another question.
CUT_OFF_LOGS = 1_000


def logs_of(answer: Any, block: BlockId) -> list[Any]:
    """The logs of this block. Raises FaultyError."""
    if not isinstance(answer, list):
        raise FaultyError(Fault.INCONSISTENT, f"its logs of block {block.number} are none")
    if any(_hash_of(log) not in (None, block.hash) or _number_of(log) not in (None, block.number) for log in answer):
        raise FaultyError(Fault.INCONSISTENT, f"its logs of block {block.number} are of another")
    return answer


def logs_in(answer: Any, first: int, last: int) -> list[Any]:
    """The logs of these blocks. Raises FaultyError, and RefusedByNodeError for what looks cut off, as long as fewer
    blocks can be asked for."""
    if not isinstance(answer, list):
        raise FaultyError(Fault.INCONSISTENT, f"its logs of blocks {first} to {last} are none")
    numbers = (number for log in answer if (number := _number_of(log)) is not None)
    if not all(first <= number <= last for number in numbers):
        raise FaultyError(Fault.INCONSISTENT, f"its logs of blocks {first} to {last} are of others")
    if first < last and answer and len(answer) % CUT_OFF_LOGS == 0:
        raise RefusedByNodeError(0, f"its {len(answer)} logs of blocks {first} to {last} may be cut off")
    return answer


def _hash_of(log: Any) -> str | None:
    """The block that a log names; None if that cannot be read."""
    try:
        return hash_in(log["blockHash"])
    except (KeyError, TypeError, ValueError):
        return None


def _number_of(log: Any) -> int | None:
    try:
        return quantity(log["blockNumber"])
    except (KeyError, TypeError, ValueError):
        return None
