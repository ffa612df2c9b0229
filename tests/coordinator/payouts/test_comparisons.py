"""The document that says how the books were found to stand: whether payouts may be sent again, and what a person
reads."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from coordinator.payouts.comparisons import LISTED, Comparison, ForgottenPayout

NOW = datetime(2026, 5, 1, tzinfo=UTC)
FORGOTTEN = ForgottenPayout(
    external_id="out_1",
    provider="shkeeper",
    payment_id="pay_1",
    payee_id="s1",
    coin="ETH-USDT",
    amount=Decimal("9.50"),
    destination="0xDe",
    status="SUCCESS",
    tx_hashes=("0x1",),
)


@pytest.mark.parametrize(
    ("changes", "agrees", "is_complete"),
    [
        ({}, True, True),
        ({"moved": ("out_2 is completed, and was broadcast",)}, True, True),
        ({"unknown_invoices": ("order-7",)}, True, True),
        ({"forgotten": (FORGOTTEN,)}, False, True),
        ({"differing": ("out_3 is ambiguous",)}, False, True),
        ({"left_out": ("payments of long ago",)}, False, True),
        ({"not_asked": ("shkeeper does not answer",)}, False, False),
    ],
)
def test_the_books_agree_only_if_all_was_asked_and_nothing_of_money_differs(
    changes: dict[str, Any], agrees: bool, is_complete: bool
) -> None:
    comparison = Comparison(at=NOW, **changes)
    assert (comparison.agrees, comparison.is_complete) == (agrees, is_complete)
    assert ("Nothing differs." in list(comparison.lines())) == agrees


def test_a_person_reads_everything_that_was_found() -> None:
    comparison = Comparison(
        at=NOW, payouts_asked=2, names_asked=4, forgotten=(FORGOTTEN,), chains=("ethereum was followed to block 9",)
    )
    assert list(comparison.lines()) == [
        "2 payouts of the journal and 4 names of others were asked for.",
        "A payout that the journal has forgotten: shkeeper has it in its books as out_1: 9.50 ETH-USDT to 0xDe,"
        " SUCCESS, by 0x1.",
        "Chain: ethereum was followed to block 9.",
    ]


def test_a_long_list_is_counted_in_the_end() -> None:
    many = tuple(f"order-{number}" for number in range(LISTED + 3))
    lines = list(Comparison(at=NOW, unknown_invoices=many).lines())
    assert lines[-2].endswith("and 3 more.")
    assert sum("order-" in line for line in lines) == LISTED
