"""`bridge listen` in a process of its own, for as long as a test needs it."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.commands import PIPE, Command
from tests.waiting import GIVE_UP_SECONDS

__all__ = ["listening", "said"]


@contextmanager
def listening(url: str, *options: str) -> Iterator[Command]:
    """`bridge listen` once it listens; killed in the end if it still does, or does not get so far."""
    with Command(
        "listen", "--url", url, *options, cwd=Path.cwd(), env={"PATH": os.environ["PATH"]}, stdout=PIPE, stderr=PIPE
    ) as listener:
        give_up = threading.Timer(GIVE_UP_SECONDS, listener.kill)
        give_up.start()
        try:
            assert said(listener).startswith("listening to ")
            yield listener
        finally:
            give_up.cancel()
            listener.kill()


def said(listener: Command) -> str:
    """The next line that it says of itself."""
    assert listener.stderr is not None
    line = listener.stderr.readline()
    return f"{json.loads(line)['notice']}\n" if line.startswith("{") else line
