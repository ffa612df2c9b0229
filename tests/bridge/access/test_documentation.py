"""The page about access says what the code does."""

import re
from datetime import UTC, datetime
from pathlib import Path

from bridge.access import Claims, principal_of
from bridge.catalogue import EVENTS

PAGE = (Path(__file__).parents[3] / "docs" / "access.md").read_text()
NOW = datetime(2026, 5, 1, tzinfo=UTC)
SOME_CLAIM = {"requests": ["<id>"], "chats": ["<id>"], "checkouts": ["<id>"]}


def table(title: str) -> dict[str, str]:
    """The rows of the table under a heading of its first column, by their first cell."""
    [rows] = re.findall(rf"^\| {title} \| .*\n\| --- \| --- \|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return dict(re.findall(r"^\| (.*?) \| (.*) \|$", rows, re.MULTILINE))


def rooms_in(text: str) -> set[str]:
    return {room for room in re.findall(r"`([^`]+)`", text) if room != "user-online"}


def test_the_table_of_claims_is_what_claims_grant() -> None:
    rows = {first.split("`")[1]: second for first, second in table("claim").items()}
    assert set(rows) == set(Claims.model_fields) - {"exp", "iat", "jti"}
    own = principal_of(Claims(sub="<sub>", exp=0), NOW).rooms
    assert rooms_in(rows["sub"]) == own
    for claim, value in SOME_CLAIM.items():
        principal = principal_of(Claims.model_validate({"sub": "<sub>", "exp": 0, claim: value}), NOW)
        assert rooms_in(rows[claim]) == principal.rooms - own
        assert not principal.sees_everything
    assert principal_of(Claims(sub="s", exp=0, staff=True), NOW).may_see("ops")


def test_the_table_of_confidential_events_is_the_catalogues() -> None:
    rows = {first.split("`")[1]: rooms_in(second) for first, second in table("event").items()}
    assert rows == {
        name: {rule.make(f"<{rule.id_name}>") for rule in model.audience_rule.rooms}
        for name, model in EVENTS.items()
        if model.audience_rule.confidential
    }
