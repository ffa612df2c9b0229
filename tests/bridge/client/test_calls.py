"""What is refused before anything is sent, and that a service's process loads nothing of the server."""

import math
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.catalogue.marketplace import NewOffer
from bridge.client import (
    BridgeClient,
    CheckoutShare,
    ClientError,
    PayoutOrder,
    Publication,
    RequestRefusedError,
)
from coordinator.errors import BridgeError

OFFER = NewOffer(request_id="r1", offer={}, seller_id="s1")
NESTED: dict[str, Any] = {}
NESTED["itself"] = NESTED


@pytest.mark.parametrize(
    "value", [Decimal("1.5"), math.nan, math.inf, datetime(2026, 1, 31, tzinfo=UTC), {1, 2}, NESTED, {1: 1, "a": 2}]
)
def test_data_that_is_no_json_is_named(value: object) -> None:
    with BridgeClient("http://127.0.0.1:1") as client:
        with pytest.raises(RequestRefusedError) as caught:
            client.publish("new-offer", {"offer": value})
        assert [fault.field for fault in caught.value.faults] == ["data"]
        with pytest.raises(RequestRefusedError) as caught:
            client.publish_all([Publication(OFFER), Publication("new-offer", {"offer": value})])
        assert [fault.field for fault in caught.value.faults] == ["events.1.data"]


def test_a_payload_that_is_no_json_is_named() -> None:
    with pytest.raises(RequestRefusedError, match="data: cannot be written as JSON"):
        Publication(OFFER.model_copy(update={"offer": {"at": object()}})).to_json()


def test_an_event_has_its_data_once() -> None:
    with pytest.raises(TypeError, match="NewOffer is the data already"):
        Publication(OFFER, {})
    wrong: tuple[Any, ...] = (None, [], "text")
    for data in wrong:
        with pytest.raises(TypeError, match="its name and its data"):
            Publication("new-offer", data)


@pytest.mark.parametrize("key", ["", " ", " a", "a ", "a\n", "é", "x" * 201])
def test_a_key_that_no_header_carries_is_refused(key: str) -> None:
    with BridgeClient("http://127.0.0.1:1") as client, pytest.raises(RequestRefusedError, match="Idempotency-Key"):
        client.publish(OFFER, idempotency_key=key)


@pytest.mark.parametrize("amount", [49.9, "49,90", "-1", "", None, True, Decimal("NaN"), Decimal(-1), "1e999"])
def test_an_amount_is_exact(amount: Any) -> None:
    with BridgeClient("http://127.0.0.1:1") as client, pytest.raises(RequestRefusedError, match="amount: ") as caught:
        client.register_payment(
            provider="shkeeper",
            external_id="o1",
            request_id="r1",
            buyer_id="b1",
            seller_id="s1",
            amount=amount,
            currency="USD",
        )
    assert [fault.field for fault in caught.value.faults] == ["amount"]
    if isinstance(amount, float):
        assert "a float would lose digits" in str(caught.value)


def test_an_amount_that_is_not_exact_is_named_by_its_place() -> None:
    share = CheckoutShare(request_id="r1", seller_id="s1", amount="1")
    order = PayoutOrder(payment_id="pay_1", coin="ETH-USDT", amount="1", destination="0x1")
    inexact: Any = 0.1
    with BridgeClient("http://127.0.0.1:1") as client:
        with pytest.raises(RequestRefusedError) as caught:
            client.register_checkout(
                provider="shkeeper", buyer_id="b1", currency="USD", shares=[share, replace(share, amount=inexact)]
            )
        assert [fault.field for fault in caught.value.faults] == ["shares.1.amount"]
        with pytest.raises(RequestRefusedError) as caught:
            client.send_payouts([order, order, replace(order, fee=inexact)])
        assert [fault.field for fault in caught.value.faults] == ["payouts.2.fee"]


def test_every_error_is_the_bridges() -> None:
    assert issubclass(ClientError, BridgeError)


def test_the_client_loads_nothing_of_the_server() -> None:
    program = (
        "import sys, bridge.client;"
        "print(*(name for name in sys.modules if name.split('.')[0] in"
        " {'litestar', 'sqlalchemy', 'alembic', 'socketio', 'engineio', 'uvicorn', 'aiohttp', 'providers'}))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
