"""Where things belong that no import contract can say."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINE_LIMIT = 400
GRANTS = re.compile(
    r"\.(sees_everything|sees_every_payment|sees_every_payout|orders_payouts|roles|speaks_for_everybody|receives|reads"
    r"|registers_(payments|payouts)|approves_payouts|manages_access)\b"
)
DENIALS = re.compile(r"\bPermissionDeniedException\(|\bNotPermittedError\(")
# They deny by what is no right of anybody's: which page asks, and who else has had a hand in a payout.
DENIES_OTHERWISE = ("bridge/http/front/origins.py", "bridge/http/ops/sign_in.py", "bridge/http/ops/approvals.py")
BY_NAME = re.compile(r"provider (==|!=|in) \(?[A-Z\"']|\bPROVIDER\b")
CUT_OFF = re.compile(r"ValueError\(.* - ")
HASHES_BY_HAND = re.compile(r"[hH]ash\w*(\"\])?\.(lower|casefold)\(\)")
INTERNALS_OF_PYDANTIC = re.compile(r"__pydantic_\w+__|\.__dict__\b")


def lines_of(*folders: str, but: str | None = None) -> Iterator[tuple[Path, str]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "node_modules" not in path.parts and not (but and name.startswith(but)):
                yield from ((path, line) for line in path.read_text(encoding="utf-8").splitlines())


def test_who_may_do_what_is_decided_in_access() -> None:
    assert [line for line in lines_of("bridge", but="bridge/access/") if GRANTS.search(line[1])] == []


def test_who_may_not_do_something_is_told_by_access() -> None:
    denying = {path.relative_to(ROOT).as_posix() for path, line in lines_of("bridge") if DENIALS.search(line)}
    assert {name for name in denying if not name.startswith("bridge/access/")} == set(DENIES_OTHERWISE)


def test_the_coordinator_reaches_into_pydantic_in_one_module() -> None:
    lines = lines_of("coordinator", but="coordinator/models.py")
    assert [line for line in lines if INTERNALS_OF_PYDANTIC.search(line[1])] == []


def test_the_hash_of_a_transaction_has_its_form_in_one_module() -> None:
    by_hand = {
        path.relative_to(ROOT).as_posix()
        for path, line in lines_of("bridge", "coordinator", "providers", but="bridge/journal/migrations/")
        if HASHES_BY_HAND.search(line)
    }
    assert by_hand == {"coordinator/payments/observed/transfers.py"}


def test_no_route_decides_by_the_name_of_a_provider() -> None:
    assert [line for line in lines_of("bridge/http") if BY_NAME.search(line[1])] == []


def test_no_message_about_a_field_has_what_the_framework_cuts_it_off_at() -> None:
    assert [line for line in lines_of("bridge", "coordinator", "providers") if CUT_OFF.search(line[1])] == []


def test_no_module_is_longer_than_a_page_of_four_hundred_lines() -> None:
    lengths: dict[Path, int] = {}
    for path, _ in lines_of("bridge", "coordinator", "providers", but="bridge/journal/migrations/"):
        lengths[path] = lengths.get(path, 0) + 1
    assert {path: length for path, length in lengths.items() if length > LINE_LIMIT} == {}
