"""What fails in a round of a worker is said, and ends nothing but that round."""

import logging

import pytest

from bridge.journal import JournalUnavailableError
from bridge.workers.logged_failures import logged_failures

logger = logging.getLogger("bridge.tests")


@pytest.mark.parametrize(
    ("error", "level", "said", "has_traceback"),
    [
        (JournalUnavailableError("no room"), "WARNING", "could not count: no room; later", False),
        (KeyError("a"), "ERROR", "could not count; later", True),
    ],
)
def test_a_failure_is_said_and_lets_the_next_round_follow(
    caplog: pytest.LogCaptureFixture, error: Exception, level: str, said: str, has_traceback: bool
) -> None:
    with logged_failures(logger, "count", "later"):
        raise error
    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == (level, said)
    assert (record.exc_info is not None) == has_traceback


def test_whoever_is_to_stop_stops() -> None:
    with pytest.raises(KeyboardInterrupt), logged_failures(logger, "count"):
        raise KeyboardInterrupt
