"""SHKeeper's fees, found out from two of its prices: the very policy that the operator has set, or none is named."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.agreed.fees import NO_FEE, Fee, FeePolicy
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.fees import LEFT_ALONE_SECONDS, fee_between
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from tests.providers.shkeeper.asking.test_api import ADDRESS, OPENED, WANTED
from tests.scripted_gateway import Gateway, Request, says

NEXT_TO_NOTHING = Decimal("0.01")


@given(
    st.builds(
        Fee,
        policy=st.sampled_from([policy for policy in FeePolicy if policy is not FeePolicy.NONE]),
        percent=st.decimals(min_value="0.1", max_value=30, places=2),
        fixed=st.decimals(min_value="0.01", max_value=20, places=2),
    ),
    st.decimals(min_value=1, max_value=10_000, places=2),
    st.fractions(0, 1),
)
def test_what_is_found_out_takes_on_every_part_what_the_operators_fee_takes(
    fee: Fee, amount: Decimal, share: object
) -> None:
    found = fee_between(amount, fee.on(amount), fee.on(NEXT_TO_NOTHING))
    assert found is not None
    part = (amount * Decimal(str(float(share)))).quantize(NEXT_TO_NOTHING)  # type: ignore[arg-type]
    assert abs(found.on(part) - fee.on(part)) <= Decimal("0.005")
    assert found.on(amount) >= fee.on(amount) - Decimal("0.005")


def test_what_no_policy_comes_to_is_not_named() -> None:
    assert fee_between(Decimal(100), Decimal(2), Decimal(3)) is None


class Operator:
    """A SHKeeper whose fee in dollars can be changed."""

    def __init__(self, fee: Fee) -> None:
        self.fee = fee
        self.quotes = 0
        self.is_well = True

    def __call__(self, request: Request) -> bytes:
        amount = Decimal(request.content["amount"])
        asked = f"{amount + self.fee.on(amount):f}"
        if request.path.endswith("/payment_request"):
            return says({**OPENED, "amount": asked, "exchange_rate": "1"})(request)
        self.quotes += 1
        answer = {"status": "success", "amount_crypto": asked, "exchange_rate": "1.00"}
        return says(answer if self.is_well else {"status": "error", "message": "is lagging"})(request)


async def test_a_fee_is_found_out_with_each_price_for_the_next_may_come_to_the_same(
    gateway: Gateway, api: ShkeeperApi
) -> None:
    operator = Operator(NO_FEE)
    gateway.answers(operator)
    invoices = ShkeeperInvoices(api)
    for fee in (
        Fee(policy=FeePolicy.PERCENT, percent=Decimal(10)),
        Fee(policy=FeePolicy.FIXED, fixed=WANTED.amount / 10),
        Fee(policy=FeePolicy.PERCENT, percent=Decimal(10)),
    ):
        operator.fee = fee
        found = (await invoices.open_invoice(WANTED)).fee
        assert found is not None
        assert found.policy is fee.policy
    assert operator.quotes == 3


@pytest.mark.parametrize(
    "about", [{"fiat": "EUR"}, {"crypto": "LTC"}, {"amount_fiat": "1"}, {"amount_crypto": "0.001"}]
)
async def test_a_price_of_something_else_tells_no_fee(
    gateway: Gateway, api: ShkeeperApi, about: dict[str, str]
) -> None:
    named = {"fiat": "USD", "crypto": "ETH-USDT", "amount_fiat": "0.01"}
    quoted = {"status": "success", "amount_crypto": "0.0102", "exchange_rate": "1", **named}
    opened = says({**OPENED, "amount": "18.615", "exchange_rate": "1"})
    for said, is_known in ((quoted, True), ({**quoted, **about}, False)):
        gateway.answers(opened, says(said))
        fee = (await ShkeeperInvoices(api).open_invoice(WANTED)).fee
        assert (fee is not None) is is_known


async def test_what_cannot_be_asked_for_keeps_no_invoice_from_being_opened(
    gateway: Gateway, api: ShkeeperApi
) -> None:
    now = 0.0
    operator = Operator(Fee(policy=FeePolicy.PERCENT, percent=Decimal(2)))
    operator.is_well = False
    gateway.answers(operator)
    invoices = ShkeeperInvoices(api, clock=lambda: now)
    for _ in range(3):
        opened = await invoices.open_invoice(WANTED)
        assert (opened.address, opened.fee) == (ADDRESS, None)
    assert operator.quotes == 1
    operator.is_well, now = True, LEFT_ALONE_SECONDS + 1
    assert (await invoices.open_invoice(WANTED)).fee == operator.fee


async def test_no_fee_is_not_asked_about(gateway: Gateway, api: ShkeeperApi) -> None:
    operator = Operator(NO_FEE)
    gateway.answers(operator)
    assert (await ShkeeperInvoices(api).open_invoice(WANTED)).fee is None
    assert operator.quotes == 0
