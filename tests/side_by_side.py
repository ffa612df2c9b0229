"""Runs the tests in several processes: `pytest --processes 6`. They are forked from the one that has collected the
tests, so that this is done once, and each runs the tests of one file after the other's, in their order.

What they report goes through pytest's own hooks in the first process, as if it had run them.
"""

import multiprocessing
import os
import signal
import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any

import pytest

FORKING = multiprocessing.get_context("fork")
Location = tuple[str, int | None, str]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--processes", type=int, default=1, help="how many processes run the tests")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    options = session.config.option
    if options.processes < 2 or options.collectonly or session.testsfailed:
        return None
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.showfspath = False  # of one file: here it would be another one with each test
    SideBySide(session).run(options.processes)
    return True


@dataclass(eq=False)
class Worker:
    """A process, and what the first one knows of it."""

    process: ForkProcess
    line: Connection
    held: deque[int] = field(default_factory=deque)
    """The tests that it was given and has not ended, by their places among all."""
    has_begun: bool = False
    """Whether it is at the first of these."""


class SideBySide:
    """Hands the tests out, and passes on what is reported of them."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._hook = session.config.hook
        self._started = 0
        self._workers: list[Worker] = []
        by_file: dict[object, list[int]] = {}
        for place, item in enumerate(session.items):
            by_file.setdefault(item.path, []).append(place)
        self._files = deque(by_file.values())

    def run(self, processes: int) -> None:
        try:
            for _ in range(min(processes, len(self._files))):
                self._start()
            while self._workers:
                ready = wait([worker.line for worker in self._workers])
                for worker in [one for one in self._workers if one.line in ready]:
                    self._hear(worker)
        except BaseException as error:
            self._end(is_told=isinstance(error, KeyboardInterrupt))
            raise

    def _start(self) -> None:
        ours, theirs = FORKING.Pipe()
        others = [ours, *(worker.line for worker in self._workers)]
        self._started += 1
        process = FORKING.Process(target=_work, args=(self._session, self._started, theirs, others))
        process.start()
        theirs.close()
        self._workers.append(Worker(process, ours))

    def _hear(self, worker: Worker) -> None:
        try:
            what, content = worker.line.recv()
        except (EOFError, ConnectionResetError):
            self._bury(worker)
            return
        match what:
            case "asks":
                file = self._files.popleft() if self._files else []
                worker.held.extend(file)
                worker.line.send(file)
            case "begins":
                worker.has_begun = True
            case "reports":
                self._report(self._hook.pytest_report_from_serializable(config=self._session.config, data=content))
            case "warns":
                self._hook.pytest_warning_recorded.call_historic(kwargs=content)
            case "has ended":
                worker.has_begun = False
                self._ended(worker.held.popleft())

    def _report(self, report: pytest.TestReport) -> None:
        self._hook.pytest_runtest_logreport(report=report)
        if self._session.shouldfail:
            raise self._session.Failed(self._session.shouldfail)
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)

    def _ended(self, place: int) -> None:
        item = self._session.items[place]
        self._hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _bury(self, worker: Worker) -> None:
        """What a process leaves that was not to end yet is for another one, but for the test that it was at."""
        self._workers.remove(worker)
        worker.process.join()
        worker.line.close()
        if not worker.process.exitcode:
            return
        how = f"its process has ended with {worker.process.exitcode}"
        if not worker.has_begun:
            raise self._session.Failed(f"a process of the tests is not at a test, and {how}")
        item = self._session.items[worker.held[0]]
        self._report(pytest.TestReport(item.nodeid, item.location, {}, "failed", f"{item.nodeid}: {how}", "call"))
        self._ended(worker.held.popleft())
        if worker.held:
            self._files.appendleft([*worker.held])
        if self._files:
            self._start()

    def _end(self, *, is_told: bool) -> None:
        """Ends the processes; each tidies up first. A Ctrl-C they have all heard."""
        for worker in self._workers:
            worker.line.close()
            if not is_told and worker.process.pid is not None:
                os.kill(worker.process.pid, signal.SIGINT)
        for worker in self._workers:
            worker.process.join()


def _work(session: pytest.Session, number: int, line: Connection, others: list[Connection]) -> None:
    """Runs tests in this process, one file after the other, until there are no more."""
    for other in others:
        other.close()
    _make_its_own(session.config, number)
    session.config.pluginmanager.register(Telling(session.config, line))
    items = _handed(session, line)
    try:
        item = next(items, None)
        while item is not None:
            following = next(items, None)
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            item = following
    except (KeyboardInterrupt, EOFError, BrokenPipeError, ConnectionResetError):
        session._setupstate.teardown_exact(None)


def _handed(session: pytest.Session, line: Connection) -> Iterator[pytest.Item]:
    while True:
        line.send(("asks", None))
        places = line.recv()
        if not places:
            return
        for place in places:
            yield session.items[place]


def _make_its_own(config: pytest.Config, number: int) -> None:
    """What a process must not share with the one that it was forked from: its terminal, the files that hold what it
    prints, and the folder of its tests."""
    plugins: Any = config.pluginmanager
    plugins.unregister(name="terminalreporter")
    capturing = plugins.get_plugin("capturemanager")
    capturing.stop_global_capturing()
    capturing.start_global_capturing()
    folders = config._tmp_path_factory  # type: ignore[attr-defined]
    folders._basetemp = folders.mktemp(f"process{number}", numbered=False)


class Telling:
    """Tells the first process how the tests go."""

    def __init__(self, config: pytest.Config, line: Connection) -> None:
        self._config = config
        self._line = line

    def pytest_runtest_logstart(self) -> None:
        self._line.send(("begins", None))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        content = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._line.send(("reports", content))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        self._line.send(("has ended", None))

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: Location | None
    ) -> None:
        warning_message.source = None
        content = {"warning_message": warning_message, "when": when, "nodeid": nodeid, "location": location}
        self._line.send(("warns", content))
