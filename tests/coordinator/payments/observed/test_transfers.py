"""Sightings of transfers: a transaction is in one block, whoever names it, and what is final counts once."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.observed.transfers import (
    Sighting,
    Stage,
    Transfer,
    hash_expected,
    transfer_key,
    with_sighting,
)


def sighting(
    transfer_id: str, stage: Stage, view: int, block_hash: str | None = None, *, amount: int = 10
) -> Sighting:
    transfer = Transfer(transfer_id=transfer_id, asset="USDT", amount=Decimal(amount))
    return Sighting(transfer=transfer, stage=stage, view=view, block_hash=block_hash)


def put(*sightings: Sighting) -> list[tuple[str, Stage]]:
    known: tuple[Sighting, ...] = ()
    for one in sightings:
        known = with_sighting(known, one)
    return [(one.transfer.transfer_id, one.stage) for one in known]


def test_a_transaction_that_is_mined_anew_is_in_the_later_block_alone() -> None:
    assert put(
        sighting("0x1#4@0xa", Stage.MINED, 2, "0xa"),
        sighting("0x1#4@0xa", Stage.REORGANISED, 3, "0xa"),
        sighting("0x1#9@0xb", Stage.MINED, 4, "0xb"),
    ) == [("0x1#9@0xb", Stage.MINED)]


def test_several_transfers_of_one_transaction_in_one_block_all_stay() -> None:
    assert put(
        sighting("0x1", Stage.SEEN, 1),
        sighting("0x1#4@0xa", Stage.MINED, 2, "0xa"),
        sighting("0x1#5@0xa", Stage.MINED, 2, "0xa"),
    ) == [("0x1#4@0xa", Stage.MINED), ("0x1#5@0xa", Stage.MINED)]


def test_what_is_final_is_not_counted_once_more_in_another_block() -> None:
    first = sighting("0x1#4@0xa", Stage.FINAL, 5, "0xa")
    again = sighting("0x1#4@0xb", Stage.FINAL, 50, "0xb")
    assert put(first, again) == put(again, first) == [("0x1#4@0xa", Stage.FINAL)]


def test_what_a_bridge_of_before_counted_stays_counted_once() -> None:
    """It called transfers by their transaction and a number, and kept no block."""
    counted = sighting("0x1", Stage.FINAL, 5), sighting("0x1#1", Stage.FINAL, 5)
    again = sighting("0x1#4@0xa", Stage.FINAL, 50, "0xa"), sighting("0x1#5@0xa", Stage.FINAL, 50, "0xa")
    assert put(*counted, *again) == [("0x1", Stage.FINAL), ("0x1#1", Stage.FINAL)]
    seen = sighting("0x1", Stage.MINED, 5)
    assert put(seen, *again) == [("0x1#4@0xa", Stage.FINAL), ("0x1#5@0xa", Stage.FINAL)]


blocks = st.sampled_from(["0xa", "0xb"])
stages = st.sampled_from([Stage.MINED, Stage.REORGANISED, Stage.FINAL])


@given(
    st.lists(st.tuples(st.integers(1, 20), blocks, stages), max_size=6, unique_by=lambda one: one[0]).flatmap(
        lambda told: st.tuples(st.just(told), st.permutations(told * 2))
    )
)
def test_of_one_transfer_any_order_and_repetition_ends_the_same(
    orders: tuple[list[tuple[int, str, Stage]], list[tuple[int, str, Stage]]],
) -> None:
    once, shuffled = (
        [sighting(f"0x1#4@{block}", stage, view, block) for view, block, stage in told] for told in orders
    )
    assert put(*once) == put(*shuffled)
    assert len(put(*once)) <= 1


def test_a_hash_that_a_person_tells_is_the_same_however_they_write_it() -> None:
    digits = "5e" * 32
    wide = digits.translate({ord("5"): "\N{FULLWIDTH DIGIT FIVE}"})
    for told in (digits, f" 0x{digits}\N{NO-BREAK SPACE}", f"0X0x {digits.upper()}", f"{digits}:0", wide):
        assert transfer_key(told) == digits, told
    assert transfer_key(f"0x{digits}#4") == f"{digits}#4"


@pytest.mark.parametrize(
    ("tx_hash", "is_none"),
    [
        (f"0x{'a' * 64}", False),
        (f"0X{'A' * 64}", False),
        (f"0x{'a' * 63}", True),
        (f"0x{'a' * 65}", True),
        ("0xab", True),
        ("0x", True),
        # Of others it cannot be told.
        ("a" * 64, False),
        ("re_cs1_1", False),
        # Of zeroes there is none, however it is written; one zero less is a hash as good as any.
        (f"0x{'0' * 64}", True),
        ("0" * 64, True),
        (f"{'0' * 64}:1", True),
        ("00000000", True),
        (f"0x{'0' * 63}1", False),
        ("1" * 64, False),
        ("0xback1", False),
    ],
)
def test_a_hash_of_zeroes_or_of_which_a_part_is_missing_is_told(tx_hash: str, is_none: bool) -> None:
    assert (hash_expected(tx_hash) is not None) is is_none
