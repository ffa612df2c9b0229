"""The requests that docs/ shows, sent as they stand there to bridges beside the local SHKeeper."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.client import BridgeClient
from tests.asking import get, post
from tests.commands import PIPE, Command, run_command
from tests.conftest import BridgeProcess, StartBridge
from tests.documented import ask, blocks_of, commands_of
from tests.made_destinations import destination
from tests.played_shkeeper import KEY, PlayedShkeeper, played_shkeeper
from tests.system.shkeeper.conftest import PATIENT_SERVICE, limits, settings_for
from tests.waiting import wait_until

HERE, SHKEEPER = "http://127.0.0.1:8000", "http://127.0.0.1:5050"
TOKEN, CLERK = "the-token-of-the-service", "the-token-of-the-clerk"
SERVICES = f"""
[shop]
token = "{TOKEN}"
publishes = ["marketplace"]
registers = ["payments", "payouts"]
manages = ["access"]
receives = ["payment"]
reads = true
[clerk]
token = "{CLERK}"
approves = ["payouts"]
"""
BEARER = {"Authorization": f"Bearer {TOKEN}"}
STANDS_FOR_TOKEN = "<the service's token>"


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper() as shkeeper:
        yield shkeeper


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, shkeeper: PlayedShkeeper) -> BridgeProcess:
    """For whoever tries it out: nobody is asked who they are."""
    return make_bridge(**settings_for(shkeeper), BRIDGE_ENDPOINT_NETWORKS="127.0.0.1")


@pytest.fixture(scope="module")
def guarded(
    make_bridge: StartBridge, shkeeper: PlayedShkeeper, tmp_path_factory: pytest.TempPathFactory
) -> BridgeProcess:
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    return make_bridge(
        **{**settings_for(shkeeper), "BRIDGE_PAYOUT_LIMITS": limits(per_payout=1)},
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS="a secret of at least thirty-two bytes",
        BRIDGE_SERVICES_FILE=str(services),
    )


def documented(bridge: BridgeProcess, page: str, chapter: str, number: int = 0, **values: str) -> dict[str, Any]:
    """What is answered to one of a chapter's requests."""
    command = commands_of(page, chapter, "curl ")[number]
    address = next(one for one in (HERE, "http://localhost:8000") if one in command)
    answer = ask(command, {address: bridge.url, **values})
    assert answer.is_success, (command, answer.text)
    found: dict[str, Any] = answer.json()
    return found


def by_service(bridge: BridgeProcess, chapter: str, number: int = 0, **values: str) -> dict[str, Any]:
    return documented(bridge, "services.md", chapter, number, **{STANDS_FOR_TOKEN: TOKEN, **values})


def paid(bridge: BridgeProcess, shkeeper: PlayedShkeeper, request_id: str, headers: dict[str, str]) -> str:
    """A payment that is completed."""
    order = {"provider": "shkeeper", "coin": "ETH-USDT", "requestId": request_id, "buyerId": "buyer-1"}
    order |= {"sellerId": "seller-1", "amount": "49.90", "currency": "USD"}
    payment = post(f"{bridge.url}/api/payments", json=order, headers=headers).json()
    shkeeper.transfer(payment["invoices"][0]["address"])
    payment_id: str = payment["paymentId"]
    wait_until(
        lambda: get(f"{bridge.url}/api/payments/{payment_id}", headers=headers).json()["status"] == "completed"
    )
    return payment_id


def test_the_guide_registers_a_payment_and_an_endpoint(bridge: BridgeProcess) -> None:
    payment = documented(bridge, "guide.md", "", 0)
    assert (payment["externalId"], payment["status"]) == ("order-1001", "pending")
    assert documented(bridge, "guide.md", "", 1)["secret"].startswith("whsec_")


def test_a_payment_by_shkeeper_is_opened_paid_and_paid_out(
    bridge: BridgeProcess, shkeeper: PlayedShkeeper, tmp_path: Path
) -> None:
    payment = documented(bridge, "shkeeper.md", "Payments")
    address = payment["invoices"][0]["address"]
    for command in commands_of("shkeeper.md", "Without a SHKeeper", "bridge simulate transfer"):
        _, *words = command.replace("0x…", address).split()
        done = run_command(*words, "--shkeeper", shkeeper.url, cwd=tmp_path, env={})
        assert done.returncode == 0, done
    wait_until(lambda: get(f"{bridge.url}/api/payments/{payment['paymentId']}").json()["status"] == "completed")
    values = {"pay_…": payment["paymentId"], "0x…": destination("ETH-USDT", "documented")}
    [payout] = documented(bridge, "shkeeper.md", "Payouts", 0, **values)["payouts"]
    wait_until(lambda: get(f"{bridge.url}/api/payouts/{payout['payoutId']}").json()["status"] == "completed")
    # Of a payout that was sent nobody says that it was not.
    resolution = commands_of("shkeeper.md", "Payouts", "curl ")[1]
    answer = ask(resolution, {HERE: bridge.url, "out_…": payout["payoutId"]})
    assert (answer.status_code, answer.json()["status"]) == (409, 409), answer.text


def test_a_template_checkout_is_opened(bridge: BridgeProcess) -> None:
    checkout = documented(bridge, "shkeeper.md", "Template checkouts")
    assert (checkout["checkoutId"], len(checkout["shares"])) == ("checkout-12", 2), checkout


def test_the_local_shkeeper_fails_as_it_is_told_to(shkeeper: PlayedShkeeper) -> None:
    for command in commands_of("shkeeper.md", "Without a SHKeeper", "curl "):
        values = {"0x…": destination("ETH-USDT", "fails")} if "0x…" in command else {}
        answer = ask(command, {SHKEEPER: shkeeper.url, **values})
        assert answer.is_success, (command, answer.text)
    shkeeper.works_again()
    ask(commands_of("shkeeper.md", "Without a SHKeeper", "curl ")[-1], {SHKEEPER: shkeeper.url, "hangs": "works"})


def test_a_service_publishes_and_reads(guarded: BridgeProcess) -> None:
    assert by_service(guarded, "One request")["offsets"]
    waiting = commands_of("services.md", "Reading every event", "curl ")[0]
    answer = ask(waiting, {HERE: guarded.url, STANDS_FOR_TOKEN: TOKEN, "&after=now&wait=25": ""})
    assert [event["event"] for event in answer.json()["events"]] == ["new-offer"]
    answer = ask(waiting, {HERE: guarded.url, STANDS_FOR_TOKEN: TOKEN, "wait=25": "wait=0"})
    assert answer.json()["events"] == []


def test_a_service_reads_every_event_from_python(guarded: BridgeProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTS_TOKEN", TOKEN)
    _, in_python = blocks_of("services.md", "Reading every event")
    assert HERE in in_python.text
    event = {"event": "delivery-confirmed", "data": {"requestId": "request-80"}}
    post(f"{guarded.url}/api/events", json=event, headers=BEARER).raise_for_status()

    class EnoughError(Exception):
        pass

    def say(_offset: str, name: str, *_: object) -> None:
        if name == "delivery-confirmed":
            raise EnoughError

    names = {"BridgeClient": BridgeClient, "os": os, "last_offset": None, "print": say}
    with pytest.raises(EnoughError):
        exec(in_python.text.replace(HERE, guarded.url), names)


def test_a_service_withdraws_a_payment(guarded: BridgeProcess) -> None:
    order = {"provider": "shkeeper", "coin": "ETH-USDT", "requestId": "request-9", "buyerId": "buyer-1"}
    order |= {"sellerId": "seller-1", "amount": "49.90", "currency": "USD"}
    payment = post(f"{guarded.url}/api/payments", json=order, headers=BEARER).json()
    named = {"<its paymentId>": payment["paymentId"]}
    assert by_service(guarded, "Cancelling a payment", **named)["status"] == "cancelled"


def test_a_service_gives_money_back(guarded: BridgeProcess, shkeeper: PlayedShkeeper) -> None:
    named = {"<its paymentId>": paid(guarded, shkeeper, "request-77", BEARER)}
    opened = by_service(guarded, "Money back", 0, **named)
    assert opened["status"] == "awaiting_address"
    # The same from Python, by the same key.
    [_, in_python, _] = blocks_of("services.md", "Money back")
    with BridgeClient(guarded.url, TOKEN, **PATIENT_SERVICE) as client:
        names: dict[str, Any] = {"bridge": client, "payment_id": named["<its paymentId>"]}
        exec(in_python.text, names)
    assert names["refund"].refund_id == opened["refundId"]
    sent = {
        '"txHash": "0x…"': f'"txHash": "0x{"ab" * 32}"',
        '"destination": "0x…"': f'"destination": "0x{"12" * 20}"',
    }
    named = {"<its paymentId>": paid(guarded, shkeeper, "request-78", BEARER)}
    assert by_service(guarded, "Money back", 1, **named, **sent)["amount"] == "10.00"


def test_a_second_person_approves_a_payout_and_a_destination_is_listed(
    guarded: BridgeProcess, shkeeper: PlayedShkeeper
) -> None:
    payout = {"paymentId": paid(guarded, shkeeper, "request-79", BEARER), "coin": "ETH-USDT", "amount": "40"}
    asked = {"payouts": [{**payout, "destination": destination("ETH-USDT", "approved")}], "askedBy": "ada"}
    [waiting] = post(f"{guarded.url}/api/payouts", json=asked, headers=BEARER).json()["payouts"]
    assert waiting["status"] == "awaiting_approval"
    named = {STANDS_FOR_TOKEN: CLERK, "<its payoutId>": waiting["payoutId"]}
    approved = documented(guarded, "services.md", "A second person", 0, **named)
    assert approved["status"] != "awaiting_approval"
    address = destination("ETH-USDT", "listed")
    assert by_service(guarded, "A second person", 1, **{"0x…": address})["destination"] == address


def test_a_service_registers_an_endpoint(guarded: BridgeProcess) -> None:
    assert by_service(guarded, "Webhooks to your back end")["url"] == "https://shop.example/hooks/bridge"


def test_a_service_takes_tokens_back(guarded: BridgeProcess) -> None:
    answer = documented(guarded, "access.md", "Access, taken back", 0, **{"$TOKEN": TOKEN})
    assert answer["action"]["outcome"] == "tokens revoked: account stolen"


def test_the_first_page_shows_events_as_webhooks_arrive(bridge: BridgeProcess, tmp_path: Path) -> None:
    run, listen, simulate = (
        line.partition("#")[0].split() for line in blocks_of("README.md", "Try it")[1].text.splitlines()
    )
    assert run == ["make", "run"]
    environment = {"BRIDGE_SHKEEPER_API_KEYS": KEY, "NO_COLOR": "1"}
    with Command(
        *listen[1:], "--url", bridge.url, cwd=tmp_path, env=environment, stdout=PIPE, stderr=PIPE
    ) as listening:
        assert listening.stdout is not None
        assert listening.stderr is not None
        assert "listening to" in listening.stderr.readline()
        done = run_command(*simulate[1:], "--url", bridge.url, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done
        heard = [listening.stdout.readline() for _ in range(3)]
        listening.terminate()
    assert any("payment-update" in line for line in heard), heard


def test_a_client_in_python_listens(bridge: BridgeProcess, tmp_path: Path) -> None:
    [program] = [block.text for block in blocks_of("front-end.md", "After a reconnect") if block.language == "python"]
    assert HERE in program
    # Says when it is in its room, in place of nothing.
    program = program.replace(HERE, bridge.url).replace('"request-1")', '"request-1")\n    print("in", flush=True)')
    with subprocess.Popen([sys.executable, "-uc", program], stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "in\n"
        order = ["--request-id", "request-1", "--buyer-id", "buyer-1", "--seller-id", "seller-1"]
        done = run_command(
            *("simulate", "shkeeper", *order, "--url", bridge.url),
            cwd=tmp_path,
            env={"BRIDGE_SHKEEPER_API_KEYS": KEY},
        )
        assert done.returncode == 0, done
        assert client.stdout.readline().startswith("pay_")
        client.kill()
