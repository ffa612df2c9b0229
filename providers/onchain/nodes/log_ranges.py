"""The logs of a block or of a range of blocks, as an endpoint answers with them: of these blocks, and all of them as
far as can be told. Pure."""

from typing import Any

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.node import FaultyError, RefusedByNodeError, number_in

__all__ = ["logs_in", "logs_of"]

# Some endpoints leave out, without a word, what is beyond one, five or ten thousand logs. Just as many by chance are
# rare, and cost another question.
CUT_OFF_LOGS = 1_000


def logs_of(answer: Any, block: BlockId) -> list[dict[str, Any]]:
    """The logs of this block. Raises FaultyError."""
    is_of_logs = isinstance(answer, list) and all(isinstance(log, dict) for log in answer)
    named = {(log.get("blockHash"), number_in(log.get("blockNumber"))) for log in answer} if is_of_logs else None
    if named is None or not named <= {(block.hash, block.number)}:
        raise FaultyError(Fault.INCONSISTENT, f"its logs of block {block.number} are of another")
    return list(answer)


def logs_in(answer: Any, first: int, last: int) -> list[dict[str, Any]]:
    """The logs of these blocks. Raises FaultyError, and RefusedByNodeError for what looks cut off, as long as fewer
    blocks can be asked for."""
    if not isinstance(answer, list) or not all(isinstance(log, dict) for log in answer):
        raise FaultyError(Fault.INCONSISTENT, "its logs are none")
    if not all(first <= number_in(log.get("blockNumber")) <= last for log in answer):
        raise FaultyError(Fault.INCONSISTENT, f"its logs of blocks {first} to {last} are of others")
    if first < last and answer and len(answer) % CUT_OFF_LOGS == 0:
        raise RefusedByNodeError(0, f"its {len(answer)} logs of blocks {first} to {last} may be cut off")
    return answer
