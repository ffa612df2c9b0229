"""Lengths: how many ways the property-based tests of lying endpoints try, and how long each is. In `make soak` one
goes over an hour of blocks, on a chain that makes one a second.
"""

import os
from typing import Any

from hypothesis import strategies as st

__all__ = ["IS_SOAK", "WAYS", "lists_of"]

IS_SOAK = "SOAK_MINUTES" in os.environ
# A way takes some seconds here, and minutes in the soak, most of them the node's own. The first is always the
# simplest.
WAYS = max(int(float(os.environ["SOAK_MINUTES"]) / 5), 2) if IS_SOAK else 4
STEPS_AT_MOST = 14
# In the soak one of about ten steps is a while in which nothing happens.
STEPS_OF_AN_HOUR = 400
BLOCKS_OF_A_WHILE = 50, 150

Step = tuple[str, Any, int]


def lists_of(steps: st.SearchStrategy[Step], *, at_least: int = 3) -> st.SearchStrategy[list[Step]]:
    """What happens, one step after the other."""
    if IS_SOAK:  # of this length, since lists that may be short are short for the most part
        a_while = st.tuples(st.just("mine"), st.integers(*BLOCKS_OF_A_WHILE), st.just(0))
        return st.lists(st.one_of(steps, a_while), min_size=STEPS_OF_AN_HOUR, max_size=STEPS_OF_AN_HOUR)
    return st.lists(steps, min_size=at_least, max_size=STEPS_AT_MOST)
