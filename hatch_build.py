"""Builds the pages into the wheel and the source archive, unless they are built already. The wheel brings the
documentation too."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path("bridge/console/web")
PAGE = Path("bridge/console/dist/index.html")
CONTRACT = Path("docs/contract/events.d.ts")


class PagesBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Whoever installs a wheel, or out of a source archive, needs no Node."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # An editable installation is somebody's working copy, which `make pages` builds in its own time.
        if version != "editable":
            build_pages(Path(self.root))
            documents = sorted(Path(self.root, "docs").glob("*.md"))
            build_data["shared_data"].update({str(one): f"share/doc/bridge/docs/{one.name}" for one in documents})


def build_pages(root: Path) -> None:
    is_archive = (root / "PKG-INFO").exists()
    if (root / PAGE).exists() and (is_archive or _is_fresh(root)):
        return
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("the pages have to be built for this, which needs Node 20.19 or newer with its npm")
    for command in (["ci", "--no-audit", "--no-fund", "--ignore-scripts"], ["run", "build"]):
        subprocess.run([npm, *command], cwd=root / WEB, check=True)  # noqa: S603 (commands of our own)


def _is_fresh(root: Path) -> bool:
    """Whether the pages are newer than all that they are made of."""
    built = (root / PAGE).stat().st_mtime
    sources = (path for path in (root / WEB).rglob("*") if "node_modules" not in path.parts and path.is_file())
    return all(source.stat().st_mtime <= built for source in (*sources, root / CONTRACT))
