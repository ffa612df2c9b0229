"""Clients that are cut off after every single packet of their first twenty-six, or in `make soak` of their first
hundred, and a crowd that is cut anywhere, again and again, while the bridge is killed: with the recipe for front ends
each ends in its rooms, has heard or looked up everything, once and in order, is online, and sees whom it watches."""

import json
import queue
import random
import re
import subprocess
import textwrap
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from tests.asking import client_of
from tests.conftest import IS_LONG, StartBridge
from tests.system.conftest import JAVASCRIPT, Hearing, Line, Script
from tests.waiting import GIVE_UP_SECONDS

DOCS = JAVASCRIPT.parents[1] / "docs"
GUIDE = DOCS / "guide.md"
PAGE = DOCS / "front-end.md"
MODULE = DOCS / "contract" / "rooms.ts"
PAYMENT = {
    "provider": "shkeeper",
    "externalId": "order-1001",
    "requestId": "request-1",
    "buyerId": "buyer-1",
    "sellerId": "seller-1",
    "amount": "49.90",
    "currency": "USD",
}
NEWEST = "socket.io-client"
TRANSPORTS = ("websocket", "polling", "polling,websocket")
# Until it is live it takes a client a dozen packets or two; what comes then repeats.
CUTS = range(1, 101 if IS_LONG else 27)
KILLS = 3

Client = tuple[str, str, list[int] | str]
"""Its version, its transports, and after which packets it is cut, each counted from the cut before."""

EVERY_CUT: list[Client] = [(NEWEST, transports, [cut]) for transports in TRANSPORTS for cut in CUTS]
# One that is never recovered; of its packets the set-up differs.
OLDER: list[Client] = [
    ("socket.io-client-4.0", transports, [cut])
    for place, transports in enumerate(TRANSPORTS)
    for cut in (range(1, 21) if IS_LONG else range(1 + place, 21, len(TRANSPORTS)))
]
VERSIONS = [NEWEST, *(f"socket.io-client-4.{minor}" for minor in range(8))]
# The WebSocket alone, once its probe was answered: the client rests from polling for it.
PROBED: list[Client] = [(version, "polling,websocket", "probe") for version in VERSIONS]


class Cut(Hearing):
    """The clients that are cut, each after another packet: `tests/javascript/cuts.mjs`, which ends with the block."""

    def __init__(self, url: str, recipe: Path, clients: Sequence[Client], kills: int = 0) -> None:
        super().__init__()
        self._count = len(clients)
        arguments = url, str(recipe), json.dumps(clients), str(kills)
        self._script = Script("cuts.mjs", *arguments, take=self.lines.put)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._script.kill()

    def all(self) -> list[Line]:
        """Each client with all that came of it, when all are done, or when that is given up."""
        with suppress(AssertionError):
            self.wait_for(lambda line: "done" in line)
        self._script.close()
        self.heard += iter(lambda: self.lines.get(timeout=GIVE_UP_SECONDS), None)
        ended = [line for line in self.heard if "cut" in line]
        assert len(ended) == self._count, "the clients did not even begin"
        return ended


def fault(client: Line) -> str | None:
    """What a client missed, heard twice or in the wrong order; None if it is as it should be."""
    known = heard = -1
    standing = "offline"
    gap = False
    """Whether something was missed that was not looked up yet."""
    for kind, told, *has_all in client["log"]:
        if kind == "stands":
            if told == "live" and (gap or has_all == [False]):
                return f"calls itself live, and has missed something before or after {heard}"
            standing = told
            continue
        if kind == "found":
            if told < known:
                return f"shows {told}, which is older than {known}"
            gap = False
        else:
            if told <= heard:
                return f"hears {told} after {heard}"
            if told > known + 1 and standing == "live":
                return f"is live, and misses something between {known} and {told}"
            gap = gap or told > known + 1
            heard = told
        known = max(known, told)
    if gap:
        return "never looks up what it missed"
    return fault_at_last(client)


def fault_at_last(client: Line) -> str | None:
    if not client["hearsAll"]:
        return "does not hear what its rooms are told at last"
    if not client["seesUser"]:
        return "does not see that the user whom it watches comes online"
    if client["isOnline"] is False:
        return "is not online, and said that it is"
    return None if client["standing"] == "live" else f"is {client['standing']}"


def expect_no_fault(clients: list[Line]) -> None:
    faults = {
        f"{client['version']} by {client['transports']}, cut after {client['cut']}": found
        for client in clients
        if (found := fault(client)) is not None
    }
    assert not faults, "\n".join(map(str, faults.items()))


def looks_up_again(client: Line) -> bool:
    """Whether a client had to look things up after it was live."""
    log = client["log"]
    first = next(place for place, (kind, told, *_) in enumerate(log) if (kind, told) == ("stands", "live"))
    return any(kind == "found" for kind, *_ in log[first:])


# No ping helps whoever is deaf.
SLOW = {"BRIDGE_PING_INTERVAL_SECONDS": "3600", "BRIDGE_PING_TIMEOUT_SECONDS": "3600"}
SLOW |= {"BRIDGE_PRESENCE_TO": "watchers"}  # who does not watch is told of nobody


def plain_recipe() -> str:
    """The lines that the page for front ends shows, in TypeScript."""
    [recipe] = re.findall(r"^```ts\n(let held.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert isinstance(recipe, str)
    return recipe


def watching() -> str:
    """The lines that it shows for some users alone."""
    [lines] = re.findall(
        r'^```ts\n(socket\.on\("connect", \(\) => \{\n.*?)^```$', PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert isinstance(lines, str)
    assert "watch-users" in lines
    return lines


def remedies() -> str:
    """What the page says to do besides, as to a connection that closes in the wrong moment."""
    [lines] = re.findall(r"^```ts\n(socket\.io\.on\(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert isinstance(lines, str)
    return lines


def lines_of_the_guide() -> str:
    [lines] = re.findall(r"^       import \{ io \}.*?(?=^\S|^   \S)", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return textwrap.dedent(lines)


def test_no_cut_leaves_the_module_out_of_its_rooms(make_bridge: StartBridge) -> None:
    bridge = make_bridge(**SLOW)
    with Cut(bridge.url, MODULE, [*EVERY_CUT, *OLDER, *PROBED]) as cut:
        clients = cut.all()
    expect_no_fault(clients)
    # Whoever is recovered is told what it missed, and nothing else.
    newest = [client for client in clients if (client["version"], client["transports"]) == (NEWEST, "websocket")]
    assert not [client["cut"] for client in newest if looks_up_again(client)]
    bridge.kill()


def test_a_crowd_that_is_cut_again_and_again_while_the_bridge_is_killed_hears_all(make_bridge: StartBridge) -> None:
    bridge = make_bridge(**SLOW)
    chance = random.Random(20261127)
    crowd: list[Client] = [
        (version, transports, [chance.randint(1, 30) for _ in range(8)])
        for version, count in ((NEWEST, 8), ("socket.io-client-4.0", 2))
        for transports in TRANSPORTS * count
    ]
    with Cut(bridge.url, MODULE, crowd, kills=KILLS) as cut:
        for _ in range(KILLS):
            cut.wait_for(lambda line: "kill" in line)
            bridge.kill()
            bridge.start()
        expect_no_fault(cut.all())
    bridge.kill()


def test_no_cut_leaves_the_plain_recipe_out_of_its_rooms(make_bridge: StartBridge, tmp_path: Path) -> None:
    bridge = make_bridge(**SLOW)
    recipe = tmp_path / "recipe.ts"
    recipe.write_text(plain_recipe() + watching() + remedies())
    # It is the module's, in fewer lines: each packet once is enough to see that none of them is wrong.
    cuts = EVERY_CUT if IS_LONG else [(NEWEST, TRANSPORTS[cut % 3], [cut]) for cut in CUTS]
    with Cut(bridge.url, recipe, [*cuts, PROBED[0]]) as cut:
        expect_no_fault(cut.all())
    bridge.kill()


def test_the_guide_shows_the_same_recipe_and_it_works_as_it_stands(make_bridge: StartBridge, tmp_path: Path) -> None:
    lines = lines_of_the_guide()
    untyped = plain_recipe().replace(": (() => void)[] | null", "").replace("(handOut: () => void)", "(handOut)")
    assert untyped in lines
    bridge = make_bridge(FRONTEND_URL="http://shop.example")
    (tmp_path / "node_modules").symlink_to(JAVASCRIPT / "node_modules")
    program = tmp_path / "guide.mjs"
    program.write_text(lines.replace("http://127.0.0.1:8000", bridge.url))
    said: queue.Queue[str] = queue.Queue()
    with printing(program, said), client_of(bridge.url) as client:
        assert said.get(timeout=GIVE_UP_SECONDS) == "[]"
        payment = client.post("/api/payments", json=PAYMENT).raise_for_status().json()["paymentId"]
        client.post(f"/api/payments/{payment}/cancellation", json={}).raise_for_status()
        assert said.get(timeout=GIVE_UP_SECONDS) == f"{payment} cancelled"
    bridge.kill()


@contextmanager
def printing(program: Path, said: queue.Queue[str]) -> Iterator[None]:
    """A program of Node's, which ends with the block."""
    process = subprocess.Popen(["node", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    reading = threading.Thread(target=read, args=(process.stdout, said))
    reading.start()
    try:
        yield
    finally:
        process.kill()
        process.wait()
        reading.join()
        process.stdout.close()


def read(output: IO[str], said: queue.Queue[str]) -> None:
    for line in output:
        said.put(line.strip())
