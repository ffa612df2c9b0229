"""Wallets against the books: what agrees, what differs, what is not known, and when it is looked again."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from coordinator.attention.wallets import wallet_attention
from coordinator.books.days import zone_named
from coordinator.books.wallets import (
    LISTED_AFTER,
    Agreement,
    Held,
    Should,
    Tolerances,
    Unknown,
    WalletCoin,
    WalletComparison,
    compared,
    movement_doubt,
    next_comparison_at,
    with_noted,
)

OF = WalletCoin("shkeeper", "ETH-USDT")
NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
EXACT = Tolerances(Decimal(0), {})
DOWN = Unknown("its node is not up to date: Offline")


def looked(
    amount: object,
    *said: Should,
    before: WalletComparison | None = None,
    later: timedelta = timedelta(0),
    tolerances: Tolerances = EXACT,
) -> WalletComparison:
    held = amount if isinstance(amount, Unknown) else Held(Decimal(str(amount)))
    return compared(OF, before, said or (Should(Decimal(100)),), held, tolerances, NOW + later)


AGREED = looked(100)


@pytest.mark.parametrize(
    ("should", "held", "difference"),
    [
        (Should(Decimal(100)), 100, 0),
        (Should(Decimal(100)), "99.999999", "-0.000001"),
        (Should(Decimal(100)), 101, 1),
        (Should(Decimal(100), noted=Decimal(-60)), 40, 0),
        # What is on its way may be in either; beyond that it is not explained.
        (Should(Decimal(100), leaving=Decimal(30)), 100, 0),
        (Should(Decimal(100), leaving=Decimal(30)), 70, 0),
        (Should(Decimal(100), leaving=Decimal(30)), 69, -1),
        (Should(Decimal(100), arriving=Decimal(30)), 130, 0),
        (Should(Decimal(100), arriving=Decimal(30)), 131, 1),
        (Should(Decimal(100), gathering=Decimal(30)), 70, 0),
        (Should(Decimal(100), gathering=Decimal(30)), 101, 1),
        # A wallet that sent out more than ever came into it.
        (Should(Decimal(-5)), 0, 5),
    ],
)
def test_what_the_books_can_explain_agrees(should: Should, held: object, difference: object) -> None:
    found = looked(held, should, before=AGREED)
    assert found.difference == Decimal(str(difference))
    assert (found.standing is Agreement.DIFFERS) == bool(found.difference)


def test_what_moves_while_a_wallet_is_asked_agrees() -> None:
    before, after = Should(Decimal(100)), Should(Decimal(150))
    for held in (100, 120, 150):
        assert looked(held, before, after, before=AGREED).standing is Agreement.AGREES
    assert looked(151, before, after, before=AGREED).difference == 1


def test_what_is_not_known_is_never_nothing() -> None:
    differs = looked(60, before=AGREED)
    unknown = looked(DOWN, before=differs, later=timedelta(hours=1))
    assert (unknown.standing, unknown.held, unknown.difference) == (Agreement.UNKNOWN, None, None)
    assert unknown.unknown_because == DOWN.reason
    assert (unknown.differs_since, unknown.last_difference) == (differs.differs_since, Decimal(-40))
    # A node that is down makes nothing differ, nor agree.
    assert looked(DOWN, before=AGREED).differs_since is None
    back = looked(60, before=unknown, later=timedelta(hours=2))
    assert back.differs_since == differs.differs_since


def test_a_person_looks_at_what_still_differs_minutes_later_until_it_agrees() -> None:
    first = looked(60, before=AGREED)
    soon = looked(60, before=first, later=LISTED_AFTER - timedelta(seconds=1))
    assert wallet_attention(first) is wallet_attention(soon) is None
    still = looked(61, before=soon, later=LISTED_AFTER)
    listed = wallet_attention(still)
    assert listed is not None
    assert (listed.key, listed.since) == ("wallet-differs:shkeeper:ETH-USDT", NOW)
    assert "39 ETH-USDT are missing" in listed.title
    unknown = wallet_attention(looked(DOWN, before=still, later=timedelta(hours=1)))
    assert unknown is not None
    assert DOWN.reason in unknown.detail
    assert unknown.lasting_detail == listed.lasting_detail
    agrees = looked(100, before=still, later=timedelta(hours=2))
    assert wallet_attention(agrees) is None
    assert looked(60, before=agrees, later=timedelta(hours=3)).differs_since == NOW + timedelta(hours=3)


def test_what_a_person_notes_counts_at_once() -> None:
    listed = looked(60, before=looked(60, before=AGREED), later=LISTED_AFTER)
    assert listed.is_listed
    noted = with_noted(listed, Decimal(-40))
    assert noted.standing is Agreement.AGREES
    assert (noted.difference, noted.is_listed) == (Decimal(0), False)
    partly = with_noted(listed, Decimal(-30))
    assert (partly.difference, partly.is_listed, partly.differs_since) == (Decimal(-10), True, NOW)
    unknown = looked(DOWN, before=listed, later=timedelta(hours=1))
    assert with_noted(unknown, Decimal(-40)).noted == -40
    assert looked(60, Should(Decimal(100), noted=Decimal(-40)), before=unknown).standing is Agreement.AGREES


def test_what_was_there_before_is_noted_and_what_is_missing_is_not() -> None:
    opened = looked(1_100)
    assert opened.opening == opened.noted == 1_000
    assert opened.difference == 0
    assert looked(60).opening is None
    assert looked(60).difference == -40
    # Only once: what comes later without a payment is somebody's.
    assert looked(1_100, before=AGREED).difference == 1_000
    first_known = looked(1_100, before=looked(DOWN))
    assert first_known.opening == 1_000


def test_a_tolerance_is_a_share_or_an_amount() -> None:
    share, amount = Tolerances(Decimal(1), {}), Tolerances(Decimal(1), {"ETH-USDT": Decimal(5)})
    assert looked(99, before=AGREED, tolerances=share).standing is Agreement.WITHIN_TOLERANCE
    assert looked("98.99", before=AGREED, tolerances=share).standing is Agreement.DIFFERS
    assert looked(95, before=AGREED, tolerances=amount).standing is Agreement.WITHIN_TOLERANCE
    assert looked(106, before=AGREED, tolerances=amount).standing is Agreement.DIFFERS
    # Of nothing there is no share.
    assert looked(1, Should(), before=AGREED, tolerances=share).standing is Agreement.DIFFERS


def test_it_is_compared_once_a_day_by_the_clock_and_soon_again_while_something_is_open() -> None:
    berlin, three = zone_named("Europe/Berlin"), time(3)
    morning = datetime(2026, 10, 25, 3, tzinfo=berlin)  # of a day of 25 hours
    began = morning - timedelta(days=3)

    def due(last: datetime | None, now: datetime, *, is_settled: bool = True) -> timedelta:
        found = next_comparison_at(berlin, three, last, began, now, is_settled=is_settled)
        return found.astimezone(UTC) - now.astimezone(UTC)

    day_before = datetime(2026, 10, 24, 3, tzinfo=berlin)
    assert due(day_before, morning - timedelta(seconds=1)) == timedelta(hours=1, seconds=1)
    assert due(day_before, morning) == timedelta(0)
    assert due(morning, morning) == timedelta(hours=24)
    assert due(morning, morning, is_settled=False) == timedelta(minutes=10)
    # One that was never compared waits for the first time of day after the start.
    assert next_comparison_at(berlin, three, None, morning, morning, is_settled=True) == morning + timedelta(days=1)
    assert due(None, morning) == timedelta(0)


@pytest.mark.parametrize(
    ("held", "noted", "doubt"),
    [
        ("60", "-40", None),
        ("60", "-30", None),
        ("60", "-400", "holds 60 ETH-USDT, and the books would differ by 360 then, where they differ by -40 now"),
        ("60", "40", "differ by -80 then"),
        ("100", "-5", "differ by 5 then, where they differ by 0 now"),
        ("100", "5", "differ by -5 then"),
        ("1000000", "900000", None),
        ("1000000", "9000000000", "differ by -"),
    ],
)
def test_what_leaves_a_wallet_and_the_books_further_apart_takes_a_second_look(
    held: str, noted: str, doubt: str | None
) -> None:
    last = looked(held, before=AGREED)
    said = movement_doubt(OF, last, Should(Decimal(100)), Decimal(noted))
    assert said is None if doubt is None else doubt in str(said)


def test_where_nobody_knows_what_a_wallet_holds_only_more_than_it_ever_held_is_doubted() -> None:
    for last in (None, looked(DOWN)):
        assert movement_doubt(OF, last, Should(Decimal(100), arriving=Decimal(5)), Decimal(-105)) is None
        assert movement_doubt(OF, last, Should(Decimal(100)), Decimal(1)) is None
        said = movement_doubt(OF, last, Should(Decimal(100)), Decimal(-101))
        assert said == "by the books the wallet has held 100 ETH-USDT at most"


def test_what_is_within_the_tolerance_is_not_doubted() -> None:
    last = looked(100, tolerances=Tolerances(Decimal(1), {}))
    assert movement_doubt(OF, last, Should(Decimal(100)), Decimal("-0.9")) is None
