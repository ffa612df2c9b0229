"""The addresses of the local SHKeeper: each is one that the bridge shows to a buyer, and belongs to its own coin."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from providers.shkeeper.destinations import why_nobody_pays_to
from providers.shkeeper.simulator.books.addresses import new_address, new_bolt11
from providers.shkeeper.simulator.terms.coins import COINS
from providers.shkeeper.texts.lightning import read_invoice

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("coin", sorted(COINS.keys() - {"BTC-LIGHTNING"}))
def test_a_new_address_is_one_of_its_coin(coin: str) -> None:
    addresses = {new_address(COINS[coin]) for _ in range(20)}
    assert len(addresses) == 20
    assert {why_nobody_pays_to(coin, one) for one in addresses} == {None}


def test_a_new_lightning_invoice_is_of_its_amount_and_good_for_an_hour() -> None:
    one, other = (new_bolt11(Decimal("0.00020400"), NOW) for _ in range(2))
    assert one != other
    assert why_nobody_pays_to("BTC-LIGHTNING", one) is None
    read = read_invoice(one)
    assert (read.amount, read.lapses_at.timestamp() - NOW.timestamp()) == (Decimal("0.000204"), 3600)
