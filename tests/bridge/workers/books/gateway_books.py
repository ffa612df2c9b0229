"""The books of a gateway beside a journal that was restored, what the journal has, and how the two are compared."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bridge.journal import Journal
from bridge.workers.books.chain_search import ChainSearch
from bridge.workers.books.comparison import BooksComparison
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payouts.sender import PayoutSender
from bridge.workers.wallets.comparing import WalletComparisons
from bridge.workers.wallets.settings import WalletSettings
from coordinator.books.days import zone_named
from coordinator.ids import derived_id
from coordinator.payments.observed.observations import DeadlinePassed
from coordinator.payouts.comparisons import Comparison
from coordinator.payouts.observations import PayoutAsked
from coordinator.payouts.payouts import Payout
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from providers.shkeeper.payouts.payouts import ShkeeperPayouts
from providers.shkeeper.wallets import ShkeeperWallets
from tests.bridge.conftest import INSTALLATION
from tests.bridge.workers.conftest import START, payment
from tests.resuming import resumed
from tests.scripted_gateway import Gateway, Request, says

COINS = ["ETH-USDT", "BTC"]
FLOAT = Decimal(10_000)
"""What each of its wallets holds at first."""
FAILED = says({"status": "error", "message": "oops"}, 500)


class Books:
    """SHKeeper's: the payouts that it has, by their names and coins, its invoices, and what its wallets hold."""

    def __init__(self, gateway: Gateway) -> None:
        self.payouts: dict[tuple[str, str], dict[str, Any]] = {}
        self.invoices: list[str] = []
        self.held = dict.fromkeys(COINS, FLOAT)
        self.lagging: set[str] = set()
        """Coins whose nodes are behind their chains."""
        self.is_down = False
        self.is_unclear_about: set[str] = set()
        """Names of which it does not say whether it knows them."""
        self.asked_for: list[tuple[str, str]] = []
        self.ordered = 0
        """How often it was asked to send money."""
        gateway.answers(self._answer)

    def has(
        self, payout_id: str, coin: str = "ETH-USDT", *, txid: str | None = "0x1", status: str = "SUCCESS"
    ) -> None:
        self.payouts[payout_id, coin] = {
            "status": status,
            "txid": txid,
            "crypto": coin,
            "amount": "98.0000000000",
            "destination": "0xAb",
        }

    def _answer(self, request: Request) -> bytes | None:
        if self.is_down:
            return FAILED(request)
        path = urlsplit(request.path)
        if path.path.endswith("/crypto"):
            return says({"status": "success", "crypto": COINS})(request)
        if path.path.endswith("/balance"):
            coin = path.path.split("/")[-2]
            status = "Sync In Progress (7 blocks behind)" if coin in self.lagging else "Synced"
            return says({"name": coin, "amount_crypto": str(self.held[coin]), "server_status": status})(request)
        if path.path.endswith("/invoices"):
            return says({"status": "success", "invoices": [{"external_id": one} for one in self.invoices]})(request)
        if "/task/" in path.path:
            return says({"status": "PENDING", "result": None})(request)
        if request.method == "POST":
            self.ordered += 1
            return says({"task_id": "t1"})(request)
        found = re.search(r"/([A-Z-]+)/payout/status$", path.path)
        assert found is not None, request.path
        name, coin = parse_qs(path.query)["external_id"][0], found[1]
        if name in self.is_unclear_about:
            return says({"payout": "perhaps"})(request)
        self.asked_for.append((name, coin))
        known = self.payouts.get((name, coin))
        return says({"error": "Payout not found"}, 404)(request) if known is None else says(known)(request)


def sender_of(api: ShkeeperApi, journal: Journal) -> PayoutSender:
    coins = ShkeeperInvoices(api).coins
    callback_url = "http://127.0.0.1:8000/"
    payouts = ShkeeperPayouts(api, user="admin", password="secret", callback_url=callback_url, coins=coins)
    return PayoutSender(journal, {"shkeeper": payouts}, rules=None)


def wallets_of(api: ShkeeperApi, journal: Journal, tolerances: Mapping[str, Decimal]) -> WalletComparisons:
    rules = WalletSettings(tolerances=tolerances).rules(zone_named("UTC"), {})
    keeper = ShkeeperWallets(api, ShkeeperInvoices(api).coins, {})
    return WalletComparisons(journal, {"shkeeper": keeper}, ChainFollowers(journal, {}, days=7), rules)


# What tests of anything else say to be paid is in no wallet.
TOLERANT = dict.fromkeys(COINS, FLOAT)


def comparing(
    journal: Journal, api: ShkeeperApi, *, tolerances: Mapping[str, Decimal] = TOLERANT, **settings: Any
) -> BooksComparison:
    chains = ChainFollowers(journal, {}, days=7)
    return BooksComparison(
        journal,
        sender_of(api, journal),
        {"shkeeper": ShkeeperInvoices(api)},
        chains,
        ChainSearch(journal, chains, {}),
        wallets_of(api, journal, tolerances).examine,
        per_second=100_000,
        **{"again_seconds": 0.01, **settings},
    )


async def compared(comparison: BooksComparison, journal: Journal) -> Comparison:
    """What a comparison finds. Where it has come to its end and nothing differs, somebody resumes payouts."""
    found = await comparison.compare((await journal.history.all())[0])
    if found.is_complete and found.agrees:
        await resumed(journal, by="Ada")
    return found


def name(number: int, ordinal: int, seller_id: str = "s1") -> str:
    return derived_id("out", INSTALLATION.key, "shkeeper", f"pay_{number}", seller_id, ordinal)


def refund_name(number: int, ordinal: int) -> str:
    return derived_id("out", INSTALLATION.key, "shkeeper", f"pay_{number}", ordinal)


async def registered(journal: Journal, number: int = 1, *, another: bool = False, **changes: Any) -> Payout:
    payout = Payout(
        payout_id=f"out_{number}",
        provider="shkeeper",
        payment_id=f"pay_{number}",
        seller_id="s1",
        destination="0xAb",
        coin="ETH-USDT",
        amount=Decimal(98),
        worth=Decimal(40),
        created_at=START,
    ).model_copy(update=changes)
    await journal.payouts.register([payout], rules=None, another=another)
    return payout


async def asked_for(journal: Journal, number: int = 1, **changes: Any) -> Payout:
    """One that was asked for by the first name of its share before the journal was restored."""
    payout = await registered(journal, number, **changes)
    await journal.payouts.record_observation(payout.payout_id, "asked:1", PayoutAsked(external_id=name(number, 0)))
    return payout


async def expire(journal: Journal, number: int) -> None:
    """Its time is out."""
    deadline = payment(number).expires_at
    assert deadline is not None
    await journal.record_observation(
        provider="shkeeper",
        external_id=f"pay_{number}",
        key=f"expired-{number}",
        observation=DeadlinePassed(deadline=deadline),
    )


async def is_held(journal: Journal) -> bool:
    return bool(await journal.console.payout_holds())
