"""Who sends a payout: every way to ask for one is in a table."""

from decimal import Decimal
from itertools import product

import pytest

from coordinator.payouts.carriers import Carrier, NoCarrierError, PlannedPayout, carrier_of, worth_over_chain
from coordinator.payouts.statuses import PayoutStatus
from tests.coordinator.agreed import NOW, PAYMENT

NO_PAYOUTS = "this bridge sends no payouts through shkeeper"
YES, NO, ANY = (True,), (False,), (True, False)
# Of what names a chain, was paid over one, names a transaction, names a sender, and whose provider sends payouts.
WAYS = [
    (YES, ANY, ANY, ANY, ANY, Carrier.WALLET),
    (NO, YES, ANY, ANY, ANY, Carrier.WALLET),
    (NO, NO, YES, ANY, ANY, "txHash"),
    (NO, NO, NO, YES, ANY, "sender"),
    (NO, NO, NO, NO, NO, "paymentId"),
    (NO, NO, NO, NO, YES, Carrier.PROVIDER),
]


def carrier(
    names_chain: bool, came_over_chain: bool, names_transaction: bool, names_sender: bool, sends: bool
) -> str:
    try:
        return carrier_of(
            names_chain=names_chain,
            came_over_chain=came_over_chain,
            names_transaction=names_transaction,
            names_sender=names_sender,
            sends_none=None if sends else NO_PAYOUTS,
        )
    except NoCarrierError as error:
        return error.field


def test_the_table_has_every_way_to_ask_once() -> None:
    listed = [asked for *sets, _ in WAYS for asked in product(*sets)]
    assert sorted(listed) == sorted(product(ANY, repeat=5))


@pytest.mark.parametrize(("asked", "expected"), [(asked, way) for *sets, way in WAYS for asked in product(*sets)])
def test_a_payout_goes_by_the_table(asked: tuple[bool, bool, bool, bool, bool], expected: str) -> None:
    assert carrier(*asked) == expected


def test_a_refusal_says_what_to_do() -> None:
    nothing = {"names_chain": False, "came_over_chain": False, "names_transaction": False, "names_sender": False}
    with pytest.raises(NoCarrierError, match="name the chain too"):
        carrier_of(**nothing | {"names_sender": True}, sends_none=NO_PAYOUTS)
    with pytest.raises(NoCarrierError, match=NO_PAYOUTS):
        carrier_of(**nothing, sends_none=NO_PAYOUTS)


def test_only_the_currency_itself_is_worth_something_over_a_chain() -> None:
    assert worth_over_chain(Decimal(7), "USDT", "USDT") == 7
    assert worth_over_chain(Decimal(7), "DAI", "USDT") is None


PLANNED = PlannedPayout("shkeeper", "ETH-USDT", Decimal("12.5"), "0xA", worth=Decimal("12.499"), fee=Decimal(3))


def test_a_payout_has_what_was_planned_and_counts_in_the_payments_currency() -> None:
    payout = PLANNED.payout(PAYMENT, "s1", 0, NOW)
    assert (payout.provider, payout.coin, payout.amount, payout.destination) == (
        "shkeeper",
        "ETH-USDT",
        Decimal("12.5"),
        "0xA",
    )
    assert (payout.payment_id, payout.seller_id, payout.worth, payout.worth_currency, payout.fee) == (
        "pay_1",
        "s1",
        Decimal("12.499"),
        "USD",
        Decimal(3),
    )
    assert (payout.chain, payout.sender, payout.created_at, payout.status) == (None, None, NOW, PayoutStatus.CREATED)


def test_each_payout_of_a_share_is_another_and_the_same_one_is_the_same_again() -> None:
    ids = [PLANNED.payout(PAYMENT, seller, ordinal, NOW).payout_id for seller in ("s1", "s2") for ordinal in (0, 1)]
    assert len(set(ids)) == 4
    assert PLANNED.payout(PAYMENT, "s1", 0, NOW).payout_id == ids[0]
