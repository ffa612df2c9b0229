"""Logged failures: what goes wrong in one round of a worker is said in the log, and the next round follows."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.journal import JournalUnavailableError

__all__ = ["logged_failures"]


@contextmanager
def logged_failures(logger: logging.Logger, could_not: str, then: str = "trying again") -> Iterator[None]:
    """Lets nothing out that is raised within. `could_not` is what was tried, as in "apply deadlines"; `then` is when
    that is tried again. A journal that is away is said in one line, since it is no fault of the worker's."""
    try:
        yield
    except JournalUnavailableError as error:
        logger.warning("could not %s: %s; %s", could_not, error, then)
    except Exception:
        logger.exception("could not %s; %s", could_not, then)
