"""Attacks of neighbours on a running bridge: whatever SHKeeper or a node answers, the bridge keeps its memory and its
pace, and one that lies about one thing holds up nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.anvil import CHAIN_ID
from tests.asking import get
from tests.conftest import BridgeProcess, StartBridge
from tests.lying_neighbour import LIES, Asked, Lie, answer, drip, drip_head, lying_neighbour
from tests.made_destinations import destination
from tests.played_shkeeper import PlayedShkeeper, played_shkeeper
from tests.system.shkeeper.conftest import Marketplace, settings_for
from tests.waiting import wait_until

MORE_BYTES_AT_MOST = 200_000_000
COSTLY = {
    name: LIES[name]
    for name in ("bomb", "nested bomb", "endless", "deep", "million digits", "lone surrogate", "many names")
}
ALL = {**LIES, "drip": drip}


def most_memory_bytes(bridge: BridgeProcess) -> int:
    """The most that it has had at any time."""
    status = Path(f"/proc/{bridge.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def tracebacks(bridge: BridgeProcess) -> int:
    return bridge.log.read_text().count("Traceback")


@pytest.fixture(scope="module")
def shkeeper_behind() -> Iterator[PlayedShkeeper]:
    with played_shkeeper(coins={"ETH-USDT", "BNB-USDT"}) as shkeeper:
        yield shkeeper


def test_no_answer_of_shkeeper_costs_memory_or_ends_anything(
    make_bridge: StartBridge, shkeeper_behind: PlayedShkeeper
) -> None:
    """One lie after the other about all that is asked; then the truth, by which everything goes on."""
    lying: list[Lie] = []
    with lying_neighbour(first_of(lying), behind=shkeeper_behind.url) as liar:
        bridge = make_bridge(**settings_for(shkeeper_behind) | {"BRIDGE_SHKEEPER_URL": liar.url})
        marketplace = Marketplace(bridge, shkeeper_behind)
        payment = marketplace.create()
        before = most_memory_bytes(bridge)
        for name, lie in (*COSTLY.items(), ("drip", drip)):
            lying[:] = [lie]
            has_come = grows(liar.asked)
            created = marketplace.register(201, 202, 400, 422, 502, requestId=f"r-{name}")
            assert "traceback" not in str(created).lower()
            wait_until(has_come)
            assert get(f"{bridge.url}/health/live").status_code == 200
        lying.clear()
        shkeeper_behind.transfer(payment["invoices"][0]["address"])
        marketplace.wait_for(payment["paymentId"], "completed")
        marketplace.client.close()
    assert most_memory_bytes(bridge) - before < MORE_BYTES_AT_MOST
    assert tracebacks(bridge) == 0


def grows(questions: list[Asked]) -> Callable[[], bool]:
    """Whether there are more of them by then."""
    before = len(questions)
    return lambda: len(questions) > before


def first_of(lying: list[Lie]) -> Callable[[Asked], Iterator[bytes] | None]:
    """Lies as the first of these does at the moment, if there is one."""
    return lambda asked: lying[0](asked) if lying else None


def about(words: str, lie: Lie) -> Callable[[Asked], Iterator[bytes] | None]:
    """Lies about what is asked in these words, and about nothing else."""
    return lambda asked: lie(asked) if words in asked.path else None


@pytest.mark.parametrize("lie", [drip, drip_head])
def test_a_coin_whose_answers_drip_keeps_back_no_payout_in_another(
    make_bridge: StartBridge, shkeeper_behind: PlayedShkeeper, lie: Lie
) -> None:
    with lying_neighbour(about("/BNB-USDT/task/", lie), behind=shkeeper_behind.url) as liar:
        bridge = make_bridge(**settings_for(shkeeper_behind) | {"BRIDGE_SHKEEPER_URL": liar.url})
        marketplace = Marketplace(bridge, shkeeper_behind)
        on_bnb, on_eth = marketplace.paid(requestId="r-bnb"), marketplace.paid(requestId="r-eth")
        order = {"paymentId": on_bnb, "coin": "BNB-USDT", "amount": "98", "destination": destination("BNB-USDT", "b")}
        answered = marketplace.client.post("/api/payouts", json={"payouts": [order]})
        assert answered.status_code == 202, answered.text
        [waits] = answered.json()["payouts"]
        wait_until(lambda: any("/BNB-USDT/task/" in asked.path for asked in liar.asked))
        [payout] = marketplace.pay_out(on_eth)
        marketplace.settle([payout], "completed")
        wait_until(lambda: any("/BNB-USDT/task/" in asked.path for asked in liar.ended))  # it was hung up on
        assert marketplace.payout_status(waits) == "created"
        marketplace.client.close()
    assert tracebacks(bridge) == 0


def test_no_answer_of_a_node_costs_memory_or_ends_the_following(make_bridge: StartBridge, tmp_path: Path) -> None:
    """A chain whose one endpoint says what it is and otherwise lies: the bridge says so in few lines, and lives."""
    chains = tmp_path / "chains.toml"
    chains.write_text(
        f"[anvil]\nchain_id = {CHAIN_ID}\nconfirmations = 1\nblock_seconds = 0.5\ntokens.ETH = {{ decimals = 18 }}\n"
    )
    lying: list[Lie] = [answer({"jsonrpc": "2.0", "id": 1, "result": hex(CHAIN_ID)})]
    with lying_neighbour(first_of(lying)) as liar:
        bridge = make_bridge(BRIDGE_CHAINS_FILE=str(chains), BRIDGE_ENDPOINTS_ANVIL=liar.url)
        before = most_memory_bytes(bridge)
        for lie in (*ALL.values(), *(answer({"jsonrpc": "2.0", "id": 1, "result": said}) for said in ODD_RESULTS)):
            lying[:] = [lie]
            wait_until(grows(liar.ended))
            assert get(f"{bridge.url}/health/live").status_code == 200
    assert most_memory_bytes(bridge) - before < MORE_BYTES_AT_MOST
    assert tracebacks(bridge) == 0


HUGE = "0x" + "f" * 100_000
ODD_RESULTS: tuple[Any, ...] = (
    HUGE,
    {"number": HUGE, "timestamp": "0x1", "hash": "0x1"},
    {"number": "0x1", "timestamp": HUGE, "hash": "0x1"},
    {"number": "0x1", "timestamp": "0x1", "hash": "\ud800"},
    {"number": "0x1", "timestamp": "0x1", "hash": {"a": 1}},
    {"number": "0x1", "timestamp": "0x1", "hash": "0x1", "parentHash": 5, "logsBloom": []},
    {"number": -1, "timestamp": [], "hash": None},
    [],
    5,
    None,
)
