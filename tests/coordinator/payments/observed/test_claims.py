"""What can be only one payment's."""

from decimal import Decimal

from coordinator.payments.observed.claims import MoneyClaim, address_claim, money_claims
from coordinator.payments.observed.observations import (
    AddressBorrowed,
    ClaimContested,
    MoneyTaken,
    Standing,
    TransferSeen,
)
from coordinator.payments.problems.problems import ProblemKind, hold_on_payouts, problems_of
from tests.coordinator.agreed import PAYMENT, looked_up, notice, play, transfer

PARTIAL, PAID = Standing.PARTIAL, Standing.PAID
EVM = "0x9C1bc3C3cdee47e5c7Cc6311748241eF4356feeA"
BASE58 = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


def test_the_money_of_a_transfer_is_its_transaction_its_coin_and_its_address() -> None:
    told = notice(PAID, transfer("0xAB", 51), transfer("0xcd", 51, asset="BTC"), address=EVM)
    own, lower = MoneyClaim("p output ETH-USDT ab " + EVM.lower(), "p address " + EVM.lower()), EVM.lower()
    # Where another coin's transfer went the message does not say.
    assert money_claims("p", told) == {"ab": own}
    asked = looked_up(PAID, transfer("0xab", 51), transfer("0xcd", 51, asset="BTC")).model_copy(
        update={"places": {"0xab": lower, "0xcd": SEGWIT.upper()}}
    )
    other = MoneyClaim(f"p output BTC cd {SEGWIT}", f"p address {SEGWIT}")
    assert money_claims("p", asked) == {"ab": own, "cd": other}
    assert money_claims("p", asked, {"ab", "cd"}) == {}
    assert money_claims("p", TransferSeen(transfer=transfer("0xab", 51))) == {}
    assert address_claim("p", EVM) == address_claim("p", lower) == own.address


def test_at_an_address_that_was_anothers_nothing_completes_before_a_person_has_looked() -> None:
    payment, _ = play(AddressBorrowed(address=EVM, payment_id="pay_0"), notice(PAID, transfer("t1", 102)))
    assert (payment.status, payment.paid) == ("confirming", Decimal(102))
    [problem] = [one for one in problems_of(payment) if one.kind is ProblemKind.FOREIGN]
    assert "was given out for pay_0 before" in problem.detail
    assert "another payment's before" in (hold_on_payouts(payment) or "")


def test_money_that_is_anothers_does_not_count_and_other_money_does() -> None:
    taken = MoneyTaken(transfer_key="t1", payment_id="pay_0")
    payment, _ = play(taken, notice(PAID, transfer("t1", 102)))
    assert (payment.status, payment.paid, payment.in_flight) == ("pending", Decimal(0), ())
    assert ProblemKind.FOREIGN in [one.kind for one in problems_of(payment)]
    more = notice(Standing.OVERPAID, transfer("t1", 102), transfer("t2", 102))
    assert play(more, payment=payment)[0].status == "completed"


def test_whose_it_was_first_is_told_and_keeps_it() -> None:
    payment, _ = play(notice(PAID, transfer("t1", 102)))
    contested, events = play(ClaimContested(what="t1", payment_id="pay_2"), payment=payment)
    assert (contested.status, contested.paid, events) == (payment.status, payment.paid, [])
    assert "pay_2 was given or told of t1 too" in problems_of(contested)[0].detail
    assert PAYMENT.facts.taken == frozenset()
