"""Lengths: how many ways the property-based tests of lying endpoints try, and how long each is. In `make soak` one
goes over an hour of blocks, on a chain that makes one a second.
"""

import os
from typing import TypeVar

from hypothesis import strategies as st

__all__ = ["IS_SOAK", "WAYS", "lists_of"]

IS_SOAK = "SOAK_MINUTES" in os.environ
# A way takes some seconds here, and about a minute in the soak.
WAYS = max(int(float(os.environ["SOAK_MINUTES"]) / 5), 1) if IS_SOAK else 4
# A step makes about a dozen blocks on the average: most make one or none, and a long absence makes 128.
STEPS_OF_AN_HOUR = 360
STEPS_AT_MOST = 14

Step = TypeVar("Step")


def lists_of(steps: st.SearchStrategy[Step], *, at_least: int = 3) -> st.SearchStrategy[list[Step]]:
    """What happens, one step after the other."""
    if IS_SOAK:  # so many, since what has no lower bound is short for the most part
        return st.lists(steps, min_size=STEPS_OF_AN_HOUR, max_size=STEPS_OF_AN_HOUR)
    return st.lists(steps, min_size=at_least, max_size=STEPS_AT_MOST)
