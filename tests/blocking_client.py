"""The client that blocks, made of the one for asyncio: `make blocking-client` writes it.

.venv/bin/python -m tests.blocking_client > bridge/client/sync_client.py
"""

import re
import subprocess
import sys
from pathlib import Path

__all__ = ["BLOCKING_CLIENT", "blocking_client"]

CLIENTS = Path(__file__).parents[1] / "bridge" / "client"
BLOCKING_CLIENT = CLIENTS / "sync_client.py"
# Each has to occur, or the one that is made is not what it is taken for.
SAID_OTHERWISE = (
    (
        '"""The client for asyncio: every call is awaited. The one that blocks is made of it."""',
        '"""The client that blocks until the bridge has answered."""\n\n'
        "# Made of async_client.py by `make blocking-client`: change that one.",
    ),
    ("Any number of calls may be under way at once.", "Threads may share one."),
    ("an `async with` block", "a `with` block"),
    ("import asyncio", "import time"),
    ("asyncio.sleep", "time.sleep"),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"\bAsyncRetrying\b", "Retrying"),
    (r"\bAsyncBridgeClient\b", "BridgeClient"),
    (r"\bAsking\b", "AskingThread"),
    (r"\b(async|await) ", ""),
    (r"\b__a(enter|exit)__\b", r"__\1__"),
    (r"\baclose\b", "close"),
    (r"for event in page\.events:\s+yield event", "yield from page.events"),
)
RUFF = (sys.executable, "-m", "ruff")


def blocking_client() -> str:
    """Its source."""
    source = (CLIENTS / "async_client.py").read_text(encoding="utf-8")
    for said, instead in SAID_OTHERWISE:
        source, count = re.subn(said, instead, source)
        if not count:
            raise LookupError(f"{said!r} is not in the client for asyncio any more")
    sorted_imports = _ruff(["check", "--quiet", "--fix", "--select", "I"], source)
    return _ruff(["format"], sorted_imports)


def _ruff(arguments: list[str], source: str) -> str:
    command = [*RUFF, *arguments, "--stdin-filename", str(BLOCKING_CLIENT), "-"]
    return subprocess.run(command, input=source, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    sys.stdout.write(blocking_client())
