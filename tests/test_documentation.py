"""What the documentation names is there: every path, and every module by its name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

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
