"""The stock client whose connection closes in the moment that it has read an event, as docs/front-end.md tells; one
that is cut off; and those of a bridge that stops."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BridgeProcess, StartBridge
from tests.system.attacks.strangers import LIVE, Stranger
from tests.system.conftest import Hearing, Script
from tests.waiting import GIVE_UP_SECONDS

ROOT = Path(__file__).parents[2]
JAVASCRIPT = ROOT / "tests" / "javascript"
RECIPE = ROOT / "docs" / "contract" / "rooms.ts"


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge) -> Iterator[BridgeProcess]:
    bridge = make_bridge()
    yield bridge
    bridge.kill()


@pytest.mark.parametrize(
    ("options", "heard"),
    [([], ["first", "first", "second"]), (["remedy"], ["first", "second"])],
    ids=["as-it-is", "remedied"],
)
def test_what_it_has_read_and_not_handed_out_comes_twice_without_the_remedy(
    bridge: BridgeProcess, options: list[str], heard: list[str]
) -> None:
    command = ["node", "closing.mjs", bridge.url, *options]
    run = subprocess.run(command, cwd=JAVASCRIPT, capture_output=True, text=True, timeout=GIVE_UP_SECONDS)
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout) == heard


def test_one_that_is_cut_off_comes_back_and_can_say_why(bridge: BridgeProcess) -> None:
    command = ["node", "cut-off.mjs", bridge.url]
    run = subprocess.run(command, cwd=JAVASCRIPT, capture_output=True, text=True, timeout=GIVE_UP_SECONDS)
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout) == ["transport close", 4501, "no packet"]


def test_a_poll_that_waits_is_answered_when_the_bridge_stops_and_does_not_keep_it(bridge: BridgeProcess) -> None:
    poll = "GET /socket.io/?EIO=4&transport=polling{} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with Stranger(bridge) as polling, Stranger(bridge) as other:
        polling.send(poll.format("").encode())
        sid = json.loads(polling.answer().body[1:])["sid"]
        polling.send(poll.format(f"&sid={sid}").encode())
        other.send(LIVE)  # which is read after that
        assert other.answer().status == 200
        bridge.process.terminate()
        answer = polling.answer()
        assert (answer.status, answer.headers["connection"], answer.body) == (200, "close", b"6")
        assert bridge.process.wait() == 0
    bridge.start()


def test_whoever_is_told_when_to_come_back_waits_for_just_that_and_then_as_before(bridge: BridgeProcess) -> None:
    """Also if the bridge stays away: then it tries as often as ever, though two have told its client to wait."""
    hearing, clients, tries = Hearing(), range(4), 5
    script = Script("coming-back.mjs", bridge.url, str(RECIPE), take=hearing.lines.put)
    as_set = shortest, longest, spread = [20, 100, 0.5]

    def lines(client: int, kind: str) -> list[dict[str, Any]]:
        return [line for line in hearing.heard if line["client"] == client and kind in line]

    def are_live(times: int) -> bool:
        return all(len(lines(client, "live")) >= times for client in clients)

    try:
        hearing.wait_for(lambda _: are_live(1))
        assert bridge.stop() == 0
        hearing.wait_for(lambda _: all(len(lines(client, "tried")) >= tries for client in clients))
        bridge.start()
        hearing.wait_for(lambda _: are_live(2))
    finally:
        script.kill()
    for client in clients:
        [told], [waited] = lines(client, "told"), lines(client, "waited")
        assert 1_000 <= told["told"] <= 1_000 + len(clients)
        assert told["waits"] == [told["told"], told["told"], 0]
        assert waited["waited"] >= told["told"] - 2  # the clocks of Node's timers are a millisecond's
        for tried in lines(client, "tried"):
            own_wait = min(shortest * 2 ** (tried["number"] - 1), longest)
            assert tried["tried"] >= own_wait * (1 - spread) - 2
        assert [line["waits"] for line in lines(client, "live")] == [as_set, as_set]


def test_a_body_that_does_not_come_does_not_keep_a_bridge_that_stops(bridge: BridgeProcess) -> None:
    with Stranger(bridge) as slow, Stranger(bridge) as other:
        slow.send(b"POST /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n[")
        other.send(LIVE)  # which is read after that
        assert other.answer().status == 200
        bridge.process.terminate()
        answer = slow.answer()
        assert (answer.status, b"nothing was done" in answer.body) == (503, True)
        assert bridge.process.wait() == 0
    bridge.start()


def test_the_remedy_is_the_one_of_the_page() -> None:
    [line] = re.findall(
        r"^(socket\.io\.on\(.*receiveBuffer.*)$", (ROOT / "docs" / "front-end.md").read_text(), re.MULTILINE
    )
    assert line in (JAVASCRIPT / "closing.mjs").read_text()
