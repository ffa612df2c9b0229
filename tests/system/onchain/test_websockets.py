"""New blocks are heard of over a WebSocket as soon as they are there, and are asked for where it is gone."""

import time
from pathlib import Path

from tests.anvil import Anvil
from tests.conftest import StartBridge
from tests.system.conftest import StartListener
from tests.system.onchain.conftest import Contracts, Market, address, chains_file
from tests.system.onchain.relay import relay_to
from tests.waiting import wait_until

# So seldom is the chain asked that three blocks in a row, each followed at once, can only have been heard of.
BLOCK_SECONDS = 10.0
AT_ONCE_SECONDS = 2.0


def hears_at_once(market: Market) -> bool:
    return all(follows_at_once(market) for _ in range(3))


def follows_at_once(market: Market) -> bool:
    market.anvil.mine()
    head, give_up = market.anvil.head(), time.monotonic() + AT_ONCE_SECONDS
    while market.get("/api/chains")["chains"][0]["head"] < head:
        if time.monotonic() > give_up:
            return False
        time.sleep(0.02)
    return True


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
        wait_until(lambda: hears_at_once(market))
        buyer = listen(bridge.url, [["join-user-room", "buyer-heard"]])
        payment = market.create("heard")
        market.pay("usdt", address("heard"), 100)
        anvil.mine()
        buyer.wait_for(lambda line: line.get("event") == "payment-progress" and line["args"][0]["confirmations"] == 1)
        relay.cut()
        anvil.mine()
        market.wait_for(payment, confirmations=2)  # the other endpoint is asked
        relay.mend()
        wait_until(lambda: hears_at_once(market))
        market.wait_for(payment, status="completed")
        market.client.close()
        bridge.kill()
