"""SHKeeper, as the bridge knows its providers."""

from collections.abc import Iterator

from pydantic import BaseModel

from providers.contract import Connected, Surroundings, WebhookDescription
from providers.findings import Finding
from providers.shkeeper.coins import COINS_OF_CHAINS, network_of
from providers.shkeeper.findings import shkeeper_doubts, shkeeper_findings
from providers.shkeeper.settings import ShkeeperSettings
from providers.shkeeper.webhooks.webhooks import PROVIDER, ShkeeperWebhooks

__all__ = ["Shkeeper"]

WEBHOOK = WebhookDescription(
    text="""
SHKeeper signs with two headers: `X-Shkeeper-Timestamp`, whole Unix seconds, at most 300 from now unless configured
otherwise; and `X-Shkeeper-Signature`, the lowercase hex of HMAC-SHA256 under the wallet's API key over the timestamp,
a full stop and the raw bytes of the body. For the key `wallet-key-one`, the timestamp `1767225600` and the body
`{"external_id":"147","status":"PAID"}` it is `8ab8671c214d48fc8ad8c79270d0be301ffa5a9aa90e44e570baaff3dd6d2501`.
""",
    example={
        "addr": "0x6f2Fa34BC0ee4C9B53c1D9e6c2C7e2a1d1a1b2c3",
        "balance_crypto": "49.9",
        "balance_fiat": "49.9",
        "crypto": "ETH-USDT",
        "external_id": "order-1001",
        "fiat": "USD",
        "overpaid_fiat": "0.00",
        "paid": True,
        "status": "PAID",
        "transactions": [
            {
                "amount_crypto": "49.9",
                "amount_fiat": "49.9",
                "crypto": "ETH-USDT",
                "date": "2026-01-31 15:45:38",
                "trigger": True,
                "txid": "0x518ad4b1f1c0a37e3a2f7c1f0f2d7d6b8c9e0a1b2c3d4e5f60718293a4b5c6d7",
            }
        ],
    },
)


class Shkeeper:
    name = PROVIDER
    settings = ShkeeperSettings
    webhook = WEBHOOK
    coins_of_chains = COINS_OF_CHAINS
    how_to_open_invoices = "is shkeeper_url set?"
    how_to_send_payouts = "are shkeeper_url and shkeeper_user set?"

    def connect(self, settings: BaseModel, surroundings: Surroundings) -> Connected:
        own = ShkeeperSettings.of(settings)
        reader = ShkeeperWebhooks(
            api_keys=own.shkeeper_keys,
            window_seconds=own.shkeeper_signature_window_seconds,
            accept_api_key_only=own.shkeeper_accept_api_key_only,
            confirmations=own.shkeeper_confirmations,
        )
        if not own.shkeeper_url:
            return Connected(reader, dates=reader)
        # They bring an HTTP client, which a bridge that asks SHKeeper nothing does without.
        from providers.shkeeper.asking.api import ShkeeperApi
        from providers.shkeeper.asking.credentials import CredentialCheck
        from providers.shkeeper.invoices.invoices import ShkeeperInvoices
        from providers.shkeeper.payouts.payouts import ShkeeperPayouts
        from providers.shkeeper.wallets import ShkeeperWallets

        password = own.shkeeper_password.get_secret_value()
        api = ShkeeperApi(url=own.shkeeper_url, api_keys=own.shkeeper_keys)
        invoices = ShkeeperInvoices(
            api,
            CredentialCheck(api, user=own.shkeeper_user, password=password),
            confirmations=own.shkeeper_confirmations,
            decimals=own.shkeeper_coin_decimals,
            test_networks=own.shkeeper_test_networks,
        )
        payouts = ShkeeperPayouts(
            api,
            user=own.shkeeper_user,
            password=password,
            callback_url=surroundings.callback_url,
            coins=invoices.coins,
            decimals=own.shkeeper_coin_decimals,
            rate_margin_percent=surroundings.rate_margin_percent,
            test_networks=own.shkeeper_test_networks,
        )
        return Connected(
            reader,
            invoices,
            payouts if own.shkeeper_user else None,
            ShkeeperWallets(api, invoices.coins, own.shkeeper_coin_decimals),
            dates=reader,
            close=api.aclose,
        )

    def network_of(self, coin: str) -> str | None:
        return network_of(coin)

    def opens_invoices(self, settings: BaseModel) -> bool:
        return bool(ShkeeperSettings.of(settings).shkeeper_url)

    def sends_payouts(self, settings: BaseModel) -> bool:
        own = ShkeeperSettings.of(settings)
        return bool(own.shkeeper_url and own.shkeeper_user)

    def takes_webhooks(self, settings: BaseModel) -> bool:
        return bool(ShkeeperSettings.of(settings).shkeeper_keys)

    def doubts(self, settings: BaseModel) -> Iterator[str]:
        return shkeeper_doubts(ShkeeperSettings.of(settings))

    def findings(self, settings: BaseModel, surroundings: Surroundings) -> Iterator[Finding]:
        return shkeeper_findings(ShkeeperSettings.of(settings), surroundings.callback_url)
