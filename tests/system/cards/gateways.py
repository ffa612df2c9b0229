"""What the bridge has done by the provider of cards: checkouts opened and money paid out to sellers' accounts."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from coordinator.money import decimals_of, rounded_down
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.deciding.evidence import LookedUpInvoice
from coordinator.payouts.observations import PayoutFailed, PayoutObservation, PayoutUnclear
from coordinator.payouts.payouts import Payout
from providers.contract import BookedPayout, PayoutOrder
from providers.errors import CredentialsRefusedError, NotPayableError, ProviderRefusedError
from providers.unknown_prices import PriceUnknownError
from tests.system.cards.api import CardsApi, OutcomeUnclearError
from tests.system.cards.wire import PROVIDER, in_hundredths

__all__ = ["CardCheckouts", "CardPayouts"]

CURRENCIES = ("EUR", "USD")
ACCOUNT = re.compile(r"acct_[A-Za-z0-9]{4,40}")


class CardCheckouts:
    provider = PROVIDER

    def __init__(self, api: CardsApi) -> None:
        self._api = api

    async def coins(self) -> Sequence[str]:
        """What is paid with is money, so a coin is a currency here."""
        return await self._api.currencies()

    async def open_invoice(self, wanted: InvoiceWanted) -> InvoiceOpened:
        if wanted.coin != wanted.currency:
            raise ProviderRefusedError(f"a payment in {wanted.currency} is paid in {wanted.currency}", about="coin")
        if decimals_of(wanted.amount) > 2:
            raise ProviderRefusedError("cards pay hundredths, and no less", about="amount")
        session = await self._api.open_session(
            {
                "reference": wanted.external_id,
                "amount": in_hundredths(wanted.amount),
                "currency": wanted.currency,
                "notify": wanted.callback_url,
            }
        )
        return InvoiceOpened(
            checkout_url=session.url,
            coin_amount=wanted.amount,
            coin_decimals=2,
            display_name="by card",
            whole_only=True,
        )

    async def look_up(self, external_id: str) -> Sequence[LookedUpInvoice]:
        return [session.looked_up() for session in await self._api.sessions(external_id)]

    async def names(self) -> Sequence[str]:
        return [session.reference for session in await self._api.sessions()]

    async def check(self) -> None:
        """It is asked whatever happens."""

    async def examine(self) -> None:
        """The same."""

    async def trouble_with(self, coin: str) -> str | None:
        return None

    def troubles(self) -> Mapping[str, str]:
        return {}


class CardPayouts:
    provider = PROVIDER
    coins_ever: Collection[str] = CURRENCIES
    pays_buyers = False

    def __init__(self, api: CardsApi) -> None:
        self._api = api

    async def check(self, coin: str) -> None:
        await self._api.currencies()

    async def read_order(self, order: PayoutOrder, now: datetime) -> PayoutOrder:
        if order.coin not in CURRENCIES:
            raise NotPayableError("coin", f"expected one of {', '.join(CURRENCIES)}")
        if ACCOUNT.fullmatch(order.destination) is None:
            raise NotPayableError("destination", "expected the seller's account, such as acct_1NWoodcarver")
        if order.fee is not None:
            raise NotPayableError("fee", "nobody sets one here")
        return await self.read_sent(order)

    def spellings(self, order: PayoutOrder) -> Collection[str]:
        return (order.destination,)

    async def worth(self, order: PayoutOrder, currency: str) -> Decimal:
        return await self.coins_for(order.amount, currency, order.coin)

    def is_worth_itself(self, coin: str, currency: str) -> bool:
        return coin == currency

    def network_fee(self, order: PayoutOrder) -> Decimal | None:
        return None

    def payment_hash(self, order: PayoutOrder) -> str | None:
        return None

    async def coins_for(self, amount: Decimal, currency: str, coin: str) -> Decimal:
        if coin != currency:
            raise PriceUnknownError(f"nobody says what {coin} is worth in {currency}")
        return rounded_down(amount, 2)

    async def read_sent(self, order: PayoutOrder) -> PayoutOrder:
        if decimals_of(order.amount) > 2:
            raise NotPayableError("amount", "expected at most two decimals")
        return order

    def transaction_expected(self, coin: str, name: str) -> str | None:
        return None

    def sends_together(self, coin: str) -> bool:
        return False

    def wallet_in_turn(self, coin: str) -> str | None:
        return None

    async def knows_payout(self, external_id: str, coin: str) -> bool:
        return bool(await self._api.payouts(external_id))

    async def coins(self) -> Sequence[str]:
        return await self._api.currencies()

    async def find_payout(self, external_id: str, coin: str) -> BookedPayout | None:
        booked = [one for one in await self._api.payouts(external_id) if one.currency == coin]
        return BookedPayout(booked[0].status, booked[0].stated.amount, booked[0].account, ()) if booked else None

    async def send_payouts(self, payouts: Sequence[Payout]) -> Sequence[PayoutObservation]:
        [payout] = payouts
        order = {
            "reference": payout.external_id,
            "account": payout.destination,
            "amount": in_hundredths(payout.amount),
            "currency": payout.coin,
        }
        try:
            sent = await self._api.send_payout(order)
        except OutcomeUnclearError as error:
            return [PayoutUnclear(reason=str(error))]
        except CredentialsRefusedError:
            raise
        except ProviderRefusedError as error:
            return [PayoutFailed(reason=str(error))]
        return [sent.seen()[0]]

    async def look_up_payout(self, payout: Payout, now: datetime) -> Sequence[PayoutObservation]:
        booked = await self._api.payouts(payout.external_id or "")
        return [seen for one in booked[:1] for seen in one.seen()]
