"""What brings back a problem of a payment that somebody took off the list: other words, or money."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.deciding.decisions import decide
from coordinator.payments.observed.observations import InvoicePriced, InvoiceUnreadable, Observation, Standing
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import is_news, problems_of
from tests.coordinator.agreed import NOW, PAYMENT, judged, looked_up, notice, play, seen, transfer

PRICED = InvoicePriced(coin="ETH-USDT", rate=Decimal(1), addresses=("0xours",))
HALF = transfer("t1", "51.5", amount=Decimal(50))
"""Called worth three percent more than so many coins were when the buyer was asked."""
REST = transfer("t2", 45)
LATER = NOW + timedelta(minutes=5)


def after(payment: Payment, observation: Observation) -> Payment:
    return play((observation, LATER), payment=payment)[0]


def test_the_rest_of_a_payment_with_contradicting_books_is_news() -> None:
    exact = PAYMENT.model_copy(update={"terms": PAYMENT.terms.exact()})
    before, _ = play(PRICED, notice(Standing.PARTIAL, HALF, address="0xours"), payment=exact)
    both = notice(Standing.PAID, HALF, transfer("t2", 50), address="0xours")
    came = after(before, both)
    assert problems_of(came) == problems_of(before)
    assert is_news(before, came)


def test_money_beside_what_cannot_be_read_or_is_foreign_is_news() -> None:
    for wrong in (InvoiceUnreadable(what=("status",)), notice(Standing.PAID, transfer("theirs", 5))):
        before, _ = play(PRICED, wrong)
        assert problems_of(before)
        assert is_news(before, after(before, notice(Standing.PARTIAL, REST, address="0xours")))
        assert is_news(before, after(before, seen("t3").model_copy(update={"address": "0xours"})))


def test_the_same_once_more_is_no_news() -> None:
    for told in (
        notice(Standing.PARTIAL, HALF, address="0xours"),
        looked_up(Standing.PARTIAL, HALF, settling_seconds={}),
        notice(Standing.PAID, transfer("theirs", 5)),
        InvoiceUnreadable(what=("status",)),
    ):
        before, _ = play(PRICED, looked_up(Standing.PARTIAL, HALF, settling_seconds={}), told)
        assert problems_of(before)
        assert not is_news(before, after(before, told))


def test_nothing_is_news_of_a_payment_with_which_nothing_is_wrong() -> None:
    before, _ = play(PRICED)
    assert not is_news(before, after(before, notice(Standing.PARTIAL, REST, address="0xours")))


told_of = st.one_of(
    st.sets(st.sampled_from(["t1", "t2", "t3"]), min_size=1).map(
        lambda names: notice(
            judged(Decimal(60 * len(names))),
            *(transfer(name, 60, amount=Decimal(50)) for name in sorted(names)),
            address="0xours",
        )
    ),
    st.just(notice(Standing.PAID, transfer("theirs", 5))),
    st.just(seen("t1", 50).model_copy(update={"address": "0xours"})),
)


@given(st.lists(told_of, max_size=6))
def test_whatever_comes_to_something_wrong_is_news_and_what_is_told_twice_is_not(told: list[Observation]) -> None:
    payment = decide(PAYMENT, PRICED, NOW).payment
    for number, observation in enumerate(told):
        before, at = payment, NOW + timedelta(minutes=number)
        payment = decide(payment, observation, at).payment
        if problems_of(payment) and (payment.paid, payment.status) != (before.paid, before.status):
            assert is_news(before, payment)
        again = decide(payment, observation, at).payment
        assert not is_news(payment, again)
