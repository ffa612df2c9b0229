"""What came is what the transfers come to: a gateway's sum lowers it or tells it, and never makes more of them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.counting.valuation import least_share
from coordinator.payments.observed.observations import (
    DeadlinePassed,
    InvoicePriced,
    InvoiceSnapshot,
    InvoiceUnreadable,
    PaymentAccepted,
    Standing,
    Transfer,
)
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, hold_on_payouts, problems_of
from tests.coordinator.agreed import DEADLINE, NOW, looked_up, notice, play, transfer

PARTIAL, PAID, OVERPAID = Standing.PARTIAL, Standing.PAID, Standing.OVERPAID
SOON, LATER = NOW + timedelta(minutes=5), NOW + timedelta(minutes=10)
PRICED = InvoicePriced(coin="ETH-USDT", fee=Decimal(2), rate=Decimal(1), addresses=("0xours",))
BITCOIN = InvoicePriced(coin="BTC", fee=Decimal(0), rate=Decimal(100_000))
AT_ONCE: dict[str, int] = {}


def kinds(payment: Payment) -> list[ProblemKind]:
    return [problem.kind for problem in problems_of(payment)]


def told(received: object, *transfers: Transfer, standing: Standing = PAID, **changes: object) -> InvoiceSnapshot:
    """What the gateway answers that is asked; each transfer has the confirmations that are wanted."""
    fields = {"received": Decimal(str(received)), "settling_seconds": AT_ONCE}
    return looked_up(standing, *transfers, **fields | changes)


def bitcoin(name: str, amount: str) -> Transfer:
    return Transfer(transfer_id=name, asset="BTC", amount=Decimal(amount))


# A sum that is more than its transfers


@pytest.mark.parametrize("amount", ["0", "0.00000001", "1", "51"])
def test_a_sum_alone_completes_nothing_whatever_its_transfers_are(amount: str) -> None:
    payment, events = play(PRICED, told(102, transfer("t1", amount)))
    assert payment.paid == Decimal(amount)
    assert payment.status in ("confirming", "partially_paid")
    assert ProblemKind.CONTRADICTING_BOOKS in kinds(payment)
    assert "payment-received" not in [event.name for event in events]


def test_of_coins_without_a_price_the_sum_is_all_there_is_but_of_none_of_them() -> None:
    assert play(told(100, transfer("t1", "51")))[0].status == "completed"
    nothing, _ = play(told(100, transfer("t1", "0")))
    assert (nothing.paid, nothing.status) == (Decimal(0), "confirming")


def test_a_transfer_that_grows_counts_as_it_was() -> None:
    payment, _ = play(PRICED, told(51, transfer("t1", 51), standing=PARTIAL), (told(102, transfer("t1", 102)), SOON))
    assert (payment.paid, payment.status) == (Decimal(51), "partially_paid")
    assert ProblemKind.CONTRADICTING_BOOKS in kinds(payment)


@pytest.mark.parametrize("by_notice", [False, True])
def test_the_same_bitcoin_is_not_worth_twice_as_much_a_moment_later(by_notice: bool) -> None:
    once = bitcoin("t1", "0.0005")
    first = (
        notice(PARTIAL, once.model_copy(update={"value": Decimal(50)}), coin="BTC")
        if by_notice
        else told(50, once, standing=PARTIAL)
    )
    payment, _ = play(BITCOIN, first, (told(100, once), SOON))
    assert (payment.paid, payment.status) == (Decimal(50), "partially_paid")
    assert ProblemKind.CONTRADICTING_BOOKS in kinds(payment)


def test_a_price_that_rose_and_was_asked_for_makes_more_of_the_same_coins() -> None:
    dearer = BITCOIN.model_copy(update={"rate": Decimal(200_000)})
    payment, _ = play(BITCOIN, dearer, told(100, bitcoin("t1", "0.0005")))
    assert (payment.paid, payment.status) == (Decimal(100), "completed")


def test_a_sum_that_is_far_too_much_holds_nothing_if_the_coins_are_enough_at_any_price_and_is_not_counted() -> None:
    payment, _ = play(PRICED, told(20_000, transfer("t1", 102), standing=OVERPAID))
    assert (payment.received, payment.excess, payment.status) == (Decimal(100), Decimal(0), "completed")
    assert (hold_on_payouts(payment), kinds(payment)) == (None, [ProblemKind.CONTRADICTING_BOOKS])
    assert "20000" in problems_of(payment)[0].detail


# Enough at the dearer of two prices, and not at the other.
DEARER = PRICED.model_copy(update={"rate": Decimal(2)})
HALF = transfer("t1", 51)


def held_payment() -> Payment:
    return play(PRICED, DEARER, told(20_000, HALF, standing=OVERPAID))[0]


def test_a_sum_that_is_far_too_much_holds_completion_until_it_agrees() -> None:
    payment, events = play(PRICED, DEARER, told(20_000, HALF, standing=OVERPAID))
    assert (payment.received, payment.excess, payment.status) == (Decimal(100), Decimal(0), "confirming")
    assert (payment.is_in_doubt, kinds(payment)) == (True, [ProblemKind.CONTRADICTING_BOOKS])
    assert "payment-received" not in [event.name for event in events]
    # The books agree later.
    cleared, events = play((told(102, HALF), SOON), payment=payment)
    assert (cleared.status, [event.name for event in events].count("payment-received")) == ("completed", 1)
    assert hold_on_payouts(cleared) is None


def test_or_until_a_person_accepts_it() -> None:
    held = held_payment()
    assert play(PaymentAccepted(by="Ada", note="seen"), payment=held)[0].status == "completed"


def test_what_is_held_does_not_run_out_of_time() -> None:
    held = held_payment()
    waiting, _ = play((DeadlinePassed(deadline=DEADLINE, for_unconfirmed=True), DEADLINE), payment=held)
    assert waiting.status == "confirming"


def test_of_a_completed_payment_a_contradiction_holds_the_payouts_until_a_person_accepts_it() -> None:
    completed, _ = play(PRICED, DEARER, told(102, HALF))
    assert hold_on_payouts(completed) is None
    doubted, _ = play((told(20_000, HALF), SOON), payment=completed)
    assert (doubted.status, "20000" in (hold_on_payouts(doubted) or "")) == ("completed", True)
    accepted, events = play((PaymentAccepted(by="Ada", note="seen"), LATER), payment=doubted)
    assert (hold_on_payouts(accepted), events) == (None, [])


# A sum that sinks


def test_a_sum_that_sinks_is_a_contradiction_at_once_and_counts() -> None:
    payment, _ = play(told(50, bitcoin("t1", "0.0005"), standing=PARTIAL))
    assert (payment.paid, kinds(payment)) == (Decimal(50), [])
    sunk, _ = play((told(25, bitcoin("t1", "0.0005"), standing=PARTIAL), SOON), payment=payment)
    assert (sunk.paid, sunk.is_held, kinds(sunk)) == (Decimal(25), True, [ProblemKind.CONTRADICTING_BOOKS])
    assert "said that 50.00 USD came, and says 25.00 USD now" in problems_of(sunk)[0].detail
    again, _ = play((told(50, bitcoin("t1", "0.0005"), standing=PARTIAL), LATER), payment=sunk)
    assert (again.paid, kinds(again)) == (Decimal(50), [])


def test_one_that_was_too_much_before_has_not_sunk() -> None:
    payment, _ = play(PRICED, told(20_000, transfer("t1", 102)), (told(102, transfer("t1", 102)), SOON))
    assert kinds(payment) == []


# Each transfer by itself

SLOW = {"ETH-USDT": 264, "BTC": 2400}


def test_dust_does_not_keep_what_has_settled_from_counting() -> None:
    first, at, payment, listed = transfer("t1", 102), NOW, play(PRICED)[0], [transfer("t1", 102)]
    for number in range(20):
        standing = told(sum(one.amount for one in listed), *listed, settling_seconds=SLOW)
        payment, _ = play((standing, at), payment=payment)
        assert (payment.status == "completed") is (at - NOW >= timedelta(seconds=264)), at
        listed = [first, *(transfer(f"dust{one}", "0.001") for one in range(number + 1))]
        at += timedelta(seconds=60)


def test_one_coins_slow_transfer_does_not_hold_anothers_settled_money() -> None:
    both = transfer("t1", 102), bitcoin("t2", "0.00001")
    told_of = told(103, *both, settling_seconds=SLOW)
    payment, _ = play(PRICED, BITCOIN, told_of, (told_of, SOON))
    assert (payment.status, payment.paid) == ("completed", Decimal(102))


def test_what_has_settled_is_worth_no_more_than_its_part_of_a_sum_that_lost_some() -> None:
    both = transfer("t1", 51), transfer("t2", 51)
    settled = told(51, *both[:1], standing=PARTIAL)
    payment, _ = play(PRICED, settled, (told(51, *both, standing=PARTIAL, settling_seconds=SLOW), SOON))
    assert payment.paid == Decimal("25.5")


coins = st.sampled_from(["ETH-USDT", "BTC", "TRX"])
listed_transfers = st.lists(st.tuples(coins, st.integers(0, 50), st.booleans()), min_size=1, max_size=6).map(
    lambda some: [
        (Transfer(transfer_id=f"t{number}", asset=coin, amount=Decimal(amount)), is_settled)
        for number, (coin, amount, is_settled) in enumerate(some)
    ]
)
prices = st.dictionaries(
    coins, st.tuples(st.integers(1, 5), st.integers(0, 3)).map(lambda one: (Decimal(one[0]), Decimal(sum(one))))
)


@given(st.integers(0, 300).map(Decimal), listed_transfers, prices)
def test_what_has_settled_is_never_worth_more_than_the_sum_or_its_coins_and_never_shrinks_as_more_settles(
    whole: Decimal, listed: list[tuple[Transfer, bool]], rates: dict[str, tuple[Decimal, Decimal]]
) -> None:
    transfers = [one for one, _ in listed]
    some = [one for one, is_settled in listed if is_settled]
    share, tiny = least_share(whole, some, transfers, rates), Decimal("1e-20")
    assert 0 <= share <= whole
    if all(one.asset in rates for one in some):
        assert share <= sum((one.amount * rates[one.asset][1] for one in some), Decimal("0.02")) * Decimal("1.0001")
    for one in transfers:
        if one not in some:
            assert least_share(whole, [*some, one], transfers, rates) >= share - tiny - Decimal("0.02")


@given(st.integers(0, 300).map(Decimal), st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(0, 6))
def test_within_a_coin_a_sum_is_shared_by_amounts(whole: Decimal, amounts: list[int], count: int) -> None:
    transfers = [transfer(f"t{number}", amount) for number, amount in enumerate(amounts)]
    share = least_share(whole, transfers[:count], transfers, {})
    assert abs(share - whole * sum(amounts[:count]) / sum(amounts)) <= Decimal("1e-20")


# What a message says of a transfer


@pytest.mark.parametrize(("coins_moved", "counts"), [("0", "0"), ("0.0001", "0.0001"), ("102", "102")])
def test_a_message_makes_no_more_of_coins_than_they_are_worth(coins_moved: str, counts: str) -> None:
    moved = transfer("t1", 102, amount=Decimal(coins_moved))
    payment, _ = play(PRICED, notice(PAID, moved, address="0xours"))
    assert (payment.paid, payment.status == "completed") == (Decimal(counts), counts == "102")
    assert (ProblemKind.CONTRADICTING_BOOKS in kinds(payment)) is (counts != "102")


def test_of_no_coins_at_all_nothing_is_worth_anything_even_without_a_price() -> None:
    payment, _ = play(notice(PAID, transfer("t1", 102, amount=Decimal(0))))
    assert (payment.paid, payment.status) == (Decimal(0), "confirming")


@pytest.mark.parametrize(
    ("standing", "changes", "fits"),
    [
        (PAID, {"calls_paid": True, "above_limit": Decimal(0)}, True),
        (PAID, {"calls_paid": False}, False),
        (PARTIAL, {"calls_paid": True, "received": Decimal(50)}, False),
        (PAID, {"above_limit": Decimal(100)}, False),
        # SHKeeper calls what is just at its limit overpaid, by nothing.
        (OVERPAID, {"calls_paid": True, "above_limit": Decimal(0), "received": Decimal(105)}, True),
        (OVERPAID, {"calls_paid": False, "above_limit": Decimal(0), "received": Decimal(105)}, False),
    ],
)
def test_a_message_that_contradicts_itself_does_not_fit(
    standing: Standing, changes: dict[str, Any], fits: bool
) -> None:
    came = changes.get("received", Decimal(102))
    payment, _ = play(notice(standing, transfer("t1", came), **changes))
    assert payment.paid == (came if fits else 0)
    assert (ProblemKind.FOREIGN in kinds(payment)) is not fits


# What cannot be read


def test_what_can_be_read_counts_beside_what_cannot_and_completes_nothing_until_all_can_be() -> None:
    whole = told(102, transfer("t1", 102))
    partly, _ = play(PRICED, whole.model_copy(update={"unreadable": ("txs.1.amount: …",)}))
    assert (partly.received, partly.status, kinds(partly)) == (
        Decimal(100),
        "confirming",
        [ProblemKind.UNREADABLE_BOOKS],
    )
    assert play((whole, SOON), payment=partly)[0].status == "completed"


def test_of_a_sum_that_is_also_of_what_cannot_be_read_no_more_is_counted_than_prices_prove() -> None:
    partly = told(102, transfer("t1", 1), unreadable=("txs.1.amount: …",))
    assert (play(partly)[0].paid, play(PRICED, partly)[0].paid) == (Decimal(0), Decimal(1))


def test_an_answer_that_cannot_be_read_is_on_the_list_until_one_can() -> None:
    payment, events = play(InvoiceUnreadable(what=("status: …",)))
    assert (events, kinds(payment)) == ([], [ProblemKind.UNREADABLE_BOOKS])
    assert "status: …" in problems_of(payment)[0].detail
    assert kinds(play((told(100, transfer("t1", 100)), SOON), payment=payment)[0]) == []


def test_a_sum_that_lacks_what_did_not_come_at_once_holds_the_money() -> None:
    first, rest = transfer("t1", 60), transfer("t2", 40)
    both = first, rest
    low: dict[str, Any] = {"received": Decimal(40), "settling_seconds": {}}
    at_once, _ = play(notice(PARTIAL, first), notice(PARTIAL, *both, **low), looked_up(PARTIAL, *both, **low))
    assert (at_once.status, at_once.is_held) == ("completed", False)
    # The one was alone in the books by then, and the sum too low for it.
    said = notice(PARTIAL, first), looked_up(PARTIAL, first, **low), notice(PARTIAL, *both, **low)
    payment, _ = play(*said, (looked_up(PARTIAL, *both, **low), LATER))
    assert (payment.status, payment.is_held) == ("confirming", True)
    assert ProblemKind.CONTRADICTING_BOOKS in [one.kind for one in problems_of(payment)]
    healed, _ = play((looked_up(PAID, *both), LATER + timedelta(minutes=1)), payment=payment)
    assert (healed.status, healed.is_held) == ("completed", False)
    # So it is with what came an hour apart.
    later = rest.model_copy(update={"occurred_at": NOW + timedelta(hours=1)})
    apart, _ = play(notice(PARTIAL, first), notice(PARTIAL, first, later, **low))
    assert (apart.status, apart.is_held) == ("confirming", True)
