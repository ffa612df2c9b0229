"""The stop button of payouts: from the moment it is pressed nothing is sent, and everybody can see it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.shkeeper.simulator.faults import Call, Happens, What
from tests.commands import run_command
from tests.conftest import BridgeProcess
from tests.played_shkeeper import PlayedShkeeper
from tests.resuming import resume
from tests.system.shkeeper.conftest import Marketplace
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def nothing_stays_held(marketplace: Marketplace) -> Iterator[None]:
    yield
    resume(marketplace.client)


def kinds(marketplace: Marketplace) -> list[str]:
    return [item["kind"] for item in marketplace.client.get("/api/ops/attention").json()["items"]]


def held_gauge(marketplace: Marketplace) -> str:
    metrics = marketplace.client.get("/metrics").text
    return next(line for line in metrics.splitlines() if line.startswith("bridge_payouts_held ")).split()[1]


def test_nothing_is_sent_while_payouts_are_held_and_what_waits_is_sent_at_once_then(
    marketplace: Marketplace, shkeeper: PlayedShkeeper, tmp_path: Path
) -> None:
    first, second = marketplace.paid(), marketplace.paid()
    held = marketplace.client.post("/api/payouts/hold", json={"note": "two sellers report strange payouts"})
    assert held.status_code == 200, held.text
    assert held.json()["message"] == "No payout is sent until they are resumed."
    asked = len(shkeeper.gateway.payouts.payouts)
    [payout] = marketplace.pay_out(first)
    wait_until(lambda: held_gauge(marketplace) == "1.0")
    assert "payouts-held" in kinds(marketplace)
    assert marketplace.client.get("/api/payouts/hold").json()["note"] == "two sellers report strange payouts"
    # Another bridge that is started now is held as well.
    marketplace.bridge.kill()
    marketplace.bridge.start()
    [other] = marketplace.pay_out(second)
    wait_until(lambda: held_gauge(marketplace) == "1.0")
    # Whoever asks about one reads why it waits, and so does who looks from a terminal.
    for said in (other, marketplace.payout(payout["payoutId"])):
        assert said["held"]["note"] == "two sellers report strange payouts"
        assert said["held"]["since"] == marketplace.client.get("/api/payouts/hold").json()["heldAt"]
    assert "no payout is sent: " in doctor(marketplace.bridge, tmp_path)
    assert {marketplace.payout_status(one) for one in (payout, other)} == {"created"}
    assert len(shkeeper.gateway.payouts.payouts) == asked
    resumed = resume(marketplace.client, by="Ada", note="all is well")
    assert resumed.json()["action"]["by"] == "Ada"
    marketplace.settle([payout, other], "completed")
    assert [len(marketplace.sent(one["payoutId"])) for one in (payout, other)] == [1, 1]
    assert "payouts-held" not in kinds(marketplace)
    wait_until(lambda: held_gauge(marketplace) == "0.0")
    assert marketplace.payout(payout["payoutId"])["held"] is None
    assert "no payout is sent" not in doctor(marketplace.bridge, tmp_path)


def doctor(bridge: BridgeProcess, folder: Path) -> str:
    env = {"PATH": os.environ["PATH"], "BRIDGE_DATABASE_URL": f"sqlite:///{bridge.database}"}
    ended = run_command("doctor", cwd=folder, env=env)
    return ended.stdout + ended.stderr


def test_an_order_that_is_being_given_is_waited_for_and_nothing_leaves_after_the_answer(
    marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    first, second = marketplace.paid(), marketplace.paid()
    asked = shkeeper.count(Call.PAYOUT)
    shkeeper.goes_wrong(Call.PAYOUT, What.SLOW, Happens.BEFORE, times=1, seconds=1)
    [payout] = marketplace.pay_out(first)
    wait_until(lambda: shkeeper.count(Call.PAYOUT) > asked)
    assert marketplace.client.post("/api/payouts/hold", json={}).status_code == 200
    booked = [one.external_id for one in shkeeper.gateway.payouts.payouts]
    assert booked[-1] == marketplace.payout(payout["payoutId"])["externalId"]
    [other] = marketplace.pay_out(second)
    marketplace.settle([payout], "completed")
    wait_until(lambda: held_gauge(marketplace) == "1.0")
    assert [one.external_id for one in shkeeper.gateway.payouts.payouts] == booked
    resume(marketplace.client)
    marketplace.settle([other], "completed")


def test_held_or_resumed_twice_changes_nothing_and_each_is_on_record_once(marketplace: Marketplace) -> None:
    def press(button: str) -> object:
        if button == "resumption":
            return resume(marketplace.client, by="Bo").json()["action"]
        return marketplace.client.post(f"/api/ops/{button}", json={"by": "Bo"}).json()["action"]

    before = marketplace.client.get("/api/ops/actions").json()["actions"]
    assert press("hold") is not None
    assert press("hold") is None
    assert press("resumption") is not None
    assert press("resumption") is None
    actions = marketplace.client.get("/api/ops/actions").json()["actions"]
    new = actions[: len(actions) - len(before)]
    assert [(one["action"], one["subject"], one["by"]) for one in new] == [
        ("resume", "payouts", "Bo"),
        ("hold", "payouts", "Bo"),
    ]


def test_it_is_pressed_from_a_terminal_too(bridge: BridgeProcess, marketplace: Marketplace, tmp_path: Path) -> None:
    def said(*arguments: str) -> tuple[int, str]:
        ended = run_command("payouts", *arguments, cwd=tmp_path, env={"PATH": os.environ["PATH"]})
        return ended.returncode, (ended.stdout + ended.stderr).strip()

    assert said("hold", "--url", bridge.url, "--by", "Cy", "--note", "just in case") == (
        0,
        "No payout is sent until they are resumed.",
    )
    assert marketplace.client.get("/api/payouts/hold").json()["heldBy"] == "Cy"
    assert said("hold", "--url", bridge.url, "--by", "Cy") == (0, "Payouts were held already, by Cy.")
    code, output = said("hold", "--url", bridge.url, "--by", "Di", "--note", "the bank called")
    assert (code, "already, by Cy; what each has said is kept." in output) == (0, True)
    held = marketplace.client.get("/api/payouts/hold").json()["holds"]
    assert [(one["heldBy"], one["note"]) for one in held] == [("Cy", "just in case"), ("Di", "the bank called")]
    # A service ends what it placed, and no more: who holds them is said with what to do.
    code, output = said("resume", "--url", bridge.url)
    assert (code, "held by others, Cy (just in case); Di (the bank called)" in output) == (1, True)
    assert "bridge payouts resume --by" in output
    code, output = said("resume", "--url", bridge.url, "--by", "Ed")
    assert (code, output.splitlines()[-1]) == (0, "Payouts are sent again.")
    shown = output.splitlines()[:-1]
    assert len(shown) == 2
    assert shown[0].startswith("held by Cy since ")
    assert shown[1].endswith(": the bank called")
    code, output = said("hold", "--url", bridge.url, "--json")
    assert (code, "message" in json.loads(output)) == (0, True)
    code, output = said("resume", "--url", bridge.url, "--json")
    assert (code, len(json.loads(output)["ended"])) == (0, 1)
    code, output = said("resume", "--url", bridge.url, "--by", "Ed", "--without-comparison")
    assert (code, output) == (0, "Payouts were not held.")
    code, output = said("hold", "--url", "http://127.0.0.1:1")
    assert (code, "no bridge answers at http://127.0.0.1:1" in output) == (1, True)
