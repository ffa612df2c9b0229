"""Blocks of code in the documentation, as tests run them: to the letter, but for addresses and what stands for a
value."""

import json
import re
import shlex
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.asking import request

__all__ = ["PAGES", "Block", "ask", "blocks_in_all", "blocks_of", "chapters_of", "commands_of"]

ROOT = Path(__file__).parents[1]
PAGES = {
    path.name: path
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *sorted((ROOT / "docs").glob("*.md")),
    )
}
# In a fence, or set in by four blanks at least.
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SET_IN = re.compile(r"(?:^ {4}.*\n|^\n(?=\n? {4}))+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a page."""

    page: str
    chapter: str
    language: str
    """Of a fence; nothing of what is set in."""
    text: str

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]


def blocks_of(page: str, chapter: str | None = None) -> list[Block]:
    """Those of a page in their order, or of one of its chapters (`## …`)."""
    found = [block for block in _blocks_of(page) if chapter in (None, block.chapter)]
    assert found, f"{page} has no block in {chapter!r}"
    return found


def chapters_of(page: str) -> dict[str, str]:
    """The text of each, by its title; what stands before the first has none."""
    parts = re.split(r"^## ", f"\n{PAGES[page].read_text(encoding='utf-8')}", flags=re.MULTILINE)
    return {title: text for title, _, text in (part.partition("\n") for part in parts)}


def _blocks_of(page: str) -> Iterator[Block]:
    for title, text in chapters_of(page).items():
        for language, one in _blocks_in(text):
            yield Block(page, title, language, one)


def blocks_in_all() -> list[Block]:
    """Those of all pages."""
    return [block for page in PAGES for block in _blocks_of(page)]


def _blocks_in(text: str) -> Iterator[tuple[str, str]]:
    # What is fenced is not looked into for what is set in.
    for number, part in enumerate(FENCED.split(text)):
        kind = number % 3
        if kind == 1:
            language = part
        elif kind == 2:
            yield language, part
        else:
            for found in SET_IN.finditer(part):
                one = textwrap.dedent(found[0]).strip("\n")
                yield "", f"{one}\n"


def commands_of(page: str, chapter: str | None, beginning: str) -> list[str]:
    """The commands that begin so, each whole, however many lines it takes."""
    found: list[str] = []
    for block in blocks_of(page, chapter):
        whole = re.split(r"^(?=\S)", block.text, flags=re.MULTILINE)
        found += [one.strip() for one in whole if one.startswith(beginning)]
    assert found, f"{page} has no command {beginning!r} in {chapter!r}"
    return found


def ask(command: str, values: Mapping[str, str], **options: object) -> httpx.Response:
    """What a `curl` is answered, with what stands for a value replaced. All that it is given has to be there."""
    for stands_for_it, value in values.items():
        assert stands_for_it in command, f"{command!r} has no {stands_for_it!r}"
        command = command.replace(stands_for_it, value)
    program, *words = shlex.split(command.replace("\\\n", ""))
    assert program == "curl"
    method, url, content, headers = "", "", None, {}
    left = iter(words)
    for word in left:
        if word == "-X":
            method = next(left)
        elif word == "-H":
            name, _, value = next(left).partition(": ")
            headers[name] = value
        elif word == "-d":
            content = next(left)
            json.loads(content)
        else:
            assert not word.startswith("-"), f"{word} is not known here"
            url = word
    if content is not None:
        headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}  # curl's own
    return request(method or ("GET" if content is None else "POST"), url, content=content, headers=headers, **options)
