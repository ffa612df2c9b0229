"""A real EVM node for tests (anvil), and what a person does with it: sends coins and tokens, mines, reorganises."""

import functools
import hashlib
import http.client
import itertools
import json
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from providers.onchain.nodes.web3_library import Web3
from tests.waiting import GIVE_UP_SECONDS

if TYPE_CHECKING:
    # By itself it would leave the process with another limit of recursion, for which see `web3_library`.
    from web3.contract import Contract

__all__ = ["ALICE", "BOB", "CAROL", "Anvil", "running_anvil"]

TESTS = Path(__file__).parent
JAVASCRIPT = TESTS / "javascript"
CHAIN_ID = 31337
GAS = 500_000  # estimates are made on the state before what waits to be mined
# The first accounts that anvil opens for everybody, full of coins.
ALICE = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
BOB = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
CAROL = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"


@functools.cache
def anvil_program() -> str:
    """The node: npm brings it for Linux on x64; elsewhere it is to be on the PATH."""
    brought = [*(JAVASCRIPT / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil")]
    found = str(brought[0]) if brought else shutil.which("anvil")
    assert found, "these tests need anvil, the EVM node of Foundry, on the PATH"
    return found


@functools.cache
def contracts() -> dict[str, dict[str, Any]]:
    """The tests' contracts, compiled: their interfaces and their code. Compiling takes longer than most tests, so
    what came of it is kept beside the compiler for as long as nothing that goes into it changes."""
    source = TESTS / "contracts" / "Tokens.sol"
    parts = (source, JAVASCRIPT / "compile.mjs", JAVASCRIPT / "package-lock.json")
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
    kept = JAVASCRIPT / "node_modules" / f".contracts-{digest[:16]}.json"
    if not kept.exists():
        compiled = subprocess.run(
            ["node", "compile.mjs", str(source)],
            cwd=JAVASCRIPT,
            capture_output=True,
            check=True,
            text=True,
            timeout=GIVE_UP_SECONDS,
        )
        whole = kept.with_suffix(f".{os.getpid()}")  # others compile at the same time
        whole.write_text(compiled.stdout)
        whole.replace(kept)
    found: dict[str, dict[str, Any]] = json.loads(kept.read_text())
    return found


@functools.cache
def _contract(name: str) -> "type[Contract]":
    return Web3().eth.contract(abi=contracts()[name]["abi"])


class Anvil:
    """One node. It mines only when it is told to."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Of the standard library: tests ask tens of thousands of times, and httpx costs ten times as much.
        self._http = http.client.HTTPConnection(url.removeprefix("http://"), timeout=GIVE_UP_SECONDS)
        self._asking = threading.Lock()
        self._coinbases = itertools.count(2**100)

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws")

    def ask(self, method: str, *parameters: Any) -> Any:
        answer = self.answer(method, *parameters)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def answer(self, method: str, *parameters: Any) -> dict[str, Any]:
        """What it answers, a result or an error, but for the question's id."""
        question = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        with self._asking:
            self._http.request("POST", "/", question, {"Content-Type": "application/json"})
            response = self._http.getresponse()
            content = response.read()
        assert response.status == HTTPStatus.OK, content
        answer: dict[str, Any] = json.loads(content)
        return {name: value for name, value in answer.items() if name != "id"}

    def mine(self, blocks: int = 1, *, apart_seconds: int | None = None) -> None:
        """Makes blocks: as of now, or so long after each other by what they say."""
        self.ask("anvil_mine", hex(blocks), *([] if apart_seconds is None else [hex(apart_seconds)]))

    def head(self) -> int:
        return int(self.ask("eth_blockNumber"), 16)

    def reorganise(self, depth: int, transactions: Sequence[tuple[dict[str, Any], int]] = ()) -> None:
        """Replaces the last blocks by others; `transactions` are put into the new ones, each into that of its number
        counted from 0. What stood in the old ones is gone."""
        self.ask("anvil_reorg", depth, [[transaction, block] for transaction, block in transactions])
        # Its clock stands where the block below was made, and would lag behind for good.
        self.ask("anvil_setTime", int(time.time()))

    def go_back(self, blocks: int) -> None:
        """Forgets the last blocks, and stands where it was before them, as after a restore. What it makes after that
        are others, also where they are empty."""
        self.ask("anvil_rollback", blocks)
        self.ask("anvil_setTime", int(time.time()))
        self.ask("anvil_setCoinbase", f"0x{next(self._coinbases):040x}")

    def begin_anew(self) -> None:
        """Forgets the whole chain, and all that was on it."""
        self.ask("anvil_reset")
        self.ask("anvil_setTime", int(time.time()))

    def send(self, to: str, value: int = 0, *, data: str = "0x", sender: str = ALICE, **more: Any) -> str:
        """Sends a transaction, which waits to be mined. Returns its hash."""
        transaction = {"from": sender, "to": to, "value": hex(value), "data": data, "gas": hex(GAS), **more}
        tx_hash: str = self.ask("eth_sendTransaction", transaction)
        return tx_hash

    def deploy(self, name: str) -> str:
        """Puts one of the contracts on the chain. Returns its address."""
        code = "0x" + contracts()[name]["bytecode"]
        tx_hash = self.ask("eth_sendTransaction", {"from": ALICE, "data": code})
        self.mine()
        return Web3.to_checksum_address(self.ask("eth_getTransactionReceipt", tx_hash)["contractAddress"])

    def call_data(self, name: str, function: str, *arguments: Any) -> str:
        """What a transaction carries to call a contract's function."""
        data: str = _contract(name).encode_abi(function, args=arguments)
        return data

    def transfer(self, token: str, to: str, units: int, *, sender: str = ALICE) -> str:
        """Sends tokens, as soon as it is mined. Returns the transaction's hash."""
        return self.send(token, data=self.call_data("Token", "transfer", to, units), sender=sender)

    def close(self) -> None:
        self._http.close()


@contextmanager
def running_anvil(chain_id: int = CHAIN_ID, *, fork_of: Anvil | None = None) -> Iterator[Anvil]:
    """Starts a node on a free port, and stops it. With `fork_of` it has the blocks of another so far, and goes on by
    itself."""
    command = [
        anvil_program(),
        "--port",
        "0",
        "--no-mining",
        "--order",
        "fifo",
        "--chain-id",
        str(chain_id),
        # To derive more keys would take a quarter of its start.
        "--accounts",
        str(len((ALICE, BOB, CAROL))),
        # States of old blocks would be written into the home folder, and stay there once it is killed.
        "--max-persisted-states",
        "0",
        *(() if fork_of is None else ("--fork-url", fork_of.url)),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines: queue.Queue[str] = queue.Queue()

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                lines.put(line)

        reading = threading.Thread(target=read, daemon=True)
        reading.start()
        try:
            while not (line := lines.get(timeout=GIVE_UP_SECONDS)).startswith("Listening on "):
                pass
            with closing(Anvil(f"http://{line.split()[-1]}")) as anvil:
                yield anvil
        finally:
            process.kill()
            reading.join()
