"""What needs a person: exactly what does not go on by itself, each with something to do about it, the worst first."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.attention import items as attention
from coordinator.attention.clock import clock_wrong
from coordinator.attention.endpoints import endpoint_attention
from coordinator.attention.gateway_dates import dates_off
from coordinator.attention.histories import forgotten_payout, journal_rewound
from coordinator.attention.items import BY_URGENCY, Attention, AttentionKind, Kind, most_urgent_first
from coordinator.attention.payouts import payout_attention
from coordinator.attention.prices import UnusablePrice, prices_unusable
from coordinator.attention.refunds import ADDRESS_WAITED_FOR, refund_without_address
from coordinator.attention.unconfigured import AtProvider, WaitingKind, coin_unfollowed, provider_unset
from coordinator.attention.unreachable import Unasked, provider_unreachable
from coordinator.attention.unreadable import row_unreadable
from coordinator.attention.wallets import wallet_attention
from coordinator.books.wallets import LISTED_AFTER, Held, Should, Tolerances, WalletCoin, WalletComparison, compared
from coordinator.endpoints.endpoints import Endpoint
from coordinator.histories import Beginning
from coordinator.payments.counting.date_zones import DateZones
from coordinator.payments.observed.observations import RefundOf, Sighting, Stage, Transfer
from coordinator.payouts.comparisons import ForgottenPayout
from coordinator.payouts.facts import PayoutFacts, SecondWord
from coordinator.payouts.payouts import Payout
from coordinator.payouts.resolution import NothingToResolveError, resolve
from coordinator.payouts.statuses import STATUSES_TO_RESOLVE, PayoutStatus
from coordinator.refunds.refunds import Refund

START = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def sighting(stage: Stage, amount: int) -> Sighting:
    return Sighting(transfer=Transfer(transfer_id="0x1", asset="USDT", amount=Decimal(amount)), stage=stage, view=1)


FACTS = {
    PayoutStatus.AWAITING_APPROVAL: PayoutFacts(withheld=("2000 USD are above 1000 USD, the limit of one payout",)),
    PayoutStatus.CREATED: PayoutFacts(known=True),
    PayoutStatus.AMBIGUOUS: PayoutFacts(attempts=1, unclear=frozenset({"no answer came"})),
    PayoutStatus.BROADCAST: PayoutFacts(known=True, tx_hashes=("0x1",)),
    PayoutStatus.CONFIRMING: PayoutFacts(known=True, tx_hashes=("0x1",), sightings=(sighting(Stage.MINED, 9),)),
    PayoutStatus.MISMATCH: PayoutFacts(known=True, tx_hashes=("0x1",), sightings=(sighting(Stage.FINAL, 8),)),
    PayoutStatus.DROPPED: PayoutFacts(known=True, tx_hashes=("0x1",), sightings=(sighting(Stage.DROPPED, 9),)),
    PayoutStatus.COMPLETED: PayoutFacts(known=True, tx_hashes=("0x1",), sightings=(sighting(Stage.FINAL, 9),)),
    PayoutStatus.FAILED: PayoutFacts(failures=frozenset({"no money on the fee account"})),
    PayoutStatus.RETURNED: PayoutFacts(known=True, tx_hashes=("0x1",), returns=("0x2",)),
}


def payout(status: PayoutStatus) -> Payout:
    made = Payout(
        payout_id="out_1",
        provider="shkeeper",
        payment_id="pay_1",
        seller_id="s1",
        destination="0xDe",
        coin="USDT",
        amount=Decimal(9),
        created_at=START,
        chain="ethereum",
        facts=FACTS[status],
    )
    assert made.status is status
    return made


@pytest.mark.parametrize("status", PayoutStatus)
def test_a_payout_needs_a_person_exactly_when_it_does_not_go_on_by_itself(status: PayoutStatus) -> None:
    goes_on = status in (PayoutStatus.CREATED, PayoutStatus.BROADCAST, PayoutStatus.CONFIRMING)
    young = payout_attention(payout(status), START, START + DAY)
    old = payout_attention(payout(status), START, START + DAY + timedelta(seconds=1))
    without_money = status in (PayoutStatus.FAILED, PayoutStatus.RETURNED)
    waits = status is PayoutStatus.AWAITING_APPROVAL
    assert (young is not None) == (status in STATUSES_TO_RESOLVE or without_money or waits)
    assert (old is not None) == (status is not PayoutStatus.COMPLETED)
    if goes_on:
        assert old is not None
        assert (old.kind, old.since) == (AttentionKind.PAYOUT_OVERDUE, START + DAY)


@pytest.mark.parametrize("status", [status for status in PayoutStatus if status is not PayoutStatus.COMPLETED])
def test_what_is_wrong_with_a_payout_comes_with_its_reason_and_what_can_be_done(status: PayoutStatus) -> None:
    made, now = payout(status), START + 2 * DAY
    wrong = payout_attention(made, START, now)
    assert wrong is not None
    assert all(reason in wrong.detail for reason in made.reasons)
    assert "9 USDT to 0xDe for s1" in wrong.detail
    assert wrong.advice.endswith(".")
    # The button is there exactly where the route takes the answer.
    assert ("resolve" in wrong.remedies) == made.may_be_resolved(now)
    assert (wrong.payout_id, wrong.payment_id, wrong.subject) == ("out_1", "pay_1", "out_1")


@pytest.mark.parametrize(
    ("facts", "kind", "remedies"),
    [
        ({"failures": {"no"}, "tx_hashes": ("0x1",)}, AttentionKind.PAYOUT_SENT_AFTER_ALL, ("recheck", "resolve")),
        (
            {"failures": {"no"}, "tx_hashes": ("0x1",), "settled": {"Ada: arrived"}},
            AttentionKind.PAYOUT_SENT_AFTER_ALL,
            ("dismiss",),
        ),
        (
            {"contradictions": {"2 BTC"}, "tx_hashes": ("0x1",), "settled": {"Ada: arrived"}},
            AttentionKind.PAYOUT_CONTRADICTED,
            ("dismiss",),
        ),
    ],
)
def test_what_ended_otherwise_than_it_was_said_to_is_looked_at_first_of_all(
    facts: dict[str, Any], kind: AttentionKind, remedies: tuple[str, ...]
) -> None:
    made = payout(PayoutStatus.CREATED).model_copy(update={"facts": PayoutFacts(known=True, **facts)})
    wrong = payout_attention(made, START, START)
    assert wrong is not None
    assert (wrong.kind, wrong.remedies, wrong.since) == (kind, remedies, START)
    assert all(reason in wrong.detail for reason in made.reasons)
    assert made.ended_in_doubt == (remedies == ("dismiss",))


def test_what_awaits_approval_says_what_is_asked_who_asks_and_why_it_waits() -> None:
    asked = {"asked_by": "Ada", "asked_through": "shop", "worth": Decimal("8.10"), "worth_currency": "USD"}
    made = payout(PayoutStatus.AWAITING_APPROVAL).model_copy(update=asked)
    wrong = payout_attention(made, START + DAY, START + 3 * DAY)
    assert wrong is not None
    assert (wrong.kind, wrong.since) == (AttentionKind.PAYOUT_AWAITING_APPROVAL, START)
    assert wrong.remedies == ("approve", "reject")
    assert wrong.detail == (
        "9 USDT to 0xDe for s1, worth 8.10 USD; asked for by Ada through shop;"
        " 2000 USD are above 1000 USD, the limit of one payout"
    )


def test_what_nobody_was_asked_to_send_for_long_can_be_rejected() -> None:
    held = payout(PayoutStatus.CREATED).model_copy(update={"facts": PayoutFacts()})
    wrong = payout_attention(held, START, START + 2 * DAY)
    assert wrong is not None
    assert (wrong.kind, wrong.remedies) == (AttentionKind.PAYOUT_OVERDUE, ("recheck", "reject", "resolve"))
    assert "reject it" in wrong.advice
    with pytest.raises(NothingToResolveError, match="reject it"):
        resolve(held, "not-sent", None, found_by="bo", now=START + 2 * DAY)
    asked = held.model_copy(update={"facts": PayoutFacts(attempts=1, asked_at=START)})
    wrong = payout_attention(asked, START, START + 2 * DAY)
    assert wrong is not None
    assert wrong.remedies == ("recheck", "resolve")


def test_what_somebody_rejected_may_be_dismissed() -> None:
    facts = PayoutFacts(failures=frozenset({"Bo rejected it"}), rejected=SecondWord(by="Bo", at=START))
    wrong = payout_attention(payout(PayoutStatus.FAILED).model_copy(update={"facts": facts}), START, START)
    assert wrong is not None
    assert (wrong.kind, wrong.remedies) == (AttentionKind.PAYOUT_FAILED, ("dismiss",))


FORGOTTEN = ForgottenPayout(
    external_id="out_9", provider="shkeeper", payment_id="pay_9", payee_id="s9", coin="BTC", status="SUCCESS"
)


REFUND = Refund(
    refund_id="back_1",
    payment_id="pay_1",
    provider="shkeeper",
    buyer_id="b1",
    seller_id="s1",
    of=RefundOf.GOODS,
    amount=Decimal(10),
    currency="USD",
    coin="USDT",
    reason="it arrived bent",
    opened_by="Ada",
    opened_at=START,
)
ENDPOINT = Endpoint("end_1", "https://shop.example/hook", ("*",), True, (), None, "Ada", START, cursor=0)
DISMISSED_OTHERWISE: dict[Kind, str] = {
    AttentionKind.PAYOUTS_HELD: "resume",
    AttentionKind.REFUND_WITHOUT_ADDRESS: "withdraw",
}


def others() -> list[Attention]:
    return [
        attention.unreadable_webhook("webhook_1", "shkeeper", "status: unknown", START),
        attention.foreign_payout("webhook_2", "shkeeper", START),
        attention.payouts_held(START, [("Ada", "two sellers report strange payouts")]),
        attention.unmatched_webhook("waiting_1", "shkeeper", "order-1", 2, START, START),
        attention.unmatched_transfer("ethereum", "0x1", "5 USDT", "0xA", "0xB", "not the amount", START),
        journal_rewound(
            "e1", Beginning.REWOUND, ["it had 2 events"], START, START, None, is_compared=True, missing_decisions=0
        ),
        forgotten_payout(FORGOTTEN, START),
        attention.chain_read_by_one("ethereum", 7, "blocks 7 to 9 were read by one endpoint alone", START),
        coin_unfollowed("ethereum", "1 payment waits for USDT", START),
        *provider_unset([AtProvider("shkeeper", WaitingKind.PAYMENT, 1, START, START)], {}),
        provider_unreachable("shkeeper", "it is down", START, Unasked(1, 0, 0), is_refused=False),
        attention.chain_alarm("ethereum", 7, "a final block was taken back", START),
        *prices_unusable([UnusablePrice("shkeeper", "LTC", "USD", "contradictory", "its rate is another", START)]),
        refund_without_address(REFUND, ADDRESS_WAITED_FOR),
        attention.chain_contradicted("ethereum", 7, "a.example has 0xa, b.example 0xb", START),
        dates_off("shkeeper", DateZones((timedelta(hours=-5),), START)),
        *endpoint_attention(ENDPOINT.disabled(START, "nothing was taken").having_missed(2, START, "they are gone")),
    ]


def differing_wallet() -> WalletComparison:
    of, said = WalletCoin("shkeeper", "USDT"), [Should(Decimal(100))]
    found = None
    for now in (START, START + LISTED_AFTER):
        found = compared(of, found, said, Held(Decimal(60)), Tolerances(Decimal(1), {}), now)
    assert found is not None
    return found


def test_every_kind_but_those_of_payments_is_told_by_one_of_these_and_can_be_acted_on() -> None:
    of_payouts = [payout_attention(payout(status), START, START + 2 * DAY) for status in PayoutStatus]
    undelivered = attention.alerts_undelivered("finance ada@shop.example", "it answers 550", START)
    differs = wallet_attention(differing_wallet())
    assert differs is not None
    unreadable = row_unreadable("observation", "7", "pay_1", "Facts.booked: Field required", START)
    clock = clock_wrong(START, START + timedelta(hours=1), None)
    assert clock is not None
    everything = [
        *others(),
        undelivered,
        differs,
        unreadable,
        clock,
        *(wrong for wrong in of_payouts if wrong is not None),
    ]
    after_the_end = {
        AttentionKind.PAYOUT_SENT_AFTER_ALL,
        AttentionKind.PAYOUT_PAID_TWICE,
        AttentionKind.PAYOUT_CONTRADICTED,
    }
    assert {wrong.kind for wrong in everything} == set(AttentionKind) - after_the_end - {
        AttentionKind.WITHOUT_ADDRESS
    }
    assert all(wrong.title and wrong.detail and wrong.advice for wrong in everything)
    assert {wrong.webhook_id for wrong in everything if "replay" in wrong.remedies} == {"webhook_1", "webhook_2"}


def test_what_was_dismissed_stays_away_until_there_is_news_of_it() -> None:
    unmatched = attention.unmatched_webhook("waiting_1", "shkeeper", "order-1", 2, START, START + timedelta(hours=2))
    items = [*others(), unmatched]
    assert attention.not_dismissed(items, {}) == items
    everything = {item.key: START + timedelta(hours=1) for item in items}
    assert attention.not_dismissed(items, everything) == [unmatched]
    assert attention.not_dismissed(items, {key: START + timedelta(hours=2) for key in everything}) == []
    assert attention.not_dismissed(items, {"webhook-unmatched:waiting_2": START + DAY}) == items


@pytest.mark.parametrize("item", others(), ids=lambda item: str(item.kind))
def test_whatever_is_no_payout_can_be_dismissed_unless_it_keeps_somebodys_money(item: Attention) -> None:
    assert DISMISSED_OTHERWISE.get(item.kind, "dismiss") in item.remedies


def test_of_payouts_only_those_whose_money_is_certainly_here_can_be_dismissed() -> None:
    wrong = {status: payout_attention(payout(status), START, START + 2 * DAY) for status in PayoutStatus}
    dismissable = {status for status, item in wrong.items() if item is not None and "dismiss" in item.remedies}
    assert dismissable == {PayoutStatus.FAILED, PayoutStatus.RETURNED}


def test_a_refund_without_an_address_is_withdrawn_and_says_since_when_it_waits_too_long() -> None:
    item = refund_without_address(REFUND, ADDRESS_WAITED_FOR)
    assert (item.since, item.key) == (START + 3 * DAY, "refund-without-address:back_1")
    assert (item.refund_id, item.payment_id, item.remedies) == ("back_1", "pay_1", ("withdraw",))
    assert item.detail == "10 USD to b1, opened by Ada: it arrived bent"


@given(st.lists(st.tuples(st.sampled_from(others()), st.integers(0, 3))))
def test_the_most_urgent_comes_first_whatever_the_order(found: list[tuple[Attention, int]]) -> None:
    items = [
        Attention(one.kind, f"{number}", one.title, one.detail, one.advice, START + timedelta(hours=hours))
        for number, (one, hours) in enumerate(found)
    ]
    ordered = most_urgent_first(items)
    assert most_urgent_first(reversed(items)) == ordered
    ranks = [(BY_URGENCY.index(one.kind), one.since) for one in ordered]
    assert ranks == sorted(ranks)


def test_what_cannot_be_read_leads_to_what_it_is_of() -> None:
    kinds = ("payment", "invoice", "observation", "payout", "payout-observation", "refund")
    items = {kind: row_unreadable(kind, "7", "it", "Field required", START) for kind in kinds}
    assert {kind for kind, one in items.items() if one.payment_id == "it"} == {"payment", "invoice", "observation"}
    assert {kind for kind, one in items.items() if one.payout_id == "it"} == {"payout", "payout-observation"}
    assert {kind for kind, one in items.items() if one.refund_id == "it"} == {"refund"}
    assert len({one.key for one in items.values()}) == len(kinds)
    assert row_unreadable("payment", "it", "it", "Field required", START).detail == "Field required"


def test_the_clock_is_one_item_that_says_what_shows_it() -> None:
    ahead, refused = START + timedelta(minutes=6), "shkeeper's are refused: X-Shkeeper-Timestamp is 7200 s behind"
    assert clock_wrong(START, None, None) is clock_wrong(START, START + timedelta(minutes=5), None) is None
    by_the_journal, by_webhooks, by_both = (
        clock_wrong(START, ahead, None),
        clock_wrong(START, START, refused),
        clock_wrong(START, ahead, refused),
    )
    assert by_the_journal is not None
    assert by_webhooks is not None
    assert by_both is not None
    assert by_webhooks.detail == refused
    assert (by_webhooks.detail, by_both.detail) == (refused, f"{refused}; {by_the_journal.detail}")
    assert by_both.key == by_the_journal.key != by_webhooks.key
    # That time goes on is no news of it.
    later = clock_wrong(START + timedelta(seconds=30), ahead, None)
    assert later is not None
    assert (later.key, later.lasting_detail) == (by_the_journal.key, by_the_journal.lasting_detail)
