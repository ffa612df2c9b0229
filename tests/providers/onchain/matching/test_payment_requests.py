"""Where a payment may go over a chain: to whoever can send on what comes, from somebody else."""

from decimal import Decimal
from typing import Any

import pytest

from coordinator.payments.agreed.agreements import DirectPayment
from providers.onchain.chains import Chain, Token
from providers.onchain.matching.payment_requests import (
    NotOnChainError,
    WalletPayout,
    direct_payment,
    read_holder,
    wallet_payout,
)
from tests.anvil import BOB, CAROL

TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
CHAIN = Chain(
    name="anvil",
    chain_id=31337,
    confirmations=3,
    block_seconds=1,
    tokens=(Token(symbol="USDT", decimals=6, address=TOKEN), Token(symbol="ETH", decimals=18)),
)
NOBODYS = [
    "0x" + "0" * 40,
    *(f"0x{number:040x}" for number in (1, 0x11, 0xFF, 0xDEAD, 0x1234567)),
    "0x" + "f" * 40,
    "0x" + "dead" * 10,
    TOKEN.lower(),
    "0xdAC17F958D2ee523a2206206994597C13D831ec7",
]


def pay(recipient: str, payer: str | None = None, symbol: str = "USDT") -> DirectPayment:
    return direct_payment(
        {"anvil": CHAIN}, chain="anvil", symbol=symbol, recipient=recipient, payer=payer, amount=Decimal(1)
    )


@pytest.mark.parametrize("address", NOBODYS)
def test_nothing_goes_to_an_address_or_comes_from_one_that_nobody_sends_from(address: str) -> None:
    for symbol in ("USDT", "ETH"):
        with pytest.raises(NotOnChainError) as caught:
            pay(address, symbol=symbol)
        assert caught.value.field == "recipient"
        with pytest.raises(NotOnChainError) as caught:
            pay(BOB, address, symbol)
        assert caught.value.field == "payer"
    with pytest.raises(NotOnChainError) as caught:
        read_holder(CHAIN, address, field="destination")
    assert caught.value.field == "destination"


def test_a_buyer_is_not_the_recipient_however_it_is_written() -> None:
    for payer in (BOB, BOB.lower()):
        with pytest.raises(NotOnChainError) as caught:
            pay(BOB, payer)
        assert caught.value.field == "payer"
    assert pay(BOB, CAROL.lower()).payer == CAROL


def test_an_account_that_somebody_may_have_is_taken() -> None:
    assert pay("0x0000000000000000000000010000000000000001").recipient


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"chain": None}, "chain"),
        ({"chain": "ethereum"}, "chain"),
        ({"symbol": "DAI"}, "coin"),
        ({"amount": Decimal("0.0000001")}, "amount"),
        ({"sender": None}, "txHash"),
        ({"sender": "0x1"}, "sender"),
        ({"destination": TOKEN}, "destination"),
        ({"destination": CAROL.lower()}, "destination"),
    ],
)
def test_a_payout_from_a_wallet_is_refused_by_the_field_that_is_wrong(changes: dict[str, Any], field: str) -> None:
    asked: dict[str, Any] = {
        "chain": "anvil",
        "symbol": "USDT",
        "amount": Decimal(1),
        "destination": BOB.lower(),
        "tx_hash": None,
        "sender": CAROL.lower(),
    }
    assert wallet_payout({"anvil": CHAIN}, **asked) == WalletPayout("anvil", BOB, CAROL)
    with pytest.raises(NotOnChainError) as caught:
        wallet_payout({"anvil": CHAIN}, **asked | changes)
    assert caught.value.field == field
