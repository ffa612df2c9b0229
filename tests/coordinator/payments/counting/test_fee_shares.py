"""Fee shares: whatever is asked for, whoever pays it has paid, and what is called goods is never the gateway's fee.

A gateway of several coins is played against a payment: each has its fee, and of a transfer the gateway tells, or it
is only heard of by asking.
"""

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.money import rounded
from coordinator.payments.agreed.fees import NO_FEE, Fee, FeePolicy
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.counting.fee_shares import FeeTerms, bearable_terms, fee_in, takes_nothing
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.deciding.quotes import fee_priced, to_pay, whole_coin_amount
from coordinator.payments.observed.observations import InvoicePriced, InvoiceSnapshot, Observation, Standing, Transfer
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.problems import ProblemKind, problems_of
from providers.shkeeper.invoices.invoices import PaymentRequestAnswer, opened_invoice
from tests.coordinator.agreed import NOW, PAYMENT
from tests.made_destinations import destination

RATES = {
    "ETH-USDT": Decimal(1),
    "POLYGON-USDT": Decimal(1),
    "DOGE": Decimal("0.15"),
    "ETH": Decimal("3379.24"),
    "BTC": Decimal("67123.456789"),
}
A, B = "ETH-USDT", "POLYGON-USDT"


def percent(percents: object) -> Fee:
    return Fee(policy=FeePolicy.PERCENT, percent=Decimal(str(percents)))


def fixed(amount: object) -> Fee:
    return Fee(policy=FeePolicy.FIXED, fixed=Decimal(str(amount)))


def at_least(percents: object, amount: object) -> Fee:
    return Fee(policy=FeePolicy.PERCENT_AT_LEAST_FIXED, percent=Decimal(str(percents)), fixed=Decimal(str(amount)))


@dataclass
class Sale:
    """A payment, and the gateway that it goes through. SHKeeper's own arithmetic, transfer by transfer."""

    amount: Decimal
    fees: dict[str, Fee]
    names_fees: bool = False
    """Whether the gateway names each coin's fee before there is money in it."""
    tolerance: Decimal = Decimal(0)
    transfers: list[Transfer] = field(default_factory=list)
    opened: dict[str, InvoiceOpened] = field(default_factory=dict)
    rates: dict[str, Decimal] = field(default_factory=lambda: dict(RATES))

    def __post_init__(self) -> None:
        terms = PAYMENT.terms.model_copy(update={"tolerance_percent": self.tolerance})
        self.payment: Payment = PAYMENT.model_copy(update={"amount": self.amount, "terms": terms})

    def switches(self, coin: str) -> None:
        fee, rate = self.fees[coin], self.rates[coin]
        answer = PaymentRequestAnswer(
            amount=rounded((self.amount + fee.on(self.amount)) / rate, 8),
            wallet=destination(coin, "buyer"),
            exchange_rate=rate,
        )
        wanted = InvoiceWanted(
            provider="shkeeper", external_id="1", callback_url="", coin=coin, amount=self.amount, currency="USD"
        )
        self.coin = coin
        self.opened[coin] = opened = opened_invoice(wanted, answer)
        priced = fee_priced(opened, self.amount)
        assert priced is not None
        self.told(InvoicePriced(coin=coin, fee=priced, rate=rate, named=fee if self.names_fees else None))

    @property
    def asks(self) -> Decimal | None:
        """How many coins are asked for."""
        return to_pay(self.payment, self.opened[self.coin], self.coin).coin_amount

    def pays(self, coins: Decimal, *, is_told: bool) -> None:
        value = rounded(coins * self.rates[self.coin], 10)
        name = f"t{len(self.transfers)}"
        self.transfers.append(Transfer(transfer_id=name, asset=self.coin, amount=coins, value=value))
        self.told(self.snapshot(name if is_told else None))

    def snapshot(self, trigger: str | None) -> InvoiceSnapshot:
        balance = sum((one.value or Decimal(0) for one in self.transfers), Decimal(0))
        without = {"value": None, "fee": None}
        changes = [without if trigger is None else {"fee": self._taken(one)} for one in self.transfers]
        return InvoiceSnapshot(
            standing=self._standing(balance),
            currency="USD",
            received=balance,
            transfers=tuple(one.model_copy(update=said) for one, said in zip(self.transfers, changes, strict=True)),
            caused_by=trigger,
            proven=frozenset() if trigger is None else frozenset({trigger}),
            coin=None if trigger is None else self.coin,
            fee=None if trigger is None else self.fees[self.coin],
        )

    def _taken(self, one: Transfer) -> Decimal:
        """Each transfer is taken for a whole payment."""
        assert one.value is not None
        fee = self.fees[one.asset]
        share = one.value - rounded(one.value * 100 / (100 + fee.percent), 10)
        match fee.policy:
            case FeePolicy.NONE:
                return Decimal(0)
            case FeePolicy.PERCENT:
                return share
            case FeePolicy.FIXED:
                return fee.fixed
            case FeePolicy.PERCENT_AT_LEAST_FIXED:
                return max(share, fee.fixed)

    def _standing(self, balance: Decimal) -> Standing:
        if balance < self.amount * Decimal("0.95"):
            return Standing.PARTIAL
        return Standing.PAID if balance < self.amount * Decimal("1.05") else Standing.OVERPAID

    def told(self, observation: Observation) -> None:
        self.payment = decide(self.payment, observation, NOW).payment

    @property
    def goods(self) -> Decimal:
        """What has come, less the fee in each coin."""
        worth: dict[str, Decimal] = {}
        for one in self.transfers:
            worth[one.asset] = worth.get(one.asset, Decimal(0)) + (one.value or 0)
        return sum((self.fees[coin].taken_off(value, self.amount) for coin, value in worth.items()), Decimal(0))

    @property
    def figures(self) -> tuple[str, Decimal, Decimal, Decimal]:
        payment = self.payment
        return str(payment.status), payment.received, payment.fee, payment.excess


some_fees = st.builds(
    Fee,
    policy=st.sampled_from(FeePolicy),
    percent=st.sampled_from([Decimal(value) for value in ("0", "0.5", "2", "10", "15", "20", "33.33")]),
    fixed=st.one_of(
        st.sampled_from([Decimal(value) for value in ("0", "0.01", "1", "2", "3", "5")]),
        st.decimals(min_value=0, max_value=20, places=2),
    ),
)
sales = st.builds(
    Sale,
    amount=st.one_of(
        st.sampled_from([Decimal(10), Decimal(20), Decimal(100)]), st.decimals(min_value=5, max_value=5000, places=2)
    ),
    fees=st.fixed_dictionaries(dict.fromkeys(RATES, some_fees)),
    names_fees=st.booleans(),
    tolerance=st.sampled_from([Decimal(0), Decimal(5)]),
).filter(lambda sale: all(fee.on(sale.amount) < sale.amount for fee in sale.fees.values()))
parts = st.lists(
    st.tuples(
        st.sampled_from(sorted(RATES)),
        st.integers(0, 1000),
        st.booleans(),
        st.sampled_from([Decimal(1), Decimal(1), Decimal("1.01"), Decimal("0.5"), Decimal(2)]),
    ),
    max_size=5,
)


def play(sale: Sale, coin: str, part: Decimal, *, is_told: bool) -> None:
    """Pays so much of what is asked for in one coin."""
    sale.switches(coin)
    decimals = sale.opened[coin].coin_decimals
    assert decimals is not None
    coins = ((sale.asks or Decimal(0)) * part).quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN)
    if coins:
        sale.pays(coins, is_told=is_told)


@given(sales, parts, st.sampled_from(sorted(RATES)), st.booleans())
def test_whoever_pays_what_is_asked_for_has_paid_and_no_fee_is_called_goods(
    sale: Sale, paid: list[tuple[str, int, bool, Decimal]], coin: str, is_told: bool
) -> None:
    for other, permille, told, rate_moves_by in paid:
        sale.rates[other] *= rate_moves_by
        play(sale, other, Decimal(permille) / 1000, is_told=told)
        # The gateway rounds its sum to a cent, and the fee is rounded besides.
        assert sale.payment.received < sale.goods + Decimal("0.01")
    sale.switches(coin)
    if sale.payment.status is PaymentStatus.COMPLETED:
        return
    asked = sale.asks
    assert asked is not None
    sale.pays(asked, is_told=is_told)
    assert str(sale.payment.status) == "completed"
    assert sale.payment.received <= sale.goods + Decimal("0.005")
    assert sale.goods >= sale.payment.least - Decimal("0.005")
    assert ProblemKind.CONTRADICTING_BOOKS not in [problem.kind for problem in problems_of(sale.payment)]
    if sale.names_fees and all(rate_moves_by == 1 for *_, rate_moves_by in paid):
        # Where all is known, nobody is asked for more than the goods and their fee, but for a coin's last digit.
        assert sale.goods <= sale.amount + Decimal("0.02")
        assert not sale.payment.excess
    if not sale.tolerance:
        assert not sale.payment.missing
        assert sale.payment.received >= sale.amount


@pytest.mark.parametrize("told", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize(
    ("amount", "fees", "paid", "expected"),
    [
        (10, (fixed(1), fixed(1)), ("5", "5.5"), ("partially_paid", "8.50", "2.00", "0")),
        (10, (at_least(2, 1), fixed(1)), ("5", "5.5"), ("partially_paid", "8.50", "2.00", "0")),
    ],
)
def test_each_coin_takes_its_own_fee_whether_it_is_told_or_only_heard_of(
    amount: int,
    fees: tuple[Fee, Fee],
    paid: tuple[str, str],
    expected: tuple[str, str, str, str],
    told: tuple[bool, bool],
) -> None:
    sale = Sale(Decimal(amount), dict(zip((A, B), fees, strict=True)))
    for coin, coins, is_told in zip((A, B), paid, told, strict=True):
        sale.switches(coin)
        sale.pays(Decimal(coins), is_told=is_told)
    status, *figures = expected
    assert sale.figures == (status, *map(Decimal, figures))


def test_a_percentage_that_is_not_named_is_taken_off_whole_and_the_rest_asked_for() -> None:
    sale = Sale(Decimal(20), {A: fixed(5), B: percent(20)})
    sale.switches(A)
    sale.pays(Decimal(10), is_told=False)
    sale.switches(B)
    sale.pays(Decimal("14.1"), is_told=False)
    assert sale.figures == ("partially_paid", Decimal("15.10"), Decimal("9.00"), Decimal(0))
    sale.told(sale.snapshot("t1"))
    assert sale.figures == ("partially_paid", Decimal("16.75"), Decimal("7.35"), Decimal(0))


SWITCHES = [
    # What is asked for the rest if nothing but its price is known of the second coin's fee, and if that is known.
    (20, percent(2), "10", fixed(3), "13.196079", "13.196079"),
    (20, NO_FEE, "10", fixed(3), "13", "13"),
    (20, fixed(3), "10", fixed(3), "16", "16"),
    (10, NO_FEE, "7", fixed(2), "5", "5"),
    (20, NO_FEE, "10", percent(15), "13", "11.5"),
    (100, NO_FEE, "50", percent(10), "60", "55"),
    (20, fixed(5), "10", percent(20), "19", "18"),
    (20, percent(2), "10", at_least(2, 3), "13.196079", "13.196079"),
    (20, percent(20), "10", NO_FEE, "11.666667", "11.666667"),
]


@pytest.mark.parametrize("names_fees", [False, True])
@pytest.mark.parametrize("told", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize(("amount", "first", "part", "second", "asked", "asked_if_known"), SWITCHES)
def test_whoever_switches_the_coin_and_pays_what_is_asked_has_paid(
    amount: int,
    first: Fee,
    part: str,
    second: Fee,
    asked: str,
    asked_if_known: str,
    told: tuple[bool, bool],
    names_fees: bool,
) -> None:
    sale = Sale(Decimal(amount), {A: first, B: second}, names_fees=names_fees)
    sale.switches(A)
    sale.pays(Decimal(part), is_told=told[0])
    sale.switches(B)
    coins = sale.asks
    assert coins is not None
    if told[0] or names_fees:
        assert coins == Decimal(asked_if_known if names_fees else asked)
    sale.pays(coins, is_told=told[1])
    status, received, fee, excess = sale.figures
    assert (status, received - excess) == ("completed", Decimal(amount))
    if names_fees:
        assert (excess, fee) == (Decimal(0), round(Decimal(part) + coins - amount, 6))
        assert abs(sale.goods - amount) <= Decimal("0.000001")
    assert [problem.kind for problem in problems_of(sale.payment)] in ([], [ProblemKind.OVER])


def test_what_was_paid_at_a_price_that_is_not_known_any_more_is_not_called_too_much() -> None:
    """Ten in a coin of a fixed fee and eighteen in one of a fee that only its price tells: it may all be needed."""
    sale = Sale(Decimal(20), {A: fixed(5), B: percent(20)})
    for coin, coins in ((A, "10"), (B, "18")):
        sale.switches(coin)
        sale.pays(Decimal(coins), is_told=False)
    assert sale.figures == ("partially_paid", Decimal("19.00"), Decimal("9.00"), Decimal(0))
    sale.told(sale.snapshot("t1"))
    assert sale.figures == ("completed", Decimal("20.00"), Decimal("8.00"), Decimal(0))


def test_every_pair_of_policies_on_a_hundred_ends_at_a_hundred() -> None:
    policies = [percent(2), fixed(3), at_least(2, 3), at_least(10, 3), NO_FEE]
    for first in policies:
        for second in policies:
            for is_told in (True, False):
                sale = Sale(Decimal(100), {A: first, B: second}, names_fees=True)
                sale.switches(A)
                sale.pays(Decimal(50), is_told=is_told)
                sale.switches(B)
                coins = sale.asks
                assert coins is not None
                sale.pays(coins, is_told=is_told)
                status, received, _, excess = sale.figures
                assert (status, received, excess) == ("completed", Decimal(100), Decimal(0))
                assert problems_of(sale.payment) == ()


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(
    ("first", "second", "rest", "expected"),
    [
        (fixed(3), percent(2), "10", ("partially_paid", "17.00", "3.00", "0")),
        (fixed(3), percent(2), "13", ("completed", "20.00", "3.00", "0")),
        (fixed(3), NO_FEE, "10", ("partially_paid", "17.00", "3.00", "0")),
        (percent(2), fixed(3), "10", ("partially_paid", "17.00", "3.00", "0")),
    ],
)
def test_a_fee_that_is_changed_between_two_transfers_makes_no_goods_of_the_first(
    first: Fee, second: Fee, rest: str, expected: tuple[str, str, str, str], told: bool
) -> None:
    sale = Sale(Decimal(20), {A: first})
    sale.switches(A)
    sale.pays(Decimal(10), is_told=told)
    sale.fees[A] = second
    sale.pays(Decimal(rest), is_told=True)
    status, *figures = expected
    assert sale.figures == (status, *map(Decimal, figures))
    if told:
        assert ProblemKind.CONTRADICTING_BOOKS not in [problem.kind for problem in problems_of(sale.payment)]


def test_a_rate_that_moved_leaves_open_how_a_sum_is_divided_and_each_coin_takes_all_of_its_fee() -> None:
    sale = Sale(Decimal(100), {A: fixed(3), "DOGE": fixed(2)})
    sale.switches("DOGE")
    sale.rates["DOGE"] /= 2
    sale.pays(Decimal(200), is_told=False)
    sale.switches(A)
    sale.pays(Decimal(50), is_told=False)
    assert (sale.payment.paid, sale.payment.fee) == (Decimal(65), Decimal(5))
    coins = sale.asks
    assert coins == Decimal(40)
    sale.pays(coins, is_told=False)
    assert sale.figures == ("completed", Decimal(100), Decimal(5), Decimal(0))


@pytest.mark.parametrize("fee", [percent(101), percent(1000), fixed(101)])
@pytest.mark.parametrize("is_told", [True, False])
def test_no_buyer_is_asked_for_a_fee_of_more_than_the_payment_and_a_person_is_told(fee: Fee, is_told: bool) -> None:
    sale = Sale(Decimal(100), {A: fee}, names_fees=True)
    sale.switches(A)
    assert sale.asks == 100
    assert [one.kind for one in problems_of(sale.payment)] == [ProblemKind.FEE_TOO_HIGH]
    assert whole_coin_amount(sale.opened[A], Decimal(100)) == 100
    # Whoever pays what they are asked for has paid, and nothing that came counts as such a fee.
    play(sale, A, Decimal(1), is_told=is_told)
    assert (sale.payment.status, sale.payment.received, sale.payment.fee) == ("completed", Decimal(100), Decimal(0))
    detail = next(one.detail for one in problems_of(sale.payment) if one.kind is ProblemKind.FEE_TOO_HIGH)
    assert detail.startswith("shkeeper asks for a fee of ")


def test_a_fee_that_is_as_much_as_a_small_payment_is_asked_for_and_nobody_is_told() -> None:
    sale = Sale(Decimal(5), {A: fixed(5)}, names_fees=True)
    sale.switches(A)
    assert sale.asks == 10
    assert problems_of(sale.payment) == ()


amounts = st.decimals(0, 300, places=2)
coins = st.sampled_from([A, B])
fees = st.sampled_from([NO_FEE, Fee(percent=Decimal(2)), percent(2), fixed(3), at_least(2, 3)])
transfers = st.builds(
    Transfer.of_checked,
    transfer_id=st.just("t1"),
    asset=coins,
    amount=amounts,
    value=st.none() | amounts,
    fee=st.none() | st.just(Decimal(0)),
)


@given(
    st.lists(transfers, max_size=3),
    amounts,
    st.dictionaries(coins, st.lists(fees, min_size=1, max_size=2).map(tuple), max_size=2),
    st.dictionaries(coins, amounts.filter(bool), max_size=1),
)
def test_where_no_fee_is_asked_for_and_none_was_taken_there_is_none_in_what_came(
    came: list[Transfer], paid: Decimal, said: dict[str, tuple[Fee, ...]], priced: dict[str, Decimal]
) -> None:
    fee = fee_in(came, paid, bearable_terms(FeeTerms(Decimal(100), said, priced, {})))
    assert fee == 0 or not takes_nothing(said, priced)
