"""What the head says of the last commits: never less than what was moved, however much that was."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.journal.writing.lately_moved import COMMITS_LIMIT, PAYMENTS_LIMIT, moved_since, with_commit

COMMITS = st.lists(
    st.none() | st.integers(0, PAYMENTS_LIMIT + 1).map(lambda count: [f"pay_{number}" for number in range(count)]),
    max_size=COMMITS_LIMIT + 3,
)


@given(COMMITS, st.data())
def test_what_was_moved_since_a_commit_is_said_in_full_or_not_at_all(
    commits: list[list[str] | None], data: st.DataObject
) -> None:
    """A commit of None is of a bridge that does not say what it moves."""
    said = None
    for number, moved in enumerate(commits, 1):
        said = said if moved is None else with_commit(said, number, moved)
    since = data.draw(st.integers(0, len(commits)))
    told = moved_since(said, since, len(commits))
    if told is not None:
        later = commits[since:]
        assert None not in later
        assert told == {payment_id for moved in later for payment_id in moved or ()}


def test_what_a_few_commits_moved_is_said() -> None:
    said = with_commit(with_commit(with_commit(None, 7, ["pay_1"]), 8, []), 9, ["pay_3", "pay_2"])
    assert moved_since(said, 7, 9) == frozenset({"pay_2", "pay_3"})
    assert moved_since(said, 9, 9) == frozenset()
    assert moved_since(said, 5, 9) is None


def test_more_than_a_row_can_hold_is_not_said() -> None:
    said = with_commit(None, 1, [f"pay_{number}" for number in range(PAYMENTS_LIMIT + 1)])
    assert said is None
    said = with_commit(said, 2, ["pay_1"])
    assert moved_since(said, 0, 2) is None
    assert moved_since(said, 1, 2) == frozenset({"pay_1"})
