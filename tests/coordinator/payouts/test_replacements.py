"""Money that came back is made up for by what is paid after that, in full, and each unit of it once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payouts.replacements import OutgoingMoney, not_replaced

START = datetime(2026, 5, 1, tzinfo=UTC)


def out(name: str, amount: str | None, made: int, back: int | None = None) -> OutgoingMoney:
    came_back_at = None if back is None else START + timedelta(minutes=back)
    return OutgoingMoney(
        name, None if amount is None else Decimal(amount), START + timedelta(minutes=made), came_back_at
    )


@pytest.mark.parametrize(
    ("outgoings", "owed"),
    [
        ([out("a", "98", 0)], ""),
        ([out("a", "98", 0, 5)], "a"),
        ([out("a", "98", 0, 5), out("b", "98", 6)], ""),
        ([out("a", "98", 0, 5), out("b", "10", 6)], "a"),
        ([out("a", "98", 0, 5), out("b", "10", 6), out("c", "88", 7)], ""),
        ([out("a", "50", 0, 5), out("b", "50", 0)], "a"),  # the other half, which was made before
        ([out("a", "50", 0, 5), out("b", "48", 1, 5), out("c", "50", 6)], "b"),
        ([out("a", "98", 0, 5), out("b", "98", 6, 8), out("c", "98", 9)], ""),  # twice to a wrong address
        ([out("a", "98", 0, 5), out("b", "98", 6, 8)], "b"),
        ([out("a", "98", 0, 0), out("b", "98", 0)], ""),  # in one moment
        ([out("a", "98", 0, 0)], "a"),
        ([out("a", None, 0, 5), out("b", "1", 6)], ""),
        ([out("a", "98", 0, 5), out("b", None, 6)], ""),
    ],
)
def test_what_is_owed(outgoings: list[OutgoingMoney], owed: str) -> None:
    assert not_replaced(outgoings) == frozenset(owed)
    assert not_replaced(reversed(outgoings)) == frozenset(owed)


AMOUNTS = st.sampled_from(("1", "10", "50", "98")).map(Decimal)
MINUTES = st.integers(0, 9)


@given(st.lists(st.tuples(AMOUNTS, MINUTES, st.none() | MINUTES), max_size=8))
def test_all_that_came_back_is_owed_or_was_paid_since(parts: list[tuple[Decimal, int, int | None]]) -> None:
    outgoings = [
        OutgoingMoney(
            str(number),
            amount,
            START + timedelta(minutes=made),
            None if back is None else START + timedelta(minutes=made + back),
        )
        for number, (amount, made, back) in enumerate(parts)
    ]
    owed = not_replaced(outgoings)
    returned = {one.identifier for one in outgoings if one.came_back_at is not None}
    assert owed <= returned
    if returned and not owed:
        first = min(one.came_back_at for one in outgoings if one.came_back_at is not None)
        since = [one.amount or 0 for one in outgoings if one.made_at >= first]
        assert sum(since) >= min(one.amount or 0 for one in outgoings if one.identifier in returned)
    # Whatever is paid last, in full, leaves nothing.
    everything = OutgoingMoney("last", Decimal(1_000), START + timedelta(days=1))
    assert not_replaced([*outgoings, everything]) == frozenset()
