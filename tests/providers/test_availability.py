"""Availability: whatever fails for its own sake keeps nobody else back, and who answers nobody is hardly asked."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from providers.availability import Availability, AvailabilityLimits, Turn

LIMITS = AvailabilityLimits(failures=5, open_seconds=5.0)
TRIES = 3


@dataclass
class Neighbour:
    """One that is asked as the circuits ask: a question is tried, and then the harmless one is put."""

    availability: Availability = field(default_factory=Availability)
    now: float = 0.0
    is_there: bool = True
    requests: list[float] = field(default_factory=list)

    def ask(self, *, is_bad: bool) -> bool | None:
        """Returns whether it was answered; None if it was not put."""
        turn = self.availability.turn(self.now)
        if turn is Turn.LEAVE:
            return None
        if turn is Turn.FIND_OUT:
            self.availability = self.availability.finding_out(self.now, LIMITS)
        before = self.availability.answers
        for _ in range(TRIES):
            self.requests.append(self.now)
            if self.is_there and not is_bad:
                self.availability = self.availability.answered()
                return True
            self.availability = self.availability.failed("no answer")
            if self.availability.is_doubted(LIMITS):
                break
        self.requests.append(self.now)
        if self.is_there:
            self.availability = self.availability.answered()
        else:
            self.availability = self.availability.missed(before, self.now, LIMITS)
        assert self.availability.blames_question(before) == self.is_there
        return False


QUESTIONS = st.lists(st.tuples(st.booleans(), st.floats(0, 20)), max_size=60)


@given(QUESTIONS)
def test_as_long_as_the_harmless_question_is_answered_nobody_is_kept_back(
    questions: list[tuple[bool, float]],
) -> None:
    neighbour = Neighbour()
    for is_bad, pause in questions:
        neighbour.now += pause
        assert neighbour.ask(is_bad=is_bad) is not is_bad


@given(QUESTIONS)
def test_who_answers_nobody_is_asked_a_few_times_and_then_hardly_ever(questions: list[tuple[bool, float]]) -> None:
    neighbour = Neighbour(is_there=False)
    for is_bad, pause in questions:
        neighbour.now += pause
        neighbour.ask(is_bad=is_bad)
    # Two questions at first, with the harmless one after each; from then on one at a time, with the harmless one.
    later = neighbour.requests[LIMITS.failures + 1 :]
    assert all(after - at >= LIMITS.open_seconds for at, after in zip(later[::2], later[2::2], strict=False))


@given(QUESTIONS, st.lists(st.booleans(), max_size=10), QUESTIONS)
def test_who_is_back_is_asked_again_within_a_bound_whoever_comes_first(
    before: list[tuple[bool, float]], first: list[bool], after: list[tuple[bool, float]]
) -> None:
    neighbour = Neighbour(is_there=False)
    for is_bad, pause in before:
        neighbour.now += pause
        neighbour.ask(is_bad=is_bad)
    neighbour.is_there = True
    neighbour.now += LIMITS.open_seconds
    for is_bad in [*first, *(is_bad for is_bad, _ in after)]:
        assert neighbour.ask(is_bad=is_bad) is not is_bad


def test_what_was_answered_meanwhile_clears_a_neighbour_that_was_slow_to_answer_one() -> None:
    availability = Availability()
    before = availability.answers
    availability = availability.answered().failed("too slow")
    assert availability.missed(before, 0.0, LIMITS) == availability


def test_only_one_finds_out_whether_who_was_away_is_back() -> None:
    availability = Availability(failures=4, reason="gone").missed(0, 100.0, LIMITS)
    assert [availability.turn(at) for at in (104.9, 105.0)] == [Turn.LEAVE, Turn.FIND_OUT]
    finding_out = availability.finding_out(105.0, LIMITS)
    assert finding_out.turn(105.0) is Turn.LEAVE
    assert finding_out.answered().turn(105.0) is Turn.ASK
