"""Commands of `bridge` in processes of their own, which a warm parent forks (`tests/warm_parent.py`).

A `Command` is used like a `subprocess.Popen`. Whoever tests the very start (imports, the interpreter's own variables)
starts COLD with `subprocess` instead.
"""

import atexit
import functools
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.waiting import GIVE_UP_SECONDS

__all__ = ["COLD", "PIPE", "Command", "run_command", "share_warm_parent", "shared_folder"]

COLD = Path(sys.executable).parent / "bridge"
"""The program itself, which imports what it needs."""

PIPE = subprocess.PIPE


# In the environment: a folder of all processes of a run of the tests.
SHARED = "BRIDGE_TESTS_SHARED"
SOCKET = "warm-parent"
"""Where in it the warm parent listens."""


@functools.cache
def shared_folder() -> Path:
    """A folder that this process shares with those that it starts from now on. It ends with this process."""
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="bridge-tests-")
        atexit.register(shutil.rmtree, os.environ[SHARED])
    return Path(os.environ[SHARED])


@functools.cache
def _warm_parent() -> socket.socket:
    """Where this process asks the warm parent, which kills what it asked for when this process ends."""
    if not (shared_folder() / SOCKET).exists():
        share_warm_parent()
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    asking.connect(str(shared_folder() / SOCKET))
    return asking


def share_warm_parent() -> None:
    """Starts a warm parent for this process and those that it starts from now on. It ends with this process."""
    place = str(shared_folder() / SOCKET)
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(place)
        listener.listen()
        ours.connect(place)  # the first of all
        warm_parent = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_parent", str(listener.fileno())],
            cwd=Path(__file__).parents[1],
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        )

    def end() -> None:
        ours.close()
        warm_parent.wait()

    atexit.register(end)


class Command:
    """`bridge` with some arguments, in a folder, with nothing in its environment but what is given; and with a module
    of the tests beside it, which it imports first."""

    def __init__(
        self,
        *arguments: str,
        cwd: Path,
        env: Mapping[str, str],
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
        beside: str | None = None,
    ) -> None:
        self.args: Sequence[str] = arguments
        self.returncode: int | None = None
        self._ending = threading.RLock()
        self._status, status = os.pipe()
        streams: list[int] = [os.open(os.devnull, os.O_RDONLY)]
        self.stdout = self._stream(stdout, 1, streams)
        self.stderr = self._stream(stderr, 2, streams)
        request = {"arguments": arguments, "cwd": str(cwd), "env": dict(env), "beside": beside}
        socket.send_fds(_warm_parent(), [json.dumps(request).encode()], [*streams, status])
        for descriptor in (*streams, status):
            os.close(descriptor)
        self.pid = self._read_number()

    def _stream(self, wanted: int | IO[bytes] | None, number: int, streams: list[int]) -> IO[str] | None:
        """Adds the descriptor that the command is given; returns what is read of it, if it is a pipe."""
        if wanted is None:
            streams.append(os.dup(number))
        elif wanted == PIPE:
            ours, theirs = os.pipe()
            streams.append(theirs)
            return os.fdopen(ours, encoding="utf-8")
        elif wanted == subprocess.STDOUT:
            streams.append(os.dup(streams[1]))
        else:
            streams.append(os.dup(wanted if isinstance(wanted, int) else wanted.fileno()))
        return None

    def _read_number(self) -> int:
        content = os.read(self._status, 4)
        assert content, "the warm parent has ended; what it printed says why"
        return int.from_bytes(content, "big", signed=True)

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        try:
            return self.wait(timeout=0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float = GIVE_UP_SECONDS) -> int:
        """The exit code, once it has ended; minus the number of the signal that ended it."""
        with self._ending:
            if self.returncode is None:
                ready, _, _ = select.select([self._status], [], [], timeout)
                if not ready:
                    raise subprocess.TimeoutExpired(["bridge", *self.args], timeout)
                self.returncode = self._read_number()
                os.close(self._status)
            return self.returncode

    def communicate(self, timeout: float = GIVE_UP_SECONDS) -> tuple[str, str]:
        """All that it still prints and complains of, until its end."""
        printed = ["", ""]

        def read(place: int, stream: IO[str]) -> None:
            printed[place] = stream.read()

        readers = [
            threading.Thread(target=read, args=(place, stream), daemon=True)
            for place, stream in enumerate((self.stdout, self.stderr))
            if stream is not None
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return printed[0], printed[1]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()


def run_command(
    *arguments: str, cwd: Path, env: Mapping[str, str], beside: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs it to its end; what it printed and its exit code."""
    with Command(*arguments, cwd=cwd, env=env, stdout=PIPE, stderr=PIPE, beside=beside) as command:
        try:
            printed, complained = command.communicate()
        except BaseException:
            command.kill()
            raise
    assert command.returncode is not None
    return subprocess.CompletedProcess(["bridge", *arguments], command.returncode, printed, complained)
