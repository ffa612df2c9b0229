"""The bill of materials has all that runs and nothing else: it is made here for real, and held against both lock
files."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge import __version__
from tests.libraries.bill_of_materials import OURSELVES, bundled, locked, of_npm

ROOT = Path(__file__).parents[2]
# What builds a wheel, with what that brings; and what is for Windows.
BUILDS = {"editables", "hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers"}
ELSEWHERE = {"colorama", "pywin32"}


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    output = tmp_path_factory.mktemp("bill") / "bridge.cdx.json"
    make = [sys.executable, "-m", "tests.libraries.bill_of_materials", "--output", str(output)]
    subprocess.run(make, cwd=ROOT, check=True)
    made: dict[str, Any] = json.loads(output.read_text())
    return made


def purls(bill: dict[str, Any], kind: str) -> set[str]:
    return {one["purl"] for one in bill["components"] if one["purl"].startswith(f"pkg:{kind}/")}


def test_it_has_all_of_the_lock_but_what_only_builds(bill: dict[str, Any]) -> None:
    pinned = dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    runs = {f"pkg:pypi/{name}@{version}" for name, version in pinned.items() if name not in BUILDS | ELSEWHERE}
    assert purls(bill, "pypi") == runs


def test_an_image_leaves_out_what_the_bill_leaves_out() -> None:
    [uninstalled] = re.findall(r"pip uninstall --yes (.+?) \\$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(uninstalled.split()) == {*BUILDS, "pip"}


def test_it_has_what_the_bundler_put_into_the_pages_in_the_versions_of_their_lock(bill: dict[str, Any]) -> None:
    lock = json.loads((ROOT / "bridge/console/web/package-lock.json").read_text())["packages"]
    names = {one["name"]: one["version"] for one in bill["components"] if one["purl"].startswith("pkg:npm/")}
    assert {"preact", "qr", "socket.io-client", "socket.io-parser", "engine.io-client", "engine.io-parser"} < {*names}
    for name, version in names.items():
        assert (version, lock[f"node_modules/{name}"].get("dev", False)) == (
            lock[f"node_modules/{name}"]["version"],
            False,
        )
    assert "ws" not in names, "a page has the browser's own"


def test_everything_hangs_together_from_the_bridge_down(bill: dict[str, Any]) -> None:
    about = bill["metadata"]["component"]
    assert (about["bom-ref"], about["version"]) == (OURSELVES, __version__)
    needs = {one["ref"]: set(one["dependsOn"]) for one in bill["dependencies"]}
    assert needs.keys() == {OURSELVES} | {one["bom-ref"] for one in bill["components"]}
    reached, waiting = set(), {OURSELVES}
    while waiting:
        reached |= waiting
        waiting = set().union(*(needs[ref] for ref in waiting)) - reached
    assert reached == needs.keys()


def test_a_lock_is_read_with_its_markers() -> None:
    lines = (
        "A_b==1.0",
        "    --hash=sha256:00",
        "c==2 ; sys_platform == 'nowhere'",
        "d==3 ; sys_platform != 'nowhere'",
    )
    assert locked(" \\\n".join(lines)) == {"a-b": "1.0", "d": "3"}


def test_a_package_with_a_scope_is_found_and_written_as_one() -> None:
    names = bundled([json.dumps({"sources": ["../../node_modules/@scope/part/index.js", "../src/own.ts"]})])
    assert names == {"@scope/part"}
    packages = {
        "": {"dependencies": {}},
        "node_modules/@scope/part": {"version": "1.2.3", "integrity": "sha512-AAAA"},
    }
    direct, found = of_npm({"packages": packages}, names)
    assert (direct, {*found}) == (frozenset(), {"pkg:npm/%40scope/part@1.2.3"})
    assert found["pkg:npm/%40scope/part@1.2.3"].sha512 == "000000"
