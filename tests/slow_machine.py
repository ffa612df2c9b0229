"""A slow machine: all tests in an order of chance, beside processes that want every core for themselves. No test may
know how fast a machine is, or what ran before it."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack

HOGS_PER_CORE = 4
"""Each gets as much of its core as one of the tests' processes does."""


def main() -> int:
    seed = sys.argv[1] if len(sys.argv) > 1 else str(time.time_ns() % 1_000_000)
    hogs = HOGS_PER_CORE * (os.cpu_count() or 1)
    said = f"Beside {hogs} processes that never rest. To repeat the order: make test-slowly SEED={seed}"
    sys.stderr.write(f"{said}\n")
    with ExitStack() as stack:
        for _ in range(hogs):
            hog = stack.enter_context(subprocess.Popen([sys.executable, "-ISc", "while True: pass"]))
            stack.callback(hog.kill)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "--numprocesses", "8", "--dist", "loadfile", "--no-loadscope-reorder"],
            env=os.environ | {"TEST_ORDER_SEED": seed},
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
