"""What a wallet opens to pay an invoice: the URI of each of SHKeeper's coins, where there is a standard for one.

BIP 21 for Bitcoin and its relatives, Monero's `monero:` scheme, ERC-681 for the native coins of EVM chains, Solana
Pay, `ton://transfer`. For every other coin, among them the tokens of EVM chains, whose contracts are not known here,
it is the bare address, which every wallet can scan.
"""

from decimal import Decimal
from urllib.parse import quote

from coordinator.payments.quotes import filled

__all__ = ["payment_uri", "uri_template"]

_BIP_21 = {"BTC": "bitcoin", "LTC": "litecoin", "DOGE": "dogecoin", "FIRO": "firo"}
_CHAIN_IDS = {"ETH": 1, "BNB": 56, "MATIC": 137, "AVAX": 43114, "ARBETH": 42161, "OPETH": 10}
_SOLANA_MINTS = {
    "SOLANA-USDT": "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB",
    "SOLANA-USDC": "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGkZwyTDt1v",
}
_WEI = 18
_NANOTONS = 9


def uri_template(coin: str, address: str) -> str:
    """The URI to pay to an address, with `{amount}` for the coins or `{units}` for the coin's smallest units."""
    at = quote(address, safe="")
    if coin in _BIP_21:
        return f"{_BIP_21[coin]}:{at}?amount={{amount}}"
    if coin in _CHAIN_IDS:
        return f"ethereum:{at}@{_CHAIN_IDS[coin]}?value={{units}}"
    if coin in _SOLANA_MINTS:
        return f"solana:{at}?amount={{amount}}&spl-token={_SOLANA_MINTS[coin]}"
    match coin:
        case "SOL":
            return f"solana:{at}?amount={{amount}}"
        case "XMR":
            return f"monero:{at}?tx_amount={{amount}}"
        case "TON":
            return f"ton://transfer/{at}?amount={{units}}"
        case "BTC-LIGHTNING":
            return f"lightning:{at}"
        case _:
            return address


def payment_uri(coin: str, address: str, amount: Decimal) -> str:
    """The URI to pay `amount` coins to an address."""
    return filled(uri_template(coin, address), amount, _NANOTONS if coin == "TON" else _WEI)
