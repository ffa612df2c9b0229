"""What the documentation names is there: every path, and every module by its name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documented import Block, blocks_in_all

ROOT = Path(__file__).parents[1]
FOLDERS = ("bridge", "coordinator", "providers", "tests", "benchmarks")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PATH = re.compile(r"`((?:bridge|coordinator|providers|tests|benchmarks|docs)/[\w./-]*)`")
MODULE = re.compile(r"`([a-z_]\w*\.py)`")


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)


@pytest.fixture(scope="module")
def modules() -> set[str]:
    folders = ("bridge", "coordinator", "providers", "tests", "benchmarks")
    return {
        path.name for folder in folders for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_and_module_that_is_named_is_there(page: Path, modules: set[str]) -> None:
    text = page.read_text(encoding="utf-8")
    built = ("bridge/console/dist",)
    paths = {path for path in PATH.findall(text) if not path.startswith(built)}
    assert {path for path in paths if not (ROOT / path).exists()} == set()
    assert set(MODULE.findall(text)) <= modules


def test_every_path_and_module_that_the_code_names_is_there(modules: set[str]) -> None:
    named = {(path, name) for path in sources() for name in MODULE.findall(path.read_text(encoding="utf-8"))}
    assert {(path, name) for path, name in named if name not in modules} == set()
    paths = {(path, name) for path in sources() for name in PATH.findall(path.read_text(encoding="utf-8"))}
    assert {(path, name) for path, name in paths if not (ROOT / name).exists()} == set()


REQUESTS = "tests/system/test_documented_requests.py"
SETTINGS = "tests/bridge/test_documented_settings.py"
OPERATIONS = "tests/system/test_operations.py"
# Which test runs what stands in a chapter, to the letter.
RUN_BY = {
    ("README.md", "Try it"): (REQUESTS, "tests/bridge/cli/test_cli_demo.py"),
    ("access.md", "Tokens of users"): (SETTINGS,),
    ("access.md", "Access, taken back"): (REQUESTS,),
    ("console.md", ""): ("tests/bridge/cli/test_cli_demo.py",),
    ("first-hour.md", None): ("tests/pages/test_first_hour.py",),
    ("front-end.md", None): ("tests/bridge/contract/test_typescript.py", "tests/system/test_cuts.py", REQUESTS),
    ("guide.md", ""): (REQUESTS, "tests/system/test_cuts.py"),
    ("onchain.md", "Chains"): (SETTINGS,),
    ("onchain.md", "On your own machine"): ("tests/system/onchain/test_on_ones_own_machine.py",),
    ("onchain.md", "Payments"): ("tests/system/onchain/test_on_ones_own_machine.py",),
    ("onchain.md", "Payouts"): ("tests/system/onchain/test_on_ones_own_machine.py",),
    ("operations.md", "Alerts"): (SETTINGS,),
    ("operations.md", "Upgrading"): (OPERATIONS,),
    ("operations.md", "Signing in to the console"): (SETTINGS,),
    ("operations.md", "Retention"): (OPERATIONS,),
    ("operations.md", "SQLite"): (OPERATIONS,),
    ("operations.md", "PostgreSQL"): (
        "tests/system/test_operations_on_postgresql.py",
        "tests/system/shkeeper/test_restore_drills.py",
    ),
    ("operations.md", "Beside the service"): ("tests/system/test_beside_the_service.py",),
    ("operations.md", "When you know better"): (OPERATIONS,),
    ("performance.md", "Again"): (SETTINGS,),
    ("releasing.md", "Each release"): ("tests/test_documented_commands.py",),
    ("services.md", "One request"): (REQUESTS,),
    ("services.md", "From Python"): ("tests/bridge/client/test_documentation.py",),
    ("services.md", "Reading every event"): (REQUESTS,),
    ("services.md", "Cancelling a payment"): (REQUESTS,),
    ("services.md", "Money back"): (REQUESTS,),
    ("services.md", "A second person"): (REQUESTS,),
    ("services.md", "Webhooks to your back end"): (REQUESTS, "tests/bridge/http/test_documented_receivers.py"),
    ("services.md", "Who may publish what"): (SETTINGS,),
    ("shkeeper.md", "Settings"): (SETTINGS,),
    ("shkeeper.md", "Payments"): (REQUESTS,),
    ("shkeeper.md", "Template checkouts"): (REQUESTS,),
    ("shkeeper.md", "Payouts"): (REQUESTS,),
    ("shkeeper.md", "Without a SHKeeper"): (REQUESTS, "tests/test_makefile.py"),
}
# By their first lines: drawings, a formula, and what goes over the wire.
SHOWN = (
    "SHKeeper ── webhook ──> bridge ",
    "provider ──> bridge/door ──> bridge/http ",
    "SHKeeper          event loop (asyncio) ",
    "4 ms + 0.09 ms × w",
    "POST <url>",
    "POST /hooks/bridge",
)


def chapter_of(block: Block) -> tuple[str, str | None]:
    whole_page = (block.page, None)
    return whole_page if whole_page in RUN_BY else (block.page, block.chapter)


def test_every_block_is_run_by_a_test_or_only_shown() -> None:
    """A new one needs a test that reads it from its page, and its line here."""
    blocks = blocks_in_all()
    run = [block for block in blocks if not block.first_line.startswith(SHOWN)]
    assert {chapter_of(block) for block in run} == set(RUN_BY)
    assert len(blocks) - len(run) == len(SHOWN)
    for (page, _), tests in RUN_BY.items():
        for test in tests:
            assert (ROOT / test).exists(), test
        # By its name, or as whatever all pages name.
        said = "".join((ROOT / test).read_text(encoding="utf-8") for test in tests)
        assert page in said or page in ("README.md", "console.md", "performance.md"), (page, tests)
