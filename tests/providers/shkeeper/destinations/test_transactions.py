"""Names of transactions that people copy: each family's own are taken, and nothing that is cut short or another's."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.shkeeper.destinations.transactions import transaction_expected
from providers.shkeeper.texts import base58

DIGITS = "4f" * 32
EVMS = ("ETH", "BNB-USDT", "POLYGON-USDC", "ARB-TOKEN")
BITCOINS = ("BTC", "LTC", "DOGE", "FIRO")
OTHERS = ("TRX", "USDT", "USDC", "XRP", "XMR", "BTC-LIGHTNING")
SOLANAS, TONS = ("SOL", "SOLANA-USDT"), ("TON", "TON-USDT")
EVERY = (*EVMS, *BITCOINS, *OTHERS, *SOLANAS, *TONS)
SIGNATURE = base58.encode(bytes(range(1, 65)))
RIGHT = (
    [(coin, name) for coin in EVMS for name in (f"0x{DIGITS}", DIGITS, f"0x{DIGITS.upper()}")]
    + [(coin, name) for coin in BITCOINS for name in (DIGITS, DIGITS.upper(), f"{DIGITS}:0", f"{DIGITS}:17")]
    + [(coin, name) for coin in OTHERS for name in (DIGITS, DIGITS.upper(), f"0x{DIGITS}")]
    + [(coin, SIGNATURE) for coin in SOLANAS]
    + [(coin, name) for coin in TONS for name in (DIGITS, base64.b64encode(b"\xfb" * 32).decode())]
    + [(coin, base64.urlsafe_b64encode(b"\xfb" * 32).decode()) for coin in TONS]
)


@pytest.mark.parametrize(("coin", "name"), RIGHT)
def test_what_wallets_and_explorers_of_its_network_write_is_taken(coin: str, name: str) -> None:
    assert transaction_expected(coin, name) is None


@pytest.mark.parametrize(
    ("coin", "name"),
    [(coin, SIGNATURE) for coin in EVERY if coin not in SOLANAS]
    + [(coin, name) for coin in SOLANAS for name in (DIGITS, f"0x{DIGITS}")]
    + [(coin, f"0x{DIGITS}") for coin in BITCOINS]
    + [
        (coin, name)
        for coin in EVERY
        for name in ("order-17", "0x", DIGITS[:63], f"0x{DIGITS}a", f"{DIGITS}{DIGITS}")
    ]
    + [(coin, "1" * 64) for coin in SOLANAS]  # zeroes, in Base58
    + [("TON", f"{'A' * 43}="), ("TON", "A" * 43)],  # and in Base64
)
def test_another_networks_and_what_is_none_is_refused_with_what_was_expected(coin: str, name: str) -> None:
    expected = transaction_expected(coin, name)
    assert expected is not None
    assert "64" in expected


@given(st.sampled_from(RIGHT), st.data())
def test_one_that_is_cut_short_is_never_taken(right: tuple[str, str], data: st.DataObject) -> None:
    coin, name = right
    body = name.partition(":")[0].rstrip("=")
    kept = data.draw(st.integers(0, len(body) - 1))
    assert transaction_expected(coin, body[:kept]) is not None


def test_of_a_coin_that_nobody_knows_anything_is_taken() -> None:
    assert transaction_expected("NEWCOIN", "whatever it calls it") is None
