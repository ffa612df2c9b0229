"""The pure parts of following a chain: blocks that extend or do not, ranges, endpoints, bloom filters, decoding."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.onchain.blocks.bloom import may_contain
from providers.onchain.blocks.canonical import BlockId, Canonical, judge
from providers.onchain.blocks.transfers import (
    TRANSFER_TOPIC,
    MalformedError,
    from_log,
    from_trace,
    from_transaction,
    readable,
    topic_of,
)
from providers.onchain.chains import Chain, Token
from providers.onchain.nodes.endpoints import Fault, NodeEndpoint, after_answer, after_fault, choose
from providers.onchain.reading.ranges import LARGEST, PATIENCE, BlockRange

CONTRACT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
ALICE = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
BOB = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
CHAIN = Chain(
    name="ethereum",
    chain_id=1,
    confirmations=3,
    block_seconds=12,
    tokens=(Token(symbol="ETH", decimals=18), Token(symbol="USDT", decimals=6, address=CONTRACT)),
)
BLOCK = BlockId(number=5, hash="0xb5")
LOG: dict[str, Any] = {
    "address": CONTRACT.lower(),
    "topics": [TRANSFER_TOPIC, topic_of(ALICE), topic_of(BOB)],
    "data": "0x" + f"{1_500_000:064x}",
    "transactionHash": "0x1",
    "blockNumber": "0x5",
    "blockHash": "0xb5",
    "logIndex": "0x0",
}


def test_a_transfer_is_read_from_a_log() -> None:
    transfer = from_log(CHAIN, LOG)
    assert transfer is not None
    assert (transfer.token.symbol, transfer.sender, transfer.recipient) == ("USDT", ALICE, BOB)
    assert (transfer.units, transfer.block, transfer.tx_hash) == (1_500_000, BLOCK, "0x1")


@pytest.mark.parametrize(
    "change",
    [
        {"address": ALICE},
        {"topics": [*LOG["topics"], topic_of(ALICE)]},
        {"topics": ["0x" + "0" * 64, *LOG["topics"][1:]]},
        {"data": LOG["data"] + LOG["data"][2:]},
        {"removed": True},
    ],
)
def test_other_logs_are_no_transfers(change: dict[str, Any]) -> None:
    assert from_log(CHAIN, LOG | change) is None


def test_what_an_address_sends_to_itself_moves_nothing() -> None:
    assert from_log(CHAIN, LOG | {"topics": [TRANSFER_TOPIC, topic_of(BOB), topic_of(BOB)]}) is None
    mined = {"hash": "0x1", "value": "0x10", "blockNumber": "0x5", "blockHash": "0xb5"}
    assert from_transaction(CHAIN, mined | {"from": BOB.lower(), "to": BOB}) is None
    call = {"type": "CALL", "calls": [{"type": "CALL", "from": BOB.lower(), "to": BOB, "value": "0x7"}]}
    assert from_trace(CHAIN, "0x1", call, BLOCK) == []


@pytest.mark.parametrize(
    "change",
    [
        {"topics": None},
        {"blockNumber": "five"},
        {"address": "0x1"},
        *({"data": data} for data in (5, "0x", "0x05", LOG["data"] + "zz", LOG["data"] + "0")),
        {"removed": "false"},
        {"removed": 0},
    ],
)
def test_a_malformed_log_is_said_to_be(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        from_log(CHAIN, LOG | change)


def test_a_log_that_cannot_be_read_hides_no_other_and_puts_no_words_of_its_own_anywhere() -> None:
    forged = LOG | {"transactionHash": "0x1\nCRITICAL all is lost", "logIndex": "0x1"}
    told, wrong = readable(CHAIN, [LOG | {"logIndex": "0x7"}, forged, LOG | {"data": "0x"}, "none"])
    assert [one.log_index for one in told] == [7]
    assert [str(one) for one in wrong] == [
        "no transaction: what is told as a log is none",
        "0x1: a log's data cannot be read",
    ]


def test_the_chains_own_coin_is_read_from_transactions_and_traces() -> None:
    transaction = {"hash": "0x1", "from": ALICE.lower(), "to": BOB.lower(), "value": "0x10"}
    mined = transaction | {"blockNumber": "0x5", "blockHash": "0xb5"}
    found = from_transaction(CHAIN, mined)
    assert found is not None
    assert (found.token.symbol, found.units, found.recipient) == ("ETH", 16, BOB)
    assert from_transaction(CHAIN, mined | {"value": "0x0"}) is None
    made = from_transaction(CHAIN, mined | {"to": None, "nonce": "0x0"})
    assert made is not None
    assert made.recipient == "0x5FbDB2315678afecb367f032d93F642f64180aa3"  # Alice's first contract
    move = {"type": "CALL", "from": ALICE, "to": BOB, "value": "0x7"}
    call = {
        "type": "CALL",
        "calls": [
            move | {"calls": [move | {"value": "0x8"}]},
            move | {"type": "DELEGATECALL"},
            move | {"type": "STATICCALL", "value": None},
            move | {"error": "execution reverted", "calls": [move]},
        ],
    }
    assert [one.units for one in from_trace(CHAIN, "0x1", call, BLOCK)] == [7, 8]
    assert from_trace(CHAIN, "0x1", call | {"error": "out of gas"}, BLOCK) == []


@given(st.lists(st.integers(0, 3), max_size=30))
def test_blocks_extend_what_is_followed_or_take_it_back(branches: list[int]) -> None:
    """Of each number says which of four forks comes next; what is followed is always one chain."""
    canonical = Canonical()
    chain = ["0x0"]
    for number, branch in enumerate(branches, start=1):
        retain = max(len(chain) - branch, 1)
        chain = [*chain[:retain], f"0x{number}-{branch}"]
        while True:
            at = 1 if canonical.head is None else min(canonical.head.number + 1, len(chain) - 1)
            if canonical.head is not None and canonical.hash_at(at) == chain[at]:
                break
            if judge(canonical, at, chain[at - 1]).kind == "extends":
                canonical = canonical.extended(BlockId(number=at, hash=chain[at]), depth=100)
            else:
                canonical = canonical.cut_back()
        assert [block.hash for block in canonical.blocks] == chain[1:]


def test_only_so_many_blocks_are_kept_and_known() -> None:
    canonical = Canonical()
    for number in range(10):
        canonical = canonical.extended(BlockId(number=number, hash=f"0x{number}"), depth=4)
    assert [canonical.hash_at(number) for number in (5, 6, 9, 10)] == [None, "0x6", "0x9", None]


@given(st.integers(1, 5_000), st.integers(1, 30_000))
def test_a_range_finds_the_providers_limit_and_stays_below_it(limit: int, blocks: int) -> None:
    asked, refused, blocks_left, span = 0, 0, blocks, BlockRange()
    while blocks_left > 0:
        asked += 1
        if span.size > limit:
            refused += 1
            span = span.failed()
        else:
            blocks_left -= span.size
            span = span.succeeded(logs=0)
        assert 1 <= span.size <= LARGEST
    assert refused <= 10 + asked // PATIENCE


def test_answers_full_of_logs_do_not_grow_and_overfull_ones_shrink() -> None:
    assert BlockRange().succeeded(logs=9_000).size == BlockRange().size
    assert BlockRange().succeeded(logs=50_000).size == BlockRange().size / 2
    assert BlockRange(size=1).succeeded(logs=50_000).size == 1
    assert BlockRange().succeeded(logs=10).size == 2 * BlockRange().size


def test_an_endpoint_is_set_aside_for_longer_and_longer_and_comes_back() -> None:
    endpoint, now = NodeEndpoint("rpc.example"), 100.0
    waits = []
    for _ in range(12):
        endpoint = after_fault(endpoint, Fault.UNREACHABLE, "", now=now)
        waits.append(endpoint.suspended_until - now)
        now = endpoint.suspended_until
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == 300
    assert not endpoint.is_suspended(now=now)
    assert after_answer(endpoint) == NodeEndpoint("rpc.example")


def test_questions_that_fail_together_suspend_an_endpoint_once() -> None:
    endpoint = NodeEndpoint("rpc.example")
    for _ in range(12):
        endpoint = after_fault(endpoint, Fault.UNREACHABLE, "", now=100.0)
    assert endpoint.suspended_until == 101
    # A graver one among them sets it aside for as long as that does by itself, and a lighter one for no less.
    endpoint = after_fault(endpoint, Fault.WRONG_CHAIN, "", now=100.0)
    assert endpoint.suspended_until == 400
    assert after_fault(endpoint, Fault.UNREACHABLE, "", now=100.0).suspended_until == 400


def test_those_in_good_standing_are_asked_in_order_and_if_there_is_none_all_are() -> None:
    first, second, third = (NodeEndpoint(f"{number}.example") for number in range(3))
    second = after_fault(second, Fault.THROTTLED, "", now=0)
    assert choose([first, second, third], now=1) == [0, 2]
    lost = [
        after_fault(first, Fault.WRONG_CHAIN, "", now=0),
        second,
        after_fault(third, Fault.INCONSISTENT, "", now=0),
    ]
    assert choose(lost, now=1) == [1, 2, 0]


def test_a_bloom_filter_says_what_is_certainly_not_there() -> None:
    empty = "0x" + "0" * 512
    full = "0x" + "f" * 512
    assert not may_contain(empty, CONTRACT)
    assert may_contain(full, CONTRACT, TRANSFER_TOPIC)
