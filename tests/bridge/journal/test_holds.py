"""Holds of payouts in the journal, in both kinds of database: which end, whatever is committed meanwhile, and what a
restored journal lacks of what people decided."""

import asyncio
from pathlib import Path

import pytest

from bridge.journal import IdempotencyKey, IdempotencyKeyReusedError, Journal
from bridge.journal.maintenance import declare_restored
from coordinator.histories import Beginning
from coordinator.payouts.comparisons import Comparison
from coordinator.payouts.holds import (
    OWN_HOLDS_LIMIT,
    THE_BRIDGE,
    ComparisonOpenError,
    HoldsExhaustedError,
    HoldsUnseenError,
    PayoutHold,
    Resumption,
)
from tests.bridge.journal.conftest import NOW
from tests.clock import Clock
from tests.resuming import resumed


async def holds_of(journal: Journal) -> tuple[PayoutHold, ...]:
    return tuple(await journal.console.payout_holds())


def seeing(
    *holds: PayoutHold, by: str = "Bo", note: str | None = None, without_comparison: bool = False
) -> Resumption:
    seen = frozenset(hold.hold_id for hold in holds)
    return Resumption(by, note, seen, without_comparison=without_comparison)


def restored(url: str, mark: Path) -> str:
    return declare_restored(url, mark, "so it was", NOW)


async def test_a_repeat_of_an_old_resumption_ends_nothing_that_came_since(database_url: str, clock: Clock) -> None:
    journal = await Journal.open(database_url, clock)
    await journal.console.hold_payouts(by="Ada", note=None)
    key = IdempotencyKey("resumption", "k1", "digest")
    [first] = await holds_of(journal)
    old = seeing(first)
    done = await journal.console.resume_payouts(old, key)
    assert (list(done.ended), done.holds, done.is_repeat) == ([first.hold_id], (), False)
    await journal.console.hold_payouts(by="Ada", note=None)  # at the very same moment, by a clock that stands still
    [second] = await holds_of(journal)
    assert second.hold_id != first.hold_id
    again = await journal.console.resume_payouts(old, key)
    assert (list(again.ended), again.action, again.is_repeat) == ([first.hold_id], None, True)
    with pytest.raises(HoldsUnseenError):
        await journal.console.resume_payouts(old)
    with pytest.raises(IdempotencyKeyReusedError):
        await journal.console.resume_payouts(old, IdempotencyKey("resumption", "k1", "another"))
    assert await holds_of(journal) == (second,)
    await journal.close()


async def test_a_hold_is_kept_or_refused(database_url: str, clock: Clock) -> None:
    journal = await Journal.open(database_url, clock)
    for number in range(OWN_HOLDS_LIMIT):
        await journal.console.hold_payouts(by="Cy", note=f"reason {number}")
    with pytest.raises(HoldsExhaustedError, match="was not placed"):
        await journal.console.hold_payouts(by="Cy", note="one more")
    actions = await journal.console.actions(100)
    assert (len(await holds_of(journal)), len(actions)) == (OWN_HOLDS_LIMIT, OWN_HOLDS_LIMIT)
    await journal.console.hold_payouts(by="Di", note="the 21st")
    assert (await holds_of(journal))[-1].note == "the 21st"
    await journal.close()


async def test_a_resumption_ends_no_hold_that_is_committed_meanwhile(database_url: str, clock: Clock) -> None:
    """Of two bridges that share the journal, on PostgreSQL; of one otherwise."""
    is_shared = database_url.startswith("postgresql")
    here = await Journal.open(database_url, clock, is_shared=is_shared)
    there = await Journal.open(database_url, clock, is_shared=True) if is_shared else here
    for number in range(8):
        await here.console.hold_payouts(by="Ada", note=None)
        seen = await holds_of(here)
        said = f"strange payouts {number}"
        _, done = await asyncio.gather(
            there.console.hold_payouts(by="Cy", note=said),
            here.console.resume_payouts(seeing(*seen)),
            return_exceptions=True,
        )
        left = await holds_of(there)
        assert said in [hold.note for hold in left]
        # Either it came first, and nothing ended, or it came after.
        assert (len(left) == 2) == isinstance(done, HoldsUnseenError), done
        await resumed(here, by="Di")
    if there is not here:
        await there.close()
    await here.close()


async def test_what_a_comparison_finds_holds_payouts_though_a_person_has_resumed_meanwhile(
    tmp_path: Path, clock: Clock
) -> None:
    url, mark = f"sqlite:///{tmp_path / 'journal.db'}", tmp_path / "mark"
    await (await Journal.open(url, clock, mark_file=mark)).close()
    epoch = restored(url, mark)
    journal = await Journal.open(url, clock, mark_file=mark)
    await journal.console.hold_payouts(by="Ada", note="not so fast")
    of_ada, own = await holds_of(journal)
    assert (own.comparison, own.held_by) == ("open", THE_BRIDGE)
    done = await journal.console.resume_payouts(seeing(of_ada, own))
    assert (list(done.ended), done.holds) == ([of_ada.hold_id], (own,))
    assert done.action is not None
    assert done.action.outcome.endswith("(still held by the bridge)")
    with pytest.raises(ComparisonOpenError):
        await journal.console.resume_payouts(seeing(own))
    await journal.history.record_comparison(epoch, Comparison(at=NOW, differing=("something",)))
    [found] = await holds_of(journal)
    assert (found.comparison, "has found what differs" in (found.note or "")) == ("over", True)
    # Whoever saw it while the books were compared has not seen what was found.
    with pytest.raises(HoldsUnseenError):
        await journal.console.resume_payouts(seeing(own))
    assert list((await journal.console.resume_payouts(seeing(found))).ended) == [found.hold_id]
    assert await holds_of(journal) == ()
    await journal.close()


async def test_who_goes_on_without_the_comparison_says_so_on_record(tmp_path: Path, clock: Clock) -> None:
    url, mark = f"sqlite:///{tmp_path / 'journal.db'}", tmp_path / "mark"
    await (await Journal.open(url, clock, mark_file=mark)).close()
    epoch = restored(url, mark)
    journal = await Journal.open(url, clock, mark_file=mark)
    wanted = seeing(*await holds_of(journal), note="the provider is gone", without_comparison=True)
    action = (await journal.console.resume_payouts(wanted)).action
    assert action is not None
    assert action.outcome.startswith("payouts are sent again, without the comparison of the books: the provider")
    await journal.history.record_comparison(epoch, Comparison(at=NOW, differing=("something",)))
    assert await holds_of(journal) == ()
    await journal.close()


@pytest.mark.parametrize("lost", [0, 1, 3])
async def test_after_a_restore_the_bridge_holds_on_and_says_how_many_decisions_of_people_are_missing(
    tmp_path: Path, clock: Clock, lost: int
) -> None:
    file, mark = tmp_path / "journal.db", tmp_path / "elsewhere" / "mark"
    url = f"sqlite:///{file}"
    await (await Journal.open(url, clock, mark_file=mark)).close()
    backup = file.read_bytes()
    journal = await Journal.open(url, clock, mark_file=mark)
    for number in range(lost):
        await journal.console.hold_payouts(by="Ada", note=f"reason {number}")
    await journal.close()
    with file.open("r+b") as overwritten:
        overwritten.truncate()
        overwritten.write(backup)
    journal = await Journal.open(url, clock, mark_file=mark)
    [present, _] = await journal.history.all()
    assert (present.beginning, present.missing_decisions) == (Beginning.REWOUND, lost)
    await journal.history.record_comparison(present.epoch, Comparison(at=NOW))
    [hold] = await holds_of(journal)
    assert (hold.comparison, hold.missing_decisions) == ("over", lost)
    assert ("no decision" if lost == 0 else f"{lost} decision") in (hold.note or "")
    assert await resumed(journal, by="Bo") is not None
    assert await holds_of(journal) == ()
    await journal.close()


async def test_decisions_that_nobody_has_looked_at_are_missing_after_the_next_restore_too(
    tmp_path: Path, clock: Clock
) -> None:
    file, mark = tmp_path / "journal.db", tmp_path / "elsewhere" / "mark"
    url = f"sqlite:///{file}"
    await (await Journal.open(url, clock, mark_file=mark)).close()
    backup = file.read_bytes()
    journal = await Journal.open(url, clock, mark_file=mark)
    await journal.console.hold_payouts(by="Ada", note=None)
    await journal.close()
    with file.open("r+b") as overwritten:
        overwritten.truncate()
        overwritten.write(backup)
    await (await Journal.open(url, clock, mark_file=mark)).close()
    restored(url, mark)
    journal = await Journal.open(url, clock, mark_file=mark)
    assert (await journal.history.all())[0].missing_decisions == 1
    await journal.close()


async def test_where_no_mark_shows_anything_a_person_resumes(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    await (await Journal.open(url, clock)).close()
    epoch = restored(url, tmp_path / "no mark")
    journal = await Journal.open(url, clock)
    assert (await journal.history.all())[0].missing_decisions is None
    await journal.history.record_comparison(epoch, Comparison(at=NOW))
    [hold] = await holds_of(journal)
    assert "no mark shows whether decisions of people are missing" in (hold.note or "")
    await journal.close()
