"""What is measured beside crowds, of a small one and a bridge that runs."""

import re
import subprocess
import sys

from benchmarks.measuring import ROOT
from tests.waiting import GIVE_UP_SECONDS

FIGURES = r" +\d+ +[\d.]+ ms +[\d.]+ ms +[\d.]+ ms +\d+% +[\d.]+ ×"


def test_webhooks_are_measured_beside_each_kind_of_crowd_and_the_stop_of_a_bridge_that_has_one() -> None:
    command = [
        sys.executable,
        "-m",
        "benchmarks.crowds",
        "--clients",
        "20",
        "--runs",
        "1",
        "--seconds",
        "0.1",
        "--webhooks",
        "5",
    ]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=2 * GIVE_UP_SECONDS
    )
    assert ended.returncode == 0, ended.stderr
    found = [
        re.sub(r" \([\d.]+ s\)", "", one) for one in re.findall(rf"^(.*?){FIGURES}$", ended.stdout, re.MULTILINE)
    ]
    back = ["10 that are recovered", "10 cut at once, and back"]
    kinds = ["20 that connect", "20 that join", "broadcasts to 20", *back]
    assert [one.strip() for one in found] == ["nobody", *kinds]
    assert re.search(r"^SIGTERM with 20 clients: ended after [\d.]+ s", ended.stdout, re.MULTILINE)
