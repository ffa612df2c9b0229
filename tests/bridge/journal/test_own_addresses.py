"""Addresses that are our own, however they are written: asked for by what a coin's family makes of a destination."""

import pytest

from bridge.journal import Journal, OwnAddress
from providers.shkeeper.destinations import read_destination, spellings_of
from tests.bridge.journal.test_claims import opens
from tests.made_destinations import destination, lengthened, ton, witness, x_address, xrp

SEED = lengthened(b"somebody")


@pytest.mark.parametrize(
    ("coin", "given_out", "asked_for"),
    [
        ("ETH-USDT", destination("ETH", "somebody").lower(), destination("ETH", "somebody")),
        ("BTC", witness("bc", SEED), witness("bc", SEED).upper()),
        ("LTC", witness("ltc", SEED).upper(), witness("ltc", SEED)),
        ("XRP", xrp(SEED), x_address(SEED, 77)),
        ("TON", ton(SEED, flags=0x51), ton(SEED, flags=0x11)),
        ("USDT", destination("USDT", "somebody"), destination("USDT", "somebody")),
        ("DOGE", destination("DOGE", "somebody"), destination("DOGE", "somebody")),
        ("SOL", destination("SOL", "somebody"), destination("SOL", "somebody")),
        ("XMR", destination("XMR", "somebody"), destination("XMR", "somebody")),
    ],
)
async def test_an_address_of_an_invoice_is_known_again(
    journal: Journal, coin: str, given_out: str, asked_for: str
) -> None:
    await opens(journal, 1, given_out)

    async def own(text: str) -> OwnAddress | None:
        spellings = spellings_of(coin, read_destination(coin, text))
        return await journal.approvals.own_address("shkeeper", spellings, ["ethereum"])

    assert await own(asked_for) is OwnAddress.OF_AN_INVOICE
    assert await own(destination(coin, "somebody else")) is None
