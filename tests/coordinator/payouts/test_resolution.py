"""What a person may say that became of a payout: where nobody else can tell, and never without its transaction."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coordinator.attention.items import AttentionKind
from coordinator.attention.payouts import payout_attention
from coordinator.payouts.approval import doubts_about
from coordinator.payouts.decisions import decide_payout
from coordinator.payouts.named_transactions import TransactionTakenError
from coordinator.payouts.observations import (
    PayoutFailed,
    PayoutObservation,
    PayoutReturned,
    PayoutSent,
    PayoutSettled,
)
from coordinator.payouts.payouts import Payout, PayoutFacts
from coordinator.payouts.resolution import NothingToResolveError, ResolutionOutcome, TransactionWrongError, resolve
from coordinator.payouts.statuses import PayoutStatus
from tests.coordinator.agreed import NOW, judged, notice, play, transfer

START = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = START + timedelta(days=1, seconds=1)
UNCLEAR = PayoutFacts(attempts=1, unclear=frozenset({"no answer"}))
ON_ITS_WAY = PayoutFacts(known=True, tx_hashes=("0x1",))


def payout(facts: PayoutFacts) -> Payout:
    return Payout(
        payout_id="out_1",
        provider="shkeeper",
        payment_id="pay_1",
        seller_id="s1",
        destination="0xDe",
        coin="USDT",
        amount=Decimal(9),
        created_at=START,
        facts=facts,
    )


@pytest.mark.parametrize(
    ("outcome", "tx_hash", "expected", "status"),
    [
        (
            "not-sent",
            None,
            [PayoutFailed(reason="Ada found that it was not sent", found_by="Ada")],
            PayoutStatus.FAILED,
        ),
        ("sent", "0x2", [PayoutSent(tx_hashes=("0x2",))], PayoutStatus.BROADCAST),
        (
            "arrived",
            "0x2",
            [PayoutSent(tx_hashes=("0x2",)), PayoutSettled(reason="Ada found that it has arrived")],
            PayoutStatus.COMPLETED,
        ),
    ],
)
def test_what_was_found_becomes_observations(
    outcome: str, tx_hash: str | None, expected: list[PayoutObservation], status: PayoutStatus
) -> None:
    unclear = payout(UNCLEAR)
    noted = resolve(unclear, outcome, tx_hash, found_by="Ada", note="the books", now=START)  # type: ignore[arg-type]
    reasons = [one.reason for one in noted if isinstance(one, PayoutFailed | PayoutSettled)]
    assert all(reason.startswith("Ada found") and reason.endswith(": the books") for reason in reasons)
    found = resolve(unclear, outcome, tx_hash, found_by="Ada", now=START)  # type: ignore[arg-type]
    assert list(found) == expected
    for observation in found:
        unclear = decide_payout(unclear, observation).payout
    assert unclear.status is status


@pytest.mark.parametrize(
    ("outcome", "tx_hash"),
    [("sent", None), ("arrived", None), ("not-sent", "0x2")],
)
def test_a_transaction_belongs_to_what_was_sent_and_to_nothing_else(outcome: str, tx_hash: str | None) -> None:
    with pytest.raises(TransactionWrongError):
        resolve(payout(UNCLEAR), outcome, tx_hash, found_by="Ada", now=START)  # type: ignore[arg-type]


def test_what_has_a_transaction_may_have_arrived_by_it() -> None:
    found = resolve(payout(ON_ITS_WAY), "arrived", None, found_by="Ada", now=LATER)
    assert found == (PayoutSettled(reason="Ada found that it has arrived"),)


def test_what_a_person_disowns_is_not_its_transaction_any_more() -> None:
    mixed_up = payout(PayoutFacts(known=True, tx_hashes=("0x1",), doubts=frozenset({"it may have failed"})))
    [failed] = resolve(mixed_up, "not-sent", None, found_by="Ada", now=START)
    assert failed == PayoutFailed(reason="Ada found that it was not sent", disowned_hashes=("0x1",), found_by="Ada")
    assert decide_payout(mixed_up, failed).payout.status is PayoutStatus.FAILED


def test_what_the_provider_may_be_sending_at_this_moment_was_not_not_sent() -> None:
    unclear = payout(UNCLEAR.model_copy(update={"asked_at": START + timedelta(hours=5)}))
    with pytest.raises(NothingToResolveError, match="may be sending it at this moment"):
        resolve(
            unclear,
            "not-sent",
            None,
            found_by="Ada",
            now=START + timedelta(hours=5, minutes=59),
            provider_knows=True,
        )
    for now, provider_knows in ((START + timedelta(hours=6), True), (START + timedelta(hours=5), False)):
        assert resolve(unclear, "not-sent", None, found_by="Ada", now=now, provider_knows=provider_knows)


def test_what_was_sent_can_come_back_even_if_it_had_completed() -> None:
    for facts in (ON_ITS_WAY, ON_ITS_WAY.model_copy(update={"confirmed": True})):
        sent = payout(facts)
        [returned] = resolve(sent, "returned", "0x9", found_by="Ada", now=START)
        assert returned == PayoutReturned(tx_hash="0x9", reason="Ada found that it came back", found_by="Ada")
        returned_payout = decide_payout(sent, returned).payout
        assert (returned_payout.status, returned_payout.is_settled) == (PayoutStatus.RETURNED, True)
        with pytest.raises(NothingToResolveError, match="is returned"):
            resolve(returned_payout, "returned", "0x8", found_by="Ada", now=START)
    for facts, tx_hash, error in (
        (ON_ITS_WAY, None, TransactionWrongError),
        (ON_ITS_WAY, "0x1", TransactionWrongError),
        (ON_ITS_WAY.model_copy(update={"tx_hashes": ("0xAB",)}), "ab", TransactionWrongError),
        (UNCLEAR, "0x9", NothingToResolveError),
    ):
        with pytest.raises(error):
            resolve(payout(facts), "returned", tx_hash, found_by="Ada", now=START)


def test_what_a_provider_alone_calls_completed_may_have_failed_on_its_chain() -> None:
    completed = payout(ON_ITS_WAY.model_copy(update={"confirmed": True}))
    with pytest.raises(TransactionWrongError, match="if that failed on its chain, say in a `note`"):
        resolve(completed, "returned", "0x1", found_by="Ada", now=START)
    watched = payout(ON_ITS_WAY.model_copy(update={"settled": frozenset({"Bo says so"})}))
    for other in (payout(ON_ITS_WAY), watched.model_copy(update={"chain": "ethereum"})):
        with pytest.raises(TransactionWrongError, match=r"name the one that brought it back$"):
            resolve(other, "returned", "0x1", found_by="Ada", note="it reverted", now=START)
    [found] = resolve(completed, "returned", "1", found_by="Ada", note="it reverted", now=START)
    failed = decide_payout(completed, found).payout
    assert failed.status is PayoutStatus.RETURNED
    assert failed.reasons == ("1 failed on the chain, and moved nothing",)
    again = failed.model_copy(update={"payout_id": "out_2", "facts": PayoutFacts()})
    paid = play(notice(judged(Decimal(100)), transfer("0xAB", 100)))[0]
    assert list(doubts_about(again, paid, [failed])) == [
        "out_1, which was completed, is said to have failed on the chain: see 1"
    ]
    item = payout_attention(failed, START, LATER)
    assert item is not None
    assert (item.kind, item.title) == (AttentionKind.PAYOUT_RETURNED, "It failed, and the seller has nothing yet")


def test_no_payout_is_carried_or_brought_back_by_what_its_buyer_paid_with() -> None:
    paid = play(notice(judged(Decimal(100)), transfer("0xAB", 100)))[0]
    outcomes: tuple[ResolutionOutcome, ...] = ("sent", "arrived", "returned")
    for outcome in outcomes:
        sent = payout(ON_ITS_WAY if outcome == "returned" else UNCLEAR).model_copy(update={"created_at": NOW + HOUR})
        with pytest.raises(TransactionWrongError, match="what the buyer paid with"):
            resolve(sent, outcome, "ab", found_by="Ada", now=NOW + HOUR, payment=paid)
        with pytest.raises(TransactionTakenError, match="is what the buyer of payment pay_1 paid with"):
            resolve(sent, outcome, "ab", found_by="Ada", now=NOW + HOUR, paid=[paid])
    # A seller may send it back to where the buyer paid.
    back = play(
        notice(judged(Decimal(200)), transfer("0xAB", 100), transfer("0xCD", 100, occurred_at=NOW + 2 * HOUR)),
        payment=paid,
    )[0]
    sent = payout(ON_ITS_WAY).model_copy(update={"created_at": NOW + HOUR})
    assert resolve(sent, "returned", "0xcd", found_by="Ada", now=NOW + 3 * HOUR, payment=back)


def test_whoever_was_unclear_once_can_be_resolved() -> None:
    for facts in (
        PayoutFacts(attempts=1, unclear=frozenset({"no answer"}), known=True, task_id="t"),
        PayoutFacts(attempts=1, unclear=frozenset({"no answer"}), known=True, tx_hashes=("0x1",)),
    ):
        assert payout(facts).may_be_resolved(START)


def test_what_goes_on_by_itself_is_nobodys_to_resolve() -> None:
    for facts, now in (
        (ON_ITS_WAY, START),
        (PayoutFacts(), START),
        (PayoutFacts(failures=frozenset({"no"})), LATER),
        (PayoutFacts(tx_hashes=("0x1",), confirmed=True), LATER),
    ):
        with pytest.raises(NothingToResolveError):
            resolve(payout(facts), "not-sent", None, found_by="Ada", now=now)


@pytest.mark.parametrize(
    "facts",
    [
        PayoutFacts(),
        PayoutFacts(withheld=("it is much",)),
        PayoutFacts(attempts=1, void_attempts=frozenset({1})),
    ],
)
def test_what_nobody_was_asked_to_send_may_have_been_sent_by_hand(facts: PayoutFacts) -> None:
    waiting = payout(facts)
    for outcome, status in (("sent", PayoutStatus.BROADCAST), ("arrived", PayoutStatus.COMPLETED)):
        sent = waiting
        for one in resolve(waiting, outcome, "0x2", found_by="Ada", now=START):  # type: ignore[arg-type]
            sent = decide_payout(sent, one).payout
        assert (sent.status, sent.next_attempt) == (status, None)
        with pytest.raises(TransactionWrongError):
            resolve(waiting, outcome, None, found_by="Ada", now=START)  # type: ignore[arg-type]
    with pytest.raises(NothingToResolveError, match="reject it"):
        resolve(waiting, "not-sent", None, found_by="Ada", now=START)
    with pytest.raises(NothingToResolveError, match="it may leave twice"):
        resolve(payout(PayoutFacts(attempts=1)), "sent", "0x2", found_by="Ada", now=START)
