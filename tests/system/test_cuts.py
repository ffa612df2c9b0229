"""Clients that are cut off after every single packet of their first hundred: with the recipe for front ends each ends in
its rooms, and has heard or looked up everything, once and in order."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartBridge
from tests.system.conftest import JAVASCRIPT, Hearing, Script

DOCS = JAVASCRIPT.parents[1] / "docs"
TRANSPORTS = ("websocket", "polling", "polling,websocket")
CUTS = range(1, 101)
LAST = 20
"""So many events are published at last, when all are back: each client hears them, in both of its rooms."""


class Cut(Hearing):
    """The clients that are cut, each after another packet: `tests/javascript/cuts.mjs`."""

    def __init__(self, url: str, recipe: Path) -> None:
        super().__init__()
        clients = json.dumps(list(itertools.product(TRANSPORTS, CUTS)))
        self._script = Script("cuts.mjs", url, str(recipe), clients, take=self.lines.put)

    def all(self) -> list[dict[str, Any]]:
        count = len(TRANSPORTS) * len(CUTS)
        try:
            self.wait_for(lambda _: len(self.heard) == count)
        finally:
            self._script.close()
        return self.heard


def fault(client: dict[str, Any]) -> str | None:
    """What a client missed, heard twice or in the wrong order; None if it is as it should be."""
    known = heard = -1
    gap = False
    """Whether something was missed that was not looked up yet."""
    for kind, told in client["log"]:
        if kind == "stands":
            if told == "live" and gap:
                return f"calls itself live, and has missed something before {heard}"
            continue
        if kind == "found":
            if told < known:
                return f"shows {told}, which is older than {known}"
            gap = False
        else:
            if told <= heard:
                return f"hears {told} after {heard}"
            gap = gap or told > known + 1
            heard = told
        known = max(known, told)
    if gap:
        return "never looks up what it missed"
    heard_last = [told for kind, told in client["log"] if kind == "heard"][-LAST:]
    if heard_last != list(range(client["published"])[-LAST:]):
        return "does not hear what is told at last"
    return None if client["standing"] == "live" else f"is {client['standing']}"


def expect_no_fault(clients: list[dict[str, Any]]) -> None:
    faults = {
        f"{client['transports']}, cut after {client['cut']}": found
        for client in clients
        if (found := fault(client)) is not None
    }
    assert not faults


def test_a_cut_after_any_packet_leaves_the_module_in_its_rooms(make_bridge: StartBridge) -> None:
    bridge = make_bridge()
    expect_no_fault(Cut(bridge.url, DOCS / "contract" / "rooms.ts").all())
    bridge.kill()
