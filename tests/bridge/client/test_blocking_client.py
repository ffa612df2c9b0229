"""The client that blocks is what is made of the one for asyncio, and has every call of it."""

import inspect
import subprocess
import sys
from pathlib import Path

from bridge.client import AsyncBridgeClient, BridgeClient
from tests.blocking_client import BLOCKING_CLIENT

ROOT = Path(__file__).parents[3]
ASYNCIO_ALONE = {"aclose"}


def test_the_client_that_blocks_is_the_one_that_is_made() -> None:
    """After a change of the client for asyncio: `make blocking-client`."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.blocking_client"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    assert made == BLOCKING_CLIENT.read_text(encoding="utf-8")


def test_both_take_the_same_and_say_the_same_of_it() -> None:
    calls = {name for name in vars(AsyncBridgeClient) if not name.startswith("_")} - ASYNCIO_ALONE
    assert len(calls) > 10
    for name in calls:
        blocking, awaited = getattr(BridgeClient, name), getattr(AsyncBridgeClient, name)
        taken = inspect.signature(blocking).parameters, inspect.signature(awaited).parameters
        assert taken[0] == taken[1], name
        assert inspect.getdoc(blocking), name
        assert inspect.getdoc(blocking) == inspect.getdoc(awaited), name
