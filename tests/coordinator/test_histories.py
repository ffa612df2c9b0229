"""Whether the journal that is found is the one that was left: by what it lies on, and by how far it was."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.histories import (
    BackupGround,
    Beginning,
    FileGround,
    Ground,
    Judgement,
    Mark,
    Reach,
    ServerGround,
    StoredHistory,
    judge,
)

NOW = datetime(2026, 5, 1, tzinfo=UTC)
FILE = FileGround(device=1, inode=2, born_at_ns=3)
SERVER = ServerGround(system="7", timeline=1, database=16385, table=16390)
FAR = Reach(events=10, observations=7, payout_observations=3, actions=2, commits=30, last_event_at=NOW)


def stored(ground: Ground | None = FILE, reach: Reach = FAR, **changes: object) -> StoredHistory:
    return StoredHistory(**{"epoch": "e2", "accounted_epochs": {"e1"}, "ground": ground, "reach": reach, **changes})  # type: ignore[arg-type]


def beginning(judgement: Judgement | None) -> Beginning | None:
    return None if judgement is None else judgement.beginning


@pytest.mark.parametrize(
    ("was", "found", "expected"),
    [
        (FILE, FILE, None),
        (None, FILE, None),  # of a journal that an older bridge wrote
        (FILE, FILE.model_copy(update={"inode": 9}), Beginning.COPIED),
        (FILE, FILE.model_copy(update={"device": 9}), Beginning.COPIED),
        (FILE, FILE.model_copy(update={"born_at_ns": 9}), Beginning.COPIED),  # its inode was given again
        (FILE, FILE.model_copy(update={"born_at_ns": None}), None),
        (FILE, SERVER, Beginning.COPIED),
        (SERVER, SERVER, None),
        (SERVER, SERVER.model_copy(update={"system": "8"}), Beginning.COPIED),
        (SERVER, SERVER.model_copy(update={"system": "8", "timeline": 2}), Beginning.COPIED),
        (SERVER, SERVER.model_copy(update={"database": 16400}), Beginning.COPIED),
        (SERVER, SERVER.model_copy(update={"table": 16400}), Beginning.COPIED),
        (SERVER, SERVER.model_copy(update={"timeline": 2}), Beginning.PROMOTED),
        (SERVER, SERVER.model_copy(update={"timeline": None}), None),
        (SERVER, SERVER.model_copy(update={"system": None}), None),
        (SERVER.model_copy(update={"system": None}), SERVER, None),
        (BackupGround(taken_at=NOW), FILE, Beginning.RESTORED),
        (BackupGround(taken_at=NOW), SERVER, Beginning.RESTORED),
    ],
)
def test_another_ground_begins_another_history(was: Ground | None, found: Ground, expected: Beginning | None) -> None:
    assert beginning(judge(stored(was), found, None)) is expected


def test_a_journal_without_a_history_begins_one_whatever_was_noted_before() -> None:
    assert judge(None, FILE, Mark(epoch="e9", reach=FAR)) == Judgement(Beginning.NEW, ())


@given(st.sampled_from(["events", "observations", "payout_observations", "actions", "commits"]), st.integers(1, 5))
def test_a_journal_that_is_behind_its_mark_in_anything_was_rewound(what: str, more: int) -> None:
    ahead = FAR.model_copy(update={what: getattr(FAR, what) + more})
    judgement = judge(stored(), FILE, Mark(epoch="e2", reach=ahead))
    assert judgement is not None
    assert (judgement.beginning, len(judgement.evidence)) == (Beginning.REWOUND, 1)
    assert f"has {getattr(FAR, what)}" in judgement.evidence[0]


@given(*[st.integers(0, FAR.commits)] * 5)
def test_a_mark_that_lags_says_nothing(
    events: int, observations: int, payouts: int, actions: int, commits: int
) -> None:
    lagging = Reach(
        events=min(events, FAR.events),
        observations=min(observations, FAR.observations),
        payout_observations=min(payouts, FAR.payout_observations),
        actions=min(actions, FAR.actions),
        commits=min(commits, FAR.commits),
    )
    assert judge(stored(), FILE, Mark(epoch="e2", reach=lagging)) is None


def test_a_journal_that_went_another_way_and_further_was_rewound() -> None:
    mark = Mark(epoch="e2", reach=FAR.model_copy(update={"events": 4, "last_event_at": NOW}))
    same = stored(marked_event_at=NOW)
    another = stored(marked_event_at=NOW + timedelta(microseconds=1))
    assert judge(same, FILE, mark) is None
    assert beginning(judge(another, FILE, mark)) is Beginning.REWOUND
    assert judge(stored(marked_event_at=None), FILE, mark) is None  # it is not kept any more


def test_a_mark_of_an_epoch_that_the_journal_does_not_know_was_written_after_it() -> None:
    assert beginning(judge(stored(), FILE, Mark(epoch="e3", reach=Reach()))) is Beginning.REWOUND


def test_a_mark_of_an_earlier_epoch_says_nothing_about_this_one() -> None:
    further = FAR.model_copy(update={"events": 1_000})
    assert judge(stored(), FILE, Mark(epoch="e1", reach=further)) is None


def test_all_that_shows_it_is_told_and_what_says_most_names_it() -> None:
    further = Mark(epoch="e2", reach=FAR.model_copy(update={"events": 11}))
    copied = FILE.model_copy(update={"inode": 9})
    promoted = SERVER.model_copy(update={"timeline": 2})
    for was, found, expected in (
        (FILE, copied, Beginning.REWOUND),
        (SERVER, promoted, Beginning.PROMOTED),
        (BackupGround(taken_at=NOW), FILE, Beginning.RESTORED),
    ):
        judgement = judge(stored(was), found, further)
        assert judgement is not None
        assert (judgement.beginning, len(judgement.evidence)) == (expected, 2)
