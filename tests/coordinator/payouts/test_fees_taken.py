"""Network fees that were taken: when they are to be found out, and what the books make of them."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from coordinator.books.entries import Account, EntryKind, balances_of_payout, changes
from coordinator.payments.observed.observations import Stage
from coordinator.payouts.facts import NetworkFee
from coordinator.payouts.fees_taken import network_fee_is_due, network_fee_unknown, network_fees, uncharged_hashes
from coordinator.payouts.observations import (
    PayoutNetworkFee,
    PayoutNetworkFeeUnknown,
    PayoutObservation,
    PayoutReturned,
)
from tests.coordinator.payouts.test_chain_payouts import ACCEPTED, CONFIRMED, FINAL, PAYOUT, SENT, play, sighted

OVER_NO_CHAIN = PAYOUT.model_copy(update={"chain": None})
UNKNOWN = PayoutNetworkFeeUnknown(reason="SHKeeper does not say")
OUT = Account(EntryKind.COIN_OUT, "ETH-USDT", wallet="shkeeper")
TAKEN = Account(EntryKind.NETWORK_FEE, "ETH", "s1", "shkeeper", "out_1")
NOBODY_SAYS = Account(EntryKind.FEE_UNKNOWN, "ETH-USDT", "s1", "shkeeper", "out_1")


def fee(amount: str, tx: str = "0x1") -> PayoutNetworkFee:
    return PayoutNetworkFee(tx_hash=tx, fee=NetworkFee(wallet="shkeeper", coin="ETH", amount=Decimal(amount)))


def test_it_is_to_be_found_out_once_a_payout_has_ended_until_somebody_says_or_nobody_will() -> None:
    moving, _ = play(ACCEPTED, SENT, sighted(Stage.MINED, 3))
    arrived, _ = play(ACCEPTED, SENT, FINAL)
    assert (network_fee_is_due(moving), network_fee_is_due(arrived)) == (False, True)
    assert uncharged_hashes(arrived) == ("0x1",)
    for said in (fee("0.002"), UNKNOWN):
        known, events = play(said, payout=arrived)
        assert (network_fee_is_due(known), known.status, events) == (False, arrived.status, [])


def test_one_that_no_chain_shows_is_asked_about_too_and_one_that_was_never_sent_is_not() -> None:
    gone, _ = play(ACCEPTED, SENT, CONFIRMED, payout=OVER_NO_CHAIN)
    refused, _ = play(payout=OVER_NO_CHAIN)
    assert (network_fee_is_due(gone), network_fee_is_due(refused)) == (True, False)


def test_what_the_network_took_is_in_the_books_apart_from_what_arrived() -> None:
    arrived, _ = play(ACCEPTED, SENT, FINAL, fee("0.002"), fee("0.001", "0x2"))
    assert balances_of_payout(arrived) == {OUT: 10, TAKEN: Decimal("0.003")}
    assert [(one.coin, one.amount) for one in network_fees(arrived)] == [("ETH", Decimal("0.003"))]
    returned, _ = play(PayoutReturned(tx_hash="0x9", reason="the address was wrong"), payout=arrived)
    assert balances_of_payout(returned) == {TAKEN: Decimal("0.003")}


def test_where_nobody_says_it_the_books_say_so_and_not_that_it_was_nothing() -> None:
    arrived, _ = play(ACCEPTED, SENT, FINAL, UNKNOWN)
    assert balances_of_payout(arrived) == {OUT: 10, NOBODY_SAYS: 10}
    told, _ = play(fee("0.002"), payout=arrived)
    assert network_fee_unknown(told) is None
    entered = changes(balances_of_payout(arrived), balances_of_payout(told))
    assert {one.account: one.amount for one in entered} == {NOBODY_SAYS: -10, TAKEN: Decimal("0.002")}


def test_the_fee_of_a_refund_is_no_sellers() -> None:
    refund = PAYOUT.model_copy(update={"refund_id": "ref_1", "buyer_id": "b1"})
    arrived, _ = play(ACCEPTED, SENT, FINAL, fee("0.002"), payout=refund)
    assert TAKEN._replace(seller_id=None) in balances_of_payout(arrived)


ARRIVED = (ACCEPTED, SENT, FINAL)
SAID: tuple[PayoutObservation, ...] = (*ARRIVED, fee("0.002"), fee("0.003"), fee("0.001", "0x2"), UNKNOWN)


@given(st.lists(st.sampled_from(SAID)), st.permutations(SAID))
def test_the_order_and_repetition_of_what_is_said_makes_no_difference(
    said: list[PayoutObservation], order: list[PayoutObservation]
) -> None:
    played, _ = play(*said, *order)
    expected, _ = play(*SAID)
    assert (played.facts, balances_of_payout(played)) == (expected.facts, balances_of_payout(expected))
