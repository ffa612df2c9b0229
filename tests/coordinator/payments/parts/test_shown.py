"""Figures as they are shown: in the decimals of the currency, and such as add up, whatever was counted."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from coordinator.money import ZERO, decimals_of, excess_over, format_amount
from coordinator.payments.agreed.agreements import DirectPayment
from coordinator.payments.observed.observations import Standing
from coordinator.payments.parts.shown import Scale, ShownFigures, shown
from tests.coordinator.agreed import PAYMENT, notice, play, transfer

DECIMALS = {"USD": 2, "JPY": 0, "KWD": 3}


def scale(currency: str, agreed: Decimal) -> Scale:
    return Scale(PAYMENT.model_copy(update={"currency": currency, "amount": agreed}), agreed)


def texts(figures: ShownFigures) -> list[str]:
    return [format_amount(one) for one in figures]


@given(
    currency=st.sampled_from(sorted(DECIMALS)),
    units=st.integers(1, 10**7),
    received=st.decimals(0, 20_000, places=18),
    fee=st.decimals(0, 100, places=18),
    is_completed=st.booleans(),
)
def test_what_is_shown_has_the_currencys_decimals_and_adds_up(
    currency: str, units: int, received: Decimal, fee: Decimal, is_completed: bool
) -> None:
    decimals = DECIMALS[currency]
    agreed, unit = Decimal(units).scaleb(-decimals), Decimal(1).scaleb(-decimals)
    missing, excess = (ZERO if is_completed else excess_over(agreed, received)), excess_over(received, agreed)
    figures = scale(currency, agreed).figures(received, missing, excess, fee, ZERO)
    assert all(decimals_of(one) <= decimals for one in figures)
    exact = (received, missing, excess, fee, ZERO)
    assert all(abs(one - true) < unit for one, true in zip(figures, exact, strict=True))
    # As much as is read can be sent back.
    assert figures.received <= received
    assert figures.excess <= excess
    if missing:
        # Nobody reads that all is there while something is missing.
        assert figures.missing > ZERO
        assert figures.received + figures.missing == agreed
    else:
        assert figures.missing == ZERO
    if figures.excess:
        assert figures.received - figures.excess == agreed


def test_what_a_sum_of_coins_leaves_over_is_not_shown() -> None:
    figures = scale("USD", Decimal("50.00")).figures(
        Decimal("50.0000000002"), ZERO, ZERO, Decimal("0.21000218"), ZERO
    )
    assert texts(figures) == ["50.00", "0.00", "0.00", "0.21", "0.00"]
    # An amount that was agreed without decimals is shown so as long as there are none.
    hundred = scale("USD", Decimal(100))
    assert texts(hundred.figures(Decimal(40), Decimal(60), ZERO, ZERO, ZERO))[:2] == ["40", "60"]
    part = Decimal("33.3333333333")
    assert texts(hundred.figures(part, Decimal(100) - part, ZERO, ZERO, ZERO))[:2] == ["33.33", "66.67"]


def test_decisions_go_by_every_digit() -> None:
    """A hundred-millionth is missing: that completes nothing, and is shown as a cent."""
    short = Decimal("99.99999999")
    terms = PAYMENT.terms.model_copy(update={"tolerance_percent": ZERO})
    told = notice(Standing.PARTIAL, transfer("t1", short), received=short)
    payment, _ = play(told, payment=PAYMENT.model_copy(update={"terms": terms}))
    assert (payment.status, payment.received, payment.missing) == ("partially_paid", short, Decimal("1e-8"))
    assert texts(shown(payment))[:2] == ["99.99", "0.01"]


def test_tokens_of_chains_and_currencies_that_nobody_knows_are_shown_as_they_are() -> None:
    came, lacking = Decimal("1.123456789"), Decimal("0.876543211")
    direct = DirectPayment(chain="ethereum", recipient="0xA", payer=None, payment_uri="ethereum:0xA@1")
    token = PAYMENT.model_copy(update={"direct": direct, "amount": Decimal(2)})
    for whose in (Scale(token, Decimal(2)), scale("SHELLS", Decimal(2))):
        assert whose.figures(came, lacking, ZERO, ZERO, ZERO)[:2] == (came, lacking)
