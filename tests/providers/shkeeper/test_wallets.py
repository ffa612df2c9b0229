"""What SHKeeper says that its wallets hold: of the coin that was asked about, or nothing."""

from decimal import Decimal

import pytest

from providers.errors import AnswerUnusableError
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from providers.shkeeper.wallets import ShkeeperWallets
from tests.scripted_gateway import Gateway, says

BALANCE = {"amount_crypto": "1000", "amount_fiat": "1000", "fiat": "USD", "rate": "1.0", "server_status": "Synced"}


async def test_a_balance_counts_for_the_coin_that_it_names_alone(gateway: Gateway, api: ShkeeperApi) -> None:
    wallets = ShkeeperWallets(api, ShkeeperInvoices(api).coins, {})
    for named in ({"name": "ETH-USDT"}, {}):
        gateway.answers(says({**BALANCE, **named}))
        assert await wallets.held("ETH-USDT") == Decimal(1000)
    gateway.answers(says({**BALANCE, "name": "USDT"}))
    with pytest.raises(AnswerUnusableError, match="asked about ETH-USDT, and its answer is about USDT"):
        await wallets.held("ETH-USDT")
