"""One name, one class: whoever reads a name knows what it means, wherever it stands."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The client stands in other people's programs, and calls what the API has as the API does. The local SHKeeper is
# another program, and keeps invoices, payouts and their books as SHKeeper does.
HOUSES_OF_THEIR_OWN = ("bridge/client", "providers/shkeeper/simulator")
SEVERAL = {
    "ConsoleWithdrawal": "the body of two routes, in the OpenAPI document by its route",
    "HistoryItem": "in two answers, in the OpenAPI document by its route",
    "Fault": "of a publication, as the client of services has it; and of an endpoint of a chain",
    "Step": "of a story, as the OpenAPI document calls it; and what a follower of a chain does next",
}


def public_classes(folder: str, *, without: tuple[str, ...] = ()) -> dict[str, list[str]]:
    found = defaultdict(list)
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if "node_modules" in path.parts or name.startswith(without):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(name)
    return found


def test_a_public_class_has_its_name_alone() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for folder in ("bridge", "coordinator", "providers"):
        for name, places in public_classes(folder, without=HOUSES_OF_THEIR_OWN).items():
            found[name] += places
    assert len(found) > 1_000
    assert {name: places for name, places in found.items() if len(places) > 1 and name not in SEVERAL} == {}
    assert [name for name in SEVERAL if len(found[name]) < 2] == []


@pytest.mark.parametrize("folder", HOUSES_OF_THEIR_OWN)
def test_so_it_has_in_a_house_of_its_own(folder: str) -> None:
    found = public_classes(folder)
    assert found
    assert {name: places for name, places in found.items() if len(places) > 1} == {}
