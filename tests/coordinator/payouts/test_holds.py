"""Holds of payouts: nobody ends what they have not seen, what is another's, or what is still being compared."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.errors import BridgeError
from coordinator.payouts.holds import (
    HOLDS_LIMIT,
    OWN_HOLDS_LIMIT,
    THE_BRIDGE,
    ComparisonOpenError,
    HeldByOthersError,
    HoldsExhaustedError,
    HoldsUnseenError,
    PayoutHold,
    Resumption,
    is_said_already,
    reason_to_go_on_holding,
    require_room,
    which_end,
)

AT = datetime(2026, 5, 1, tzinfo=UTC)
OF_ADA = PayoutHold("hold_a", AT, "Ada", "strange payouts")
OF_SHOP = PayoutHold("hold_s", AT, "shop", "stocktaking", service="shop")
OF_DESK = PayoutHold("hold_d", AT, "desk", None, service="desk")
COMPARING = PayoutHold("hold_b", AT, THE_BRIDGE, "restored", epoch="e2", is_comparing=True)
COMPARED = replace(COMPARING, hold_id="hold_c", is_comparing=False, missing_decisions=2)


def by_person(*seen: PayoutHold, without_comparison: bool = False) -> Resumption:
    return Resumption("Bo", None, frozenset(one.hold_id for one in seen), without_comparison=without_comparison)


def by_service(*seen: PayoutHold) -> Resumption:
    return Resumption("shop", None, frozenset(one.hold_id for one in seen), service="shop")


def test_a_person_ends_the_holds_of_people_services_and_of_the_bridge_that_has_compared() -> None:
    holds = (OF_ADA, OF_SHOP, COMPARED)
    assert which_end(holds, by_person(*holds)).ended == holds


def test_the_bridge_holds_on_while_it_compares_unless_somebody_goes_on_without() -> None:
    holds = (OF_ADA, COMPARING)
    ending = which_end(holds, by_person(*holds))
    assert (ending.ended, ending.kept) == ((OF_ADA,), (COMPARING,))
    with pytest.raises(ComparisonOpenError, match="withoutComparison"):
        which_end([COMPARING], by_person(COMPARING))
    ending = which_end(holds, by_person(*holds, without_comparison=True))
    assert (ending.ended, ending.kept) == (holds, ())


def test_a_service_ends_what_it_placed_and_is_told_who_else_holds_them() -> None:
    ending = which_end((OF_ADA, OF_SHOP, OF_DESK), by_service(OF_ADA, OF_SHOP, OF_DESK))
    assert (ending.ended, ending.kept) == ((OF_SHOP,), (OF_ADA, OF_DESK))
    for other in (OF_ADA, OF_DESK, COMPARING, COMPARED, replace(OF_ADA, held_by="shop")):
        with pytest.raises(HeldByOthersError, match=other.held_by) as refused:
            which_end([other], by_service(other))
        assert refused.value.holds == (other,)


def test_what_was_not_seen_ends_nothing_and_is_named() -> None:
    with pytest.raises(HoldsUnseenError, match=r"stocktaking") as refused:
        which_end((OF_ADA, OF_SHOP), by_person(OF_ADA))
    assert refused.value.holds == (OF_SHOP,)
    # What it does not end need not have been seen.
    assert which_end((OF_ADA, COMPARING), by_person(OF_ADA)).ended == (OF_ADA,)
    assert which_end((OF_ADA, OF_SHOP), by_service(OF_SHOP)).ended == (OF_SHOP,)


def test_where_nothing_is_held_nothing_ends() -> None:
    for wanted in (by_person(OF_ADA), by_service(OF_SHOP)):
        assert which_end((), wanted).ended == ()


def test_the_same_reason_of_the_same_name_is_one_hold() -> None:
    assert is_said_already([OF_ADA], "Ada", None, "strange payouts")
    assert is_said_already([OF_ADA], "Ada", None, None)
    assert not is_said_already([OF_ADA], "Ada", None, "another")
    assert not is_said_already([OF_ADA], "Ada", "Ada", None)  # a service that is called so
    assert not is_said_already([COMPARING], THE_BRIDGE, None, None)


def test_a_hold_that_would_not_be_kept_is_refused() -> None:
    own = [replace(OF_ADA, hold_id=f"hold_{number}") for number in range(OWN_HOLDS_LIMIT)]
    require_room(own[1:], "Ada", None)
    with pytest.raises(HoldsExhaustedError, match=r"this hold was not placed: Ada has 20 already"):
        require_room(own, "Ada", None)
    require_room(own, "Bo", None)
    many = [replace(OF_ADA, hold_id=f"hold_{number}", held_by=f"p{number}") for number in range(HOLDS_LIMIT)]
    require_room([*many[1:], COMPARING], "Bo", None)
    with pytest.raises(HoldsExhaustedError, match=f"there are {HOLDS_LIMIT} already"):
        require_room(many, "Bo", None)


@pytest.mark.parametrize(
    ("missing", "agrees", "said"),
    [
        (
            0,
            True,
            "the journal was restored; the comparison of the books has found nothing that differs, and its mark shows"
            " that no decision of people is missing",
        ),
        (
            1,
            True,
            "the journal was restored; the comparison of the books has found nothing that differs, and its mark shows"
            " that 1 decision of people is missing",
        ),
        (
            None,
            False,
            "the journal was restored; the comparison of the books has found what differs, and no mark shows whether"
            " decisions of people are missing",
        ),
    ],
)
def test_the_bridge_holds_on_after_a_restore_and_says_what_was_found(
    missing: int | None, agrees: bool, said: str
) -> None:
    assert reason_to_go_on_holding("restored", missing, agrees=agrees) == said


PEOPLE, SERVICES = ("Ada", "Bo"), ("shop", "desk")
SEEN_BY = st.sampled_from([*PEOPLE, *SERVICES])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), SEEN_BY),
        st.tuples(st.just("look"), SEEN_BY),
        st.tuples(st.just("resume"), SEEN_BY, st.booleans()),
        st.tuples(st.just("restore"), st.sampled_from([None, 0, 2])),
        st.tuples(st.just("compare"), st.booleans()),
    ),
    max_size=25,
)


@given(steps=STEPS)
def test_in_whatever_order_no_hold_ends_but_by_who_may_and_has_seen_it(steps: list[tuple[str, object, bool]]) -> None:
    """Played by people, services and the bridge; what each has seen last is what they name."""
    holds: list[PayoutHold] = []
    seen: dict[object, frozenset[str]] = {}
    number = 0

    def place(hold: PayoutHold) -> None:
        nonlocal number
        number += 1
        holds.append(replace(hold, hold_id=f"hold_{number}"))

    for kind, what, *more in steps:
        before = list(holds)
        if kind == "hold":
            service = str(what) if what in SERVICES else None
            place(PayoutHold("", AT, str(what), None, service))
        elif kind == "look":
            seen[what] = frozenset(one.hold_id for one in holds)
        elif kind == "restore":
            holds[:] = [one for one in holds if one.epoch is None]
            missing = what if isinstance(what, int) else None
            place(replace(COMPARING, missing_decisions=missing))
        elif kind == "compare":
            for own in [one for one in holds if one.is_comparing]:
                holds.remove(own)
                place(replace(own, is_comparing=False))
        else:
            is_service, known = what in SERVICES, seen.get(what, frozenset())
            wanted = Resumption(
                str(what),
                None,
                known,
                service=str(what) if is_service else None,
                without_comparison=more[0] and not is_service,
            )
            try:
                ending = which_end(holds, wanted)
            except BridgeError:
                continue
            holds[:] = ending.kept
            gone = [one for one in before if one not in holds]
            assert sorted((*ending.ended, *ending.kept), key=before.index) == before
            assert all(one.hold_id in known for one in gone)
            assert not is_service or all(one.service == what for one in gone)
            assert wanted.without_comparison or not any(one.is_comparing for one in gone)
            # Once all is seen, a person leaves nothing but an open comparison.
            assert is_service or all(one.is_comparing for one in holds)
