"""A bridge that does not stop by itself."""

import subprocess
import sys

import pytest

from tests.waiting import GIVE_UP_SECONDS

HANGS = """
import sys, threading, time
from bridge.cli.ending import EndInTime

end = EndInTime({seconds})
{begin}
threading.Thread(target=threading.Event().wait).start()  # which nobody ends
print("the loop hangs", flush=True)
if "wait" in sys.argv:
    threading.Event().wait()
"""


@pytest.mark.parametrize("argument", ["wait", "return"])
def test_it_is_ended_whatever_hangs(argument: str) -> None:
    source = HANGS.format(seconds=0.5, begin="end.begin(); end.begin()")
    ended = subprocess.run(
        [sys.executable, "-c", source, argument], capture_output=True, text=True, timeout=GIVE_UP_SECONDS
    )
    assert (ended.returncode, ended.stdout) == (1, "the loop hangs\n")
    assert "did not stop within 0.5 s" in ended.stderr


def test_whoever_ends_before_that_need_not_wait_for_it() -> None:
    source = "from bridge.cli.ending import EndInTime\nEndInTime(10_000).begin()"
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=GIVE_UP_SECONDS)
    assert ended.returncode == 0
