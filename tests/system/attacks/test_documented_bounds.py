"""The table of bounds in docs/security.md: each number is that of the code, each setting is one, and what goes over a
bound is answered as the table says."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, get_args

import pytest
import uvicorn

from bridge.catalogue.answers import ErrorCode
from bridge.catalogue.client_events import WATCHED_LIMIT
from bridge.catalogue.publication import DATA_PARTS_LIMIT
from bridge.cli.serve import BUFFER_BYTES
from bridge.door import ConnectionLimits, Door, DoorLimits
from bridge.door.body import CHUNK_BYTES, CHUNK_LINE_BYTES, FEW_CHUNKS, TRAILER_BYTES
from bridge.door.connection_limits import CONNECTIONS_OF_CLIENT, PROBES_PER_ADDRESS
from bridge.door.unread_answer import LARGE_ANSWER_BYTES
from bridge.http.event_feed import FOLLOWERS_LIMIT
from bridge.http.events import BATCH_PARTS_LIMIT
from bridge.http.front.bodies import BODY_LIMIT_BYTES, LISTS_LIMIT_BYTES, PART_BYTES
from bridge.settings import BURST_SECONDS, Settings
from bridge.sockets.loop_shares import BURST_SECONDS as BURST_OF_THE_LOOP_SECONDS
from bridge.sockets.loop_shares import WAITING_LIMIT
from bridge.sockets.presence.watches import WATCHED_LIMIT_BYTES
from bridge.sockets.rate_limit import MESSAGE_BYTES
from bridge.sockets.transport.incoming import INCOMPLETE_LIMIT_BYTES, NAMESPACE_LIMIT, PACKET_PARTS_LIMIT
from bridge.sockets.transport.read_buffer import READ_BYTES
from tests.conftest import BridgeProcess
from tests.system.attacks.conftest import PATIENCE_SECONDS
from tests.system.attacks.strangers import Answer, Stranger
from tests.system.attacks.test_frames import CONNECT
from tests.system.soak.lines import HANDSHAKE
from tests.waiting import GIVE_UP_SECONDS

ROOT = Path(__file__).parents[3]
DOOR, SETTINGS = DoorLimits(), Settings.model_construct()
LIMITS = SETTINGS.limits
Provoke = Callable[[BridgeProcess, list[int]], set[str]]


class Row(NamedTuple):
    """One of the table."""

    bound: str
    settings: list[str]
    answer: str

    @property
    def numbers(self) -> list[int]:
        found = re.findall(r"(\d[\d,]*)( MB)?", self.bound)
        return [int(digits.replace(",", "")) * (1_000_000 if mega else 1) for digits, mega in found]


def rows(text: str) -> Mapping[str, Row]:
    table = text.partition("| what comes | bound | setting | answer |")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[1:]]
    return {what: Row(bound, re.findall(r"`(\w+)`", setting), answer) for what, bound, setting, answer in cells}


ROWS = rows((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))


def statuses(bridge: BridgeProcess, *requests: bytes) -> set[str]:
    """Of each request, sent on a connection of its own, the status of its answer."""
    found = set()
    for request in requests:
        with Stranger(bridge) as stranger:
            stranger.send_what_is_taken(request)
            found.add(str(stranger.answer().status))
    return found


def get(target: bytes, *headers: bytes) -> bytes:
    return b"".join([b"GET %b HTTP/1.1\r\nHost: a\r\n" % target, *(b"%b\r\n" % one for one in headers), b"\r\n"])


def post(path: bytes, *headers: bytes) -> bytes:
    return get(path, *headers).replace(b"GET", b"POST", 1)


def in_chunks(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    content = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return post(b"/api/payments", b"Transfer-Encoding: chunked", b"Content-Type: application/json") + content + end


def over_target(bridge: BridgeProcess, numbers: list[int]) -> set[str]:
    [most] = numbers
    assert statuses(bridge, get(b"/" + b"a" * (most - 1))) == {"404"}
    return statuses(bridge, get(b"/" + b"a" * most))


def over_head(bridge: BridgeProcess, numbers: list[int]) -> set[str]:
    most_bytes, most = numbers
    rest = most_bytes - len(get(b"/nowhere", b"X: ")) + 4  # the empty line that ends it is not counted
    assert statuses(bridge, get(b"/nowhere", b"X: " + b"x" * rest), get(b"/nowhere", *[b"X: x"] * (most - 1))) == {
        "404"
    }
    return statuses(bridge, get(b"/nowhere", b"X: " + b"x" * (rest + 1)), get(b"/nowhere", *[b"X: x"] * most))


def over_body(bridge: BridgeProcess, numbers: list[int]) -> set[str]:
    [most] = numbers
    return statuses(bridge, post(b"/api/payments", b"Content-Length: %d" % (most + 1)))


def over_routes_body(bridge: BridgeProcess, numbers: list[int]) -> set[str]:
    of_one, of_list = numbers
    return statuses(
        bridge,
        post(b"/api/payments", b"Content-Length: %d" % (of_one + 1)),
        post(b"/api/payouts", b"Content-Length: %d" % (of_list + 1)),
    )


def over_parts(bridge: BridgeProcess, numbers: list[int]) -> set[str]:
    of_one, _, of_batch, _ = numbers
    found = set()
    for path, most in ((b"/api/payments", of_one), (b"/api/events", of_batch)):
        content = b"[%s]" % b",".join([b"0"] * (most + 1))
        length, kind = b"Content-Length: %d" % len(content), b"Content-Type: application/json"
        found |= statuses(bridge, post(path, length, kind) + content)
    return found


def over_chunks(bridge: BridgeProcess, numbers: list[int]) -> set[str]:
    few, each_bytes, line_bytes = numbers
    [most_bytes] = ROWS["a body"].numbers
    comment = b"1;" + b"x" * (line_bytes - 2)
    more = BODY_LIMIT_BYTES // each_bytes - 10
    many = [b" " * (BODY_LIMIT_BYTES // (few + more))] * (few + more)
    fits = [in_chunks(*[b" "] * (few - 1)), in_chunks(*many), in_chunks(end=comment + b"\r\n \r\n0\r\n\r\n")]
    with Stranger(bridge) as stranger:
        for one in fits:
            stranger.send(one)
            assert b"is not JSON" in stranger.answer().body
    return statuses(
        bridge,
        in_chunks(b" " * (most_bytes + 1), end=b""),
        in_chunks(*[b" "] * (few + few // each_bytes + 1)),
        in_chunks(end=comment + b"x\r\n \r\n"),
    )


def over_trailer(bridge: BridgeProcess, numbers: list[int]) -> set[str]:
    [most] = numbers
    return statuses(bridge, in_chunks(end=b"0\r\nX: " + b"x" * (most - 4) + b"\r\n\r\n"))


def unsigned(bridge: BridgeProcess, _numbers: list[int]) -> set[str]:
    return statuses(bridge, post(b"/webhooks/shkeeper", b"Content-Length: 2"))


@dataclass(frozen=True)
class Late:
    """What is begun and not gone on with; a bridge of little patience shows it."""

    beginning: bytes

    def __call__(self, bridge: BridgeProcess, _numbers: list[int]) -> set[str]:
        begun = time.monotonic()
        found = statuses(bridge, self.beginning)
        assert time.monotonic() - begun > PATIENCE_SECONDS - 1
        return found


def no_place(_bridge: BridgeProcess, _numbers: list[int]) -> set[str]:
    """At a front door with no place: of a bridge one has to be on another machine to find none."""

    async def ask() -> bytes:
        door = Door(ConnectionLimits(places=0, reserved_places=0, per_address=1))
        config, state = uvicorn.Config("", log_config=None), uvicorn.server.ServerState()
        server = await asyncio.get_running_loop().create_server(lambda: door(config, state, {}), "127.0.0.1", 0)
        async with server, asyncio.timeout(GIVE_UP_SECONDS):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            answer = await reader.read()
            writer.close()
        return answer

    return {asyncio.run(ask()).split()[1].decode()}


def too_many_sockets(bridge: BridgeProcess, numbers: list[int]) -> set[str]:
    per_second, burst = numbers
    opening = get(b"/socket.io/?EIO=4&transport=polling", b"X-Forwarded-For: 203.0.113.7")
    found = []
    with Stranger(bridge) as stranger:
        stranger.send(opening * (burst + 5 * per_second))  # in one go: between two, a busy machine lets a second pass
        for _ in range(burst + 5 * per_second):
            found.append(stranger.answer().status)
            if found[-1] != 200:
                break
    assert found.count(200) >= burst
    return {str(found[-1])}


def too_much_of_the_loop(bridge: BridgeProcess, _numbers: list[int]) -> set[str]:
    """Asked for by one of a proxy's clients. What is signed, and health, is answered to them all the same."""
    own, named = b"127.0.0.1", b"203.0.113.9"

    def asking(method_and_path: bytes, address: bytes) -> bytes:
        return b"%b HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: %b\r\n\r\n" % (method_and_path, address)

    with Stranger(bridge) as stranger:
        answers = [Answer(200, {}, b"")]
        while answers[-1].status == 200 and len(answers) < 3_000:
            if len(answers) % 20 == 1:  # at a time, so that the bridge is never without one
                stranger.send(asking(b"GET /metrics", named) * 20)
            answers.append(stranger.answer())
        assert answers[-1].headers["retry-after"] == "1"
    assert statuses(bridge, asking(b"GET /health/live", named), asking(b"GET /metrics", own)) == {"200"}
    assert statuses(bridge, asking(b"POST /webhooks/shkeeper", named)) == {"401"}
    return {str(answers[-1].status)}


def too_many_followers(bridge: BridgeProcess, numbers: list[int]) -> set[str]:
    [most] = numbers
    asking = get(b"/api/events?all=true&after=now", b"Accept: text/event-stream").replace(b": a", b": localhost", 1)
    with ExitStack() as streams:
        for _ in range(most):
            stranger = streams.enter_context(Stranger(bridge))
            stranger.send(asking)
            assert stranger.receive().startswith(b"HTTP/1.1 200")
        return statuses(bridge, asking)


def over_message(bridge: BridgeProcess, numbers: list[int], opening: bytes = CONNECT) -> set[str]:
    [most] = numbers
    with Stranger(bridge) as stranger:
        stranger.send(HANDSHAKE)
        assert stranger.answer("HEAD").status == 101
        stranger.send(opening)
        heard = b""
        while opening and b"40{" not in heard:
            heard += stranger.receive()
        stranger.send(b"\x81\xff" + (most + 1).to_bytes(8, "big") + b"\0\0\0\0")
        [code] = re.findall(rb"\x88[\x02-\x7d](..)", stranger.rest(), re.DOTALL)
    return {str(int.from_bytes(code, "big"))}


def over_strangers_message(bridge: BridgeProcess, numbers: list[int]) -> set[str]:
    return over_message(bridge, numbers, opening=b"")


def refused_joins(_bridge: BridgeProcess, _numbers: list[int]) -> set[str]:
    return {code for code in get_args(ErrorCode) if code == "too_many"}


NOBODY_TOLD: Provoke = lambda _bridge, _numbers: set()  # noqa: E731

BOUNDS: Mapping[str, tuple[list[float], Provoke]] = {
    "the target of a request (its URL)": ([DOOR.target_bytes], over_target),
    "its line and headers together": ([DOOR.head_bytes, DOOR.headers], over_head),
    "a body": ([SETTINGS.door_limits.body_bytes], over_body),
    "a body of a route that takes one thing; of one that takes a list": (
        [BODY_LIMIT_BYTES, LISTS_LIMIT_BYTES],
        over_routes_body,
    ),
    "names, values, objects and lists in the JSON of such a body; in events that are published; in the data of one"
    " event": (
        [BODY_LIMIT_BYTES // PART_BYTES, LISTS_LIMIT_BYTES // PART_BYTES, BATCH_PARTS_LIMIT, DATA_PARTS_LIMIT],
        over_parts,
    ),
    "a body in chunks": ([FEW_CHUNKS, CHUNK_BYTES, CHUNK_LINE_BYTES], over_chunks),
    "what follows the last chunk": ([TRAILER_BYTES], over_trailer),
    "what follows a request that was refused": ([DOOR.linger_seconds], NOBODY_TOLD),
    "heads and bodies that have not come whole, on all connections; on those of one address": (
        [DOOR.held_bytes, DOOR.held_bytes_per_address],
        NOBODY_TOLD,
    ),
    "a webhook without a fitting signature header, a request without the token that it needs": ([], unsigned),
    "the time until a head has come whole, from the connection on": (
        [SETTINGS.head_timeout_seconds],
        Late(b"GET / HTTP/1.1\r\n"),
    ),
    "the time until a body has": (
        [SETTINGS.body_timeout_seconds],
        Late(post(b"/api/payments", b"Content-Length: 9", b"Content-Type: application/json")),
    ),
    "a client that does not read what it is answered": (
        [SETTINGS.answer_timeout_seconds, LARGE_ANSWER_BYTES],
        NOBODY_TOLD,
    ),
    "a connection on which nothing is asked any more": ([SETTINGS.idle_timeout_seconds], NOBODY_TOLD),
    "connections from one address, and its sessions that poll, also while they have no connection": (
        [SETTINGS.connections_per_address],
        no_place,
    ),
    "new connections from one address": (
        [one * CONNECTIONS_OF_CLIENT for one in (LIMITS.connections.per_second, LIMITS.connections.burst)],
        NOBODY_TOLD,
    ),
    "connections in all; sessions that poll in all": ([SETTINGS.max_connections], no_place),
    "new WebSockets and polling sessions from one address": (
        [SETTINGS.connections_per_second, BURST_SECONDS * SETTINGS.connections_per_second],
        too_many_sockets,
    ),
    "the event loop's time for what one address asks, for what it sends over its sockets, and for what it sends that"
    " makes no whole request, but for signed webhooks and what is answered well under `/api/`": (
        [BURST_OF_THE_LOOP_SECONDS * SETTINGS.loop_share_per_address],
        too_much_of_the_loop,
    ),
    "the same for all those addresses that ask for much, an eighth of that or more": ([], NOBODY_TOLD),
    "the event loop's time for all who ask for health": (
        [BURST_OF_THE_LOOP_SECONDS * SETTINGS.loop_share_per_address],
        NOBODY_TOLD,
    ),
    "requests of one address that wait for their turn": ([WAITING_LIMIT], too_much_of_the_loop),
    "the last places for connections that ask for health": ([PROBES_PER_ADDRESS], no_place),
    "what is read at once of a connection; of what follows a request, or the handshake of a WebSocket, before that is"
    " answered": (
        [READ_BYTES],
        NOBODY_TOLD,
    ),
    "long polls and streams that wait for events at one bridge": ([FOLLOWERS_LIMIT], too_many_followers),
    "whatever is sent over a WebSocket, down to a ping or an empty part of a message; each packet that is posted": (
        [LIMITS.messages.per_second, LIMITS.messages.burst, MESSAGE_BYTES],
        NOBODY_TOLD,
    ),
    "what is looked up to be sent again to a session that comes back; to all that come from one address": (
        [],
        NOBODY_TOLD,
    ),
    "one message": ([SETTINGS.max_payload_bytes], over_message),
    "one message of a client that is not connected yet": ([LIMITS.stranger_message_bytes], over_strangers_message),
    "names, values, objects and lists in one message": ([PACKET_PARTS_LIMIT], NOBODY_TOLD),
    "packets whose attachments have not come yet, of all clients together": ([INCOMPLETE_LIMIT_BYTES], NOBODY_TOLD),
    "joining rooms": ([LIMITS.joins.per_second, LIMITS.rooms], refused_joins),
    "watching users": ([LIMITS.joins.per_second, WATCHED_LIMIT, WATCHED_LIMIT_BYTES], refused_joins),
    "a client that has not asked for a connection": ([SETTINGS.connect_timeout_seconds], NOBODY_TOLD),
    "what waits for a client that is not connected yet, and does not read": (
        [LIMITS.stranger_backlog_bytes],
        NOBODY_TOLD,
    ),
    "the name of a namespace": ([NAMESPACE_LIMIT], NOBODY_TOLD),
    "what waits for a client that does not read": ([LIMITS.backlog_bytes], NOBODY_TOLD),
    "what the system keeps of a connection that is not read, and of the answers to one that does not read": (
        [2 * BUFFER_BYTES],
        NOBODY_TOLD,
    ),
    "answers and events that wait to be read, and messages over WebSockets that have not come whole,"
    " of all connections together": ([SETTINGS.unread_limit_bytes], NOBODY_TOLD),
    "the same of one address": ([SETTINGS.unread_limit_bytes_per_address], NOBODY_TOLD),
}


def test_the_table_has_the_bounds_that_there_are() -> None:
    assert set(ROWS) == set(BOUNDS)
    assert {name for row in ROWS.values() for name in row.settings} <= set(Settings.model_fields)


@pytest.mark.parametrize("what", BOUNDS)
def test_what_the_table_says_of_a_bound_is_so(bridge: BridgeProcess, impatient: BridgeProcess, what: str) -> None:
    row, (numbers, provoke) = ROWS[what], BOUNDS[what]
    assert row.numbers == numbers
    told = set(re.findall(r"\b[1-5]\d\d\b|\b10\d\d\b|`\w+`", row.answer))
    assert {one.strip("`") for one in told} == provoke(
        impatient if isinstance(provoke, Late) else bridge, row.numbers
    )
