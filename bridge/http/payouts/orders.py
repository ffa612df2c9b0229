"""Orders of payouts as services send them, and what is looked at before anything of one is written down."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from bridge.access.services import Service
from bridge.http.front.problems import wrong_field
from bridge.http.payments.routes import TxHash
from bridge.http.payouts.doubts import UsualPrices, doubts_about_order
from bridge.http.payouts.own_addresses import require_anothers, require_orders_to_others
from bridge.journal import Journal, PayoutRefusedError, all_read
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payouts.sender import PayoutSender
from coordinator.ids import Id, new_id
from coordinator.models import FrozenModel
from coordinator.money import Amount, PositiveAmount
from coordinator.payments.agreed.invoices import Coin
from coordinator.payments.observed.transfers import chain_hash
from coordinator.payments.payments import Payment
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.carriers import Carrier, NoCarrierError, PlannedPayout, carrier_of, worth_over_chain
from coordinator.payouts.observations import PayoutKnown, PayoutObservation, PayoutSent
from coordinator.payouts.payouts import DESTINATION_LIMIT_CHARACTERS, Payout
from providers import known
from providers.contract import PayoutOrder
from providers.errors import NotPayableError
from providers.onchain.matching.payment_requests import wallet_payout
from providers.unknown_prices import PriceUnknownError

__all__ = ["Destination", "PayoutRequest", "ordered_payouts"]

PAYOUTS_LIMIT = 100


# Whatever an address is, it is no more than these: nothing of it may mean something in the path of a URL.
_ADDRESS = re.compile(r"[A-Za-z0-9:_-]+")


def _of_an_address(destination: str) -> str:
    if _ADDRESS.fullmatch(destination) is None:
        raise ValueError(
            "expected an address: letters and digits, maybe with `-`, `_` or `:` among them, and nothing else"
        )
    return destination


Destination = Annotated[
    str,
    StringConstraints(min_length=1, max_length=DESTINATION_LIMIT_CHARACTERS),
    AfterValidator(_of_an_address),
    Field(json_schema_extra={"pattern": f"^{_ADDRESS.pattern}$"}),
]


class PayoutItem(FrozenModel):
    """A payout to be sent to the seller of a payment."""

    payment_id: Id = Field(description="The completed payment whose escrow holds the money.")
    seller_id: Id | None = Field(None, description="Needed where a template checkout has several sellers.")
    coin: Coin
    amount: PositiveAmount = Field(description="Of the coin.")
    destination: Destination = Field(
        description="The seller's address, none of the marketplace's own; of `BTC-LIGHTNING` an invoice of theirs."
    )
    fee: Amount | None = Field(
        None,
        description="For the network, where the sender sets it: of `BTC`, `LTC`, `DOGE` and `FIRO`, in their "
        "smallest units for each byte of the transaction. It comes on top of the amount, out of the sender's wallet.",
    )
    chain: Id | None = Field(
        None,
        description="For a payout that the marketplace's own wallet sends: the chain, such as `ethereum`, on which "
        "the bridge follows it. The coin is a token of the chain then.",
    )
    tx_hash: TxHash | None = Field(None, description="With `chain`: the transaction that carries it.")
    sender: Id | None = Field(
        None,
        description="With `chain`: the wallet whose transfer of just this amount is expected, where the transaction "
        "is not known.",
    )


class PayoutRequest(FrozenModel):
    """One payout or several: all of them are taken or none."""

    payouts: list[PayoutItem] = Field(min_length=1, max_length=PAYOUTS_LIMIT)
    another: bool = Field(False, description="Also for payments that are paid out, or being paid out, already.")
    asked_by: Id | None = Field(
        None,
        description="The person who wants them sent, if it is one: they cannot approve them. Otherwise the service "
        "counts as who asks.",
    )


@dataclass(frozen=True, slots=True)
class OrderedPayouts:
    """The payouts that are wanted, each checked for all that can be known before it is written down."""

    payouts: list[Payout]
    known: dict[str, list[PayoutObservation]]
    """What is known already of those that the marketplace's own wallet sends, by their ids."""
    doubts: dict[str, tuple[str, ...]]
    """Why somebody has to approve them, whatever the limits say, by their ids."""
    payment_hashes: dict[str, str]
    """What names the payments of those that go to Lightning invoices, by their ids."""


async def ordered_payouts(
    request: PayoutRequest,
    service: Service,
    journal: Journal,
    sender: PayoutSender,
    chains: ChainFollowers,
    rules: PayoutRules,
) -> OrderedPayouts:
    """The payouts as a service wants them.

    Raises ValidationException, which names the field that is wrong, and PayoutRefusedError.
    """
    asked = {
        "batch_id": new_id("batch", journal.clock()) if len(request.payouts) > 1 else None,
        "asked_by": request.asked_by or service.display_name,
        "asked_through": service.own_name,
    }
    ordered, ways = (
        OrderedPayouts([], {}, {}, {}),
        _Ways(sender, chains, rules.network_fee_percent, UsualPrices(journal)),
    )
    for number, item in enumerate(request.payouts):
        made, doubts = await _payout(journal, ways, number, item, ordered.payouts)
        payout = made.model_copy(update=asked)
        ordered.payouts.append(payout)
        ordered.doubts[payout.payout_id] = doubts
        if not sender.sends_for(payout.provider):
            ordered.known[payout.payout_id] = _known(item)
            continue
        order = PayoutOrder(payout.coin, payout.destination, payout.amount)
        payment_hash = sender.payment_hash(payout.provider, order)
        if payment_hash is not None:
            ordered.payment_hashes[payout.payout_id] = payment_hash
    return ordered


@dataclass(frozen=True, slots=True)
class _Ways:
    """How payouts can go."""

    sender: PayoutSender
    chains: ChainFollowers
    network_fee_percent: Decimal
    prices: UsualPrices


async def _payout(
    journal: Journal, ways: _Ways, number: int, item: PayoutItem, before: Sequence[Payout]
) -> tuple[Payout, tuple[str, ...]]:
    record = await journal.payment_record(item.payment_id)
    if record is None:
        raise PayoutRefusedError(number, f"there is no payment {item.payment_id!r}")
    payment, place = record.payment, f"payouts.{number}"
    if item.seller_id is None and len(payment.seller_ids) > 1:
        raise wrong_field(f"{place}.sellerId", "missing; this payment has several sellers")
    try:
        planned, doubts = await _plan(journal, payment, ways, item, number)
    except (NoCarrierError, NotPayableError) as error:
        raise wrong_field(f"{place}.{error.field}", str(error)) from None
    seller_id = item.seller_id or payment.seller_id
    known = all_read(await journal.payouts.of_payment(payment.payment_id))
    earlier = [*(one.payout for one in known), *before]
    ordinal = sum(
        (one.payment_id, one.seller_id, one.refund_id) == (payment.payment_id, seller_id, None) for one in earlier
    )
    return planned.payout(payment, seller_id, ordinal, journal.clock()), doubts


async def _plan(
    journal: Journal, payment: Payment, ways: _Ways, item: PayoutItem, number: int
) -> tuple[PlannedPayout, tuple[str, ...]]:
    """What is to be sent as it is asked for, and why somebody has to look at that. Raises NoCarrierError and
    NotPayableError, which name the field that is wrong, and PayoutRefusedError."""
    sends = ways.sender.sends_for(payment.provider)
    carrier = carrier_of(
        names_chain=item.chain is not None,
        came_over_chain=payment.direct is not None,
        names_transaction=item.tx_hash is not None,
        names_sender=item.sender is not None,
        sends_none=None if sends else known.no_payouts_through(payment.provider),
    )
    if carrier is Carrier.WALLET:
        return await _plan_of_wallet(journal, payment, ways, item), ()
    return await _plan_of_provider(journal, payment, ways, item, number)


async def _plan_of_wallet(journal: Journal, payment: Payment, ways: _Ways, item: PayoutItem) -> PlannedPayout:
    to = wallet_payout(
        ways.chains.chains,
        chain=item.chain,
        symbol=item.coin,
        amount=item.amount,
        destination=item.destination,
        tx_hash=item.tx_hash,
        sender=item.sender,
    )
    await require_anothers(journal, ways.chains, payment.provider, [to.destination])
    return PlannedPayout(
        provider=ways.chains.provider,
        coin=item.coin,
        amount=item.amount,
        destination=to.destination,
        worth=worth_over_chain(item.amount, item.coin, payment.currency),
        fee=item.fee,
        chain=to.chain,
        sender=to.sender,
    )


async def _plan_of_provider(
    journal: Journal, payment: Payment, ways: _Ways, item: PayoutItem, number: int
) -> tuple[PlannedPayout, tuple[str, ...]]:
    order = await ways.sender.read_order(
        payment.provider, PayoutOrder(item.coin, item.destination, item.amount, item.fee)
    )
    await require_orders_to_others(journal, ways.chains, ways.sender, payment.provider, order)
    try:
        worth = await ways.sender.worth(payment.provider, order, payment.currency)
    except PriceUnknownError as error:
        raise PayoutRefusedError(
            number,
            f"{error}, so that it cannot be compared with what was earned; try again, or pay out in another coin",
        ) from None
    checked_on = ways.chains.chain_of_payout(payment.provider, order.coin)
    doubts = await doubts_about_order(ways.prices, ways.sender, payment, order, worth, ways.network_fee_percent)
    planned = PlannedPayout(
        provider=payment.provider,
        coin=item.coin,
        amount=order.amount,
        destination=order.destination,
        worth=worth,
        fee=order.fee,
        chain=None if checked_on is None else checked_on.name,
    )
    return planned, doubts


def _known(item: PayoutItem) -> list[PayoutObservation]:
    """What is known of a payout that the marketplace's own wallet sends."""
    sent = [] if item.tx_hash is None else [PayoutSent(tx_hashes=(chain_hash(item.tx_hash),))]
    return [PayoutKnown(), *sent]
