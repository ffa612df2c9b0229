"""Idempotency keys: what is the same request, and whose key it is."""

from collections.abc import Callable

import pytest

from bridge.http.front.idempotency import idempotency_of
from bridge.http.payments.checkouts import CheckoutRequest
from bridge.http.payments.routes import PaymentRequest
from bridge.http.payouts.orders import PayoutRequest
from coordinator.models import FrozenModel
from tests.made_destinations import destination

KEY = "the-same-key"


def payment(amount: str) -> FrozenModel:
    return PaymentRequest.model_validate(
        {
            "provider": "shkeeper",
            "coin": "ETH-USDT",
            "requestId": "r1",
            "buyerId": "b1",
            "sellerId": "s1",
            "amount": amount,
            "currency": "USD",
        }
    )


def checkout(amount: str) -> FrozenModel:
    share = {"requestId": "r1", "sellerId": "s1", "offerId": "o1", "amount": amount}
    asked = {"provider": "shkeeper", "coin": "ETH-USDT", "buyerId": "b1", "currency": "USD", "shares": [share]}
    return CheckoutRequest.model_validate(asked)


def payout(amount: str) -> FrozenModel:
    order = {"paymentId": "pay_1", "coin": "ETH-USDT", "amount": amount, "destination": destination("ETH-USDT", "s1")}
    return PayoutRequest.model_validate({"payouts": [order]})


@pytest.mark.parametrize("asked", [payment, checkout, payout])
def test_an_amount_is_the_same_however_many_zeros_end_it(asked: Callable[[str], FrozenModel]) -> None:
    first, again, other = (idempotency_of("a", KEY, asked(amount)) for amount in ("28.9", "28.90", "28.91"))
    assert first == again
    assert first != other
