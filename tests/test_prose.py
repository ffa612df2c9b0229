"""Prose is as wide as the code: 118 columns, so that a change of it shows as the lines that it changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COLUMNS = 118
HEADS = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *(ROOT / name for name in HEADS)]
# Rows of tables are one line each, and what is indented so far is code.
WHOLE_LINES = ("|", "    ")


def prose(text: str) -> Iterator[str]:
    """The lines that can be broken: neither of code, nor of tables."""
    is_code = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code and not line.startswith(WHOLE_LINES):
            yield line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_line_of_a_page_is_too_long(page: Path) -> None:
    lines = [*prose(page.read_text(encoding="utf-8"))]
    assert lines
    assert [line for line in lines if len(line) > COLUMNS] == []


def test_no_line_of_the_newest_changes_is_too_long() -> None:
    _, newest, *_ = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")
    assert [line for line in prose(newest) if len(line) > COLUMNS] == []


def test_what_is_code_or_a_table_is_no_prose() -> None:
    text = "one\n```\ntwo\n```\n| three |\n    four\n- five\n  six"
    assert [*prose(text)] == ["one", "- five", "  six"]
