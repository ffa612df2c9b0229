"""What following a chain costs, measured past what fails."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.onchain import Cost, Sizes, benchmark, by_hand
from tests.anvil import Anvil, running_anvil

SIZES = Sizes(
    watched=(1, 2),
    blocks=2,
    transfers_per_block=2,
    catching_up=2,
    catch_up_blocks=3,
    by_hand=(1, 2),
    blocks_by_hand=2,
)


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    with running_anvil() as node:
        yield node


async def test_a_loop_by_hand_that_fails_is_said_to_have_failed_and_the_rest_goes_on(
    anvil: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fails_at_first(anvil: Anvil, token: str, watched: int, blocks: int) -> Cost:
        if watched == 1:
            raise ValueError("a receipt of a block\nthat is not there yet")
        return await by_hand(anvil, token, watched, blocks)

    assert await benchmark(anvil, tmp_path, SIZES, fails_at_first) == 0
    printed = capsys.readouterr().out
    why = "a receipt of a block that is not there yet"
    assert re.search(rf"a receipt for each, by hand +1 failed: {why}", printed)
    assert re.search(r"a receipt for each, by hand +2 +3\.0 +[\d.]+", printed)
    assert "3 blocks of absence" in printed
    assert printed.count("no ratio: one of them failed") == 1
    assert re.search(r"2 payments to 1 questions 1\.0000x, 1\.0000 to 1\.0000", printed)
    assert printed.endswith(
        f"Failed, and left out of the medians:\n    a receipt for each, by hand, run 1, 1 payments: {why}\n"
    )


async def test_a_bridge_that_cannot_follow_fails_the_benchmark_and_the_loop_by_hand_is_measured_all_the_same(
    anvil: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    no_folder = tmp_path / "a file"
    no_folder.touch()
    assert await benchmark(anvil, no_folder, SIZES) == 1
    printed = capsys.readouterr().out
    assert len(re.findall(r"the bridge +\d failed: ", printed)) == 2
    assert len(re.findall(r"a receipt for each, by hand +\d +\d\.0 +[\d.]+", printed)) == 2
    assert printed.endswith("The bridge failed itself, and so this benchmark did.\n")
