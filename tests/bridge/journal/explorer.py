"""An explorer of interleavings: every state that some steps can lead to, in whatever order they are taken."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

__all__ = ["explore"]

State = TypeVar("State", bound=Hashable)
Steps = Callable[[State], Iterator[tuple[str, State]]]
"""What can happen next, each with its name and the state that it leads to."""
Wrong = Callable[[State], str | None]
"""What must never be, if it is so in a state."""


def explore(begin: State, steps: Steps[State], wrong: Wrong[State]) -> tuple[int, list[str]]:
    """How many states there are; and if one is wrong, the shortest way there and what is wrong with it."""
    came_from: dict[State, tuple[State, str] | None] = {begin: None}
    to_visit = deque([begin])
    while to_visit:
        state = to_visit.popleft()
        said = wrong(state)
        if said is not None:
            return len(came_from), [*_way(came_from, state), said]
        for name, following in steps(state):
            if following not in came_from:
                came_from[following] = state, name
                to_visit.append(following)
    return len(came_from), []


def _way(came_from: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    way: list[str] = []
    step = came_from[state]
    while step is not None:
        state, name = step
        way.append(name)
        step = came_from[state]
    return way[::-1]
