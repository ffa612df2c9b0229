"""What wallets open, against the examples and rules of each scheme."""

from decimal import Decimal

import pytest

from providers.shkeeper.payment_uri import payment_uri


@pytest.mark.parametrize(
    ("coin", "address", "amount", "uri"),
    [
        ("BTC", "bc1qxy", "0.00250000", "bitcoin:bc1qxy?amount=0.0025"),
        ("LTC", "ltc1", "20", "litecoin:ltc1?amount=20"),
        ("DOGE", "D7", "100.10", "dogecoin:D7?amount=100.1"),
        ("XMR", "4A", "0.5", "monero:4A?tx_amount=0.5"),
        ("ETH", "0xAb", "0.01080125", "ethereum:0xAb@1?value=10801250000000000"),
        ("ETH", "0xAb", "0.000000000000000001", "ethereum:0xAb@1?value=1"),
        (
            "ETH",
            "0xAb",
            "1234567890123456789.000000000000000001",
            "ethereum:0xAb@1?value=1234567890123456789000000000000000001",
        ),
        ("MATIC", "0xAb", "2", "ethereum:0xAb@137?value=2000000000000000000"),
        ("SOL", "9x", "1.5", "solana:9x?amount=1.5"),
        ("SOLANA-USDC", "9x", "7.80", "solana:9x?amount=7.8&spl-token=EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGkZwyTDt1v"),
        ("TON", "UQ_a-b", "1.5", "ton://transfer/UQ_a-b?amount=1500000000"),
        ("BTC-LIGHTNING", "lnbc1", "0.1", "lightning:lnbc1"),
        ("ETH-USDT", "0xAb", "7.8", "0xAb"),
        ("TRX", "TAb", "7.8", "TAb"),
        ("BTC", "a?amount=9&b", "1", "bitcoin:a%3Famount%3D9%26b?amount=1"),
    ],
)
def test_each_coin_has_the_form_that_its_wallets_know(coin: str, address: str, amount: str, uri: str) -> None:
    assert payment_uri(coin, address, Decimal(amount)) == uri
