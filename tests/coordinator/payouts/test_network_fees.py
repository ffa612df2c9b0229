"""What the network gets is bounded by what is sent."""

from decimal import Decimal

import pytest

from coordinator.payouts.network_fees import NetworkFeeTooHighError, network_fee_doubt

TENTH = Decimal(10)


@pytest.mark.parametrize(("fee", "doubted"), [("0.01", False), ("0.1", False), ("0.10000001", True), ("0.99", True)])
def test_more_than_a_share_of_the_amount_is_doubted(fee: str, doubted: bool) -> None:
    said = network_fee_doubt(Decimal(1), "BTC", Decimal(fee), TENTH)
    assert (said is not None) is doubted
    assert said is None or said.endswith("more than 10 percent of 1")


@pytest.mark.parametrize("fee", ["1", "3"])
def test_as_much_as_the_amount_cannot_be_meant(fee: str) -> None:
    with pytest.raises(NetworkFeeTooHighError, match=f"costs {fee} BTC, and pays 1"):
        network_fee_doubt(Decimal(1), "BTC", Decimal(fee), TENTH)
