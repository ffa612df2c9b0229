"""Turns of payouts: of a wallet that waits for its blocks one order is under way, and nothing waits for ever."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.observed.observations import Sighting, Stage, Transfer
from coordinator.payouts.payouts import Payout, PayoutFacts
from coordinator.payouts.wallet_queue import TURN_ENDS_AFTER, has_turn, sendable_orders
from providers.shkeeper.coins import DECIMALS, wallet_in_turn

NOW = datetime(2026, 5, 1, tzinfo=UTC)
MOMENT = timedelta(seconds=1)
ASKED: dict[str, Any] = {"attempts": 1, "asked_at": NOW}


def payout(number: int = 1, *, coin: str = "ETH-USDT", chain: str | None = None, **facts: Any) -> Payout:
    return Payout(
        payout_id=f"out_{number}",
        provider="shkeeper",
        payment_id=f"pay_{number}",
        seller_id="s1",
        destination=f"0x{number}",
        coin=coin,
        amount=Decimal(1),
        created_at=NOW - timedelta(hours=1),
        chain=chain,
        facts=PayoutFacts(**facts),
    )


def age_of(one: Payout) -> timedelta:
    return NOW - (one.facts.asked_at or one.created_at)


def sighted(stage: Stage) -> dict[str, Any]:
    transfer = Transfer(transfer_id="0x1", asset="ETH-USDT", amount=Decimal(1))
    return {"known": True, "tx_hashes": ("0x1",), "sightings": (Sighting(transfer=transfer, stage=stage, view=1),)}


@pytest.mark.parametrize(
    ("facts", "has_it"),
    [
        ({}, False),
        (ASKED, True),
        (ASKED | {"void_attempts": {1}}, False),
        (ASKED | {"attempts": 2, "void_attempts": {1}}, True),
        (ASKED | {"known": True, "task_id": "t"}, True),
        (ASKED | {"unclear": {"no answer came"}}, True),
        (ASKED | {"known": True, "doubts": {"its task failed"}}, True),
        (ASKED | {"known": True, "tx_hashes": ("0x1",)}, True),
        (ASKED | {"failures": {"refused"}}, False),
        (ASKED | {"known": True, "tx_hashes": ("0x1",), "confirmed": True}, False),
        (ASKED | {"known": True, "tx_hashes": ("0x1",), "reverted_hashes": ("0x1",), "doubts": {"failed"}}, False),
        (ASKED | {"settled": {"Ada found that it has arrived"}, "tx_hashes": ("0x1",)}, False),
    ],
)
def test_a_payout_has_its_turn_from_the_question_to_the_block(facts: dict[str, Any], has_it: bool) -> None:
    assert has_turn(payout(**facts), MOMENT) is has_it
    assert not has_turn(payout(**facts), TURN_ENDS_AFTER)


@pytest.mark.parametrize(
    ("stage", "has_it"),
    [
        (Stage.SEEN, True),
        (Stage.REORGANISED, True),
        (Stage.MINED, False),
        (Stage.FINAL, False),
        (Stage.FAILED, False),
        (Stage.DROPPED, False),
    ],
)
def test_what_a_chain_shows_ends_a_turn(stage: Stage, has_it: bool) -> None:
    assert has_turn(payout(chain="ethereum", **ASKED | sighted(stage)), MOMENT) is has_it


COINS = ["ETH", "ETH-USDT", "ETH-USDC", "BNB", "BNB-USDT", "TON", "TON-USDT", "USDT", "BTC"]


def wallet_of(one: Payout) -> str | None:
    return wallet_in_turn(one.coin)


@given(st.lists(st.sampled_from(COINS)), st.lists(st.sampled_from(COINS)))
def test_of_each_wallet_one_order_is_under_way_and_the_first_is_next(waiting: list[str], before: list[str]) -> None:
    orders = [[payout(number, coin=coin)] for number, coin in enumerate(waiting)]
    under_way = [payout(100 + number, coin=coin, **ASKED) for number, coin in enumerate(before)]
    given_now = sendable_orders(orders, under_way, wallet_of=wallet_of, asked_ago=lambda _: MOMENT)
    taken = [wallet_of(one) for one in under_way] + [wallet_of(order[0]) for order in given_now]
    for wallet in {wallet_in_turn(coin) for coin in COINS} - {None}:
        later = [wallet_of(order[0]) for order in given_now].count(wallet)
        assert later <= 1
        assert not (later and wallet in [wallet_of(one) for one in under_way])
        # Nobody waits for nothing.
        assert taken.count(wallet) > 0 or wallet not in [wallet_of(order[0]) for order in orders]
    assert given_now == [order for order in orders if order in given_now]
    for wallet in {wallet_of(order[0]) for order in given_now} - {None}:
        assert next(order for order in orders if wallet_of(order[0]) == wallet) in given_now
    # Whose wallet does not wait is given at once.
    assert [order for order in orders if wallet_of(order[0]) is None] == [
        order for order in given_now if wallet_of(order[0]) is None
    ]


def test_a_batch_has_its_turn_until_the_last_of_it_is_in_a_block() -> None:
    first = payout(1, **ASKED | {"known": True, "tx_hashes": ("0x1",), "confirmed": True})
    second = payout(2, **ASKED)
    orders = [[payout(3)]]
    assert sendable_orders(orders, [first, second], wallet_of=wallet_of, asked_ago=lambda _: MOMENT) == []
    assert sendable_orders(orders, [first], wallet_of=wallet_of, asked_ago=lambda _: MOMENT) == orders


def test_all_coins_of_a_chain_share_a_wallet_and_others_wait_for_nobody() -> None:
    shared = {coin: wallet_in_turn(coin) for coin in DECIMALS}
    assert {coin for coin, wallet in shared.items() if wallet is None} == {
        *("BTC", "BTC-LIGHTNING", "LTC", "DOGE", "FIRO", "FIRO-SPARK", "XMR", "XRP", "TRX", "USDT", "USDC"),
        *("SOL", "SOLANA-USDT", "SOLANA-USDC", "SOLANA-PYUSD"),
    }
    for coin, token in (
        ("ETH", "ETH-USDT"),
        ("BNB", "BNB-USDC"),
        ("MATIC", "POLYGON-USDT"),
        ("AVAX", "AVALANCHE-USDC"),
        ("ARBETH", "ARB-USDC"),
        ("OPETH", "OP-USDT"),
        ("TON", "TON-USDT"),
    ):
        assert wallet_in_turn(coin) == wallet_in_turn(token) is not None
    assert wallet_in_turn("ETH-SOMETHING-NEW") == "ETH"
    assert wallet_in_turn("ETHX") is None
