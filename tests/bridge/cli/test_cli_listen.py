"""`bridge listen` behind a bridge that is slow to answer, or breaks off in the middle of it: it comes back."""

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest

from tests.bridge.cli.listeners import listening, said
from tests.commands import Command
from tests.waiting import GIVE_UP_SECONDS, wait_until

KEY = "a-key-for-tests-only-0123456789"
# Longer than python-socketio's client waits by itself, after which it gives up.
SLOW_SECONDS = 1.5

Passes = Callable[[bytes], bytes | None]


def all_of_it(answer: bytes) -> bytes | None:
    return answer


def late(answer: bytes) -> bytes | None:
    """What admits a client comes late."""
    if b"40{" in answer:
        time.sleep(SLOW_SECONDS)
    return answer


def but_for_the_admission(answer: bytes) -> bytes | None:
    """The bridge is gone when it should admit the client."""
    return None if b"40{" in answer else answer


def a_closing_instead(answer: bytes) -> bytes | None:
    """The bridge stops as soon as a WebSocket is open: its first frame closes it, with the status 1012."""
    return answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n\x88\x02\x03\xf4"


def nothing(_: bytes) -> bytes | None:
    """Nobody is there but a port."""
    return None


class Relay(socketserver.ThreadingTCPServer):
    """Stands before a bridge, and passes on what it is told to of what the bridge answers."""

    daemon_threads = True
    block_on_close = False  # a listener may keep its connection for longer than this is needed

    def __init__(self, bridge: Any, passes: Passes) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.bridge = bridge
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.passes = passes
        self.open: list[socket.socket] = []
        self.opened = 0

    def cut(self) -> None:
        for connection in self.open:
            shut(connection)


class Passing(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        passes = self.server.passes
        with socket.create_connection(("127.0.0.1", self.server.bridge.port)) as upstream:
            self.server.open += [self.request, upstream]
            self.server.opened += 1
            asking = threading.Thread(target=pump, args=(self.request, upstream, all_of_it))
            asking.start()
            pump(upstream, self.request, passes)
            shut(upstream)
            asking.join()


def pump(source: socket.socket, sink: socket.socket, passes: Passes) -> None:
    with suppress(OSError):
        while (data := source.recv(65_536)) and (answer := passes(data)) is not None:
            sink.sendall(answer)
    shut(sink)


def shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def bridge(make_bridge: Any) -> Any:
    return make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEY)


@contextmanager
def relayed(bridge: Any, passes: Passes = all_of_it) -> Iterator[Relay]:
    with Relay(bridge, passes) as relay:
        threading.Thread(target=partial(relay.serve_forever, poll_interval=0.01), daemon=True).start()
        yield relay
        relay.shutdown()


def hears_of_a_payment(run: Any, bridge: Any, listener: Command) -> None:
    options = ("--url", bridge.url, "--pause", "0", "--scenario", "bad-signature")
    assert run("simulate", "shkeeper", *options, BRIDGE_SHKEEPER_API_KEYS=KEY).returncode == 0
    assert listener.stdout is not None
    assert json.loads(listener.stdout.readline())["event"] == "payment-created"
    assert listener.wait(GIVE_UP_SECONDS) == 0


def test_listen_waits_for_a_bridge_that_takes_its_time(run: Any, bridge: Any) -> None:
    with relayed(bridge, late) as relay, listening(relay.url, "--json", "--user", "u1", "--count", "1") as listener:
        hears_of_a_payment(run, bridge, listener)


@pytest.mark.parametrize("passes", [late, but_for_the_admission, a_closing_instead, nothing])
def test_listen_comes_back_whatever_happens_while_it_tries(run: Any, bridge: Any, passes: Passes) -> None:
    with relayed(bridge) as relay, listening(relay.url, "--json", "--user", "u1", "--count", "1") as listener:
        tried, relay.passes = relay.opened, passes
        relay.cut()
        assert said(listener) == "disconnected; trying again\n"
        if passes is not late:  # which it can live with
            wait_until(lambda: relay.opened >= tried + 2)
            relay.passes = all_of_it
        assert said(listener).startswith("connected again, listening to ")
        hears_of_a_payment(run, bridge, listener)


@pytest.mark.parametrize("passes", [but_for_the_admission, a_closing_instead, nothing])
def test_listen_says_that_it_could_not_begin(run: Any, bridge: Any, passes: Passes) -> None:
    with relayed(bridge, passes) as relay:
        ended = run("listen", "--url", relay.url)
    assert ended.returncode == 1
    assert f"no bridge answers at {relay.url} (" in ended.stderr
    assert "Traceback" not in ended.stderr
