"""What does not fit a payment: kept in any order, and news each time that it is about other money."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.deciding.decisions import not_counted
from coordinator.payments.facts.facts import MISFITS_LIMIT, Misfit, MisfitKind, with_misfit
from coordinator.payments.observed.observations import Standing
from coordinator.payments.problems.problems import ProblemKind, is_news, problems_of
from tests.coordinator.agreed import NOW, PAYMENT, notice, transfer

TOLD = st.builds(
    Misfit,
    kind=st.sampled_from([MisfitKind.AMBIGUOUS, MisfitKind.OTHER_AMOUNT]),
    detail=st.sampled_from(["2 invoices fit", "3 invoices fit"]),
    transfer_keys=st.lists(st.sampled_from(["0x1", "0x2", "0x3"]), unique=True).map(sorted).map(tuple),
)


def kept(told: Sequence[Misfit]) -> tuple[Misfit, ...]:
    known: tuple[Misfit, ...] = ()
    for one in told:
        known = with_misfit(known, one)
    return known


@given(st.lists(TOLD, max_size=8).flatmap(lambda told: st.tuples(st.just(told), st.permutations([*told, *told]))))
def test_neither_order_nor_repetition_makes_a_difference(told: tuple[list[Misfit], list[Misfit]]) -> None:
    once, again = told
    assert kept(once) == kept(again)


def test_what_may_be_anothers_is_news_each_time_that_more_of_it_comes() -> None:
    payment, report = PAYMENT, notice(Standing.PAID, transfer("0x1", 50))
    for number in range(3 * MISFITS_LIMIT):
        # Two shops have the same order at one provider, and nobody can tell them apart.
        keys = tuple(sorted(f"0x{one}" for one in range(number + 1)))
        misfit = Misfit(kind=MisfitKind.AMBIGUOUS, detail="2 invoices fit: 50 USD, 50 USD", transfer_keys=keys)
        after = not_counted(payment, misfit, report, NOW).payment
        assert is_news(payment, after)
        assert not is_news(after, not_counted(after, misfit, report, NOW).payment)
        payment = after
    assert [one.kind for one in problems_of(payment)] == [ProblemKind.FOREIGN]
    assert len(payment.facts.misfits) == 1
