"""A machine that was taken back to a snapshot, the journal's mark with it, and nobody noticed: pages that joined a
room since are recovered, and with the recipe for front ends they are in it again, and have looked up what they
missed."""

from pathlib import Path

import pytest

from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.system.conftest import Hearing, Line, Script
from tests.system.test_cuts import MODULE, plain_recipe

# Node warns of more than ten who listen to one signal.
REQUESTS = [f"r{number}" for number in range(1, 12)]


class Page(Hearing):
    """`tests/javascript/taken-back.mjs`."""

    def __init__(self, url: str, recipe: Path) -> None:
        super().__init__()
        self.script = Script("taken-back.mjs", url, str(recipe), take=self.lines.put)

    def live(self) -> Line:
        return self.wait_for(lambda line: "isLive" in line)

    def hear(self, request_id: str) -> None:
        self.wait_for(lambda line: line.get("heard") == request_id)


class Disk:
    """The journal of a bridge that was killed, with all that lies beside it."""

    def __init__(self, bridge: BridgeProcess) -> None:
        self._kept = {path: path.read_bytes() for path in bridge.database.parent.glob(f"{bridge.database.name}*")}
        assert any(path.suffix == ".mark" for path in self._kept)

    def take_back(self) -> None:
        """Into the same files: whoever looks at them sees those that it knows."""
        for path, content in self._kept.items():
            path.write_bytes(content)


@pytest.mark.parametrize("kind", ["module", "plain recipe"])
def test_a_page_is_in_the_rooms_that_the_bridge_has_forgotten(
    make_bridge: StartBridge, tmp_path: Path, kind: str
) -> None:
    bridge = make_bridge(BRIDGE_PING_INTERVAL_SECONDS="3600", BRIDGE_PING_TIMEOUT_SECONDS="3600")
    recipe = MODULE
    if kind == "plain recipe":
        recipe = tmp_path / "recipe.ts"
        recipe.write_text(plain_recipe())
    page = Page(bridge.url, recipe)
    assert page.live()["recovered"] is False
    bridge.kill()
    disk = Disk(bridge)
    bridge.start()
    at_first = page.live()
    assert at_first["recovered"] is True  # and was told all
    for request_id in REQUESTS:
        page.script.tell({"join": ["join-request-room", request_id]})
        joined = page.live()
    bridge.kill()
    disk.take_back()
    bridge.start()
    taken_back = page.live()
    assert taken_back["recovered"] is True
    assert taken_back["looks"] == joined["looks"] + 1
    with client_of(bridge.url) as client:
        for request_id in REQUESTS:
            event = {"event": "purchase-request-update", "data": {"type": "x", "requestId": request_id}}
            client.post("/api/events", json=event).raise_for_status()
            page.hear(request_id)
        histories = client.get("/api/ops/histories").raise_for_status().json()
        assert len(histories["histories"]) == 1  # it was not noticed
    page.script.close()
    assert not [line for line in page.heard if "warning" in line]
    bridge.kill()
