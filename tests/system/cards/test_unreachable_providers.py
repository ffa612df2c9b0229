"""Providers that cannot be asked while money waits for them: a running bridge tells of each, whatever provider it is,
goes on with the others, and counts what came meanwhile once they answer."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers.shkeeper.simulator.faults import Call, What
from tests.asking import get, post
from tests.conftest import BridgeProcess, StartBridge
from tests.played_shkeeper import KEY, PlayedShkeeper, played_shkeeper
from tests.system.cards.double import CardsDouble, playing_cards
from tests.waiting import wait_until

Document = dict[str, Any]


class ImpatientBridge(BridgeProcess):
    """A bridge with cards, that waits for no minute."""

    beside = "tests.system.cards.impatient"


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper() as played:
        yield played


@pytest.fixture(scope="module")
def cards() -> Iterator[CardsDouble]:
    with playing_cards() as double:
        yield double


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, cards: CardsDouble, shkeeper: PlayedShkeeper) -> BridgeProcess:
    settings = {
        "BRIDGE_SHKEEPER_URL": shkeeper.url,
        "BRIDGE_SHKEEPER_API_KEYS": KEY,
        "BRIDGE_SHKEEPER_CONFIRMATIONS": '{"ETH": 1}',
        "BRIDGE_RECONCILE_INTERVAL_SECONDS": "0.5",
    }
    return make_bridge(ImpatientBridge, **cards.variables, **settings)


def registered(bridge: BridgeProcess, number: int, **changes: str) -> Document:
    order = {"requestId": f"r{number}", "buyerId": "b1", "sellerId": "s1", "amount": "49.90", "currency": "USD"}
    answer = post(f"{bridge.url}/api/payments", json={**order, **changes})
    assert answer.status_code == 201, answer.text
    document: Document = answer.json()
    return document


def unreachable(bridge: BridgeProcess) -> dict[str, Document]:
    """What is on the list of each provider."""
    items = get(f"{bridge.url}/api/ops/attention").json()["items"]
    return {one["id"].partition(":")[2]: one for one in items if one["kind"] == "provider-unreachable"}


def stands(bridge: BridgeProcess, payment: Document) -> str:
    return str(get(f"{bridge.url}/api/payments/{payment['paymentId']}").json()["status"])


def test_each_is_told_of_by_itself_and_what_came_meanwhile_counts_once_it_answers(
    bridge: BridgeProcess, cards: CardsDouble, shkeeper: PlayedShkeeper
) -> None:
    by_card = registered(bridge, 1, provider="cards", coin="USD")
    by_coin = registered(bridge, 2, provider="shkeeper", coin="ETH-USDT")
    assert unreachable(bridge) == {}

    cards.is_down = True
    cards.capture(cards.session_at(by_card["invoices"][0]["checkoutUrl"]))  # and nobody is told
    of_cards = wait_until(lambda: unreachable(bridge).get("cards")) or {}
    assert "cards does not answer since" in of_cards["detail"]
    assert "1 payment to be asked about" in of_cards["detail"]
    assert of_cards["severity"] == "critical"
    # The other one's buyers notice nothing.
    shkeeper.transfer(by_coin["invoices"][0]["address"])
    wait_until(lambda: stands(bridge, by_coin) == "completed")
    assert (list(unreachable(bridge)), stands(bridge, by_card)) == (["cards"], "pending")

    also_by_coin = registered(bridge, 3, provider="shkeeper", coin="ETH-USDT")
    for call in (Call.ANY, Call.NOTICE):
        shkeeper.goes_wrong(call, What.WRONG_KEY)
    shkeeper.transfer(also_by_coin["invoices"][0]["address"])
    refused = wait_until(_listed_of(bridge, "shkeeper", "signature fits no key")) or {}
    assert "shkeeper turns the bridge away since" in refused["detail"]
    assert sorted(unreachable(bridge)) == ["cards", "shkeeper"]

    cards.is_down = False
    wait_until(lambda: stands(bridge, by_card) == "completed")
    wait_until(lambda: list(unreachable(bridge)) == ["shkeeper"])
    shkeeper.works_again()
    wait_until(lambda: stands(bridge, also_by_coin) == "completed")
    wait_until(lambda: unreachable(bridge) == {})


def _listed_of(bridge: BridgeProcess, provider: str, said: str) -> Callable[[], Document | None]:
    def listed() -> Document | None:
        found = unreachable(bridge).get(provider)
        return found if found is not None and said in found["detail"] else None

    return listed
