"""New blocks are heard of over a WebSocket as soon as they are there, and are asked for where it is gone."""

import time
from pathlib import Path

from tests.anvil import Anvil
from tests.conftest import StartBridge
from tests.system.conftest import StartListener
from tests.system.onchain.conftest import CONFIRMATIONS, Contracts, Market, address, chains_file
from tests.system.onchain.relay import relay_to
from tests.waiting import GIVE_UP_SECONDS

# How seldom the chain is asked, at most; where it is heard of, still more seldom.
BLOCK_SECONDS = 10.0


def wait_until_heard(market: Market) -> None:
    """Waits until blocks are followed that can only have been heard of: more of them, each mined when the one before
    was followed, than times that the chain can have been asked by itself while that took."""
    began = time.monotonic()
    followed = 0
    while followed <= 2 + (time.monotonic() - began) / BLOCK_SECONDS:
        assert time.monotonic() - began < GIVE_UP_SECONDS, f"followed {followed} blocks, as if they were asked for"
        market.mine()
        followed += 1


def test_blocks_are_heard_of_at_once_and_asked_for_where_the_websocket_is_gone(
    make_bridge: StartBridge, anvil: Anvil, contracts: Contracts, tmp_path: Path, listen: StartListener
) -> None:
    chains = chains_file(tmp_path, contracts, block_seconds=BLOCK_SECONDS)
    with relay_to(int(anvil.url.rpartition(":")[2])) as relay:
        bridge = make_bridge(
            BRIDGE_CHAINS_FILE=str(chains),
            BRIDGE_ENDPOINTS_ANVIL=f"ws://127.0.0.1:{relay.port},{anvil.url}",
        )
        market = Market(bridge, anvil, contracts)
        wait_until_heard(market)
        buyer = listen(bridge.url, [["join-user-room", "buyer-heard"]])
        payment = market.create("heard")
        market.pay("usdt", address("heard"), 100)
        anvil.mine()
        buyer.wait_for(lambda line: line.get("event") == "payment-progress" and line["args"][0]["confirmations"] == 1)
        relay.cut()
        anvil.mine()
        market.wait_for(payment, confirmations=2)  # the other endpoint is asked
        relay.mend()
        wait_until_heard(market)
        market.mine(CONFIRMATIONS)
        market.wait_for(payment, status="completed")
        market.client.close()
        bridge.kill()
