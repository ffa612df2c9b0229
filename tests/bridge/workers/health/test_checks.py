"""The checks of readiness: what each says, that none keeps anybody waiting, and that many who ask cost as one."""

import asyncio
import gc
import os
import resource
from collections import namedtuple
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from bridge.cli.doctor import disk_findings
from bridge.workers.health import checks
from bridge.workers.health.checks import DegradedError, LoopLag, Shared, check_descriptors, check_disk
from bridge.workers.health.disk_figures import measure_disk
from coordinator.errors import BridgeError
from tests.clock import pass_seconds

Usage = namedtuple("Usage", "free")


async def test_many_who_ask_at_once_are_answered_by_one_check() -> None:
    asked = 0

    async def check() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return f"the {asked}."

    shared = Shared(check)
    assert await asyncio.gather(*(shared() for _ in range(50))) == ["the 1."] * 50
    assert await shared() == "the 1."


async def test_an_answer_is_old_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["the first", "the second"])

    async def check() -> str:
        return next(answers)

    shared = Shared(check)
    assert await shared() == "the first"
    monkeypatch.setattr(checks, "SHARED_SECONDS", 0.0)
    assert await shared() == "the second"


@pytest.mark.parametrize(("is_needed", "kind"), [(True, BridgeError), (False, DegradedError)])
async def test_a_check_that_hangs_is_no_answer_and_is_not_begun_again(
    *, is_needed: bool, kind: type[BridgeError]
) -> None:
    begun, end = 0, asyncio.Event()

    async def check() -> str:
        nonlocal begun
        begun += 1
        await end.wait()
        return "after all"

    shared = Shared(check, is_needed=is_needed)
    for _ in range(3):
        asking = asyncio.create_task(shared())
        await pass_seconds(checks.CHECK_SECONDS)
        with pytest.raises(kind, match="no answer within 5 s") as raised:
            await asking
        assert isinstance(raised.value, DegradedError) is not is_needed
    assert begun == 1
    end.set()
    assert await shared() == "after all"


async def test_what_a_check_raises_is_raised_for_all_who_ask() -> None:
    async def check() -> None:
        raise DegradedError("slow")

    shared = Shared(check)
    for _ in range(2):
        with pytest.raises(DegradedError, match="slow"):
            await shared()


async def test_descriptors_that_are_used_up_are_noticed_and_none_is_kept() -> None:
    await check_descriptors()
    _, most = before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as opened:
        lowest = os.dup(0)
        opened.callback(os.close, lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + checks.DESCRIPTORS_NEEDED // 2, most))
        opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        for _ in range(3):
            with pytest.raises(BridgeError, match="file descriptors are left"):
                await check_descriptors()
    await check_descriptors()


@pytest.mark.parametrize(
    ("free", "kind"), [(10**12, None), (10**8, DegradedError), (checks.LEAST_SPACE_BYTES - 1, BridgeError)]
)
async def test_a_disk_without_room_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, kind: type[BridgeError] | None
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: Usage(free))
    if kind is None:
        await check_disk(tmp_path)
        return
    with pytest.raises(kind, match="MB are free") as raised:
        await check_disk(tmp_path)
    assert type(raised.value) is kind


@pytest.mark.parametrize(
    ("free", "levels"),
    [
        (checks.AMPLE_SPACE_BYTES, []),
        (checks.AMPLE_SPACE_BYTES - 1, ["warning"]),
        (checks.LEAST_SPACE_BYTES - 1, ["error"]),
    ],
)
def test_the_doctor_says_of_a_disk_what_readiness_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, levels: list[str]
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: Usage(free))
    assert [finding.level for finding in disk_findings(tmp_path)] == levels


async def test_a_loop_that_stood_still_is_said_for_a_while() -> None:
    now = 100.0
    lag = LoopLag(lambda: now)
    for seconds, kind in ((0.2, None), (1.5, DegradedError), (6.0, BridgeError)):
        lag.add(seconds)
        if kind is None:
            await lag.check()
            continue
        with pytest.raises(kind, match=f"was blocked for {seconds:g}") as raised:
            await lag.check()
        assert type(raised.value) is kind
    now += checks.LAG_REMEMBERED_SECONDS + 1
    lag.add(0.0)
    await lag.check()


async def test_one_that_fails_too_late_is_asked_anew_and_said_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    end = asyncio.Event()

    async def check() -> None:
        await end.wait()
        raise ValueError("at last")

    shared = Shared(check)
    asking = asyncio.create_task(shared())
    await pass_seconds(checks.CHECK_SECONDS)
    with pytest.raises(BridgeError):
        await asking
    end.set()
    with pytest.raises(ValueError, match="at last"):
        await shared()
    del shared, asking
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_the_room_on_a_disk_is_a_figure_where_the_journal_is_a_file_and_none_elsewhere(tmp_path: Path) -> None:
    async def figure(folder: Path | None) -> float | None:
        await measure_disk(folder)
        return REGISTRY.get_sample_value("bridge_journal_disk_free_bytes")

    assert (await figure(tmp_path) or 0) > 0
    assert await figure(tmp_path / "gone") is None
    assert await figure(None) is None
