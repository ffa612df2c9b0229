"""docs/onchain.md to the letter, on a node of one's own: whoever copies its commands sees a payment completed."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from tests.anvil import Anvil
from tests.asking import get, post
from tests.conftest import StartBridge
from tests.waiting import wait_until

PAGE = (Path(__file__).parents[3] / "docs" / "onchain.md").read_text(encoding="utf-8")
CHAPTER = PAGE.split("\n## On your own machine\n")[1].split("\n## ")[0]
CURL = re.compile(r"^    curl .*?(?:\n(?=\n)|\n(?=    curl))", re.MULTILINE | re.DOTALL)


def test_a_payment_is_completed_by_what_the_page_says(anvil: Anvil, make_bridge: StartBridge, tmp_path: Path) -> None:
    lines = [line.removeprefix("    ") for line in CHAPTER.splitlines() if line.startswith("    ")]
    begin = lines.index("[anvil]")
    chains = tmp_path / "chains.toml"
    chains.write_text("\n".join(lines[begin : begin + 6]).replace("http://127.0.0.1:8545", anvil.url))
    bridge = make_bridge(BRIDGE_CHAINS_FILE=str(chains))

    def ask(command: str) -> Any:
        place = command.replace("http://127.0.0.1:8545", anvil.url).replace("http://127.0.0.1:8000", bridge.url)
        _, url, *options = shlex.split(place)
        answer = post(url, json=json.loads(options[-1])) if options else get(url)
        return answer.raise_for_status().json()

    registration, transfer, question = CURL.findall(f"{CHAPTER}\n\n")
    assert ask(registration)["status"] == "pending"
    assert "result" in ask(transfer)

    def is_completed() -> bool:
        anvil.mine()
        [payment] = ask(question)["payments"]
        return bool(payment["status"] == "completed")

    wait_until(is_completed)
