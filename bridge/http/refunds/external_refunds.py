"""External refunds: those that somebody has sent without the bridge, as the marketplace's own wallet sends back what
came to it over a chain: what is looked at before one is written down, so that the figures are right."""

import re
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from bridge.http.front.problems import wrong_field
from bridge.http.payments.routes import TX_HASH
from bridge.http.payouts.orders import Destination
from bridge.http.payouts.own_addresses import require_anothers
from bridge.journal import Journal
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payouts.sender import PayoutSender
from coordinator.models import FrozenModel
from coordinator.money import PositiveAmount, format_amount, quotient
from coordinator.payments.observed.transfers import chain_hash, hash_expected
from coordinator.payments.payments import Payment
from coordinator.payments.problems.coin_prices import paid_at, shown, strays_from
from coordinator.refunds.refunds import ELSEWHERE, Sent
from providers.contract import PayoutOrder
from providers.errors import NotPayableError
from providers.onchain.chains import Chain
from providers.onchain.matching.payment_requests import NotOnChainError, read_chain, read_holder, read_token
from providers.unknown_prices import PriceUnknownError

__all__ = ["RefundSent", "read_sent"]


class RefundSent(FrozenModel):
    """What was sent back without the bridge."""

    tx_hash: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/=:-]{8,100}$")] = Field(
        description="The transaction that carries it; of Lightning the payment's hash, of what goes over no chain "
        "what whoever sent it calls it. Where its chain is followed, the chain says whether it does."
    )
    destination: Destination = Field(description="Where it went: the buyer's address; of Lightning their invoice.")
    coin_amount: PositiveAmount | None = Field(
        None,
        description="How much of the coin it was: about what `amount` comes to, and no more than it where the coin "
        "stands for the payment's currency. Left out there, as much.",
    )
    for_several: bool = Field(
        False,
        description="The transaction is known for another payout or refund already, or as what another payment's "
        "buyer paid with (409, `transaction_taken`), and somebody has seen that it is for both.",
    )
    other_address: bool = Field(
        False,
        description="Another refund of the payment in this coin was to go elsewhere (409, `other_address`), and the "
        "buyer has given this address as well.",
    )


async def read_sent(
    journal: Journal,
    payment: Payment,
    sent: RefundSent,
    amount: Decimal,
    coin: str,
    sender: PayoutSender,
    chains: ChainFollowers,
) -> Sent:
    """What was sent, as it is written down. Raises ValidationException, which names the field that is wrong."""
    try:
        no_hash = hash_expected(sent.tx_hash)
        if no_hash is not None:
            raise NotPayableError("txHash", f"expected {no_hash}")
        order = await _read(payment, sent, amount, coin, sender)
        if payment.direct is None:
            chain = chains.chain_of_payout(payment.provider, coin)
        else:
            chain = read_chain(chains.chains, payment.direct.chain)
        if chain is None and payment.direct is None:
            expected = sender.transaction_expected(payment.provider, coin, sent.tx_hash)
            if expected is not None:
                raise NotPayableError("txHash", f"expected {expected}, which this is not")
        going = (
            Sent(ELSEWHERE, coin, order.amount, order.destination, sent.tx_hash)
            if chain is None
            else _over(chain, chains.provider, payment, order, sent.tx_hash)
        )
        spellings = sender.spellings(payment.provider, order) if _is_of_gateway(payment, sender) else ()
        await require_anothers(journal, chains, payment.provider, {going.destination, *spellings})
    except NotPayableError as error:
        field = {"amount": "coinAmount"}.get(error.field, error.field)
        raise wrong_field("coin" if field == "coin" else f"sent.{field}", str(error), error.fault) from None
    return replace(going, for_several=sent.for_several, other_address=sent.other_address)


async def _read(payment: Payment, sent: RefundSent, amount: Decimal, coin: str, sender: PayoutSender) -> PayoutOrder:
    """What was sent, as it would have been ordered: to an address of the coin, and about as much as the refund counts
    for. Raises NotPayableError, which names the field that is wrong."""
    coin_amount, stands_for_it = sent.coin_amount or amount, _stands_for(payment, coin, sender)
    if sent.coin_amount is None and not stands_for_it:
        raise NotPayableError("coinAmount", f"missing; nothing else says how much {coin} was sent")
    order = PayoutOrder(coin, sent.destination, coin_amount)
    if _is_of_gateway(payment, sender):
        order = await sender.read_sent(payment.provider, order)
        coin_amount = order.amount
    if stands_for_it and coin_amount > amount:
        raise NotPayableError(
            "coinAmount",
            f"{format_amount(coin_amount)} {coin} are more than the {format_amount(amount)} {payment.currency} of the"
            " refund; expected all that was sent in both",
        )
    fitting = [amount] if stands_for_it else await _fitting(payment, amount, coin, sender)
    if fitting and all(strays_from(one, coin_amount) for one in fitting):
        raise NotPayableError(
            "coinAmount",
            f"{format_amount(coin_amount)} {coin} are not what {format_amount(amount)} {payment.currency} come to:"
            f" that is about {' or '.join(shown(one) for one in fitting)} {coin}",
        )
    return order


def _is_of_gateway(payment: Payment, sender: PayoutSender) -> bool:
    return payment.direct is None and sender.sends_for(payment.provider)


async def _fitting(payment: Payment, amount: Decimal, coin: str, sender: PayoutSender) -> list[Decimal]:
    """What the amount comes to in the coin: at the price of the moment, and at that which its buyer paid at, as far
    as these are known."""
    paid = paid_at(payment, coin)
    found = [] if not paid else [quotient(amount, paid)]
    if _is_of_gateway(payment, sender):
        # Of Lightning nobody asks for a price.
        with suppress(NotPayableError, PriceUnknownError):
            found.append(await sender.coins_for(payment.provider, amount, payment.currency, coin))
    return [one for one in found if one]


def _stands_for(payment: Payment, coin: str, sender: PayoutSender) -> bool:
    if payment.direct is not None:
        return coin == payment.currency
    return sender.sends_for(payment.provider) and sender.is_worth_itself(payment.provider, coin, payment.currency)


def _over(chain: Chain, provider: str, payment: Payment, order: PayoutOrder, tx_hash: str) -> Sent:
    """Over a chain that is followed. Raises NotOnChainError."""
    of_provider = chain.token_of(payment.provider, order.coin)
    token = read_token(chain, order.coin if of_provider is None else of_provider.symbol, order.amount, field="coin")
    if re.fullmatch(TX_HASH, tx_hash) is None:
        raise NotOnChainError("txHash", f"expected a transaction of {chain.name}: 0x and 64 hexadecimal digits")
    destination = read_holder(chain, order.destination, field="destination")
    return Sent(provider, token.symbol, order.amount, destination, chain_hash(tx_hash), chain.name)
