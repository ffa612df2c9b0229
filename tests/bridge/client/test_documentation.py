"""The first examples of docs/services.md, run as they stand there and in their order."""

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.client import BridgeClient
from tests.documented import ask, commands_of
from tests.waiting import GIVE_UP_SECONDS

PAGE = Path(__file__).parents[3] / "docs" / "services.md"
ADDRESS, TOKEN = "http://127.0.0.1:8000", "the-token-of-the-marketplace"


def test_the_example_publishes_what_it_says(
    bridge: Any, events: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, section = PAGE.read_text().split("## From Python\n")
    [example] = re.findall(r"(?:^    .*\n|^\n(?=    ))+", section.partition("\n## ")[0], re.MULTILINE)
    assert ADDRESS in example
    monkeypatch.setenv("MARKETPLACE_TOKEN", TOKEN)
    patience = {"timeout_seconds": GIVE_UP_SECONDS, "give_up_after_seconds": GIVE_UP_SECONDS}
    monkeypatch.setattr(BridgeClient.__init__, "__kwdefaults__", patience)
    before = events()
    # As the page has them, one after the other: the example publishes again what the request before it has published.
    [request] = commands_of("services.md", "One request", "curl ")
    assert ask(request, {ADDRESS: bridge.url, "<the service's token>": TOKEN}).is_success
    for _ in range(2):
        exec(textwrap.dedent(example).replace(ADDRESS, bridge.url), {"__name__": "example"})
    # Each has its key, so the second time adds nothing.
    assert events()[len(before) :] == ["new-offer", "delivery-update", "request-cancelled", "delivery-confirmed"]
