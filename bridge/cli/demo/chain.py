"""The demonstration's own chain: anvil, a node with coins that are worth nothing, where there is one on the PATH."""

import importlib.util
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from bridge.cli import supervisor
from bridge.cli.console import warn

__all__ = ["CHAIN", "COIN", "Wallet", "chain_settings", "own_chain"]

CHAIN, COIN = "anvil", "ETH"
WEI = Decimal(10) ** 18
TIMEOUT_SECONDS = 30.0
PROGRAM = "anvil"
# A block each second, and none of its states in the home folder, where they would stay.
OPTIONS = ("--port", "0", "--block-time", "1", "--max-persisted-states", "0")
# What it prints once it listens, before its address.
LISTENING = "Listening on "


@contextmanager
def own_chain() -> Iterator[str | None]:
    """Runs a node; gives its URL, or None where there is no anvil, or nothing to follow a chain with."""
    program = shutil.which(PROGRAM)
    if program is None or importlib.util.find_spec("web3") is None:
        yield None
        return
    # However this process ends, the node ends with it.
    command = [sys.executable, "-IS", str(supervisor.__file__), program, *OPTIONS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 (found on the PATH)
        try:
            address = _address(process.stdout or ())
            if address is None:
                warn(f"{program} does not start, so no chain is shown")
            yield address
        finally:
            process.terminate()


def _address(lines: Iterable[str]) -> str | None:
    for line in lines:
        if line.startswith(LISTENING):
            # It says something of every block, and would wait for somebody to read that.
            threading.Thread(target=deque, args=(lines, 0), daemon=True).start()
            return f"http://{line.split()[-1]}"
    return None


def chain_settings(file: Path, url: str) -> Path:
    """Writes the settings of chains that have the bridge follow this one alone."""
    file.write_text(
        f'[{CHAIN}]\nchain_id = 31337\nconfirmations = 3\nblock_seconds = 1\nendpoints = ["{url}"]\n'
        f"tokens.{COIN} = {{ decimals = 18 }}\n"
    )
    file.chmod(0o600)
    return file


class Wallet:
    """Somebody's coins on that chain, which the node signs for."""

    def __init__(self, url: str) -> None:
        self._node = httpx.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)

    async def pay(self, recipient: str, amount: Decimal) -> None:
        """Sends coins; they are in the next block. Raises httpx.HTTPError."""
        [sender, *_] = await self._ask("eth_accounts", [])
        payment = {"from": sender, "to": recipient, "value": hex(int(amount * WEI))}
        await self._ask("eth_sendTransaction", [payment])

    async def _ask(self, method: str, parameters: list[Any]) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        answer = await self._node.post("/", json=question)
        return answer.raise_for_status().json()["result"]

    async def aclose(self) -> None:
        await self._node.aclose()
