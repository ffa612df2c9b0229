"""Zone proof: a doubt about the zone of one date is settled by notices before and after it, in any zone, through any
outage and any change of zone; and what is settled was as it is judged then."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.counting.date_zones import Dated
from coordinator.payments.counting.lateness import Lateness, LatenessDoubt, doubted_transfers, zones_settling
from coordinator.payments.observed.observations import Observation, Standing
from coordinator.payments.observed.zones_ruled_out import ZonesRuledOut
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import problems_of
from tests.coordinator.agreed import DEADLINE, PAYMENT, notice, play, transfer
from tests.coordinator.payments.counting.test_date_zones import HOUR, MINUTE, WORLD

OPENED = PAYMENT.model_copy(
    update={"external_id": PAYMENT.payment_id, "facts": PAYMENT.facts.model_copy(update={"given": {"0xa"}})}
)
Zone = Callable[[datetime], timedelta]
zones = st.sampled_from(WORLD)


class Sale(NamedTuple):
    """A transfer to another payment."""

    came_at: datetime
    told_at: datetime
    opened_at: datetime

    def dated(self, zone: Zone) -> Dated:
        return Dated(self.told_at, self.came_at + zone(self.came_at), self.opened_at)


def told(came_at: datetime, told_at: datetime, zone: Zone, read: timedelta) -> Payment:
    """The payment after its gateway has told of its money, whose dates are read in some zone."""
    booked = transfer("t1", 100, occurred_at=came_at + zone(came_at))
    said = notice(Standing.PAID, booked, address="0xa", dates_ahead_seconds=int(read.total_seconds()))
    return play((said, told_at), payment=OPENED)[0]


def settled(payment: Payment, others: Sequence[Dated]) -> tuple[Payment, list[Observation]]:
    """The payment after others have shown what they show, and what that was."""
    doubted = doubted_transfers(payment.facts, DEADLINE, payment.created_at, is_opened_here=True)
    found: list[Observation] = []
    for one, doubt in doubted:
        if doubt is LatenessDoubt.ZONE:
            shown = zones_settling(one, DEADLINE, payment.created_at, others, is_opened_here=True)
            found += [] if shown is None else [shown]
    return play(*found, payment=payment)[0], found


def always(zone: timedelta) -> Zone:
    return lambda _: zone


def changing(before: timedelta, after: timedelta, at: datetime) -> Zone:
    return lambda moment: before if moment < at else after


def prompt(*minutes: int, since: datetime) -> list[Sale]:
    """Sales that are told of at once, so many minutes after a moment, each opened shortly before it was paid."""
    moments = [since + one * MINUTE for one in minutes]
    return [Sale(at, at + MINUTE, at - 2 * MINUTE) for at in moments]


BEFORE, AFTER = prompt(-90, -60, -30, since=DEADLINE), (10, 20, 30)

# How long an outage holds back a notice, so that it would be prompt in some zone behind.
gaps = st.sampled_from([-one for one in WORLD if one < timedelta(0)])


@given(zone=zones, gap=gaps, in_time=st.integers(0, 60), late=st.integers(0, 9), delays=st.integers(0, 8))
def test_a_doubt_after_an_outage_is_settled_by_what_is_told_soon_after_it(
    zone: timedelta, gap: timedelta, in_time: int, late: int, delays: int
) -> None:
    came_at = DEADLINE - min(in_time * MINUTE, gap - MINUTE, 55 * MINUTE)
    told_at = came_at + gap + late * MINUTE
    payment = told(came_at, told_at, always(zone), zone)
    before = prompt(-90, -70, -60, since=DEADLINE)
    after = prompt(20, 30, 40, since=told_at)
    # What was held back with it shows nothing.
    others = [one._replace(told_at=one.told_at + delays * MINUTE) for one in [*before, *after]]
    others.append(Sale(came_at, told_at + MINUTE, came_at - 3 * MINUTE))
    after_all, found = settled(payment, [one.dated(always(zone)) for one in others])
    if payment.lateness is Lateness.DOUBTED:
        assert (after_all.lateness, problems_of(after_all), len(found)) == (Lateness.IN_TIME, (), 1)
    # Without those after it nothing is settled, nor without those before.
    for some in (before, after):
        assert not settled(payment, [one.dated(always(zone)) for one in some])[1]


def test_an_hour_without_a_connection_is_forgiven() -> None:
    came_at = DEADLINE - 10 * MINUTE
    payment = told(came_at, came_at + HOUR, always(timedelta(0)), timedelta(0))
    assert payment.lateness is Lateness.DOUBTED
    others = [*BEFORE, *prompt(*AFTER, since=came_at + HOUR)]
    cleared, found = settled(payment, [one.dated(always(timedelta(0))) for one in others])
    assert (cleared.lateness, cleared.late, cleared.status) == (Lateness.IN_TIME, False, "completed")
    # It is as it is in whatever order, and says nothing of another date.
    assert play(*found, *found, payment=payment)[0] == cleared
    [shown] = found
    assert isinstance(shown, ZonesRuledOut)
    assert shown.date == came_at
    elsewhere = shown.model_copy(update={"date": came_at + MINUTE})
    assert play(elsewhere, payment=payment)[0].lateness is Lateness.DOUBTED


minutes = st.integers(-300, 300)
sales = st.lists(
    st.tuples(minutes, st.integers(0, 9) | st.integers(0, 180), st.integers(1, 60)).map(
        lambda drawn: Sale(
            DEADLINE + drawn[0] * MINUTE,
            DEADLINE + (drawn[0] + drawn[1]) * MINUTE,
            DEADLINE + (drawn[0] - drawn[2]) * MINUTE,
        )
    ),
    max_size=10,
)


@given(
    first=zones,
    second=zones,
    changed=st.integers(-90, 90) | minutes,
    came=st.integers(-59, 90),
    delay=st.builds(lambda gap, late: int(gap / MINUTE) + late, gaps | st.just(timedelta(0)), st.integers(0, 9)),
    reads_second=st.booleans(),
    before=st.lists(st.integers(-400, -5), min_size=2, max_size=6),
    after=st.lists(st.integers(0, 300), min_size=2, max_size=6),
    more=sales,
)
def test_what_is_settled_was_as_it_is_judged_whenever_the_zone_changed(
    first: timedelta,
    second: timedelta,
    changed: int,
    came: int,
    delay: int,
    reads_second: bool,
    before: list[int],
    after: list[int],
    more: list[Sale],
) -> None:
    zone = changing(first, second, DEADLINE + changed * MINUTE)
    came_at = DEADLINE + came * MINUTE
    told_at = came_at + delay * MINUTE
    payment = told(came_at, told_at, zone, second if reads_second else first)
    if payment.lateness is not Lateness.DOUBTED:
        return
    others = [*prompt(*before, since=came_at), *prompt(*after, since=told_at), *more]
    after_all, _ = settled(payment, [one.dated(zone) for one in others])
    truth = Lateness.LATE if came_at > DEADLINE else Lateness.IN_TIME
    assert after_all.lateness in (Lateness.DOUBTED, truth)


def test_a_zone_that_was_changed_for_good_settles_no_doubt() -> None:
    # The clocks went back, and half an hour after the deadline came what is dated before it.
    came_at = DEADLINE + 30 * MINUTE
    others = [*BEFORE, *prompt(*AFTER, since=came_at)]
    for zone in (changing(timedelta(0), -HOUR, DEADLINE), changing(-HOUR, timedelta(0), came_at + MINUTE)):
        payment = told(came_at, came_at + MINUTE, zone, timedelta(0))
        assert payment.lateness is Lateness.DOUBTED
        assert not settled(payment, [one.dated(zone) for one in others])[1]


def test_a_zone_that_was_changed_for_a_while_settles_no_doubt() -> None:
    came_at = DEADLINE + 30 * MINUTE

    def zone(moment: datetime) -> timedelta:
        return -HOUR if DEADLINE <= moment < came_at + 25 * MINUTE else timedelta(0)

    payment = told(came_at, came_at + MINUTE, zone, timedelta(0))
    meanwhile = prompt(20, since=came_at)
    others = [*BEFORE, *meanwhile, *prompt(30, 40, 50, since=came_at)]
    assert payment.lateness is Lateness.DOUBTED
    assert not settled(payment, [one.dated(zone) for one in others])[1]


def test_what_was_held_back_from_before_a_change_of_zone_settles_no_doubt() -> None:
    came_at = DEADLINE + 30 * MINUTE
    zone = changing(timedelta(0), -HOUR, DEADLINE)
    payment = told(came_at, came_at + MINUTE, zone, timedelta(0))
    held_back = [
        Sale(DEADLINE - 5 * MINUTE, came_at + number * MINUTE, DEADLINE - 20 * MINUTE) for number in (2, 3, 4)
    ]
    assert payment.lateness is Lateness.DOUBTED
    assert not settled(payment, [one.dated(zone) for one in [*BEFORE, *held_back]])[1]


shown = st.tuples(
    st.sampled_from(["t1", "t2"]),
    st.sampled_from([DEADLINE, DEADLINE - HOUR]),
    st.sets(st.sampled_from([-7200, -3600, 3600])).map(lambda some: tuple(sorted(some))),
).map(lambda drawn: ZonesRuledOut(transfer_key=drawn[0], date=drawn[1], ahead_seconds=drawn[2]))


@given(st.lists(shown, max_size=6).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some * 2))))
def test_what_is_shown_only_grows_in_whatever_order(
    told_twice: tuple[list[ZonesRuledOut], list[ZonesRuledOut]],
) -> None:
    once, twice = told_twice
    assert play(*once)[0] == play(*twice)[0]
    for one in once:
        assert play(one, payment=play(*once)[0])[0] == play(*once)[0]
