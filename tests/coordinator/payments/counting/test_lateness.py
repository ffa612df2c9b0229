"""Lateness: whatever zone a gateway's dates are read in, what it told of as soon as usual is late or in time as it
was, or doubted; and a doubt reaches a person."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.counting.lateness import Lateness
from coordinator.payments.observed.observations import DeadlinePassed, Observation, PaymentAccepted, Standing
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, problems_of
from tests.coordinator.agreed import DEADLINE, NOW, PAYMENT, looked_up, notice, play, transfer
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


ENDS = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))


@given(
    date=st.datetimes(timezones=st.just(UTC)) | st.sampled_from(ENDS),
    delay=st.integers(-60, 600),
    zone=zones,
)
def test_no_date_is_too_far_away_to_be_judged(date: datetime, delay: int, zone: timedelta) -> None:
    told_at = DEADLINE + delay * MINUTE
    payment = told(date, told_at, timedelta(0), zone)
    assert payment.status == "completed"
    if told_at <= DEADLINE:
        assert payment.lateness is Lateness.IN_TIME
    elif not NOW - 15 * HOUR <= date <= told_at + 15 * HOUR:
        assert payment.late
    assert (payment.lateness is Lateness.DOUBTED) is bool(problems_of(payment))


def test_a_date_that_cannot_be_right_is_not_known_and_a_person_is_told() -> None:
    for date in ENDS:
        said = notice(Standing.PAID, transfer("t1", 100, occurred_at=date))
        payment, _ = play((said, DEADLINE + MINUTE))
        assert (payment.lateness, payment.counted[0].occurred_at) == (Lateness.DOUBTED, None)
        [problem] = problems_of(payment)
        assert f"its date, {date.isoformat(' ', 'minutes')[:16]} UTC, cannot be right" in problem.detail
        # Told again with a date that can be, in whichever order.
        right = (notice(Standing.PAID, transfer("t1", 100, occurred_at=DEADLINE - MINUTE)), DEADLINE + 2 * MINUTE)
        for order in ((right, (said, DEADLINE + MINUTE)), ((said, DEADLINE + MINUTE), right)):
            assert play(*order)[0].lateness is Lateness.IN_TIME


def asked_past_the_deadline(*told: tuple[Observation, datetime]) -> Payment:
    passed = DeadlinePassed(deadline=DEADLINE, asked_at=DEADLINE + MINUTE)
    return play((passed, DEADLINE + MINUTE), *told)[0]


def test_what_was_not_listed_past_the_deadline_is_in_doubt_by_a_date_before_it() -> None:
    said = notice(Standing.PAID, transfer("t1", 100, occurred_at=DEADLINE - MINUTE))
    payment = asked_past_the_deadline((said, DEADLINE + 5 * MINUTE))
    assert (payment.status, payment.lateness) == ("completed", Lateness.DOUBTED)
    [problem] = problems_of(payment)
    assert (problem.kind, "did not list it" in problem.detail) == (ProblemKind.LATENESS_DOUBTED, True)
    # By a date after it there is nothing to doubt; what came while it was asked was not to be listed yet.
    late = notice(Standing.PAID, transfer("t1", 100, occurred_at=DEADLINE + 2 * MINUTE))
    assert asked_past_the_deadline((late, DEADLINE + 5 * MINUTE)).lateness is Lateness.LATE
    assert asked_past_the_deadline((said, DEADLINE + MINUTE)).lateness is Lateness.IN_TIME
    # Who was not asked has omitted nothing.
    unasked = play((DeadlinePassed(deadline=DEADLINE), DEADLINE), (said, DEADLINE + 5 * MINUTE))[0]
    assert unasked.lateness is Lateness.IN_TIME


def test_what_was_listed_past_the_deadline_is_not_in_doubt() -> None:
    half = transfer("t1", 50, occurred_at=DEADLINE - MINUTE)
    listed = (looked_up(Standing.PARTIAL, half), DEADLINE + MINUTE)
    told_of = (notice(Standing.PARTIAL, half), DEADLINE + 5 * MINUTE)
    assert asked_past_the_deadline(listed, told_of).lateness is Lateness.IN_TIME
    rest = transfer("t2", 50, occurred_at=DEADLINE - MINUTE)
    both = (notice(Standing.PAID, half, rest), DEADLINE + 6 * MINUTE)
    assert asked_past_the_deadline(listed, told_of, both).lateness is Lateness.DOUBTED
