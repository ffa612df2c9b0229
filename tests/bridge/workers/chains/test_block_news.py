"""What a subscription tells has the chain asked, at once where it is true, and ever less often where it is not."""

from collections.abc import Callable

import pytest

from bridge.workers.chains.block_news import BlockNews

BLOCK_SECONDS = 12.0
TENTHS = 1_000


@pytest.mark.parametrize(
    ("has_blocks", "least", "most"),
    [(False, TENTHS / 120, TENTHS / 120 + 10), (True, TENTHS, TENTHS)],
)
def test_a_thousand_pieces_of_news_wake_as_often_as_there_is_something(
    has_blocks: bool, least: float, most: float
) -> None:
    now, woken = 0.0, 0
    waiting: list[tuple[float, Callable[[], None]]] = []

    def wake() -> None:
        nonlocal woken
        woken += 1

    news = BlockNews(BLOCK_SECONDS, wake, lambda: now, lambda seconds, call: waiting.append((now + seconds, call)))
    for tenth in range(TENTHS):
        now = tenth / 10
        news.listen()
        for due in [one for one in waiting if one[0] <= now]:
            waiting.remove(due)
            due[1]()
        news.judge(found=has_blocks)
    assert least <= woken <= most


def test_what_came_too_soon_is_told_of_later_and_once() -> None:
    waiting: list[float] = []
    woken: list[int] = []
    news = BlockNews(8.0, lambda: woken.append(1), lambda: 0.0, lambda seconds, call: waiting.append(seconds))
    news.listen()
    news.judge(found=False)
    news.listen()
    news.listen()
    assert (len(woken), waiting) == (1, [0.5])
