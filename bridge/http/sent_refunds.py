"""Refunds that somebody has sent without the bridge, as the marketplace's own wallet sends back what came to it over
a chain: what is looked at before one is written down, so that the figures are right."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from bridge.http.own_addresses import require_anothers
from bridge.http.payments import TX_HASH
from bridge.http.payout_orders import Destination
from bridge.http.problems import wrong_field
from bridge.journal import Journal
from bridge.workers.chain_followers import ChainFollowers
from bridge.workers.payouts import PayoutSender
from coordinator.models import FrozenModel
from coordinator.money import PositiveAmount
from coordinator.payments import Payment
from coordinator.refunds import ELSEWHERE, Sent
from providers.contract import NotPayableError
from providers.onchain.chains import Chain
from providers.onchain.direct import PROVIDER as ONCHAIN
from providers.onchain.direct import NotOnChainError, read_address, read_chain, read_token

__all__ = ["RefundSent", "read_sent"]


class RefundSent(FrozenModel):
    """What was sent back without the bridge."""

    tx_hash: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{8,100}$")] = Field(
        description="The transaction that carries it; of Lightning the payment's hash. Where its chain is followed, "
        "the chain says whether it does."
    )
    destination: Destination = Field(description="Where it went: the buyer's address; of Lightning their invoice.")
    coin_amount: PositiveAmount | None = Field(
        None,
        description="How much of the coin it was. Left out, as much as `amount`, where the coin stands for the "
        "payment's currency.",
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
    coin_amount = sent.coin_amount
    if coin_amount is None:
        if not _stands_for(payment, coin, sender):
            raise wrong_field("sent.coinAmount", f"missing; nothing else says how much {coin} was sent")
        coin_amount = amount
    try:
        if payment.direct is None:
            chain = chains.chain_of_payout(payment.provider, coin)
        else:
            chain = read_chain(chains.chains, payment.direct.chain)
        going = (
            Sent(ELSEWHERE, coin, coin_amount, sent.destination, sent.tx_hash)
            if chain is None
            else _over(chain, payment, coin, coin_amount, sent)
        )
        await require_anothers(journal, chains, payment.provider, [going.destination])
    except NotPayableError as error:
        field = {"amount": "coinAmount"}.get(error.field, error.field)
        raise wrong_field("coin" if field == "coin" else f"sent.{field}", str(error)) from None
    return going


def _stands_for(payment: Payment, coin: str, sender: PayoutSender) -> bool:
    if payment.direct is not None:
        return coin == payment.currency
    return sender.sends_for(payment.provider) and sender.is_worth_itself(payment.provider, coin, payment.currency)


def _over(chain: Chain, payment: Payment, coin: str, coin_amount: Decimal, sent: RefundSent) -> Sent:
    """Over a chain that is followed. Raises NotOnChainError."""
    of_provider = chain.token_of(payment.provider, coin)
    token = read_token(chain, coin if of_provider is None else of_provider.symbol, coin_amount, field="coin")
    if re.fullmatch(TX_HASH, sent.tx_hash) is None:
        raise NotOnChainError("txHash", f"expected a transaction of {chain.name}: 0x and 64 hexadecimal digits")
    destination = read_address(sent.destination, field="destination")
    return Sent(ONCHAIN, token.symbol, coin_amount, destination, sent.tx_hash.lower(), chain.name)
