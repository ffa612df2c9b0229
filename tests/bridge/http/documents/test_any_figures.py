"""Whatever amounts a gateway may tell, what follows from them can be shown."""

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from bridge.http.documents.payments import payment_document
from bridge.http.ops.rows import payment_row, transfer_rows
from bridge.journal.queries.console import ListedPayment
from bridge.journal.queries.payments import PaymentRecord
from coordinator.money import parse_amount
from coordinator.payments.agreed.fees import Fee, FeePolicy
from coordinator.payments.observed.observations import InvoicePriced, Observation, Standing
from tests.coordinator.agreed import NOW, looked_up, notice, play, transfer

# All that `parse_amount` lets in.
amounts = st.builds(
    lambda whole, part: parse_amount(f"{whole}.{part}"),
    st.one_of(st.integers(0, 200), st.integers(0, 10**78 - 1)),
    st.text("0123456789", min_size=1, max_size=30),
)
near = st.builds(lambda part: parse_amount(f"1.{part}"), st.text("0123456789", min_size=1, max_size=30))
"""Prices and amounts at which a payment of 100 may complete."""
A_CENT = Decimal("0.01")


@example([("0.029592452504113352", "101.9")], Decimal("3379.2412345678901"), Decimal("2.123456"), False)
@example([("100", "99." + "9" * 30)], Decimal(1), Decimal("1." + "1" * 30), True)
@given(
    st.lists(st.tuples(st.one_of(near, amounts), st.one_of(near, amounts)), min_size=1, max_size=3),
    st.one_of(near, amounts),
    st.one_of(near, amounts),
    st.booleans(),
)
def test_whatever_is_told_of_a_payment_can_be_shown(
    told: list[tuple[Decimal | str, Decimal | str]], rate: Decimal, percent: Decimal, is_asked: bool
) -> None:
    transfers = [
        transfer(f"t{number}", value, amount=Decimal(amount), fee=percent)
        for number, (amount, value) in enumerate(told)
    ]
    fee = Fee(policy=FeePolicy.PERCENT, percent=percent)
    priced = InvoicePriced(coin="ETH-USDT", rate=rate, fee=percent)
    said: list[Observation] = [priced, notice(Standing.PAID, *transfers, fee=fee, proven=None, received=Decimal(100))]
    if is_asked:
        others = [one.model_copy(update={"amount": rate}) for one in transfers]
        said.append(looked_up(Standing.PAID, *others, received=Decimal(100), settling_seconds={}))
    payment, _ = play(*said)
    shown = payment_document(PaymentRecord(payment=payment, updated_at=NOW, history=()))
    assert abs(shown.received - payment.received) < A_CENT
    if payment.missing:
        assert shown.received + shown.missing == payment.amount
    listed = ListedPayment(payment, NOW, None)
    rows = [payment_row(listed, NOW), *transfer_rows(listed)]
    for one in (shown, *rows):
        assert "E" not in str(one.model_dump(mode="json", include={"received", "value"}))
