"""Journals that are restored from a backup of before: it is noticed, payouts wait until the books were compared, and
what was paid out since is not paid out again."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from providers.shkeeper.simulator.faults import Call, What
from tests.asking import client_of
from tests.commands import run_command
from tests.conftest import BridgeProcess
from tests.made_destinations import destination
from tests.played_shkeeper import PlayedShkeeper, played_shkeeper
from tests.resuming import resume
from tests.system.conftest import Listener, StartListener
from tests.system.shkeeper.conftest import Document, Marketplace
from tests.system.shkeeper.histories import attention, compared, do, history, is_held, note_wallets, settle
from tests.waiting import wait_until

JOINS = [["join-user-room", "s1"], ["join-request-room", "r1"]]


class Backup:
    """The database of a bridge as it is now, without what happens after."""

    def __init__(self, bridge: BridgeProcess, folder: Path) -> None:
        self._bridge, self.copy = bridge, folder / "backup.db"
        note_wallets(bridge)
        bridge.stop()
        shutil.copy(bridge.database, self.copy)
        bridge.start()

    def restore(self) -> None:
        """Copies it over the file that is there."""
        self.put_back(self.copy)
        self._bridge.start()

    def put_back(self, copy: Path) -> None:
        """Kills the bridge, once it has noted how far it was, and copies a backup over its database."""
        wait_until(self._is_noted)
        self._bridge.kill()
        for beside in ("-wal", "-shm"):
            Path(f"{self._bridge.database}{beside}").unlink(missing_ok=True)
        shutil.copy(copy, self._bridge.database)

    def _is_noted(self) -> bool:
        """A mark may lag by a second, in which a whole restore has room here."""
        noted = json.loads(Path(f"{self._bridge.database}.mark").read_bytes())["reach"]
        database = sqlite3.connect(self._bridge.database)
        reached = database.execute(
            'SELECT (SELECT max("offset") FROM events), (SELECT max(observation_id) FROM observations),'
            " (SELECT max(observation_id) FROM payout_observations)"
        ).fetchone()
        database.close()
        return [noted["events"], noted["observations"], noted["payoutObservations"]] == [one or 0 for one in reached]


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper(coins=("ETH", "ETH-USDT", "TRX")) as shkeeper:
        yield shkeeper


@pytest.fixture
def backup(bridge: BridgeProcess, tmp_path: Path) -> Callable[[], Backup]:
    return lambda: Backup(bridge, tmp_path)


def order(payment_id: str) -> Document:
    to = destination("ETH-USDT", payment_id)
    return {"paymentId": payment_id, "coin": "ETH-USDT", "amount": "98", "destination": to}


def pay_out(marketplace: Marketplace, payment_ids: list[str], key: str | None) -> list[Document]:
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"payouts": [order(one) for one in payment_ids]}
    answer = marketplace.client.post("/api/payouts", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    payouts: list[Document] = answer.json()["payouts"]
    return payouts


@pytest.mark.parametrize(("number", "keys"), [(1, ("first", "first")), (3, ("first", "another")), (3, (None, None))])
def test_what_was_sent_since_the_backup_is_found_and_not_sent_again(
    backup: Callable[[], Backup],
    shkeeper: PlayedShkeeper,
    marketplace: Marketplace,
    number: int,
    keys: tuple[str | None, str | None],
) -> None:
    payment_ids = [marketplace.paid() for _ in range(number)]
    before, after = (key and f"{key}-{payment_ids[0]}" for key in keys)
    kept = backup()
    payouts = pay_out(marketplace, payment_ids, before)
    marketplace.settle(payouts, "completed")
    payout_ids = [payout["payoutId"] for payout in payouts]
    names = [marketplace.payout(payout_id)["externalId"] for payout_id in payout_ids]
    kept.restore()
    found = [marketplace.client.get(f"/api/payouts/{payout_id}").status_code for payout_id in payout_ids]
    assert found == [404] * number  # the journal has forgotten them
    report = compared(marketplace)["comparison"]
    assert sorted(one["externalId"] for one in report["forgotten"]) == sorted(names)
    assert {one["txHashes"][0] for one in report["forgotten"]} == {shkeeper.sent(one)[0] for one in names}
    assert is_held(marketplace)
    # Nobody is paid before a person has seen that.
    refused = marketplace.client.post("/api/payouts", json={"payouts": [order(payment_ids[0])]})
    assert (refused.status_code, names[0] in refused.json()["detail"]) == (409, True)
    items = attention(marketplace, "payout-forgotten")
    assert sorted(item["paymentId"] for item in items) == sorted(payment_ids)
    settle(marketplace)
    again = pay_out(marketplace, payment_ids, after)
    assert [payout["payoutId"] for payout in again] == payout_ids
    marketplace.settle(again, "completed")
    assert [marketplace.payout(payout_id)["externalId"] for payout_id in payout_ids] == names
    assert [len(shkeeper.sent(name)) for name in names] == [1] * number
    assert attention(marketplace, "payout-forgotten") == []


def test_payouts_are_sent_again_by_themselves_if_nothing_differs(
    backup: Callable[[], Backup], shkeeper: PlayedShkeeper, marketplace: Marketplace
) -> None:
    payment_id, later = marketplace.paid(), marketplace.paid()
    kept = backup()
    marketplace.create()  # of which the restored journal knows nothing
    shkeeper.goes_wrong(Call.PAYOUT_STATUS, What.ERROR_500)
    kept.restore()
    wait_until(lambda: (history(marketplace)["comparison"] or {}).get("notAsked"))
    # As long as SHKeeper cannot be asked nothing is sent; what is asked for waits.
    [payout] = pay_out(marketplace, [payment_id], None)
    assert (is_held(marketplace), history(marketplace)["comparedAt"]) == (True, None)
    [item] = attention(marketplace, "journal-rewound")
    assert "could not be asked, and is asked again" in item["detail"]
    assert item["actions"] == []
    assert marketplace.sent(payout["payoutId"]) == []
    shkeeper.works_again()
    report = compared(marketplace)
    # Nothing differs, and a person resumes.
    assert (is_held(marketplace), marketplace.sent(payout["payoutId"])) == (True, [])
    assert resume(marketplace.client).status_code == 200
    marketplace.settle([payout], "completed")
    assert len(marketplace.sent(payout["payoutId"])) == 1
    assert (report["beginning"], report["comparison"]["forgotten"]) == ("rewound", [])
    assert report["comparison"]["unknownInvoices"] != []
    assert report["missingSince"] < report["beganAt"]
    actions = marketplace.client.get("/api/ops/actions").json()["actions"]
    by_the_bridge = [one["action"] for one in actions if one["by"] == "the bridge"]
    assert by_the_bridge[:1] == ["hold"]
    # A person is told of it all the same, until they have taken note.
    [item] = attention(marketplace, "journal-rewound")
    assert "Nothing differs." in item["detail"]
    do(marketplace, "attention/dismissal", id=item["id"])
    assert attention(marketplace, "journal-rewound") == []
    marketplace.settle(pay_out(marketplace, [later], None), "completed")


def test_a_payout_that_was_asked_for_after_the_backup_is_not_asked_for_again(
    backup: Callable[[], Backup], shkeeper: PlayedShkeeper, marketplace: Marketplace
) -> None:
    payment_id = marketplace.paid()
    do(marketplace, "hold")
    [payout] = pay_out(marketplace, [payment_id], None)
    kept = backup()
    assert resume(marketplace.client).status_code == 200
    marketplace.settle([payout], "completed")
    kept.restore()
    report = compared(marketplace)
    [forgotten] = report["comparison"]["forgotten"]
    assert forgotten["paymentId"] == payment_id
    assert is_held(marketplace)
    assert resume(marketplace.client).status_code == 200
    marketplace.settle([payout], "completed")
    assert len(marketplace.sent(payout["payoutId"])) == 1


def test_what_was_sent_and_never_written_down_is_not_sent_again_by_itself(
    backup: Callable[[], Backup], shkeeper: PlayedShkeeper, marketplace: Marketplace
) -> None:
    """SHKeeper died before it wrote down what had left, and the restored journal does not know that it asked."""
    payment_id = marketplace.paid()
    kept = backup()
    shkeeper.goes_wrong(Call.PAYOUT, What.NOT_WRITTEN_DOWN, times=1)
    key = f"unwritten-{payment_id}"
    pay_out(marketplace, [payment_id], key)
    [transfer] = wait_until(lambda: sent_to(shkeeper, payment_id))
    kept.restore()
    [said] = compared(marketplace)["comparison"]["differing"]
    assert "98 are missing" in said
    assert said in attention(marketplace, "journal-rewound")[0]["detail"]
    assert is_held(marketplace)
    [again] = pay_out(marketplace, [payment_id], key)
    assert (again["status"], again["held"]["by"]) == ("created", "the bridge")
    # Who has found the transfer on the chain withdraws what was asked for again, and only then resumes.
    withdrawn = marketplace.client.post(
        f"/api/payouts/{again['payoutId']}/cancellation", json={"note": "it was sent"}
    )
    assert withdrawn.status_code == 200, withdrawn.text
    settle(marketplace)
    marketplace.settle([again], "failed")
    assert sent_to(shkeeper, payment_id) == [transfer]


def sent_to(shkeeper: PlayedShkeeper, payment_id: str) -> list[str]:
    """What left for where a payment is paid out to."""
    to = destination("ETH-USDT", payment_id)
    return [one.txid for one in list(shkeeper.gateway.payouts.sent) if one.destination == to]


def test_what_was_decided_of_one_order_is_said_of_no_other(
    backup: Callable[[], Backup], marketplace: Marketplace
) -> None:
    payment_id = marketplace.paid()
    kept = backup()
    [sent] = pay_out(marketplace, [payment_id], None)
    marketplace.settle([sent], "completed")
    kept.restore()
    compared(marketplace)
    settle(marketplace)
    # Something else for the same seller of the same payment is another payout, the same again is the same.
    [other] = marketplace.pay_out(payment_id, amount="97")
    assert other["payoutId"] != sent["payoutId"]
    approval = {"by": "Bo", "note": "as before"}
    assert marketplace.client.post(f"/api/ops/payouts/{sent['payoutId']}/approval", json=approval).status_code == 404
    assert marketplace.payout_status(other) == "awaiting_approval"
    do(marketplace, f"payouts/{other['payoutId']}/rejection", note="it is paid")
    [again] = pay_out(marketplace, [payment_id], None)
    marketplace.settle([again], "completed")
    assert len(marketplace.sent(again["payoutId"])) == 1


def test_clients_begin_anew_and_offsets_of_before_are_gone(
    backup: Callable[[], Backup], bridge: BridgeProcess, marketplace: Marketplace, listen: StartListener
) -> None:
    marketplace.paid()
    kept = backup()
    listener = listen(bridge.url, JOINS)
    completed = marketplace.paid()
    listener.wait_for(lambda line: line.get("event") == "payment-received")
    before = listener.offsets[-1]
    kept.restore()
    ready = listener.wait_for(lambda line: "ready" in line)
    assert ready["recovered"] is False
    assert_gone(marketplace, before)
    assert marketplace.client.get(f"/api/payments/{completed}").status_code == 404
    # Its money is in a wallet, and the books do not know of it.
    [said] = compared(marketplace)["comparison"]["differing"]
    assert "came that they do not know, and may hide what left" in said
    settle(marketplace)
    # From here on all is as ever.
    marketplace.paid()
    listener.wait_for(lambda line: line.get("event") == "payment-received")
    after = listener.offsets[-1]
    assert after.partition("-")[0] != before.partition("-")[0]
    bridge.kill()
    bridge.start()
    assert listener.wait_for(lambda line: "ready" in line)["recovered"] is True


def assert_gone(marketplace: Marketplace, offset: str) -> None:
    answer = marketplace.client.get("/api/events", params={"everyone": "true", "after": offset})
    assert (answer.status_code, "without it" in answer.json()["detail"]) == (410, True)


def test_an_offset_beyond_the_end_that_somebody_made_up_proves_nothing(
    bridge: BridgeProcess, marketplace: Marketplace, listen: StartListener
) -> None:
    marketplace.paid()
    epoch = history(marketplace)["epoch"]
    known = marketplace.client.get("/api/events", params={"everyone": "true"}).json()["next"]
    made_up = f"{epoch}-{10**9}-{known.split('-')[2]}"
    answer = marketplace.client.get("/api/events", params={"everyone": "true", "after": made_up})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "after")
    # Whoever brings one gets a session, and nobody else hears of it.
    genuine = json.loads(polled_connect(bridge, {}))["pid"]
    assert json.loads(polled_connect(bridge, {"pid": genuine, "offset": made_up}))["pid"] != genuine
    assert (history(marketplace)["epoch"], is_held(marketplace)) == (epoch, False)


@pytest.mark.parametrize("asks_by", ["its session", "REST"])
def test_whoever_heard_what_is_gone_proves_that_the_whole_machine_was_taken_back(
    backup: Callable[[], Backup],
    bridge: BridgeProcess,
    marketplace: Marketplace,
    listen: StartListener,
    asks_by: str,
) -> None:
    """Its mark was taken back with it, and the session began before. Who asks by REST does so when the journal is as
    far again, with other events."""
    listener = listen(bridge.url, JOINS)
    kept = backup()
    mark = Path(f"{bridge.database}.mark").read_bytes()
    assert listener.wait_for(lambda line: "ready" in line)["recovered"] is True
    marketplace.paid()
    listener.wait_for(lambda line: line.get("event") == "payment-received")
    offset, epoch = listener.offsets[-1], history(marketplace)["epoch"]
    if asks_by == "REST":
        listener.close()
    kept.put_back(kept.copy)
    Path(f"{bridge.database}.mark").write_bytes(mark)
    if asks_by == "REST":
        bridge.start()
        assert history(marketplace)["epoch"] == epoch
        for _ in range(2):
            marketplace.paid()
        assert_gone(marketplace, offset)
    else:
        bridge.launch()
    assert bridge.process.wait() == 1  # it stops by itself, in order
    bridge.start()
    present = compared(marketplace)
    assert (present["beginning"], present["epoch"] != epoch) == ("rewound", True)
    assert_gone(marketplace, offset)
    if asks_by == "its session":
        assert listener.wait_for(lambda line: "ready" in line)["recovered"] is False


def polled_connect(bridge: BridgeProcess, brought: Document) -> str:
    """What the bridge answers to a CONNECT with that."""
    with client_of(bridge.url) as client:
        opened = client.get("/socket.io/", params={"EIO": "4", "transport": "polling"})
        session = {"EIO": "4", "transport": "polling", "sid": json.loads(opened.text[1:])["sid"]}
        client.post("/socket.io/", params=session, content="40" + json.dumps(brought))
        answer: str = client.get("/socket.io/", params=session).text
        return answer.removeprefix("40")


def test_a_session_from_beyond_the_end_proves_a_rewind_that_nothing_else_shows(
    backup: Callable[[], Backup], bridge: BridgeProcess, marketplace: Marketplace, listen: StartListener
) -> None:
    kept = backup()
    marketplace.paid()
    listener: Listener = listen(bridge.url, JOINS)
    listener.fence()
    epoch, log_before = history(marketplace)["epoch"], bridge.log.read_text()
    kept.put_back(kept.copy)
    Path(f"{bridge.database}.mark").unlink()
    bridge.launch()
    assert bridge.process.wait() == 1  # it stops by itself, in order
    log = bridge.log.read_text().removeprefix(log_before)
    assert log.splitlines()[-1].startswith(
        "error: the journal is not the one that was opened: a client proves by its"
    )
    bridge.start()
    present = compared(marketplace)
    assert (present["beginning"], present["epoch"] != epoch) == ("rewound", True)
    assert listener.wait_for(lambda line: "ready" in line)["recovered"] is False


def test_a_backup_from_the_terminal_says_itself_that_it_was_restored(
    bridge: BridgeProcess, backup: Callable[[], Backup], marketplace: Marketplace, tmp_path: Path
) -> None:
    payment_id = marketplace.paid()
    env = {"PATH": "/usr/bin:/bin", "BRIDGE_DATABASE_URL": f"sqlite:///{bridge.database}"}
    note_wallets(bridge)
    said = run_command("backup", "copy.db", cwd=tmp_path, env=env)
    assert said.returncode == 0, said
    backup().put_back(tmp_path / "copy.db")
    bridge.start()
    assert compared(marketplace)["beginning"] == "restored"
    assert marketplace.payment(payment_id)["status"] == "completed"
    report = run_command("journal", "report", cwd=tmp_path, env=env)
    assert "restored" in report.stdout
    assert "Nothing differs." in report.stdout
    # A bridge that runs has it, so that nobody says meanwhile that it is another.
    refused = run_command("journal", "restored", cwd=tmp_path, env=env)
    assert (refused.returncode, "another bridge" in refused.stderr) == (1, True)
    bridge.stop()
    assert run_command("journal", "restored", "--note", "from tape", cwd=tmp_path, env=env).returncode == 0
    bridge.start()
    assert "from tape" in compared(marketplace)["evidence"][0]
    # Where no mark shows whether decisions of people are missing, payouts are held until somebody says so.
    settle(marketplace)


def test_a_payout_of_which_nothing_is_known_may_be_the_second_of_its_payment(
    backup: Callable[[], Backup], marketplace: Marketplace
) -> None:
    payment_id = marketplace.paid()
    [first] = marketplace.pay_out(payment_id, amount="40")
    marketplace.settle([first], "completed")
    kept = backup()
    [second] = marketplace.pay_out(payment_id, amount="30", another=True)
    marketplace.settle([second], "completed")
    name = marketplace.payout(second["payoutId"])["externalId"]
    kept.restore()
    [forgotten] = compared(marketplace)["comparison"]["forgotten"]
    assert (forgotten["externalId"], forgotten["amount"], forgotten["coin"]) == (name, "30", "ETH-USDT")
    settle(marketplace)
