"""What is built: pages that load nothing of anybody else's, and a wheel that brings them."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.pages.browsing import BUILT

ROOT = Path(__file__).parents[2]


def test_the_pages_name_no_other_host_and_run_nothing_inline() -> None:
    page = BUILT.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page)
    for reference in re.findall(r"""(?:src|href)=["']([^"']+)""", page):
        assert reference.startswith("/assets/")


def test_a_wheel_brings_the_pages_and_not_what_they_are_built_from(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True)
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    built = {f"bridge/console/dist/{file.relative_to(BUILT.parent)}" for file in BUILT.parent.rglob("*.*")}
    assert built <= set(names)
    assert not [name for name in names if name.startswith("bridge/console/web")]
