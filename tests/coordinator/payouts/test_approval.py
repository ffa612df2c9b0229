"""Second persons: whoever asked for a payout cannot decide about it, and only what waits is decided, once."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from coordinator.payments.facts.refunded import Refunded
from coordinator.payments.observed.observations import RefundOf, Release
from coordinator.payouts.approval import (
    Approver,
    NothingToApproveError,
    NotTheirOwnError,
    SamePersonError,
    approval,
    doubts_about,
    is_revocable,
    rejection,
    whose_word,
    withdrawal,
)
from coordinator.payouts.observations import (
    PayoutAsked,
    PayoutFailed,
    PayoutKnown,
    PayoutNotAsked,
    PayoutSent,
    PayoutUnclear,
    PayoutWithheld,
    Stated,
)
from coordinator.payouts.payouts import Payout
from coordinator.payouts.resolution import resolve
from coordinator.payouts.statuses import PayoutStatus
from tests.coordinator.payouts.test_earnings import payment
from tests.coordinator.payouts.test_earnings import payout as earned_payout
from tests.coordinator.payouts.test_limits import WITHHELD, after, payout

NOW = datetime(2026, 5, 1, 13, tzinfo=UTC)
BO = Approver("Bo")


def waiting(asked_by: str | None = "Ada", asked_through: str | None = None) -> Payout:
    return after(payout(asked_by=asked_by, asked_through=asked_through), WITHHELD)


def test_somebody_else_approves_or_rejects_it() -> None:
    approved = after(waiting(), approval(waiting(), BO, "looked it up", NOW))
    assert approved.status is PayoutStatus.CREATED
    assert approved.facts.approved is not None
    assert (approved.facts.approved.by, approved.facts.approved.at) == ("Bo", NOW)
    rejected = after(waiting(), rejection(waiting(), BO, "not our seller", NOW))
    assert (rejected.status, rejected.reasons) == (PayoutStatus.FAILED, ("Bo rejected it: not our seller",))


@pytest.mark.parametrize(
    ("asked", "by"),
    [
        (waiting("Ada"), Approver("Ada")),
        (waiting("Ada"), Approver("  ada ")),
        (waiting("Ada Lovelace"), Approver("ADA  lovelace")),
        (waiting("Ada"), Approver("Ada", "back-office")),
        (waiting("Ada"), Approver("Ada\u200b")),
        (waiting("Ada"), Approver("A\u00adda.")),
        (waiting("Ada"), Approver("\uff21da")),
        (waiting("Jos\u00e9"), Approver("Jose\u0301")),
        (waiting("shop", "shop"), Approver("Bo", "shop")),
        (waiting("Ada", "shop"), Approver("Bo", "shop")),
        (waiting("Ada", "shop"), Approver("Ada")),
        (waiting("Ada", "shop"), Approver("shop")),
        (waiting("Ada", "shop"), Approver("Sh0p")),
        (waiting("somebody"), Approver("somebody")),
        (waiting("anna"), Approver("\u0430nna")),  # the first letter is Cyrillic
        (waiting("\u0430nna"), Approver("anna")),
        (waiting("Bill"), Approver("BiIl", "back-office")),
    ],
)
def test_who_asked_cannot_decide_whatever_way_they_come(asked: Payout, by: Approver) -> None:
    for decide in (approval, rejection):
        with pytest.raises(SamePersonError, match="asked for this payout"):
            decide(asked, by, "a note", NOW)


def test_nobody_approves_in_the_name_of_a_service() -> None:
    services = frozenset({"shop", "back-office"})
    for name in ("shop", "Sh0p", "back-office", "Back-Office"):
        for service in ("back-office", None):
            for asked in (waiting("Ada", "shop"), waiting("Ada", "another"), waiting("Ada")):
                with pytest.raises(SamePersonError):
                    approval(asked, Approver(name, service, services), None, NOW)
    assert approval(waiting("Ada", "shop"), Approver("Bo", "back-office", services), None, NOW).word.by == "Bo"


def test_others_can_whoever_tells_of_it() -> None:
    for asked in (waiting("Ada"), waiting("shop", "shop"), waiting("Ada", "shop"), waiting(None)):
        for by in (BO, Approver("Bo", "back-office")):
            assert after(asked, approval(asked, by, None, NOW)).status is PayoutStatus.CREATED


def test_a_repeat_of_an_approval_approves_nothing_that_came_since() -> None:
    approved = after(waiting(), approval(waiting(), BO, "looked it up", NOW))
    again = after(approved, PayoutWithheld(reasons=("its destination was taken off the list",)))
    assert again.status is PayoutStatus.AWAITING_APPROVAL
    before = Approver("Bo", seen=waiting().approval_reasons)
    for repeated in (BO, before, Approver("Cy"), Approver("Bo", "back-office")):
        with pytest.raises(NothingToApproveError, match=r"something else .*its destination was taken off the list"):
            approval(again, repeated, "looked it up", NOW)
    seeing = Approver("Bo", seen=again.approval_reasons)
    assert after(again, approval(again, seeing, None, NOW)).status is PayoutStatus.CREATED


def test_what_waits_for_nobody_is_not_decided_and_says_why() -> None:
    approved = after(waiting(), approval(waiting(), BO, None, NOW))
    rejected = after(waiting(), rejection(waiting(), BO, "no", NOW))
    created = payout(asked_by="Ada")
    unsent = (
        (created, "This payout is created; it awaits no approval."),
        (approved, "Bo approved this payout at 2026-05-01 13:00 UTC; it is created."),
    )
    decided = (
        (rejected, "Bo rejected this payout at 2026-05-01 13:00 UTC; it is failed."),
        (after(waiting(), PayoutKnown()), "This payout is created: shkeeper was asked to send it."),
        (after(created, PayoutAsked(at=NOW)), "This payout is created: shkeeper was asked to send it."),
        (after(created, PayoutAsked(), PayoutUnclear(reason="?")), "This payout is ambiguous: shkeeper was asked"),
        (
            after(waiting(), PayoutFailed(reason="no")),
            "This payout is failed; there is nothing to decide about it any more.",
        ),
    )
    for one, said in (*unsent, *decided):
        # Nor does it matter who asks: what is done is done.
        for by in (BO, Approver("Ada")):
            with pytest.raises(NothingToApproveError, match=re.escape(said)):
                approval(one, by, "a note", NOW)
    for one, said in decided:
        assert not is_revocable(one)
        for by in (BO, Approver("Ada")):
            with pytest.raises(NothingToApproveError, match=re.escape(said)):
                rejection(one, by, "a note", NOW)
        with pytest.raises(NothingToApproveError, match=re.escape(said)):
            withdrawal(one, Approver("Ada"), None)


def test_what_nobody_was_asked_to_send_is_rejected_whatever_holds_it_back() -> None:
    created, refused = payout(asked_by="Ada"), PayoutNotAsked(attempt=1, reason="the wallet is away")
    approved = after(waiting(), approval(waiting(), BO, None, NOW))
    for one in (created, approved, after(created, PayoutAsked(), refused)):
        rejected = after(one, rejection(one, BO, "no", NOW))
        assert (rejected.status, rejected.next_attempt) == (PayoutStatus.FAILED, None)
        with pytest.raises(SamePersonError):
            rejection(one, Approver("Ada"), "no", NOW)
    # What its provider tells of under its name has to be looked at first.
    told = PayoutSent(tx_hashes=("0x1",), stated=Stated(coin="BTC"))
    assert not is_revocable(after(created, PayoutAsked(), refused, told))


def test_only_who_asked_withdraws_it() -> None:
    for one in (waiting("Ada"), payout(asked_by="Ada")):
        withdrawn = after(one, withdrawal(one, Approver("Ada"), "twice"))
        assert (withdrawn.status, withdrawn.reasons) == (PayoutStatus.FAILED, ("Ada withdrew it: twice",))
    by_shop = payout(asked_by="Ada", asked_through="shop")
    assert withdrawal(by_shop, Approver("Cy", "shop"), None).reason == "Cy withdrew it"
    for one, by in (
        (waiting("Ada"), Approver("ada")),
        (waiting("Ada"), BO),
        (waiting("Ada"), Approver("Ada", "shop")),
        (by_shop, Approver("Ada", "back-office")),
        (payout(asked_by=None), BO),
    ):
        with pytest.raises(NotTheirOwnError):
            withdrawal(one, by, None)


def test_what_is_decided_is_so_for_whom_it_pays_too() -> None:
    approved = after(waiting(), approval(waiting(), BO, None, NOW))
    with pytest.raises(NothingToApproveError, match="Bo approved this payout"):
        approval(approved, Approver(approved.seller_id), None, NOW, involved=[approved.seller_id])


def test_nobody_approves_what_is_paid_to_themselves_or_where_they_said_that_it_goes() -> None:
    asked = waiting("Ada")
    with pytest.raises(SamePersonError, match="own"):
        approval(asked, Approver(asked.seller_id.upper()), None, NOW)
    with pytest.raises(SamePersonError, match="own"):
        approval(asked, Approver(asked.seller_id.replace("s", "\u0455")), None, NOW)
    for by in (Approver("market"), Approver("Bo", "market")):
        with pytest.raises(SamePersonError, match="said where"):
            approval(asked, by, None, NOW, involved=["market"])


def doubts(asked: Payout, *others: Payout, came: str = "49.90", **facts: Any) -> str:
    return "; ".join(doubts_about(asked, payment(came, **facts), others))


def test_what_hangs_on_one_persons_word_is_doubted() -> None:
    asked = earned_payout(2, "20")
    assert doubts(asked, earned_payout(1, "20")) == ""
    back = earned_payout(1, "20", returns=("0xback",))
    assert doubts(asked, back) == "out_1, which arrived, is said to have come back by 0xback; see whether it did"
    of_another = back.model_copy(update={"seller_id": "s2"})
    assert doubts(asked, of_another) == ""
    unsent = earned_payout(1, "20", failures=frozenset({"not there"}), found_by=frozenset({"Ada"}))
    assert doubts(asked, unsent) == "out_1 was not sent at the word of Ada; see whether it was"
    proven = earned_payout(1, "20", failures=frozenset({"not enough coins"}))
    assert doubts(asked, proven) == ""
    # Whoever takes it for a buyer's or a seller's.
    refund = {"refund_id": "back_1", "buyer_id": "b1"}
    for one in (back, unsent):
        assert doubts(asked.model_copy(update=refund), one) != ""
        assert doubts(asked, one.model_copy(update=refund)) != ""
    taken = doubts(asked, came="5", accepted=True)
    assert taken == "with it more leaves for s1 than the 5 USD that came: a person took the payment as paid"
    sent = earned_payout(1, "20", failures=frozenset({"not enough coins"}), tx_hashes=("0x1",), confirmed=True)
    after_all = "came: out_1 was found to have failed, and was sent after all"
    assert doubts(asked, sent, came="30") == f"with it more leaves for s1 than the 30 USD that {after_all}"
    assert doubts(asked, sent, came="5").endswith(f"{after_all} and it was more when this was ordered")


def test_nobody_approves_what_is_there_at_their_own_word() -> None:
    asked, others = waiting("shop"), [earned_payout(1, "20", returns=("0xback",), found_by=frozenset({"Cy"}))]
    word = whose_word(earned_payout(2, "20"), payment("5", accepted=True, accepted_by=frozenset({"Bo"})), others)
    assert word == {"Bo", "Cy"}
    for by in (BO, Approver("cy", "back-office")):
        with pytest.raises(SamePersonError, match="hangs on what they said"):
            approval(asked, by, None, NOW, whose_word=word)
    assert after(asked, approval(asked, Approver("Di"), None, NOW, whose_word=word)).status is PayoutStatus.CREATED
    # Nor does a service by another name what it told in one.
    said = resolve(
        earned_payout(1, "20", unclear=frozenset({"?"}), attempts=1),
        "not-sent",
        None,
        found_by="Cy",
        found_through="everything",
        now=NOW,
    )
    told = after(earned_payout(1, "20", unclear=frozenset({"?"}), attempts=1), *said)
    word = whose_word(earned_payout(2, "20"), payment("49.90"), [told])
    assert word == {"Cy", "everything"}
    with pytest.raises(SamePersonError, match="hangs on what they said"):
        approval(asked, Approver("Di", "everything"), None, NOW, whose_word=word)


def test_a_refund_of_which_the_money_is_gone_since_is_doubted() -> None:
    refund = earned_payout(2, "20").model_copy(update={"refund_id": "back_1", "buyer_id": "b1"})
    refunds = {"back_1": Refunded(of=RefundOf.GOODS, amount=Decimal(20), release=Release.UNDER_WAY, step=1)}
    assert doubts(refund, refunds=refunds) == ""
    assert doubts(refund, came="5", refunds=refunds).endswith("20 USD are to go back, and only 5 are there")
    refunds["back_2"] = Refunded(of=RefundOf.GOODS, amount=Decimal(3), release=Release.DONE, step=1)
    assert doubts(refund, came="5", refunds=refunds).endswith("20 USD are to go back, and only 2 are there")
