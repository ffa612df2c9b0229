"""Names of libraries that the code overrides or reaches into: all are on record, and none moves without a look."""

import ast
import importlib
import inspect
import itertools
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from bridge.door.uvicorn_names import UVICORN_NAMES
from tests.libraries.held_names import ROOT, Held, as_toml, distribution, found, names_of, private_names

RECORD = Path(__file__).with_name("held_names.toml")
# Nothing of these is documented as made to be overridden: whoever does says in the module what and why.
UNDOCUMENTED = ("engineio.", "socketio.", "uvicorn.")
TO_RENEW = (
    "compare what the library does there with what stands in for it, and then write the record anew: "
    "python -m tests.libraries.held_names > tests/libraries/held_names.toml"
)


@pytest.fixture(scope="module")
def held() -> dict[str, Held]:
    return found()


def test_what_is_overridden_or_used_is_on_record_as_the_installed_libraries_have_it(held: dict[str, Held]) -> None:
    written = as_toml(held, private_names())
    recorded = RECORD.read_text(encoding="utf-8")
    assert written == recorded, f"{_differences(recorded, written)}: {TO_RENEW}"


def test_the_installed_versions_are_those_on_record() -> None:
    recorded: dict[str, Any] = tomllib.loads(RECORD.read_text(encoding="utf-8"))["versions"]
    assert recorded == {name: version(name) for name in recorded}, TO_RENEW


def test_every_library_whose_names_are_held_has_an_upper_bound(held: dict[str, Held]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    bounds = {one.name: one.specifier for one in map(Requirement, needed)}
    libraries = {distribution(name) for it in held.values() for name in (*it.overrides, *it.uses)} | {"uvicorn"}
    open_ended = {
        name for name in libraries if not any(bound.operator in {"<", "==", "~="} for bound in bounds[name])
    }
    assert not open_ended, "pyproject.toml: give these an upper bound"


def test_every_module_says_what_it_overrides_and_no_more(held: dict[str, Held]) -> None:
    """Which of our modules stand on undocumented names, and what their first words list of them."""
    faults = []
    for ours, it in held.items():
        module = importlib.import_module(ours.rpartition(".")[0])
        said = set(re.findall(r"`(?:\w+\.)?(\w+)[^`]*`", inspect.getdoc(module) or ""))
        overridden = {name.rpartition(".")[2] for name in it.overrides if name.startswith(UNDOCUMENTED)}
        used = {name.rpartition(".")[2] for name in it.uses if name.startswith(UNDOCUMENTED)}
        faults += [f"{ours} does not say that it overrides {name}" for name in sorted(overridden - said)]
        faults += [f"{ours} does not say that it uses {name}" for name in sorted(used - said) if name.startswith("_")]
        if overridden:
            ghosts = {name for name in said if _is_private(name)} - overridden - used - _names_in(module)
            faults += [f"{ours} speaks of {name}, which it neither overrides nor uses" for name in sorted(ghosts)]
    assert not faults


@pytest.mark.parametrize("theirs", UVICORN_NAMES)
def test_what_is_used_of_uvicorn_is_there_and_used(theirs: str) -> None:
    module, _, name = theirs.rpartition(".")
    found_there = names_of(getattr(importlib.import_module(module), name))
    assert not set(UVICORN_NAMES[theirs]) - found_there
    of_cli = ("cli/serve.py", "cli/metrics_port.py")
    users = ("door/connection.py", "door/exchange.py", "sockets/transport/web_socket_protocol.py", *of_cli)
    sources = "".join((ROOT / "bridge" / path).read_text(encoding="utf-8") for path in users)
    assert not {used for used in UVICORN_NAMES[theirs] if f".{used}" not in sources and f"def {used}" not in sources}


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _names_in(module: Any) -> set[str]:
    tree = ast.parse(inspect.getsource(module))
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def _differences(recorded: str, written: str) -> list[str]:
    before, now = set(recorded.splitlines()), set(written.splitlines())
    return [f"- {line.strip()}" for line in sorted(before - now)] + [
        f"+ {line.strip()}" for line in sorted(now - before)
    ]
