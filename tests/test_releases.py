"""What names a version names the same one: package, contract, changelog, security policy, and commands that name the
wheel."""

import json
import re
import tomllib
from pathlib import Path

from bridge import __version__

ROOT = Path(__file__).parents[1]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
HEADING = re.compile(r"^## (\d+\.\d+\.\d+) \((unreleased|\d{4}-\d\d-\d\d|\d{4}-\d\d-\d\d, never released)\)$")
RELEASING = "releasing.md"


def headings() -> list[tuple[str, str]]:
    """Each version of the changelog, the newest first, with what is said of it."""
    found = []
    for line in CHANGELOG.splitlines():
        if line.startswith("## "):
            heading = HEADING.match(line)
            assert heading, line
            found.append((heading[1], heading[2]))
    return found


def test_the_newest_heading_is_this_version_and_versions_only_grow() -> None:
    versions = [version for version, _ in headings()]
    assert versions[0] == __version__
    assert versions == sorted(set(versions), key=lambda version: [int(part) for part in version.split(".")])[::-1]
    assert [said for _, said in headings()[1:] if said == "unreleased"] == []


def test_the_security_policy_says_of_each_version_what_the_changelog_says() -> None:
    policy = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d+\.\d+)(.*?) \| .+ \|$", policy, re.MULTILINE))
    in_changelog = {version.rpartition(".")[0]: said for version, said in headings()}
    assert rows.keys() == in_changelog.keys()
    for version, said in in_changelog.items():
        expected = {"unreleased": ", once it is released"}.get(said, ", which never was" if "never" in said else "")
        assert rows[version] == expected, version
    is_any_released = any(said[-1].isdigit() for said in in_changelog.values())
    assert ("Nothing has been released yet." in policy) != is_any_released


def test_whatever_is_handed_out_has_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert json.loads((ROOT / "docs" / "contract" / "package.json").read_text())["version"] == __version__
    for page in ("operations.md", "services.md"):
        named = re.findall(r"bridge-([\d.]+)-py3", (ROOT / "docs" / page).read_text(encoding="utf-8"))
        assert set(named) == {__version__}, page
    tags = re.findall(r"\bv(\d+\.\d+\.\d+)\b", (ROOT / "docs" / RELEASING).read_text(encoding="utf-8"))
    assert set(tags) == {__version__}
