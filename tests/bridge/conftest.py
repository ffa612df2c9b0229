"""What holds for every journal that a test opens by itself."""

from collections.abc import Iterator

import pytest

from tests.waiting import GIVE_UP_SECONDS


@pytest.fixture(scope="session", autouse=True)
def no_disk_is_too_slow() -> Iterator[None]:
    """A commit may take as long as the machine needs for it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bridge.journal.writer.COMMIT_TIMEOUT_SECONDS", GIVE_UP_SECONDS)
        yield
