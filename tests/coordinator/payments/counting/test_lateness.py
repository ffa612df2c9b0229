"""Lateness: whatever zone a gateway's dates are read in, what it told of as soon as usual is late or in time as it
was, or doubted; and a doubt reaches a person."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.counting.lateness import Lateness
from coordinator.payments.observed.observations import PaymentAccepted, Standing
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, problems_of
from tests.coordinator.agreed import DEADLINE, NOW, PAYMENT, notice, play, transfer
from tests.coordinator.payments.counting.test_date_zones import HOUR, MINUTE, WORLD

zones = st.sampled_from(WORLD)


def told(came_at: datetime, told_at: datetime, zone: timedelta, read: timedelta = timedelta(0)) -> Payment:
    """A payment that was opened here, after its provider has told of its money."""
    opened = PAYMENT.model_copy(
        update={"external_id": PAYMENT.payment_id, "facts": PAYMENT.facts.model_copy(update={"given": {"0xa"}})}
    )
    booked = transfer("t1", 100, occurred_at=came_at + zone)
    said = notice(Standing.PAID, booked, address="0xa", dates_ahead_seconds=int(read.total_seconds()))
    return play((said, told_at), payment=opened)[0]


@given(
    zone=zones,
    read=zones,
    came=st.integers(0, 180).map(lambda minutes: NOW + minutes * MINUTE),
    delay=st.integers(0, 9).map(lambda minutes: minutes * MINUTE),
)
def test_what_is_told_soon_is_judged_as_it_was_or_doubted(
    zone: timedelta, read: timedelta, came: datetime, delay: timedelta
) -> None:
    found = told(came, came + delay, zone, read).lateness
    assert found in (Lateness.DOUBTED, Lateness.LATE if came > DEADLINE else Lateness.IN_TIME)
    if read == zone:
        assert found is not Lateness.DOUBTED


@given(zone=zones, came=st.integers(0, 180).map(lambda minutes: NOW + minutes * MINUTE), delay=st.integers(0, 600))
def test_what_is_told_late_is_judged_by_the_zone_that_it_is_read_in_or_doubted(
    zone: timedelta, came: datetime, delay: int
) -> None:
    found = told(came, came + delay * MINUTE, zone, zone).lateness
    assert found in (Lateness.DOUBTED, Lateness.LATE if came > DEADLINE else Lateness.IN_TIME)


def test_the_first_notice_after_a_change_of_zone_is_doubted_and_a_person_decides() -> None:
    # It came half an hour late, and is dated in time: an hour behind, as the clocks went back.
    doubted = told(DEADLINE + 30 * MINUTE, DEADLINE + 31 * MINUTE, -HOUR)
    assert (doubted.status, doubted.late, doubted.lateness) == ("completed", True, Lateness.DOUBTED)
    [problem] = problems_of(doubted)
    assert (problem.kind, "in one zone and late in another" in problem.detail) == (ProblemKind.LATENESS_DOUBTED, True)
    # Ahead of its arrival there is nothing to doubt, whatever the zone was before.
    for came, is_late in ((DEADLINE - 5 * MINUTE, Lateness.IN_TIME), (DEADLINE + 5 * MINUTE, Lateness.LATE)):
        assert told(came, came + 9 * MINUTE, 2 * HOUR).lateness is is_late
    # What a person has taken as paid is in doubt for nobody.
    accepted, _ = play((PaymentAccepted(by="Ada", note="it came in time"), DEADLINE + HOUR), payment=doubted)
    assert problems_of(accepted) == ()


def test_a_date_that_is_ahead_of_its_arrival_in_every_zone_is_no_evidence() -> None:
    # The gateway's clock is a quarter of an hour fast.
    assert told(DEADLINE + 2 * MINUTE, DEADLINE + 3 * MINUTE, 15 * MINUTE).lateness is Lateness.LATE


def test_what_was_told_in_time_came_in_time() -> None:
    for zone in WORLD:
        payment = told(DEADLINE - MINUTE, DEADLINE, zone)
        assert (payment.late, problems_of(payment)) == (False, ())
