"""What the usual payment comes to at a look is what is derived of it one by one, whatever else is known of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.agreed.fees import Fee, FeePolicy
from coordinator.payments.counting.usual import usual_figures
from coordinator.payments.facts.booked import Booked, Doubts, Seen, Spread
from coordinator.payments.facts.facts import Asked, Books, Facts, Unreadable
from coordinator.payments.observed.observations import Sighting, Stage, Transfer
from coordinator.payments.payments import Payment

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
AMOUNT = Decimal(100)
COIN, OTHER_COIN = "ETH-USDT", "BTC"
PAYMENT = Payment(
    payment_id="pay_1",
    provider="shkeeper",
    external_id="order-1",
    request_id="r1",
    buyer_id="b1",
    seller_id="s1",
    amount=AMOUNT,
    currency="USD",
    created_at=NOW,
)
USUAL = Facts(
    books=Books(balance=AMOUNT, transfer_ids=("0x1",)),
    booked=(
        Booked(
            transfer=Transfer(transfer_id="0x1", asset=COIN, amount=AMOUNT, value=AMOUNT, fee=Decimal(0)),
            is_proven=True,
            first_told_at=NOW,
        ),
    ),
    fees_said={COIN: (Fee(policy=FeePolicy.NONE, percent=Decimal(2)),)},
)
NAMES = tuple(usual_figures(USUAL, AMOUNT))
Otherwise = Mapping[str, object]
FEE = Fee(policy=FeePolicy.PERCENT, percent=Decimal(2))
ASKED = Asked(at=NOW, books=Books(balance=Decimal(40), transfer_ids=("0x1",)))
[ONE] = USUAL.booked
SECOND = ONE.model_copy(update={"transfer": ONE.transfer.model_copy(update={"transfer_id": "0x2"})})
SEEN = Seen(transfer=Transfer(transfer_id="0x3", asset=COIN, amount=AMOUNT))
SIGHTING = Sighting(transfer=SECOND.transfer, stage=Stage.FINAL, view=1)
AMOUNTS = [Decimal(0), Decimal(40), Decimal("99.99"), Decimal("100.00"), Decimal(101)]

# What can be otherwise: of the facts, of the transfer as it was booked, and of the transfer.
OF_FACTS: list[Otherwise] = [
    *({"books": Books(balance=amount, transfer_ids=("0x1",))} for amount in AMOUNTS),
    *({"booked": booked} for booked in ((), (SECOND,), (ONE, SECOND))),
    *({"asked": asked} for asked in (ASKED, ASKED.model_copy(update={"books": USUAL.books}))),
    {"unreadable": Unreadable(at=NOW, what=("a sum",))},
    {"borrowed": frozenset({"address-1"})},
    {"taken": frozenset({ONE.transfer.key})},
    {"given": frozenset({"address-1"})},
    {"given": frozenset({"address-1"}), "coins": frozenset({COIN})},
    {"given": frozenset({"address-1"}), "coins": frozenset({OTHER_COIN})},
    {"seen": (SEEN,)},
    {"sightings": (SIGHTING,)},
    *({"rates": {coin: (Decimal("0.5"), Decimal("0.5"))}} for coin in (COIN, OTHER_COIN)),
    *({"fees_said": said} for said in ({}, {COIN: (FEE,)}, {"": (FEE,)})),
    {"fees_priced": {COIN: Decimal(1)}},
    {"accepted": True},
    {"completed": True},
    {"withdrawn": True},
]
OF_BOOKED: list[Otherwise] = [
    {"is_proven": False},
    *({"doubts": doubts} for doubts in (Doubts(foreign_at=NOW), Doubts(own_at=NOW), Doubts(doubted_at=NOW))),
    {"spread": Spread(least_amount=Decimal(90), most_amount=AMOUNT)},
    {"assets": (COIN, OTHER_COIN)},
    {"taken_back_at": NOW},
]
OF_TRANSFER: list[Otherwise] = [
    *({"value": value} for value in (None, *AMOUNTS)),
    *({"amount": amount} for amount in AMOUNTS),
    *({"fee": fee} for fee in (None, Decimal(1))),
    {"asset": OTHER_COIN},
]


def facts_with(of_facts: Otherwise, of_booked: Otherwise, of_transfer: Otherwise) -> Facts:
    """Those of the usual payment, with something that is otherwise."""
    transfer = ONE.transfer.model_copy(update=of_transfer)
    booked = ONE.model_copy(update={"transfer": transfer, **of_booked})
    return USUAL.model_copy(update={"booked": (booked,), **of_facts})


def require_the_same(facts: Facts) -> None:
    for amount in (AMOUNT, Decimal(40)):
        payment = PAYMENT.model_copy(update={"amount": amount})
        at_a_look, one_by_one = payment.with_facts(facts), payment.model_copy(update={"facts": facts})
        for name in (*NAMES, "status", "escrow_state", "missing", "late"):
            assert getattr(at_a_look, name) == getattr(one_by_one, name), name
        assert (at_a_look.received is at_a_look.paid) == (one_by_one.received is one_by_one.paid)


@pytest.mark.parametrize(
    "facts",
    [
        *(facts_with(one, {}, {}) for one in [{}, *OF_FACTS]),
        *(facts_with({}, one, {}) for one in OF_BOOKED),
        *(facts_with({}, {}, one) for one in OF_TRANSFER),
        facts_with({"fees_said": {}}, {}, {"fee": Decimal(1)}),
    ],
)
def test_what_is_known_at_a_look_is_what_is_derived_one_by_one(facts: Facts) -> None:
    require_the_same(facts)


@given(st.sampled_from(OF_FACTS), st.sampled_from([{}, *OF_BOOKED]), st.sampled_from([{}, *OF_TRANSFER]))
def test_so_it_is_whatever_else_is_otherwise(
    of_facts: Otherwise, of_booked: Otherwise, of_transfer: Otherwise
) -> None:
    require_the_same(facts_with(of_facts, of_booked, of_transfer))


def test_the_usual_payment_is_known_at_a_look() -> None:
    assert usual_figures(USUAL, AMOUNT)["paid"] == AMOUNT
