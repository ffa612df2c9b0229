"""Limits of payouts: however they come, no more leaves than the limits unless somebody else approved it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.money import total
from coordinator.payouts.approval import ApprovalContext, PayoutRules, new_reasons_to_wait, reasons_to_wait
from coordinator.payouts.decisions import decide_payout
from coordinator.payouts.facts import SecondWord
from coordinator.payouts.limits import DAY, DEFAULT_LIMITS, PayoutLimits, outflow_of
from coordinator.payouts.observations import (
    PayoutApproved,
    PayoutConfirmed,
    PayoutFailed,
    PayoutObservation,
    PayoutRejected,
    PayoutReturned,
    PayoutSent,
    PayoutWithheld,
)
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import UNSETTLED_STATUSES, PayoutStatus

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LIMITS = PayoutLimits(
    per_payout=Decimal(100), per_seller_and_day=Decimal(150), per_day=Decimal(300), under_way=Decimal(200)
)
RULES = PayoutRules({"USD": LIMITS})


def payout(number: int = 1, worth: str | None = "60", seller_id: str = "s1", **changes: Any) -> Payout:
    fields: dict[str, Any] = {
        "payout_id": f"out_{number}",
        "provider": "shkeeper",
        "payment_id": "pay_1",
        "seller_id": seller_id,
        "destination": "0xAb",
        "coin": "ETH-USDT",
        "amount": Decimal(60),
        "worth": None if worth is None else Decimal(worth),
        "worth_currency": "USD",
        "created_at": NOW,
    }
    return Payout(**{**fields, **changes})


def after(made: Payout, *observations: PayoutObservation) -> Payout:
    for observation in observations:
        made = decide_payout(made, observation).payout
    return made


def reasons(wanted: Payout, *others: Payout, rules: PayoutRules = RULES, now: datetime = NOW) -> tuple[str, ...]:
    outflows = [outflow for one in others if (outflow := outflow_of(one)) is not None]
    return reasons_to_wait(wanted, ApprovalContext(rules, now, outflows))


SENT, ARRIVED = PayoutSent(tx_hashes=("0x1",)), PayoutConfirmed()
WITHHELD = PayoutWithheld(reasons=("above a limit",))


def approved(at: datetime) -> PayoutApproved:
    return PayoutApproved(word=SecondWord(by="Bo", at=at), reasons=WITHHELD.reasons)


@pytest.mark.parametrize(
    ("wanted", "others", "said"),
    [
        (payout(), (), ()),
        (payout(worth="100"), (), ()),
        (payout(worth="100.000001"), (), ("100.000001 USD are above 100 USD, the limit of one payout",)),
        (payout(), (payout(2, "90"),), ()),
        (
            payout(),
            (payout(2, "90.01"),),
            ("90.01 and this 60 USD are above 150 USD, the limit of 24 hours for s1",),
        ),
        (payout(), (payout(2, "90.01", "s2"),), ()),
        (
            payout(),
            (payout(2, "140.01", "s2"),),
            ("140.01 and this 60 USD are above 200 USD, the limit of what may be under way",),
        ),
        # What has arrived is not under way any more.
        (payout(), (after(payout(2, "140.01", "s2"), SENT, ARRIVED),), ()),
        (
            payout(),
            tuple(after(payout(number, "80.01", f"s{number}"), SENT, ARRIVED) for number in (2, 3, 4)),
            ("240.03 and this 60 USD are above 300 USD, the limit of 24 hours for all sellers",),
        ),
        # What is said to have come back has left all the same.
        (
            payout(),
            (after(payout(2, "90.01"), SENT, ARRIVED, PayoutReturned(tx_hash="0x2", reason="no")),),
            ("90.01 and this 60 USD are above 150 USD, the limit of 24 hours for s1",),
        ),
        # Of another currency, failed, or waiting itself, it takes nothing.
        (payout(), (payout(2, "500", worth_currency="EUR"),), ()),
        (payout(), (after(payout(2, "500"), PayoutFailed(reason="no")),), ()),
        (payout(), (after(payout(2, "500"), WITHHELD),), ()),
        # It is not counted twice.
        (payout(1, "100"), (payout(1, "100"),), ()),
        # What is not known is not allowed.
        (payout(worth=None), (), ("nobody knows what it is worth, so that no limit can be kept",)),
        (payout(worth_currency=None), (), ("nobody knows what it is worth, so that no limit can be kept",)),
        (payout(worth_currency="TRY"), (), ("no limits are set for TRY",)),
    ],
)
def test_a_payout_says_which_limits_it_is_above(
    wanted: Payout, others: tuple[Payout, ...], said: tuple[str, ...]
) -> None:
    assert reasons(wanted, *others) == said


def test_a_day_is_the_last_24_hours_and_begins_anew_with_an_approval() -> None:
    yesterday = after(payout(2, "100", created_at=NOW - DAY), SENT, ARRIVED)
    just_within = after(payout(2, "100", created_at=NOW - DAY + timedelta(microseconds=1)), SENT, ARRIVED)
    assert reasons(payout(), yesterday) == ()
    assert len(reasons(payout(), just_within)) == 1
    late = after(
        payout(2, "100", created_at=NOW - 3 * DAY), WITHHELD, approved(NOW - timedelta(hours=1)), SENT, ARRIVED
    )
    assert len(reasons(payout(), late)) == 1


def test_every_limit_that_is_exceeded_is_named() -> None:
    assert len(reasons(payout(worth="1000"))) == 4


def test_a_fresh_install_lets_an_ordinary_sale_pass_and_nothing_large() -> None:
    rules = PayoutRules(DEFAULT_LIMITS)
    assert reasons(payout(worth="1000"), rules=rules) == ()
    assert len(reasons(payout(worth="1000.01"), rules=rules)) == 1
    assert reasons(payout(worth="1", worth_currency="XAU"), rules=rules) == ("no limits are set for XAU",)


@pytest.mark.parametrize(
    ("allowed_since", "said"),
    [
        (None, "0xAb is not among the destinations of s1"),
        (NOW, "0xAb is among the destinations of s1 only since 2026-05-01 12:00 UTC, and 24 hours are waited for"),
        (NOW - timedelta(hours=23, minutes=59), "2026-04-30 12:01 UTC"),
        (NOW - timedelta(hours=24), None),
    ],
)
def test_a_destination_that_is_new_to_a_seller_waits(allowed_since: datetime | None, said: str | None) -> None:
    context = ApprovalContext(PayoutRules({"USD": LIMITS}, timedelta(hours=24)), NOW, allowed_since=allowed_since)
    found = reasons_to_wait(payout(), context)
    assert len(found) == (said is not None)
    assert said is None or said in found[0]
    # Besides a limit, if it is above one.
    assert len(reasons_to_wait(payout(worth="101"), context)) == 1 + len(found)


# Near each other, so that each is reached before another keeps all from coming so far: within a day that of the day,
# over several that of what is under way.
NARROW = PayoutLimits(
    per_payout=Decimal(100), per_seller_and_day=Decimal(150), per_day=Decimal(180), under_way=Decimal(200)
)


class Books:
    """Payouts as they come and move; who has approved none has let nothing pass above a limit."""

    def __init__(self) -> None:
        self.now = NOW
        self.payouts: dict[str, Payout] = {}
        self.unseen: set[str] = set()
        """Those that left without a second person."""

    def ask(self, worth: int, seller_id: str) -> None:
        made = payout(len(self.payouts), str(worth), seller_id, created_at=self.now)
        found = reasons(made, *self.payouts.values(), rules=PayoutRules({"USD": NARROW}), now=self.now)
        if found:
            made = after(made, PayoutWithheld(reasons=found))
        else:
            self.unseen.add(made.payout_id)
        self.payouts[made.payout_id] = made
        if not found:
            self.check(made)

    def check(self, made: Payout) -> None:
        """With this one, which nobody has approved, nothing is above a limit."""
        out = [one for one in self.payouts.values() if one.status in LEFT]
        today = [one for one in out if self.now - (one.cleared_at or NOW) < DAY]
        assert sums(one for one in today if one.seller_id == made.seller_id) <= NARROW.per_seller_and_day
        assert sums(today) <= NARROW.per_day
        assert sums(one for one in out if one.status in UNSETTLED_STATUSES) <= NARROW.under_way

    def see(self, number: int, observation: PayoutObservation) -> None:
        payout_id = f"out_{number}"
        if payout_id in self.payouts:
            self.payouts[payout_id] = after(self.payouts[payout_id], observation)


def sums(payouts: Any) -> Decimal:
    return total(one.worth for one in payouts if one.worth is not None)


LEFT = [
    status
    for status in PayoutStatus
    if status not in (PayoutStatus.AWAITING_APPROVAL, PayoutStatus.FAILED, PayoutStatus.RETURNED)
]
STEPS = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 130), st.sampled_from(("s1", "s2", "s3"))),
    st.tuples(st.just("wait"), st.integers(1, 20), st.just("")),
    st.tuples(st.just("arrive"), st.integers(0, 5), st.just("")),
    st.tuples(st.sampled_from(("arrive", "fail", "return", "approve", "reject")), st.integers(0, 12), st.just("")),
)


@given(st.lists(STEPS, max_size=40))
def test_however_payouts_come_and_end_none_leaves_unseen_above_a_limit(steps: Sequence[tuple[str, int, str]]) -> None:
    books = Books()
    for what, number, seller_id in steps:
        word = SecondWord(by="Bo", at=books.now)
        payout_id = f"out_{number}"
        waits = payout_id in books.payouts and books.payouts[payout_id].awaits_approval
        match what:
            case "ask":
                books.ask(number, seller_id)
            case "wait":
                books.now += timedelta(hours=number)
            case "approve" if waits:
                books.see(number, PayoutApproved(word=word, reasons=books.payouts[payout_id].facts.withheld))
            case "reject" if waits:
                books.see(number, PayoutRejected(word=word, reason="no"))
            case "arrive" if not waits:
                for observation in (PayoutSent(tx_hashes=(f"0x{number}",)), ARRIVED):
                    books.see(number, observation)
            case "fail" if not waits:
                books.see(number, PayoutFailed(reason="no"))
            case "return" if not waits:
                books.see(number, PayoutReturned(tx_hash="0x9", reason="no"))
    assert all(not one.facts.withheld for one in books.payouts.values() if one.payout_id in books.unseen)
    assert asked_anew(books) == set()


def asked_anew(books: "Books") -> set[str]:
    """Why what was let go would have to wait under the same limits, unless money has left after all."""
    if any(one.was_sent_after_all for one in books.payouts.values()):
        return set()
    outflows = [outflow for one in books.payouts.values() if (outflow := outflow_of(one)) is not None]
    let_go = [one for one in books.payouts.values() if one.status is PayoutStatus.CREATED]
    context = ApprovalContext(PayoutRules({"USD": NARROW}), books.now, outflows)
    return {reason for one in let_go for reason in new_reasons_to_wait(one, context)}


NOT_ALLOWED = "0xAb is not among the destinations of s1"


@pytest.mark.parametrize(
    ("withheld", "has_been_approved", "allowed_since", "rules", "said"),
    [
        # Since it was let go its destination was taken off the list, or came onto it anew.
        ((), False, None, PayoutRules({"USD": LIMITS}, timedelta(hours=24)), (NOT_ALLOWED,)),
        (("above a limit",), True, None, PayoutRules({"USD": LIMITS}, timedelta(hours=24)), (NOT_ALLOWED,)),
        ((NOT_ALLOWED,), True, None, PayoutRules({"USD": LIMITS}, timedelta(hours=24)), ()),
        ((NOT_ALLOWED,), True, NOW, PayoutRules({"USD": LIMITS}, timedelta(hours=24)), ()),
        ((), False, NOW - timedelta(hours=24), PayoutRules({"USD": LIMITS}, timedelta(hours=24)), ()),
        ((), False, None, RULES, ()),
        # The limits were lowered, or there are none any more.
        ((), False, None, PayoutRules({}), ("no limits are set for USD",)),
        (("above a limit",), True, None, PayoutRules({}), ()),
    ],
)
def test_before_an_order_the_reasons_to_wait_are_asked_anew(
    withheld: tuple[str, ...],
    has_been_approved: bool,
    allowed_since: datetime | None,
    rules: PayoutRules,
    said: tuple[str, ...],
) -> None:
    made = payout()
    if withheld:
        made = after(made, PayoutWithheld(reasons=withheld))
    if has_been_approved:
        made = after(made, PayoutApproved(word=SecondWord(by="Bo", at=NOW), reasons=withheld))
    assert new_reasons_to_wait(made, ApprovalContext(rules, NOW, allowed_since=allowed_since)) == said


def test_a_destination_that_looks_like_another_is_asked_about_once_the_other_is_known() -> None:
    made = payout(destination="0x1234567890123456789012345678901234567890")
    other = "0x1234999999999999999999999999999999997890"
    context = ApprovalContext(RULES, NOW, known_destinations={other})
    [said] = new_reasons_to_wait(made, context)
    assert said.startswith(f"{made.destination} begins and ends like {other}")
    seen = after(made, PayoutWithheld(reasons=(said,)))
    assert new_reasons_to_wait(seen, context) == ()


@given(st.permutations([("s1", 70), ("s1", 50), ("s2", 60), ("s3", 90), ("s2", 20)]))
def test_a_batch_adds_up_whatever_its_order(wanted: list[tuple[str, int]]) -> None:
    books = Books()
    for seller_id, worth in wanted:
        books.ask(worth, seller_id)
    assert sums(one for one in books.payouts.values() if not one.awaits_approval) <= NARROW.per_day
