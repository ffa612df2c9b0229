"""Questions side by side: all have ended once one has failed, or whoever asks was stopped."""

import asyncio

import pytest

from providers.onchain.nodes.side_by_side import side_by_side


class Question:
    """One that is never answered."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.has_ended = False

    async def ask(self) -> int:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # in which a connection is given back
            self.has_ended = True
        return 0


async def says(number: int) -> int:
    return number


async def test_answers_come_in_the_order_of_the_questions() -> None:
    assert await side_by_side(says(number) for number in (3, 1, 2)) == [3, 1, 2]


async def test_once_one_fails_no_other_goes_on() -> None:
    question = Question()

    async def fails() -> int:
        await question.begun.wait()
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"):
        await side_by_side([question.ask(), fails()])
    assert question.has_ended


async def test_whoever_is_stopped_leaves_no_question_behind() -> None:
    question = Question()
    asking = asyncio.create_task(side_by_side([question.ask(), says(1)]))
    await question.begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert question.has_ended
