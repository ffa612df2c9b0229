"""The bridge that strangers try their luck with, and one that has little patience, so that its tests need little."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import pytest

from tests.conftest import BridgeProcess, StartBridge
from tests.system.attacks.strangers import Stranger, Traffic, honest_traffic
from tests.system.conftest import GATEWAY_KEY, Gateway, StartListener
from tests.system.soak.lines import HANDSHAKE

HonestTraffic = Callable[[], AbstractContextManager[Traffic]]

PATIENCE_SECONDS = 3.0
"""For a head, a body, an answer that is not read, and silence, at a bridge of little patience."""


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge) -> Iterator[BridgeProcess]:
    yield from _attacked(make_bridge(BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY))


@pytest.fixture(scope="module")
def impatient(make_bridge: StartBridge) -> Iterator[BridgeProcess]:
    """Only for tests of its deadlines: on a slow machine it cuts off those who mean no harm, too."""
    patience = str(PATIENCE_SECONDS)
    bridge = make_bridge(
        BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY,
        BRIDGE_HEAD_TIMEOUT_SECONDS=patience,
        BRIDGE_BODY_TIMEOUT_SECONDS=patience,
        BRIDGE_IDLE_TIMEOUT_SECONDS=patience,
        BRIDGE_ANSWER_TIMEOUT_SECONDS=patience,
    )
    yield from _attacked(bridge)


def _attacked(bridge: BridgeProcess) -> Iterator[BridgeProcess]:
    yield bridge
    bridge.kill()
    assert "Traceback" not in bridge.log.read_text()


@pytest.fixture
def meanwhile(bridge: BridgeProcess, gateway: Gateway, listen: StartListener) -> HonestTraffic:
    """Webhooks and a stock client that go on for as long as it is entered."""
    return partial(honest_traffic, bridge, gateway, listen)


@pytest.fixture
def open_web_socket(bridge: BridgeProcess) -> Callable[[], Stranger]:
    """Opens a bare WebSocket, and hears what the bridge says first."""

    def start() -> Stranger:
        stranger = Stranger(bridge)
        stranger.send(HANDSHAKE)
        assert stranger.answer("HEAD").status == 101
        return stranger

    return start
