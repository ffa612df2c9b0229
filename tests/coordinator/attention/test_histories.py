"""What a person reads when the journal was rewound, before the books were compared and after."""

from datetime import UTC, datetime

import pytest

from coordinator.attention.histories import forgotten_payout, forgotten_payout_key, journal_rewound
from coordinator.histories import Beginning
from coordinator.payouts.comparisons import Comparison, ForgottenPayout

START = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("beginning", [one for one in Beginning if one is not Beginning.NEW])
def test_it_says_why_since_when_and_what_was_compared(beginning: Beginning) -> None:
    before = journal_rewound(
        "e2", beginning, ["it had 9 events, and has 7"], START, START, None, is_compared=False, missing_decisions=0
    )
    assert before.detail == (
        "It had 9 events, and has 7. What came after 2026-05-01 00:00:00 UTC may be missing. Its mark shows that"
        " no decision of people is missing (holds, rejections, what was paid by hand). The books are being compared."
    )
    assert before.remedies == ()  # it is no matter of opinion before that
    comparison = Comparison(at=START, payouts_asked=3, names_asked=4)
    after = journal_rewound(
        "e2", beginning, ["it had 9 events"], START, START, comparison, is_compared=True, missing_decisions=0
    )
    assert after.detail.endswith("3 payouts of the journal and 4 names of others were asked for. Nothing differs.")
    assert after.remedies == ("dismiss",)
    assert "the journal is another" not in after.title.casefold()


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (None, "No mark shows whether decisions of people are missing (holds,"),
        (1, "Its mark shows that 1 decision of people is missing (holds,"),
        (3, "Its mark shows that 3 decisions of people are missing (holds,"),
    ],
)
def test_it_says_how_many_decisions_of_people_are_missing(missing: int | None, said: str) -> None:
    item = journal_rewound(
        "e2", Beginning.RESTORED, [], START, START, None, is_compared=False, missing_decisions=missing
    )
    assert said in item.detail


def test_an_empty_journal_holds_nothing_of_before() -> None:
    item = journal_rewound(
        "e2", Beginning.COPIED, ["it is a copy"], START, None, None, is_compared=False, missing_decisions=0
    )
    assert "It holds nothing of before." in item.detail


def test_a_forgotten_payout_is_named_with_what_its_provider_says() -> None:
    payout = ForgottenPayout(
        external_id="out_1", provider="shkeeper", payment_id="pay_1", payee_id="s1", coin="BTC", status="FAIL"
    )
    item = forgotten_payout(payout, START)
    assert (item.key, item.payment_id) == (forgotten_payout_key(payout), "pay_1")
    assert item.detail == (
        "For s1: shkeeper has it in its books as out_1: BTC, FAIL, by no transaction that it names."
    )
