"""A journal that was restored follows its chain again from where it stood then, and payouts wait until it has caught
up."""

import os
from pathlib import Path

from tests.anvil import Anvil
from tests.commands import run_command
from tests.conftest import BridgeProcess
from tests.system.onchain.conftest import Market, address
from tests.waiting import wait_until


def test_payouts_wait_until_the_chain_is_followed_to_its_newest_block(
    market: Market, bridge: BridgeProcess, anvil: Anvil, tmp_path: Path
) -> None:
    payment = market.create("restored")
    market.follow()
    assert bridge.stop() == 0
    env = {"PATH": os.environ["PATH"], "BRIDGE_DATABASE_URL": f"sqlite:///{bridge.database}"}
    assert run_command("journal", "restored", cwd=tmp_path, env=env).returncode == 0
    market.pay("USDT", address("restored"), 100)
    anvil.mine(30)
    head = anvil.head()
    bridge.start()

    def is_compared() -> bool:
        return market.get("/api/ops/histories")["histories"][0]["comparedAt"] is not None

    wait_until(is_compared)
    [followed] = market.get("/api/ops/histories")["histories"][0]["comparison"]["chains"]
    # Of a chain that goes on, the newest block may just have come.
    assert int(followed.rpartition(" ")[2]) >= head - 1
    assert market.get("/api/payouts/hold")["held"] is False
    # What came in the missing time is on the chain, and is read from there.
    market.wait_for(payment, status="completed")
