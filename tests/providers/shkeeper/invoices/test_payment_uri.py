"""What wallets open, against the examples and rules of each scheme."""

from decimal import Decimal

import pytest
from eth_utils.address import to_checksum_address

from coordinator.payments.deciding.quotes import filled
from providers.accounts import why_nobody_sends_from
from providers.onchain.chains import read_chains
from providers.shkeeper.coins import COINS_OF_CHAINS, DECIMALS
from providers.shkeeper.invoices.payment_uri import TOKENS, Contract, uri_template


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
        (
            "ETH-USDT",
            "0xAb",
            "7.80",
            "ethereum:0xdAC17F958D2ee523a2206206994597C13D831ec7@1/transfer?address=0xAb&uint256=7800000",
        ),
        (
            "BNB-USDT",
            "0xAb",
            "0.000000000000000001",
            "ethereum:0x55d398326f99059fF775485246999027B3197955@56/transfer?address=0xAb&uint256=1",
        ),
        (
            "ETH-DAI",
            "0xAb",
            "7.8",
            "ethereum:0x6B175474E89094C44Da98b954EedeAC495271d0F@1/transfer?address=0xAb&uint256=7800000000000000000",
        ),
        (
            "TON-USDT",
            "UQ_a-b",
            "7.80",
            "ton://transfer/UQ_a-b?amount=7800000&jetton=EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs",
        ),
        ("TRX", "TAb", "7.8", "TAb"),
        ("BTC", "a?amount=9&b", "1", "bitcoin:a%3Famount%3D9%26b?amount=1"),
    ],
)
def test_each_coin_has_the_form_that_its_wallets_know(coin: str, address: str, amount: str, uri: str) -> None:
    assert filled(uri_template(coin, address, DECIMALS[coin]), Decimal(amount), DECIMALS[coin]) == uri


def test_the_contracts_of_tokens_are_those_of_the_chains_that_come_with_the_bridge() -> None:
    chains = read_chains(None, {}, providers={"shkeeper": COINS_OF_CHAINS}).values()
    called = {
        coin: Contract(chain.chain_id, token.address, token.decimals)
        for chain in chains
        for token in chain.tokens
        for _, coin in token.called
        if token.address is not None
    }
    assert called == {coin: TOKENS[coin] for coin in called}
    assert {"ETH-DAI", "ETH-PYUSD", "ARB-PYUSD"} == TOKENS.keys() - called.keys()
    for coin, token in TOKENS.items():
        assert token.decimals == DECIMALS[coin]
        assert token.address == to_checksum_address(token.address)
        assert coin.rpartition("-")[2] in (why_nobody_sends_from(token.address) or "")


def test_what_may_be_another_token_has_its_address_alone() -> None:
    assert uri_template("ETH-USDT", "0xAb", 18) == uri_template("ETH-USDT", "0xAb", None) == "0xAb"
    for coin in ("ETH-USDT", "ETH", "MATIC"):
        assert uri_template(coin, "0xAb", DECIMALS[coin], test_networks=True) == "0xAb"
    assert uri_template("BTC", "tb1q", 8, test_networks=True).startswith("bitcoin:tb1q?")
