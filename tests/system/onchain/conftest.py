"""A running bridge that follows a real node, and what a marketplace's backend and its buyers do with them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from tests.anvil import CHAIN_ID, Anvil, running_anvil
from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.system.conftest import Listener
from tests.waiting import wait_until

CONFIRMATIONS = 5
Document = dict[str, Any]


@dataclass(frozen=True)
class Contracts:
    """Where the contracts of the tests stand."""

    usdt: str
    usdc: str
    old: str
    forwarder: str


def deploy(anvil: Anvil) -> Contracts:
    return Contracts(*(anvil.deploy(name) for name in ("Token", "Token", "SilentToken", "Forwarder")))


def chains_file(
    folder: Path,
    contracts: Contracts,
    *,
    confirmations: int | str = CONFIRMATIONS,
    block_seconds: float = 0.1,
    more: str = "",
) -> Path:
    """The configuration of a chain with the tests' tokens."""
    path = folder / "chains.toml"
    path.write_text(
        f"""
        [anvil]
        chain_id = {CHAIN_ID}
        confirmations = {confirmations!r}
        block_seconds = {block_seconds}
        explorer = "https://explorer.example/tx/{{tx_hash}}"
        tokens.ETH = {{ decimals = 18, shkeeper = "ETH" }}
        tokens.USDT = {{ address = "{contracts.usdt}", decimals = 6, shkeeper = "ETH-USDT" }}
        tokens.USDC = {{ address = "{contracts.usdc}", decimals = 6 }}
        tokens.OLD = {{ address = "{contracts.old}", decimals = 6 }}
        {more}
        """
    )
    return path


def address(name: str) -> str:
    """An account that nobody else uses."""
    return to_checksum_address("0x" + hashlib.sha256(name.encode()).hexdigest()[:40])


class Market:
    """The backend: it creates payments and tells of payouts, and looks how they stand."""

    def __init__(self, bridge: BridgeProcess, anvil: Anvil, contracts: Contracts) -> None:
        self.bridge = bridge
        self.anvil = anvil
        self.contracts = contracts
        self.client = client_of(bridge.url)

    def post(self, path: str, content: Document, status: int = 201) -> Document:
        answer = self.client.post(path, json=content)
        assert answer.status_code == status, answer.text
        document: Document = answer.json()
        return document

    def get(self, path: str) -> Document:
        document: Document = self.client.get(path).json()
        return document

    def create(
        self, name: str, amount: str = "100", *, token: str = "USDT", status: int = 201, **more: Any
    ) -> Document:
        """A payment to an account of its own; its purchase request, buyer and seller bear the name too."""
        order = {
            "provider": "onchain",
            "chain": "anvil",
            "currency": token,
            "amount": amount,
            "recipient": address(name),
            "requestId": name,
            "buyerId": f"buyer-{name}",
            "sellerId": f"seller-{name}",
        }
        return self.post("/api/payments", {**order, **more}, status)

    def pay_out(self, payment: Document, status: int = 202, **changes: Any) -> Document:
        """Orders 90 for its seller, or is answered otherwise."""
        item = {
            "paymentId": payment["paymentId"],
            "chain": "anvil",
            "coin": "USDT",
            "amount": "90",
            "destination": address(f"seller {payment['requestId']}"),
        }
        answer = self.post("/api/payouts", {"payouts": [item | changes]}, status)
        found: Document = answer["payouts"][0] if status == 202 else answer
        return found

    def hint(self, payment: Document, tx_hash: str) -> Document:
        return self.post(f"/api/payments/{payment['paymentId']}/transaction", {"txHash": tx_hash}, 202)

    def payment(self, payment: Document) -> Document:
        return self.get(f"/api/payments/{payment['paymentId']}")

    def payout(self, payout: Document) -> Document:
        return self.get(f"/api/payouts/{payout['payoutId']}")

    def wait_for(self, document: Document, **values: Any) -> Document:
        """Waits until a payment or payout says so."""
        look = self.payout if "payoutId" in document else self.payment
        last: Document = {}

        def says() -> bool:
            last.clear()
            last.update(look(document))
            return all(last[name] == value for name, value in values.items())

        try:
            wait_until(says)
        except AssertionError:
            raise AssertionError(f"expected {values}, found {last}") from None
        return last

    def pay(self, token: str, to: str, amount: int, **more: Any) -> str:
        """Sends whole tokens, as soon as they are mined."""
        return self.anvil.transfer(getattr(self.contracts, token.lower()), to, amount * 10**6, **more)

    def mine(self, blocks: int = 1) -> None:
        """Mines, and waits until the bridge has followed."""
        self.anvil.mine(blocks)
        self.follow()

    def follow(self) -> None:
        """Waits until the bridge is at the head of the chain."""
        head = self.anvil.head()

        def is_there() -> bool:
            [chain] = self.get("/api/chains")["chains"]
            return bool(chain["head"] >= head and chain["blocksBehind"] == 0)

        wait_until(is_there)

    def settle(self, payment: Document) -> None:
        """Has a payment's transfers become final."""
        self.mine(CONFIRMATIONS)
        self.wait_for(payment, status="completed")


def told(listener: Listener, *names: str) -> list[tuple[Any, ...]]:
    """What a front end heard of these events: their names and what matters of them."""
    listener.fence()
    parts = ("type", "status", "verification", "confirmations", "missing", "reason")
    return [
        (name, *(payload[part] for part in parts if payload.get(part) is not None))
        for name, [payload, *_] in listener.events
        if name in names
    ]


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


@pytest.fixture(scope="module")
def contracts(anvil: Anvil) -> Contracts:
    return deploy(anvil)


@pytest.fixture(scope="module")
def bridge(
    make_bridge: StartBridge, anvil: Anvil, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> BridgeProcess:
    chains = chains_file(tmp_path_factory.mktemp("chains"), contracts)
    return make_bridge(BRIDGE_CHAINS_FILE=str(chains), BRIDGE_ENDPOINTS_ANVIL=anvil.websocket_url)


@pytest.fixture(scope="module")
def market(bridge: BridgeProcess, anvil: Anvil, contracts: Contracts) -> Iterator[Market]:
    market = Market(bridge, anvil, contracts)
    market.follow()
    yield market
    market.client.close()
