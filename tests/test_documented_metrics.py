"""Metrics' page: all that there are, as the code says them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "metrics.md"


def test_the_page_of_metrics_has_all_that_there_are() -> None:
    # In a process of its own, since it imports whatever there is.
    made = subprocess.run(
        [sys.executable, "-m", "tests.documented_metrics"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert PAGE.read_text() == made.stdout, "write it anew: make contract"
