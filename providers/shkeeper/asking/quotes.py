"""Quotes: what so much of a currency is in a coin, by SHKeeper, for which no wallet is asked; and whether a price
fits the question, and itself."""

from decimal import Decimal
from typing import Annotated
from urllib.parse import quote

from pydantic import AliasChoices, Field

from coordinator.money import Amount, excess_over, format_amount, product, total
from providers.errors import AnswerUnusableError
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.asking.subjects import require_subject
from providers.shkeeper.wire import Wire, Words

__all__ = ["ContradictoryPriceError", "Quote", "ask_for_quote", "require_price_of"]

# SHKeeper prices every coin with eight decimals (Monero with more), and writes rates with ten.
LAST_DIGIT, LAST_DIGIT_OF_RATE = Decimal("1e-8"), Decimal("1e-10")


class ContradictoryPriceError(AnswerUnusableError):
    """A price and its own rate cannot both be right."""


class Quote(Wire):
    """`POST /{crypto}/quote`."""

    exchange_rate: Annotated[Amount, Field(gt=0)]
    amount_crypto: Amount | None = Field(None, validation_alias=AliasChoices("amount_crypto", "crypto_amount"))
    """With SHKeeper's fee in it."""
    crypto: Words | None = None
    fiat: Words | None = None
    amount_fiat: Amount | None = None


async def ask_for_quote(api: ShkeeperApi, coin: str, currency: str, amount: Decimal) -> Quote:
    """Raises ProviderError: OtherSubjectError if the answer is about something else, ContradictoryPriceError if it
    contradicts itself."""
    question = {"fiat": currency, "amount": format_amount(amount)}
    said = await api.ask(Quote, "POST", f"{quote(coin)}/quote", question)
    require_subject("crypto", said.crypto, coin)
    require_subject("fiat", said.fiat, currency)
    require_subject("amount_fiat", said.amount_fiat, amount)
    if said.amount_crypto is not None:
        require_price_of(amount, said.amount_crypto, said.exchange_rate)
    return said


def require_price_of(amount: Decimal, coins: Decimal, exchange_rate: Decimal) -> None:
    """Raises ContradictoryPriceError if so many coins are no price of an amount: by their own rate they are worth
    less. What they are worth more may be a fee."""
    rounding = total([product(exchange_rate, LAST_DIGIT), product(coins, LAST_DIGIT_OF_RATE)])
    worth = product(coins, exchange_rate)
    if excess_over(amount, worth) > rounding:
        raise ContradictoryPriceError(
            f"SHKeeper's price contradicts itself: {format_amount(coins)} coins at {format_amount(exchange_rate)} are"
            f" worth less than the {format_amount(amount)} that it was asked for"
        )
