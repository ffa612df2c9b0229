"""Orders of refunds, as services send them and the console does, and what is looked at before one is opened; and the
address of a buyer, before anything is sent there."""

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from litestar.exceptions import ClientException
from pydantic import Field

from bridge.http.front.idempotency import Unsaid
from bridge.http.front.notes import Note
from bridge.http.front.problems import REFUND_REFUSED, wrong_field
from bridge.http.payouts.doubts import UsualPrices, doubts_about_order
from bridge.http.payouts.own_addresses import require_orders_to_others
from bridge.http.refunds.external_refunds import RefundSent, read_sent
from bridge.journal import Journal, PaymentRecord
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payouts.sender import PayoutSender
from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.money import ZERO, PositiveAmount
from coordinator.payments.agreed.invoices import Coin
from coordinator.payments.observed.observations import RefundOf
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.earnings import left_to_refund
from coordinator.refunds.refunds import REFUNDS_LIMIT, Refund, RefundOrder, RefundRefusedError, Sending, Sent
from providers.contract import PayoutOrder
from providers.errors import NotPayableError
from providers.unknown_prices import PriceUnknownError

__all__ = ["SEEN", "OrderedRefund", "RefundWanted", "ordered_refund", "read_sending"]


SEEN: Unsaid = {"besides": True, "sent": {"for_several", "other_address"}}
"""What makes no other request of one that is repeated: its own refund may be among the others by then."""


class RefundWanted(FrozenModel):
    """How much is to go back of what, and why."""

    of: RefundOf = Field(RefundOf.GOODS, description="What came for the `goods`, or the `excess` that came above it.")
    seller_id: Id | None = Field(
        None, description="Out of whose share: needed where a completed payment of a template checkout has several."
    )
    amount: PositiveAmount | None = Field(
        None, description="In the payment's currency. Left out, all of it that can go back."
    )
    coin: Coin | None = Field(
        None, description="In which it is sent. Left out, the one that the buyer paid with, if that is one."
    )
    reason: Annotated[Note, Field(description="Why, for the record, and for the buyer to read.")]
    besides: tuple[Id, ...] | None = Field(
        None,
        max_length=REFUNDS_LIMIT,
        description="The other refunds of the payment that whoever opens this one has seen: one that takes money and "
        "is not among them refuses it (409, `other_refunds`). Left out, only one that is still open does.",
    )
    sent: RefundSent | None = Field(
        None,
        description="For a refund that was sent already, without the bridge: nothing more is sent, and the buyer is "
        "asked for nothing. For what the bridge cannot send: what came over a chain to a wallet, or over Lightning.",
    )


@dataclass(frozen=True, slots=True)
class OrderedRefund:
    """A refund as it is wanted, with all that was left out."""

    order: RefundOrder
    sent: Sent | None
    """How it was sent without the bridge, if it was."""


async def ordered_refund(
    journal: Journal,
    record: PaymentRecord,
    wanted: RefundWanted,
    sender: PayoutSender,
    chains: ChainFollowers,
    *,
    by: str,
    through: str | None,
) -> OrderedRefund:
    """The refund that is wanted. Raises ValidationException, which names the field that is wrong, ClientException for
    a payment that nothing can be sent back for here, and RefundRefusedError."""
    payment = record.payment
    if wanted.sent is None and not sender.pays_buyers_of(payment.provider):
        instead = (
            "refund it there, and it tells of that"
            if sender.sends_for(payment.provider)
            else "send it from the wallet that has it, and then open the refund with what was `sent`"
        )
        raise ClientException(
            f"This bridge sends nothing back through {payment.provider}: {instead}.",
            status_code=409,
            extra={"code": REFUND_REFUSED},
        )
    seller_id = _seller(payment, wanted)
    left = left_to_refund(payment, wanted.of, seller_id, record.payouts)
    if left == ZERO:
        raise RefundRefusedError(f"nothing of the {wanted.of} of payment {payment.payment_id} can go back")
    amount, coin = wanted.amount or left, wanted.coin or _coin_paid_with(payment)
    if wanted.sent is None:
        with suppress(PriceUnknownError):  # it is asked for again when the buyer has said where to
            await _coins(sender, payment.provider, amount, payment.currency, coin)
        sent = None
    else:
        sent = await read_sent(journal, payment, wanted.sent, amount, coin, sender, chains)
        coin = sent.coin
    order = RefundOrder(wanted.of, seller_id, amount, coin, wanted.reason, by, through, wanted.besides)
    return OrderedRefund(order, sent)


def _seller(payment: Payment, wanted: RefundWanted) -> str | None:
    if wanted.of is RefundOf.EXCESS:
        if wanted.seller_id is not None:
            raise wrong_field("sellerId", "what came too much is out of nobody's share; leave it out")
        return None
    if wanted.seller_id not in (None, *payment.seller_ids):
        raise wrong_field("sellerId", "this payment is not for that seller")
    if len(payment.seller_ids) == 1:
        return payment.seller_id
    if payment.status is not PaymentStatus.COMPLETED:
        if wanted.seller_id is not None:
            raise wrong_field(
                "sellerId", "the payment is not completed, so that nobody has a share yet; leave it out"
            )
        return None
    if wanted.seller_id is None:
        raise wrong_field("sellerId", "missing; this payment has several sellers")
    return wanted.seller_id


def _coin_paid_with(payment: Payment) -> str:
    coins = {transfer.asset for transfer in payment.confirmed}
    if len(coins) == 1:
        return coins.pop()
    paid = f"the buyer paid with {', '.join(sorted(coins))}" if coins else "nothing says what the buyer paid with"
    raise wrong_field("coin", f"missing; {paid}")


async def _coins(sender: PayoutSender, provider: str, amount: Decimal, currency: str, coin: str) -> Decimal:
    """What an amount comes to in a coin. Raises PriceUnknownError, and ValidationException if nothing of it can be
    sent."""
    try:
        coins = await sender.coins_for(provider, amount, currency, coin)
    except NotPayableError as error:
        raise wrong_field(error.field, str(error)) from None
    if coins == ZERO:
        raise wrong_field("amount", f"it comes to nothing in {coin}; expected more of it, or another coin")
    return coins


async def read_sending(
    journal: Journal,
    rules: PayoutRules,
    refund: Refund,
    destination: str,
    sender: PayoutSender,
    chains: ChainFollowers,
    *,
    doubts: tuple[str, ...] = (),
) -> Sending:
    """How a refund goes to an address, at the price of this moment. Raises ValidationException, which names the field
    that is wrong, and ClientException while there is no price."""
    try:
        coins = await _coins(sender, refund.provider, refund.amount, refund.currency, refund.coin)
    except PriceUnknownError as error:
        raise ClientException(
            f"Nothing is sent without a price: {error}. Try again in a few minutes.",
            status_code=409,
            extra={"code": REFUND_REFUSED},
        ) from None
    try:
        order = await sender.read_order(refund.provider, PayoutOrder(refund.coin, destination, coins))
        await require_orders_to_others(journal, chains, sender, refund.provider, order)
    except NotPayableError as error:
        raise wrong_field(error.field, str(error), error.fault) from None
    record = await journal.payment_record(refund.payment_id)
    if record is None:
        raise LookupError(f"payment {refund.payment_id} of refund {refund.refund_id} is gone")
    percent = rules.network_fee_percent
    of_order = await doubts_about_order(UsualPrices(journal), sender, record.payment, order, refund.amount, percent)
    doubts = (*doubts, *of_order)
    chain = chains.chain_of_payout(refund.provider, order.coin)
    return Sending(order.destination, order.amount, None if chain is None else chain.name, doubts)
