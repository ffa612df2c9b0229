"""Which payment a transfer pays: the one it can only be, or nobody's."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.transfers import ChainTransfer
from providers.onchain.chains import Token
from providers.onchain.matching.matching import Subject, Watched, match

SINCE = datetime(2026, 5, 1, tzinfo=UTC)
NOW = SINCE + timedelta(minutes=5)
USDT = Token(symbol="USDT", decimals=6)
USDC = Token(symbol="USDC", decimals=6)


def transfer(units: int = 100, *, token: Token = USDT, tx_hash: str = "0x1", sender: str = "0xB") -> ChainTransfer:
    return ChainTransfer(tx_hash, token, sender, "0xA", units, BlockId(number=1, hash="0xb1"))


def watched(number: int, units: int = 100, **changes: object) -> Watched:
    return Watched(Subject("payment", f"pay_{number}"), "0xA", "USDT", units, SINCE, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("candidates", "payment_id"),
    [
        ([watched(1, 70)], "pay_1"),  # whoever has an address alone is paid, whatever the amount
        ([watched(1, is_open=False)], "pay_1"),
        ([watched(1, is_open=False), watched(2, 70)], "pay_2"),
        ([watched(1), watched(2, 70)], "pay_1"),  # by the amount
        ([watched(1, 70), watched(2, 80)], None),
        ([watched(1), watched(2)], None),
        ([watched(1, 80), watched(2, 70, hints=frozenset({"0x1"}))], "pay_2"),
        ([watched(1), watched(2, 70, hints=frozenset({"0x1"}))], None),  # a hint takes nothing that fits another one
        ([watched(1), watched(2, hints=frozenset({"0x1"}))], None),
        ([watched(1), watched(2, hints=frozenset({"0x1"}), given=frozenset({"0x1"}))], "pay_2"),  # but a person may
        ([watched(1, 70, payer="0xB"), watched(2, 80, hints=frozenset({"0x1"}))], "pay_1"),  # the sender outranks it
        ([watched(1, payer="0xB"), watched(2, 80)], "pay_1"),
        # Anybody can say whose wallet pays: that takes no money of just the amount that another one asks for.
        ([watched(1, 1, payer="0xB"), watched(2)], None),
        ([watched(1, payer="0xB"), watched(2)], None),
        ([watched(1, payer="0xB"), watched(2, hints=frozenset({"0x1"}))], None),
        ([watched(1, payer="0xB", hints=frozenset({"0x1"})), watched(2)], None),
        ([watched(1, payer="0xB"), watched(2, payer="0xB")], None),
        ([watched(1, payer="0xB"), watched(2, payer="0xB", hints=frozenset({"0x1"}))], None),
        ([watched(1, payer="0xB"), watched(2, payer="0xC")], "pay_1"),
        ([watched(1, 1, payer="0xB"), watched(2, hints=frozenset({"0x1"}))], None),
        ([watched(1, 1, payer="0xB", hints=frozenset({"0x1"})), watched(2)], None),
        ([watched(1, 1, payer="0xB", hints=frozenset({"0x1"})), watched(3, 2, payer="0xB"), watched(2)], None),
        ([watched(1, 1, payer="0xB"), watched(2, given=frozenset({"0x1"}))], "pay_2"),
        ([watched(1, 1, payer="0xB"), watched(2, is_open=False)], "pay_1"),
        ([watched(1, hints=frozenset({"0x1"})), watched(2, 70, hints=frozenset({"0x1"}))], "pay_1"),
        ([watched(1, hints=frozenset({"0x1"})), watched(2, hints=frozenset({"0x1"}))], None),
        ([watched(1), watched(2, hints=frozenset({"0x2"}))], None),
        ([watched(1, 70), watched(2, 80, payer="0xB")], "pay_2"),
        ([watched(1, payer="0xC")], None),
        ([watched(1, payer="0xC"), watched(2, 70)], "pay_2"),
        ([], None),
    ],
)
def test_a_transfer_pays_what_it_can_only_pay(candidates: list[Watched], payment_id: str | None) -> None:
    found = match(transfer(), NOW, candidates)
    assert (found.subject and found.subject.id) == payment_id
    assert (found.reason is None) is (payment_id is not None)


def test_of_a_transaction_that_carries_several_a_person_gives_each_alone() -> None:
    block = BlockId(number=1, hash="0xb1")
    first, second = (ChainTransfer("0x1", USDT, "0xB", "0xA", 90, block, log_index=place) for place in (4, 5))
    both = [watched(1, 70, hints=frozenset({"0x1"}), given=frozenset({"0x1#4"})), watched(2, 80)]
    assert match(first, NOW, both).subject == both[0].subject
    assert match(second, NOW, both).subject is None  # nor is it named any more, since a person has said which is
    both = [watched(1, 70, given=frozenset({"0x1"})), watched(2, 80, given=frozenset({"0x1#5"}))]
    assert [match(one, NOW, both).subject for one in (first, second)] == [one.subject for one in both]


def test_another_token_is_said_in_words() -> None:
    found = match(transfer(token=USDC), NOW, [watched(1)])
    assert (found.subject, found.reason) == (None, "it carries USDC, but USDT is waited for")


def test_a_sender_that_was_made_to_look_like_the_payer_is_told_of_as_that() -> None:
    payer, other = "0x9C1bc3C3cdee47e5c7Cc6311748241eF4356feeA", "0x9C1b000000000000000000000000000000000eeA"
    found = match(transfer(sender=other), NOW, [watched(1, payer=payer)])
    assert found.subject is None
    assert found.reason == (
        f"its sender {other} is not {payer}, whose money is waited for, and was made to look like it"
    )
    stranger = match(transfer(sender="0x" + 40 * "1"), NOW, [watched(1, payer=payer)])
    assert (stranger.subject, stranger.reason) == (None, "nobody waits for money of this sender")
    beside = [watched(1, payer=payer), watched(2, units=7), watched(3, units=8)]
    found = match(transfer(sender=other), NOW, beside)
    assert (found.subject, found.reason) == (
        None,
        f"2 payments wait for money at this address, and it fits none of them alone; its sender was made to look like"
        f" {payer}",
    )


def test_what_is_older_than_a_payment_is_not_for_it_however_late_it_is_read() -> None:
    yesterday = SINCE - timedelta(days=1)
    found = match(transfer(), yesterday, [watched(1)])
    assert (found.subject, found.reason) == (None, "it was mined before the payment was registered")
    waiting_since_then = dataclasses.replace(watched(2), since=yesterday - timedelta(hours=1))
    assert match(transfer(), yesterday, [watched(1), waiting_since_then]).subject == waiting_since_then.subject
    # The clocks of those who make blocks are a little wrong.
    assert match(transfer(), SINCE - timedelta(seconds=30), [watched(1)]).subject == watched(1).subject
    assert match(transfer(), yesterday, [payout(1, payer="0xB")]).subject is None
    named = payout(1, hints=frozenset({"0x1"}))  # whoever sent it knows when
    assert match(transfer(), yesterday, [named]).subject == named.subject


candidates = st.lists(
    st.builds(
        watched,
        st.integers(1, 6),
        st.sampled_from((70, 100)),
        hints=st.sampled_from((frozenset(), frozenset({"0x1"}))),
        payer=st.sampled_from((None, "0xB", "0xC")),
        is_open=st.booleans(),
    ),
    max_size=5,
    unique_by=lambda one: one.subject,
)


@given(candidates.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_the_order_of_payments_decides_nothing(orders: tuple[list[Watched], list[Watched]]) -> None:
    assert match(transfer(), NOW, orders[0]).subject == match(transfer(), NOW, orders[1]).subject


@given(candidates)
def test_money_of_another_sender_never_counts(some: list[Watched]) -> None:
    found = match(transfer(), NOW, some).subject
    assert all(one.payer in (None, "0xB") for one in some if one.subject == found)


def payout(number: int, units: int = 100, **changes: object) -> Watched:
    return Watched(Subject("payout", f"out_{number}"), "0xA", "USDT", units, SINCE, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("candidates", "payout_id"),
    [
        ([payout(1, hints=frozenset({"0x1"}))], "out_1"),
        ([payout(1, 70, hints=frozenset({"0x1"}))], "out_1"),  # its own, though it pays something else
        ([payout(1, hints=frozenset({"0x2"}))], None),
        ([payout(1, payer="0xB")], "out_1"),
        ([payout(1, 70, payer="0xB")], None),  # only just the amount, where nothing but the sender is known
        ([payout(1, payer="0xC")], None),
        ([payout(1)], None),
        ([payout(1, payer="0xB", is_open=False), payout(2, payer="0xB")], "out_2"),
        ([payout(1, 70, hints=frozenset({"0x1"})), payout(2, hints=frozenset({"0x1"}))], "out_2"),
        ([watched(1), payout(1, payer="0xB")], "out_1"),
    ],
)
def test_a_payouts_transfer_is_its_transactions_or_its_senders(
    candidates: list[Watched], payout_id: str | None
) -> None:
    found = match(transfer(), NOW, candidates)
    assert (found.subject and found.subject.id) == payout_id


def test_what_may_have_taken_the_place_of_a_payouts_transaction_is_said_to_a_person() -> None:
    other = frozenset({"0x2"})
    for waits in (payout(1, hints=other), payout(1, hints=other, payer="0xB")):
        assert "what out_1 is to pay by another transaction" in str(match(transfer(), NOW, [waits]).reason)
    for waits in (payout(1, 70, hints=other), payout(1, hints=other, payer="0xC"), payout(1, is_open=False)):
        assert match(transfer(), NOW, [waits]).reason == "nobody waits for money of this sender"


def test_a_transaction_that_carries_several_payouts_alike_gives_each_its_transfer() -> None:
    first, second = (payout(number, hints=frozenset({"0x1"})) for number in (1, 2))
    assert match(transfer(), NOW, [first, second]).subject == first.subject
    assert match(transfer(), NOW, [first, second], {first.subject}).subject == second.subject
    # One more than there are payouts is the last one's, which then has too much.
    assert match(transfer(), NOW, [first, second], {first.subject, second.subject}).subject == second.subject
