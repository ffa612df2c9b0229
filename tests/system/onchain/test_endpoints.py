"""Endpoints that die, lag, leave out logs, or are on another fork: the bridge goes on with the others."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from tests.anvil import Anvil, running_anvil
from tests.asking import client_of
from tests.conftest import StartBridge
from tests.scripted_gateway import Gateway, Request, scripted_gateway
from tests.system.conftest import StartListener
from tests.system.onchain.conftest import CONFIRMATIONS, Contracts, Document, Market, address, chains_file, told
from tests.waiting import wait_until

SECRET = "the-key-of-the-endpoint"
# For how long one that throttles is left alone at least.
THROTTLED_SECONDS = 5.0


class Endpoint:
    """An endpoint before a node: it passes questions on, and may change the answers, or be dead."""

    def __init__(self, gateway: Gateway, anvil: Anvil) -> None:
        self.url = f"{gateway.url}/v3/{SECRET}"
        self.is_dead = False
        self.status = 200
        self.changes: Callable[[Document, Any], Any] = lambda question, result: result
        self.asked: list[str] = []
        self.last_block: int | None = None
        """Of later ones it tells no logs: it does not answer then."""
        self.has_held_back = False
        self._anvil = anvil
        self._http = client_of(anvil.url, limits=httpx.Limits())
        gateway.answers(self._answer)

    def close(self) -> None:
        self._http.close()

    def moves_to(self, anvil: Anvil) -> None:
        """Stands before another node from now on."""
        self._http.close()
        self._http = client_of(anvil.url, limits=httpx.Limits())

    def _answer(self, request: Request) -> bytes | None:
        if self.is_dead:
            return None
        question = request.content
        if self.last_block is not None and _first_block(question) > self.last_block:
            self.has_held_back = True
            return None
        self.asked.append(question["method"])
        answer = self._http.post("/", json=question).json()
        if self.status != 200:
            return b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % self.status
        if "result" in answer:
            answer["result"] = self.changes(question, answer["result"])
        body = json.dumps(answer).encode()
        head = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        return head + body


@contextmanager
def endpoints(*nodes: Anvil) -> Iterator[list[Endpoint]]:
    with start_blocking_portal() as portal:
        gateways = [portal.wrap_async_context_manager(scripted_gateway()) for _ in nodes]
        opened = [Endpoint(gateway.__enter__(), node) for gateway, node in zip(gateways, nodes, strict=True)]
        try:
            yield opened
        finally:
            for endpoint in opened:
                endpoint.close()
            for gateway in gateways:
                gateway.__exit__(None, None, None)


StartMarket = Callable[..., Market]


@pytest.fixture
def open_market(make_bridge: StartBridge, contracts: Contracts, tmp_path: Path) -> Iterator[StartMarket]:
    markets: list[Market] = []

    def start(anvil: Anvil, *used: Endpoint, block_seconds: float = 0.1) -> Market:
        chains = chains_file(tmp_path, contracts, block_seconds=block_seconds)
        urls = ",".join(endpoint.url for endpoint in used)
        market = Market(make_bridge(BRIDGE_CHAINS_FILE=str(chains), BRIDGE_ENDPOINTS_ANVIL=urls), anvil, contracts)
        markets.append(market)
        market.follow()
        return market

    yield start
    for market in markets:
        market.client.close()
        market.bridge.kill()


def test_one_that_dies_is_replaced_and_one_that_lags_is_set_aside(
    anvil: Anvil, contracts: Contracts, open_market: StartMarket
) -> None:
    with endpoints(anvil, anvil, anvil) as [first, second, third]:
        market = open_market(anvil, first, second, third, block_seconds=1.0)
        payment = market.create("failover")
        market.pay("usdt", address("failover"), 100)
        market.mine()
        market.wait_for(payment, confirmations=1)
        first.is_dead = True
        market.mine()
        market.wait_for(payment, confirmations=2)
        newest = anvil.ask("eth_getBlockByNumber", "latest", False)
        second.changes = lambda question, result: newest if "latest" in question["params"] else result
        market.mine(CONFIRMATIONS)
        market.wait_for(payment, status="completed")
        assert third.asked
        log = market.bridge.log.read_text()
        assert "is suspended: unreachable" in log
        assert "is suspended: lagging" in log
        first.is_dead, second.changes = False, lambda question, result: result
        asked = len(first.asked)
        wait_until(lambda: len(first.asked) > asked)
        third.is_dead = second.is_dead = first.is_dead = True
        wait_until(lambda: market.get("/health/ready")["checks"]["anvil"].startswith("degraded"))
        first.is_dead = False
        wait_until(lambda: market.get("/health/ready")["checks"]["anvil"].startswith("ok: 0 blocks behind"))


def test_one_that_throttles_is_left_alone_for_a_while(
    anvil: Anvil, contracts: Contracts, open_market: StartMarket
) -> None:
    with endpoints(anvil, anvil, anvil) as [first, second, third]:
        market = open_market(anvil, first, second, third)
        payment = market.create("throttled")
        market.pay("usdt", address("throttled"), 100)
        first.status = 429
        market.mine()
        market.wait_for(payment, confirmations=1)
        assert "is suspended: throttled (HTTP status 429)" in market.bridge.log.read_text()
        asked, began = len(first.asked), time.monotonic()
        market.mine(CONFIRMATIONS)
        market.wait_for(payment, status="completed")
        may_be_over = int((time.monotonic() - began) / THROTTLED_SECONDS)
        assert len(first.asked) <= asked + 1 + may_be_over
        first.status = 200
        wait_until(lambda: len(first.asked) > asked + 2)  # it is asked again later


def test_one_that_turns_out_to_be_of_another_chain_is_not_believed(
    anvil: Anvil, contracts: Contracts, open_market: StartMarket
) -> None:
    with running_anvil(5) as other, endpoints(other, anvil, anvil) as [wrong, right, another]:
        other.mine(50)
        wrong.is_dead = True  # so nothing is known of it at the start
        market = open_market(anvil, wrong, right, another)
        wrong.is_dead = False
        payment = market.create("of-another-chain")
        market.pay("usdt", address("of-another-chain"), 100)
        wait_until(
            lambda: "is suspended: wrong-chain (it is a node of chain 5)" in market.bridge.log.read_text(),
        )
        market.mine(CONFIRMATIONS)
        market.wait_for(payment, status="completed")
        assert set(wrong.asked) == {"eth_chainId"}
        assert market.get("/api/chains/troubles")["alarms"] == []


def test_the_urls_of_endpoints_are_shown_nowhere(
    make_bridge: StartBridge, anvil: Anvil, contracts: Contracts, tmp_path: Path
) -> None:
    chains = chains_file(tmp_path, contracts)
    with endpoints(anvil, anvil, anvil) as [first, second, third]:
        bridge = make_bridge(
            BRIDGE_CHAINS_FILE=str(chains),
            BRIDGE_ENDPOINTS_ANVIL=f"{anvil.websocket_url}/?key={SECRET},ws://127.0.0.1:9/{SECRET},{first.url},{second.url}"
            f",{third.url}/?key={SECRET}",
            BRIDGE_LOG_LEVEL="debug",
        )
        market = Market(bridge, anvil, contracts)
        first.is_dead, second.status = True, 503
        payment = market.create("shown-nowhere")
        market.pay("usdt", address("shown-nowhere"), 100)
        market.mine(CONFIRMATIONS)
        market.wait_for(payment, status="completed")
        wait_until(lambda: bridge.log.read_text().count("is suspended") >= 3)
        shown = [market.client.get(path).text for path in ("/health/ready", "/metrics", "/api/chains")]
        assert "127.0.0.1:9 is suspended" in bridge.log.read_text()
        assert SECRET not in bridge.log.read_text() + "".join(shown)
        market.client.close()
        bridge.kill()


def test_a_chain_that_fails_stops_no_other(
    make_bridge: StartBridge, anvil: Anvil, contracts: Contracts, tmp_path: Path
) -> None:
    more = "[broken]\nchain_id = 5\nconfirmations = 1\nblock_seconds = 0.1\ntokens.ETH = { decimals = 18 }"
    chains = chains_file(tmp_path, contracts, more=more)
    with endpoints(anvil) as [broken]:
        broken.is_dead = True
        bridge = make_bridge(
            BRIDGE_CHAINS_FILE=str(chains),
            BRIDGE_ENDPOINTS_ANVIL=anvil.url,
            BRIDGE_ENDPOINTS_BROKEN=broken.url,
        )
        market = Market(bridge, anvil, contracts)
        payment = market.create("beside-a-broken-chain")
        market.pay("usdt", address("beside-a-broken-chain"), 100)
        anvil.mine(CONFIRMATIONS)
        market.wait_for(payment, status="completed")
        wait_until(lambda: market.get("/health/ready")["checks"]["broken"].startswith("degraded"))
        wait_until(lambda: market.get("/health/ready")["checks"]["anvil"].startswith("ok: 0 blocks behind"))
        checks = market.get("/health/ready")["checks"]
        assert checks["broken"].startswith("degraded: not asked yet; broken: no endpoint answers")
        market.client.close()
        bridge.kill()


def test_one_on_another_fork_is_followed_back_to_the_chain_that_goes_on(
    anvil: Anvil, contracts: Contracts, open_market: StartMarket, listen: StartListener
) -> None:
    with running_anvil(fork_of=anvil) as fork:
        fork.mine(2)  # blocks that the others never see
        with endpoints(anvil, fork) as [right, forked]:
            market = open_market(anvil, right, forked)
            buyer = listen(market.bridge.url, [["join-request-room", "forked"]])
            payment = market.create("forked")
            market.pay("usdt", address("forked"), 100)
            market.mine()
            market.wait_for(payment, status="confirming")
            right.is_dead = True
            fork.mine(2)
            # On this fork nobody has paid, although its node still knows the transaction, from before the fork.
            buyer.wait_for(
                lambda line: (
                    line.get("event") == "purchase-request-update"
                    and line["args"][0]["type"] == "payment-reorganised"
                )
            )
            right.is_dead = False
            anvil.mine(4)  # more than the other fork has
            market.wait_for(payment, status="confirming")
            # Of two that contradict each other neither is believed.
            contradicted = wait_until(lambda: market.get("/api/chains/troubles")["alarms"])
            assert {one["kind"] for one in contradicted or []} == {"contradicted"}
            assert market.payment(payment)["status"] == "confirming"
            forked.moves_to(anvil)
            market.wait_for(payment, status="completed")
            assert told(buyer, "purchase-request-update")[-1][1] == "payment-completed"


def test_a_bridge_killed_while_it_catches_up_misses_nothing_and_counts_nothing_twice(
    anvil: Anvil, contracts: Contracts, open_market: StartMarket
) -> None:
    with endpoints(anvil, anvil) as [first, second]:
        # The faster a chain is, the more of its newest blocks no range reaches into.
        market = open_market(anvil, first, second, block_seconds=1.0)
        payments = [market.create(f"caught-{number}") for number in range(12)]
        market.follow()
        market.bridge.kill()
        for number in range(12):
            market.pay("usdt", address(f"caught-{number}"), 100)
            anvil.mine(150)
        # Some ranges are too long for the first, and the second leaves out logs of long ones.
        first.changes = lambda question, result: _refuse_long(question, result, limit=300)
        second.changes = lambda question, result: [] if _length(question) > 100 else result
        for blocks_left in (1200, 400):
            # It gets so far, and no further.
            first.last_block = second.last_block = anvil.head() - blocks_left
            first.has_held_back = second.has_held_back = False
            market.bridge.start()
            wait_until(lambda: first.has_held_back or second.has_held_back)
            assert 0 < _blocks_left(market) <= blocks_left
            market.bridge.kill()
        first.last_block = second.last_block = None
        market.bridge.start()
        market.follow()
        for payment in payments:
            done = market.wait_for(payment, status="completed", received="100")
            assert len(done["transfers"]) == 1
        page = market.get("/api/events?room=ops&limit=500")
        told = [event["event"] for event in page["events"]]
        assert not page["more"]
        assert told.count("payment-progress") == len(payments)
        assert first.asked.count("eth_getLogs") < 12 * 150 / 4  # not block by block


def _first_block(question: Document) -> int:
    """The first block whose logs are asked for; 0 if another question is asked."""
    if question["method"] != "eth_getLogs":
        return 0
    return int(question["params"][0].get("fromBlock", "0x0"), 16)


def _length(question: Document) -> int:
    if question["method"] != "eth_getLogs" or "fromBlock" not in question["params"][0]:
        return 0
    asked_for = question["params"][0]
    return int(asked_for["toBlock"], 16) - int(asked_for["fromBlock"], 16) + 1


def _refuse_long(question: Document, result: Any, *, limit: int) -> Any:
    return None if _length(question) > limit else result


def _blocks_left(market: Market) -> int:
    [chain] = market.get("/api/chains")["chains"]
    left = chain["blocksBehind"]
    return 10**9 if left is None else int(left)


def test_a_node_that_is_stuck_and_one_that_is_bold_are_said_to_be(
    anvil: Anvil, contracts: Contracts, open_market: StartMarket
) -> None:
    with endpoints(anvil) as [only]:
        market = open_market(anvil, only)
        wait_until(lambda: market.get("/health/ready")["checks"]["anvil"].startswith("ok: 0 blocks behind"))

        def old(question: Document, result: Any) -> Any:
            is_newest = "latest" in question["params"]
            return result | {"timestamp": hex(int(result["timestamp"], 16) - 7_200)} if is_newest else result

        only.changes = old
        wait_until(lambda: "newest block is 2 h old" in market.get("/health/ready")["checks"]["anvil"])
        [chain] = market.get("/api/chains")["chains"]
        assert (chain["blocksBehind"], "newest block is 2 h old" in chain["problem"]) == (0, True)
        only.changes = lambda question, result: result
        wait_until(lambda: market.get("/health/ready")["checks"]["anvil"].startswith("ok: 0 blocks behind"))
        [chain] = market.get("/api/chains")["chains"]
        assert chain["problem"] is None
        assert chain["headAt"] is not None


def test_a_contradiction_is_on_the_list_and_in_readiness_and_leaves_readiness_with_its_reason(
    anvil: Anvil, contracts: Contracts, open_market: StartMarket
) -> None:
    with endpoints(anvil, anvil) as [first, second]:
        market = open_market(anvil, first, second)
        payment = market.create("contradicted")
        other = "0x" + "1" * 64

        def another_block(question: Document, result: Any) -> Any:
            return [log | {"blockHash": other} for log in result] if question["method"] == "eth_getLogs" else result

        second.changes = another_block
        market.pay("usdt", address("contradicted"), 100)
        market.mine(CONFIRMATIONS)
        items = wait_until(lambda: market.get("/api/ops/attention")["items"])
        [item] = [one for one in items or [] if one["kind"] == "chain-contradicted"]
        assert other in item["detail"]
        assert payment["paymentId"] in item["detail"]
        wait_until(lambda: "contradict each other" in market.get("/health/ready")["checks"]["anvil"])
        found = market.wait_for(payment, status="confirming")
        assert [one["reason"] for one in found["sightings"]] == ["two endpoints contradict each other"]
        second.changes = lambda question, result: result
        market.wait_for(payment, status="completed")
        wait_until(lambda: market.get("/health/ready")["checks"]["anvil"].startswith("ok: 0 blocks behind"))
