"""Side by side: several questions at once, none of which goes on once one has failed, or whoever asks has been
stopped. What went on would ask beside whatever comes next, over connections that may be closed by then.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

__all__ = ["side_by_side"]

Answer = TypeVar("Answer")


async def side_by_side(asking: Iterable[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    """The answers, in the order of the questions. Raises what the first that fails raises."""
    tasks = [asyncio.create_task(one) for one in asking]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
