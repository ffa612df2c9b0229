"""What a provider says that it paid more than once: a person is told, and the books know what left."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from coordinator.attention.items import AttentionKind
from coordinator.attention.payouts import payout_attention
from coordinator.books.entries import balances_of_payout
from coordinator.payouts.decisions import decide_payout
from coordinator.payouts.facts import PayoutFacts
from coordinator.payouts.observations import (
    PayoutBooked,
    PayoutConfirmed,
    PayoutFailed,
    PayoutObservation,
    PayoutSent,
    Stated,
)
from coordinator.payouts.payouts import Payout

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PAYOUT = Payout(
    payout_id="out_1",
    provider="shkeeper",
    payment_id="pay_1",
    seller_id="s1",
    destination="T1",
    coin="USDT",
    amount=Decimal(100),
    created_at=NOW,
    facts=PayoutFacts(attempts=1, external_ids={1: "name"}),
)
CONFIRMED = PayoutConfirmed()


def sent(*tx_hashes: str) -> PayoutSent:
    return PayoutSent(tx_hashes=tx_hashes, stated=Stated(amount=Decimal(100)))


def booked(record: str, name: str = "name") -> PayoutBooked:
    return PayoutBooked(external_id=name, provider_id=record)


@pytest.mark.parametrize(
    ("told", "times"),
    [
        ((sent("0xa"), booked("14")), 1),
        ((sent("0xa"), sent("A"), booked("14"), booked("14")), 1),
        ((sent("a", "b"), sent("b"), sent("a")), 1),  # a payout can have several transactions
        ((sent("a"), PayoutSent(tx_hashes=("b",))), 1),  # one that a person has named may have paid a rest
        ((sent("a"), booked("14"), booked("9", "of-an-attempt-in-vain")), 1),
        ((sent("a"), PayoutFailed(reason="none", disowned_hashes=("a",)), sent("b")), 1),
        ((sent("a"), sent("b")), 2),
        ((sent("a"), booked("14"), booked("999")), 2),
        ((sent("a", "b"), sent("b"), sent("c"), sent("d")), 3),
    ],
)
def test_money_that_is_said_to_have_left_again_is_told_of_in_any_order(
    told: tuple[PayoutObservation, ...], times: int
) -> None:
    for order in itertools.permutations((*told, CONFIRMED)):
        payout = PAYOUT
        for observation in order:
            payout = decide_payout(payout, observation).payout
        assert (payout.payments_reported, payout.was_paid_twice) == (times, times > 1)
        assert [*balances_of_payout(payout).values()] == [100 * times]
        item = payout_attention(payout, NOW, NOW)
        if times > 1:
            assert item is not None
            assert item.kind is AttentionKind.PAYOUT_PAID_TWICE
            assert f"shkeeper says that it was paid {times} times, by " in item.detail
