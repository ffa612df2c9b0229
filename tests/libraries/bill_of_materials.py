"""The bill of materials of `make sbom`, as CycloneDX: what runs of `requirements.lock`, and what the bundler put into
the pages. What only builds or tests is not part of the bridge."""

import argparse
import base64
import json
import re
import subprocess
import tempfile
import tomllib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bridge import __version__

__all__ = ["Component", "bill", "bundled", "locked", "of_npm", "of_python"]

ROOT = Path(__file__).parents[2]
WEB = ROOT / "bridge" / "console" / "web"
OUTPUT = ROOT / "var" / "bridge.cdx.json"
OURSELVES = f"pkg:pypi/bridge@{__version__}"
PINNED = re.compile(r"^([\w.-]+)==([^\s;\\]+)(?: ; (.+?))?(?: \\)?$", re.MULTILINE)
BUNDLED = re.compile(r"node_modules/((?:@[^/]+/)?[^/]+)/")


@dataclass(frozen=True, slots=True)
class Component:
    """One library, and what it needs of the others."""

    purl: str
    name: str
    version: str
    licence: str | None
    """An SPDX expression, or what stands in its place; None where it says nothing."""
    needs: frozenset[str]
    """By their purl."""
    sha512: str | None = None

    def as_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {"type": "library", "bom-ref": self.purl, "name": self.name, "version": self.version}
        said["purl"] = self.purl
        if self.licence is not None:
            said["licenses"] = [{"license": {"name": self.licence}}]
        if self.sha512 is not None:
            said["hashes"] = [{"alg": "SHA-512", "content": self.sha512}]
        return said


def locked(lock: str) -> dict[str, str]:
    """The version of each library that a lock file of pip installs here, by its name."""
    return {
        canonicalize_name(name): version
        for name, version, marker in PINNED.findall(lock)
        if not marker or Requirement(f"{name}; {marker}").marker.evaluate()  # type: ignore[union-attr]
    }


def _required(requirements: Iterable[str], extras: Iterable[str] = ()) -> Iterator[tuple[str, frozenset[str]]]:
    """What applies of these, with the extras that it is wanted with."""
    environments = [{"extra": extra} for extra in ("", *extras)]
    for requirement in map(Requirement, requirements):
        marker = requirement.marker
        if marker is None or any(marker.evaluate(environment) for environment in environments):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def of_python(versions: Mapping[str, str], wanted: Iterable[str]) -> tuple[frozenset[str], dict[str, Component]]:
    """What is wanted, by purl, and all that comes with it: of the lock, as it is installed here."""
    purls = {name: f"pkg:pypi/{name}@{version}" for name, version in versions.items()}
    direct = dict(_required(wanted))
    extras: dict[str, frozenset[str]] = {}
    waiting = list(direct.items())
    while waiting:
        name, more = waiting.pop()
        if name in extras and more <= extras[name]:
            continue
        extras[name] = extras.get(name, frozenset()) | more
        waiting += _required(metadata.requires(name) or (), extras[name])
    found = {}
    for name, more in extras.items():
        about = metadata.metadata(name)
        if about["Version"] != versions[name]:
            raise SystemExit(
                f"{name} {about['Version']} is installed, and {versions[name]} is locked: make sbom installs it"
            )
        needs = frozenset(purls[needed] for needed, _ in _required(metadata.requires(name) or (), more))
        found[purls[name]] = Component(purls[name], name, versions[name], _licence(about), needs)
    return frozenset(purls[name] for name in direct), found


def _licence(about: metadata.PackageMetadata) -> str | None:
    prefix = "License :: OSI Approved :: "
    classified = [one.removeprefix(prefix) for one in about.get_all("Classifier") or () if one.startswith(prefix)]
    said = about["License-Expression"] or about["License"] or " AND ".join(classified)
    return said.partition("\n")[0] or None  # some have the whole text there


def bundled(maps: Iterable[str]) -> frozenset[str]:
    """The packages that parts of are in the pages, by the source maps of these."""
    sources = (source for text in maps for source in json.loads(text)["sources"])
    return frozenset(found[1] for source in sources if (found := BUNDLED.search(source)))


def of_npm(lock: Mapping[str, Any], names: frozenset[str]) -> tuple[frozenset[str], dict[str, Component]]:
    """What the pages want of these, by purl, and all of these, as the lock file has them."""
    packages = {name: lock["packages"][f"node_modules/{name}"] for name in names}
    purls = {name: f"pkg:npm/{name.replace('@', '%40')}@{about['version']}" for name, about in packages.items()}
    found = {}
    for name, about in packages.items():
        needs = frozenset(purls[needed] for needed in about.get("dependencies", {}) if needed in names)
        _, _, digest = about["integrity"].partition("sha512-")
        sha512 = base64.b64decode(digest).hex()
        found[purls[name]] = Component(purls[name], name, about["version"], about.get("license"), needs, sha512)
    return frozenset(purls[name] for name in lock["packages"][""]["dependencies"] if name in names), found


def bill(direct: Iterable[str], components: Mapping[str, Component]) -> dict[str, Any]:
    """The document: the same for the same components."""
    ordered = [components[purl] for purl in sorted(components)]
    needs = {OURSELVES: sorted(direct)} | {component.purl: sorted(component.needs) for component in ordered}
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": OURSELVES,
                "name": "bridge",
                "version": __version__,
                "purl": OURSELVES,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": [component.as_json() for component in ordered],
        "dependencies": [{"ref": ref, "dependsOn": needed} for ref, needed in needs.items()],
    }
    return {**document, "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(document))}"}


def _maps_of_the_pages() -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        vite = ["node", "node_modules/vite/bin/vite.js", "build", "--sourcemap", "--outDir", folder]
        subprocess.run([*vite, "--logLevel", "warn"], cwd=WEB, check=True)
        return [path.read_text(encoding="utf-8") for path in sorted(Path(folder).rglob("*.map"))]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--output", type=Path, default=OUTPUT)
    output: Path = asked.parse_args().output
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    direct, components = of_python(locked((ROOT / "requirements.lock").read_text()), wanted)
    lock = json.loads((WEB / "package-lock.json").read_text())
    direct_in_pages, in_pages = of_npm(lock, bundled(_maps_of_the_pages()))
    document = bill(direct | direct_in_pages, components | in_pages)
    output.write_text(json.dumps(document, indent=2) + "\n")
    print(f"{output} lists {len(components)} libraries of Python and {len(in_pages)} in the pages.")  # noqa: T201


if __name__ == "__main__":
    main()
