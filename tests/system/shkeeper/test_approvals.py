"""Second persons: what is above a limit or goes somewhere new reaches no gateway until somebody else approves it."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.asking import client_of
from tests.commands import run_command
from tests.conftest import BridgeProcess, StartBridge
from tests.made_destinations import destination, x_address, xrp
from tests.played_shkeeper import PlayedShkeeper
from tests.resuming import resume
from tests.system.shkeeper.conftest import Document, Marketplace, limits, settings_for
from tests.waiting import wait_until

SELLERS = (f"seller-{number}" for number in itertools.count())
SECRET = "a secret of at least thirty-two bytes"
SERVICES = """
[shop]
token = "the-token-of-the-shop"
registers = ["payments", "payouts"]

[back-office]
token = "the-token-of-the-back-office"
approves = ["payouts"]

[everything]
token = "the-token-of-everything"
registers = ["payments", "payouts"]
approves = ["payouts"]
"""


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, shkeeper: PlayedShkeeper) -> BridgeProcess:
    """One payout of 50 passes, and three of them to one seller."""
    limited = limits(per_payout=50, per_seller_and_day=150)
    return make_bridge(**settings_for(shkeeper) | {"BRIDGE_PAYOUT_LIMITS": limited})


@pytest.fixture(scope="module")
def asking(
    make_bridge: StartBridge, shkeeper: PlayedShkeeper, tmp_path_factory: pytest.TempPathFactory
) -> BridgeProcess:
    """A bridge that asks everybody who they are."""
    services = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    more = {
        "BRIDGE_PAYOUT_LIMITS": limits(per_payout=50),
        "BRIDGE_ACCESS": "jwt",
        "BRIDGE_JWT_SECRETS": SECRET,
        "BRIDGE_SERVICES_FILE": str(services),
    }
    return make_bridge(**settings_for(shkeeper) | more)


@pytest.fixture
def shop(asking: BridgeProcess, shkeeper: PlayedShkeeper) -> Iterator[Marketplace]:
    marketplace = Marketplace(asking, shkeeper, "the-token-of-the-shop")
    yield marketplace
    marketplace.client.close()


def sold(marketplace: Marketplace, **changes: Any) -> str:
    """A completed payment of 100, each of a seller of its own unless that is said."""
    return marketplace.paid(**{"sellerId": next(SELLERS), **changes})


def approve(marketplace: Marketplace, payout: Document, by: str = "Bo") -> httpx.Response:
    return marketplace.client.post(f"/api/ops/payouts/{payout['payoutId']}/approval", json={"by": by})


def reject(marketplace: Marketplace, payout: Document, by: str = "Bo") -> httpx.Response:
    content = {"by": by, "note": "not our seller"}
    return marketplace.client.post(f"/api/ops/payouts/{payout['payoutId']}/rejection", json=content)


def on_the_list(marketplace: Marketplace) -> dict[str, Document]:
    """What awaits approval, by payout."""
    items = marketplace.client.get("/api/ops/attention").json()["items"]
    return {item["payoutId"]: item for item in items if item["kind"] == "payout-awaiting-approval"}


def waiting_gauge(marketplace: Marketplace) -> str:
    name = 'bridge_attention{kind="payout-awaiting-approval"} '
    lines = marketplace.client.get("/metrics").text.splitlines()
    return next(line.removeprefix(name) for line in lines if line.startswith(name))


def sent(marketplace: Marketplace, *payouts: Document) -> list[int]:
    """How often money moved for each."""
    return [len(marketplace.sent(payout["payoutId"])) for payout in payouts]


def is_looked_after(marketplace: Marketplace) -> None:
    """Has the sender go over all payouts once more, which the arrival of another one shows."""
    [other] = marketplace.pay_out(sold(marketplace), amount="1")
    marketplace.settle([other], "completed")


def test_nothing_above_a_limit_is_sent_until_somebody_else_approves_it(marketplace: Marketplace) -> None:
    payment_id = sold(marketplace)
    [payout] = marketplace.pay_out(payment_id, amount="50.01", askedBy="Ada")
    assert payout["status"] == "awaiting_approval"
    reasons = ["50.01 USD are above 50 USD, the limit of one payout"]
    assert (payout["approval"]["askedBy"], payout["approval"]["reasons"]) == ("Ada", reasons)
    is_looked_after(marketplace)
    assert sent(marketplace, payout) == [0]
    item = on_the_list(marketplace)[payout["payoutId"]]
    assert item["actions"] == ["approve", "reject"]
    for part in ("50.01 ETH-USDT", payout["destination"], "worth 50.01 USD", "asked for by Ada", *reasons):
        assert part in item["detail"]
    wait_until(lambda: float(waiting_gauge(marketplace)) >= 1)
    row = marketplace.client.get(f"/api/ops/payouts/{payout['payoutId']}").json()
    assert (row["worth"], row["worthCurrency"], row["askedBy"], row["approvalReasons"]) == (
        "50.01",
        "USD",
        "Ada",
        reasons,
    )
    # Nor can anybody settle what was not sent.
    resolution = {"outcome": "not-sent", "foundBy": "bo", "note": "it waits"}
    answer = marketplace.client.post(f"/api/payouts/{payout['payoutId']}/resolution", json=resolution)
    assert answer.status_code == 409

    for name in ("Ada", " ada"):
        refused = approve(marketplace, payout, name)
        assert (refused.status_code, refused.json()["detail"]) == (
            403,
            "Ada asked for this payout; somebody else has to decide about it.",
        )
    by = {"by": "Bo", "reasons": ["it is above what I have seen"]}
    unseen = marketplace.client.post(f"/api/ops/payouts/{payout['payoutId']}/approval", json=by)
    assert (unseen.status_code, unseen.json()["detail"]) == (
        409,
        f"It waits for something else as well by now: {reasons[0]}. Look again.",
    )
    assert sent(marketplace, payout) == [0]
    by["reasons"] = reasons
    approved = marketplace.client.post(f"/api/ops/payouts/{payout['payoutId']}/approval", json=by)
    assert (approved.status_code, approved.json()["message"]) == (200, "Approved.")
    marketplace.settle([payout], "completed")
    again = approve(marketplace, payout, "Cy")
    assert (again.status_code, "Bo approved this payout at" in again.json()["detail"]) == (409, True)
    assert reject(marketplace, payout).status_code == 409
    assert sent(marketplace, payout) == [1]
    assert payout["payoutId"] not in on_the_list(marketplace)
    story = marketplace.client.get(f"/api/ops/payouts/{payout['payoutId']}/story").json()["steps"]
    titles = [step["title"] for step in story]
    for title in ("It waits for somebody's approval", "It was approved"):
        assert title in titles
    assert {"by": "Bo", "outcome": "approved"} in [step["detail"] for step in story]


def test_the_events_tell_that_it_waits_and_that_it_goes_on(marketplace: Marketplace) -> None:
    seller_id = next(SELLERS)
    [payout] = marketplace.pay_out(sold(marketplace, sellerId=seller_id), amount="60")
    approve(marketplace, payout)
    marketplace.settle([payout], "completed")
    room = {"room": f"user-{seller_id}", "limit": "500"}
    events = marketplace.client.get("/api/events", params=room).json()["events"]
    told = [(one["event"], one["data"]) for one in events if one["event"].startswith("payout-")]
    assert told[0] == ("payout-updated", {"payoutId": payout["payoutId"], "status": "awaiting_approval"})
    assert told[1] == ("payout-updated", {"payoutId": payout["payoutId"], "status": "created"})
    assert [name for name, _ in told[2:]].count("payout-created") == 1
    assert told[-1][0] == "payout-completed"


def test_a_rejected_payout_fails_and_its_payment_can_be_paid_out_again(marketplace: Marketplace) -> None:
    payment_id = sold(marketplace)
    [payout] = marketplace.pay_out(payment_id, amount="60")
    answer = reject(marketplace, payout)
    assert (answer.status_code, answer.json()["payout"]["status"]) == (200, "failed")
    assert answer.json()["payout"]["reasons"] == ["Bo rejected it: not our seller"]
    assert marketplace.payment(payment_id)["escrowState"] == "funded"
    refused = approve(marketplace, payout, "Cy")
    assert (refused.status_code, "Bo rejected this payout at" in refused.json()["detail"]) == (409, True)
    # It goes where another went that was rejected, for which somebody may have had a reason.
    [again] = marketplace.pay_out(payment_id, amount="40")
    assert again["status"] == "awaiting_approval"
    assert approve(marketplace, again, "Cy").status_code == 200
    marketplace.settle([again], "completed")
    assert sent(marketplace, payout, again) == [0, 1]


def test_of_requests_at_the_same_moment_no_more_passes_than_the_limit(marketplace: Marketplace) -> None:
    seller_id = next(SELLERS)
    payment_ids = [sold(marketplace, sellerId=seller_id) for _ in range(8)]
    with ThreadPoolExecutor(len(payment_ids)) as threads:
        asked = list(threads.map(lambda one: marketplace.pay_out(one, amount="50")[0], payment_ids))
    waiting = [payout for payout in asked if payout["status"] == "awaiting_approval"]
    assert len(waiting) == 5
    marketplace.settle([payout for payout in asked if payout not in waiting], "completed")
    is_looked_after(marketplace)
    assert sum(sent(marketplace, *asked)) == 3
    # A request of several adds up too.
    other = next(SELLERS)
    batch = marketplace.pay_out(*(sold(marketplace, sellerId=other) for _ in range(4)), amount="45")
    assert [payout["status"] for payout in batch].count("awaiting_approval") == 1
    # A repeat counts once, and gets the same answer.
    payment_id = sold(marketplace)
    order = {"paymentId": payment_id, "coin": "ETH-USDT", "amount": "40", "destination": destination("ETH-USDT", "r")}
    answers = [
        marketplace.client.post("/api/payouts", json={"payouts": [order]}, headers={"Idempotency-Key": payment_id})
        for _ in range(5)
    ]
    assert len({answer.json()["payouts"][0]["payoutId"] for answer in answers}) == 1
    marketplace.settle(answers[0].json()["payouts"], "completed")


def test_of_words_at_the_same_moment_one_counts(marketplace: Marketplace) -> None:
    [payout] = marketplace.pay_out(sold(marketplace), amount="60")
    words: list[Callable[[], httpx.Response]] = [
        *(lambda: approve(marketplace, payout) for _ in range(4)),  # a double click
        *(lambda: reject(marketplace, payout, "Cy") for _ in range(4)),
    ]
    with ThreadPoolExecutor(len(words)) as threads:
        answers = [answer.result() for answer in [threads.submit(word) for word in words]]
    assert {answer.status_code for answer in answers} == {200, 409}
    counted = [answer.json()["message"] for answer in answers if answer.status_code == 200]
    # One that was approved can be rejected until SHKeeper is asked for it.
    assert sorted(counted) in (
        ["Approved."],
        ["Approved.", "Rejected: not our seller."],
        ["Rejected: not our seller."],
    )
    is_sent = counted == ["Approved."]
    marketplace.settle([payout], "completed" if is_sent else "failed")
    assert sent(marketplace, payout) == [int(is_sent)]
    done = marketplace.client.get("/api/ops/actions").json()["actions"]
    assert len([one for one in done if one["subject"] == payout["payoutId"]]) == len(counted)


def test_what_waits_survives_a_crash_and_what_was_approved_is_sent_once(marketplace: Marketplace) -> None:
    bridge = marketplace.bridge
    [payout] = marketplace.pay_out(sold(marketplace), amount="60", askedBy="Ada")
    bridge.kill()
    bridge.start()
    is_looked_after(marketplace)
    assert (marketplace.payout_status(payout), sent(marketplace, payout)) == ("awaiting_approval", [0])
    assert approve(marketplace, payout, "Ada").status_code == 403
    # Held, so that the crash comes between the approval and the sending, and not somewhere near.
    assert marketplace.client.post("/api/payouts/hold", json={}).status_code == 200
    assert approve(marketplace, payout).status_code == 200
    bridge.kill()
    bridge.start()
    assert (marketplace.payout_status(payout), approve(marketplace, payout).status_code) == ("created", 409)
    assert resume(marketplace.client).status_code == 200
    marketplace.settle([payout], "completed")
    assert sent(marketplace, payout) == [1]


@pytest.mark.parametrize("_", range(3))
def test_a_crash_right_after_an_approval_sends_nothing_twice(marketplace: Marketplace, _: int) -> None:
    [payout] = marketplace.pay_out(sold(marketplace), amount="60")
    assert approve(marketplace, payout).status_code == 200
    marketplace.bridge.kill()
    marketplace.bridge.start()
    marketplace.settle([payout], "completed", "ambiguous")
    is_looked_after(marketplace)
    # Killed while it asks, the bridge does not know whether the question reached the gateway, and never asks again.
    assert sent(marketplace, payout) in ([1], [0] if marketplace.payout_status(payout) == "ambiguous" else [1])


def test_an_approval_does_not_let_go_what_is_held(marketplace: Marketplace) -> None:
    [payout] = marketplace.pay_out(sold(marketplace), amount="60")
    assert marketplace.client.post("/api/payouts/hold", json={}).status_code == 200
    assert approve(marketplace, payout).status_code == 200
    wait_until(lambda: "bridge_payouts_held 1.0" in marketplace.client.get("/metrics").text)
    assert (marketplace.payout_status(payout), sent(marketplace, payout)) == ("created", [0])
    assert resume(marketplace.client).status_code == 200
    marketplace.settle([payout], "completed")
    assert sent(marketplace, payout) == [1]


def test_a_currency_without_limits_waits(marketplace: Marketplace) -> None:
    [payout] = marketplace.pay_out(sold(marketplace, currency="EUR"), amount="1")
    assert (payout["status"], payout["approval"]["reasons"]) == ("awaiting_approval", ["no limits are set for EUR"])
    assert reject(marketplace, payout).status_code == 200


def test_it_is_approved_and_rejected_from_a_terminal_too(
    bridge: BridgeProcess, marketplace: Marketplace, tmp_path: Path
) -> None:
    def said(*arguments: str) -> tuple[int, str]:
        ended = run_command(
            "payouts", *arguments, "--url", bridge.url, cwd=tmp_path, env={"PATH": os.environ["PATH"]}
        )
        return ended.returncode, " ".join((ended.stdout + ended.stderr).split())

    first, second = (marketplace.pay_out(sold(marketplace), amount="60", askedBy="Ada")[0] for _ in range(2))
    code, output = said("approve", first["payoutId"], "--by", "Ada")
    assert (code, "Ada asked for this payout" in output) == (1, True)
    [reason] = first["approval"]["reasons"]
    assert said("approve", first["payoutId"], "--by", "Bo") == (0, f"it waits: {reason} Approved.")
    assert said("reject", second["payoutId"], "--by", "Bo", "--note", "no") == (0, "Rejected: no.")
    code, output = said("approve", "out_nobodys", "--by", "Bo")
    assert (code, "There is no payout" in output) == (1, True)
    marketplace.settle([first], "completed")


# Destinations


def test_a_destination_that_is_not_on_its_sellers_list_waits(
    make_bridge: StartBridge, shkeeper: PlayedShkeeper
) -> None:
    only = {"BRIDGE_ALLOWED_DESTINATIONS_ONLY": "true", "BRIDGE_ALLOWED_DESTINATION_WAIT_HOURS": "0"}
    marketplace = Marketplace(make_bridge(**settings_for(shkeeper) | only), shkeeper)
    client, to = marketplace.client, destination("ETH-USDT", "the seller's")
    listed = {"sellerId": "s1", "provider": "shkeeper", "coin": "ETH-USDT", "destination": to}

    of_exchange = {"sellerId": "s2", "provider": "shkeeper", "coin": "XRP"}

    def asked(address: str = to) -> Document:
        order = {"paymentId": marketplace.paid(), "coin": "ETH-USDT", "amount": "10", "destination": address}
        [payout] = client.post("/api/payouts", json={"payouts": [order]}).json()["payouts"]
        return dict(payout)

    new = asked()
    assert new["status"] == "awaiting_approval"
    assert new["approval"]["reasons"] == [f"{to} is not among the destinations of s1"]
    for changes, field in (
        ({"destination": to[:-1]}, "destination"),
        ({"destination": destination("USDT", "s1")}, "destination"),
        ({"destination": f"{to}/5"}, "destination"),
        ({"coin": "ETH-USTD"}, "coin"),
        ({"provider": "nobody"}, "provider"),
        ({"sellerId": ""}, "sellerId"),
    ):
        problem = client.post("/api/payouts/destinations", json={**listed, **changes})
        assert (problem.status_code, problem.json()["errors"][0]["field"]) == (400, field)
    # As the seller typed it; what is kept is the address as payouts have it.
    added = client.post("/api/payouts/destinations", json={**listed, "destination": to.lower(), "addedBy": "Ada"})
    assert (added.status_code, added.json()["destination"], added.json()["addedBy"]) == (200, to, "Ada")
    assert client.post("/api/payouts/destinations", json=listed).json() == added.json()
    found = client.get("/api/payouts/destinations", params={"sellerId": "s1"}).json()["destinations"]
    assert [(one["destination"], one["coin"], one["addedBy"]) for one in found] == [(to, "ETH-USDT", "Ada")]
    known = asked()
    marketplace.settle([known], "completed")
    assert asked(destination("ETH-USDT", "another"))["status"] == "awaiting_approval"
    seed = b"an exchange's accnt."
    with_tag, account = x_address(seed, 7), xrp(seed)
    for written, kept in ((f"{account}:7", with_tag), (with_tag, with_tag), (x_address(seed, None), account)):
        of_xrp = client.post("/api/payouts/destinations", json=of_exchange | {"destination": written})
        assert (of_xrp.status_code, of_xrp.json()["destination"]) == (200, kept)
    found = client.get("/api/payouts/destinations", params={"sellerId": "s2"}).json()["destinations"]
    assert {one["destination"] for one in found} == {with_tag, account}
    removal = {"sellerId": "s1", "destination": to, "removedBy": "Bo"}
    assert client.post("/api/payouts/destinations/removal", json=removal).json()["destinations"] == []
    assert client.post("/api/payouts/destinations/removal", json=removal).status_code == 404
    assert asked()["status"] == "awaiting_approval"
    assert sent(marketplace, new, known) == [0, 1]
    done = [one for one in client.get("/api/ops/actions").json()["actions"] if one["subject"] == "s1"]
    assert [(one["action"], one["subject"], one["by"]) for one in done] == [
        ("destination-removed", "s1", "Bo"),
        ("destination-added", "s1", "Ada"),
    ]
    client.close()


# Roles and services


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def token(user_id: str, **claims: Any) -> dict[str, str]:
    return bearer(jwt.encode({"sub": user_id, "exp": time.time() + 3600, **claims}, SECRET, "HS256"))


def test_a_service_approves_only_if_it_may_and_never_what_it_asked_for(shop: Marketplace) -> None:
    [payout] = shop.pay_out(sold(shop), amount="60", askedBy="ada")

    def told(by: str, service: str, action: str = "approval") -> httpx.Response:
        said = {"approvedBy": by} if action == "approval" else {"rejectedBy": by, "note": "no"}
        with client_of(shop.bridge.url, headers=bearer(f"the-token-of-{service}")) as client:
            return client.post(f"/api/payouts/{payout['payoutId']}/{action}", json=said)

    for action in ("approval", "rejection"):
        assert "may not approve payouts" in told("bo", "the-shop", action).json()["detail"]
        assert told("bo", "the-shop", action).status_code == 403
        refused = told("Ada", "the-back-office", action)
        assert (refused.status_code, "ada asked for this payout" in refused.json()["detail"]) == (403, True)
    with client_of(shop.bridge.url, headers=bearer("the-token-of-the-back-office")) as client:
        nobody = client.post(f"/api/payouts/{payout['payoutId']}/approval", json={})
        assert (nobody.status_code, nobody.json()["errors"][0]["field"]) == (400, "approvedBy")
        assert client.post("/api/payouts/out_nobodys/approval", json={"approvedBy": "bo"}).status_code == 404
        # It sees what it decides about.
        assert client.get(f"/api/payouts/{payout['payoutId']}").json()["approval"]["askedThrough"] == "shop"
    for name in ("shop", "back-office", "everything"):
        refused = told(name, "the-back-office")
        assert (refused.status_code, "is what a service is called" in refused.json()["detail"]) == (403, True)
    approved = told("bo", "the-back-office")
    assert (approved.status_code, approved.json()["approval"]["approvedBy"]) == (200, "bo")
    shop.settle([payout], "completed")
    # One that may both register and approve them approves those of others alone.
    everything = Marketplace(shop.bridge, shop.shkeeper, "the-token-of-everything")
    [own] = everything.pay_out(sold(everything), amount="60")
    path = f"/api/payouts/{own['payoutId']}/approval"
    refused = everything.client.post(path, json={"approvedBy": "bo"})
    assert (refused.status_code, "The service everything asked for" in refused.json()["detail"]) == (403, True)
    actions = shop.client.get("/api/ops/actions", headers=token("f1", staff=True)).json()["actions"]
    assert [(one["action"], one["by"]) for one in actions if one["subject"] == payout["payoutId"]] == [
        ("approval", "bo, told by back-office")
    ]
    assert sent(shop, payout, own) == [1, 0]
    everything.client.close()


def test_who_asked_withdraws_what_nobody_was_asked_to_send_and_no_other_service_does(shop: Marketplace) -> None:
    payment_id = sold(shop)
    [payout] = shop.pay_out(payment_id, amount="60", askedBy="ada")
    path = f"/api/payouts/{payout['payoutId']}/cancellation"
    in_console = f"/api/ops/payouts/{payout['payoutId']}"
    assert shop.client.get(in_console, headers=token("f1", staff=True)).json()["revocable"] is True
    for who in ("the-token-of-everything", "the-token-of-the-back-office"):
        assert shop.client.post(path, json={"withdrawnBy": "ada"}, headers=bearer(who)).status_code == 403
    for user_id, roles in (("bo", ["ops-act"]), ("ada", ["ops-view"]), ("Ada", ["ops-act"])):
        refused = shop.client.post(f"{in_console}/cancellation", json={}, headers=token(user_id, roles=roles))
        assert refused.status_code == 403
    withdrawn = shop.client.post(path, json={"note": "a wrong address"})
    assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "failed")
    assert withdrawn.json()["reasons"] == ["shop withdrew it: a wrong address"]
    assert shop.client.post(path, json={}).status_code == 409
    # Its money is there for another, which the person who asked withdraws themselves.
    [again] = shop.pay_out(payment_id, amount="60", askedBy="ada")
    by_ada = shop.client.post(
        f"/api/ops/payouts/{again['payoutId']}/cancellation", json={}, headers=token("ada", roles=["ops-act"])
    )
    assert (by_ada.status_code, by_ada.json()["message"]) == (200, "Withdrawn.")
    assert sent(shop, payout, again) == [0, 0]


def test_staff_approve_by_their_role_and_not_what_they_asked_for_themselves(shop: Marketplace) -> None:
    seller_id = next(SELLERS)
    [payout] = shop.pay_out(sold(shop, sellerId=seller_id), amount="60", askedBy="ada")
    path = f"/api/ops/payouts/{payout['payoutId']}"

    def word(who: dict[str, str], action: str = "approval") -> httpx.Response:
        return shop.client.post(f"{path}/{action}", json={"by": "bo", "note": "compared it"}, headers=who)

    for roles in (["ops-view"], ["ops-act"]):
        refused = word(token("bo", roles=roles))
        assert (refused.status_code, "the role ops-approve" in refused.json()["detail"]) == (403, True)
    for action in ("approval", "rejection"):
        assert word(token("ada", roles=["ops-approve"]), action).status_code == 403
        assert word(token("ada", staff=True), action).status_code == 403
    # Its seller sees that it waits, and not how much may leave unseen.
    seen = shop.client.get(f"/api/payouts/{payout['payoutId']}", headers=token(seller_id))
    assert (seen.json()["status"], seen.json()["approval"]) == ("awaiting_approval", None)
    assert "limit" not in seen.text
    assert word(token("bo", roles=["ops-approve"])).status_code == 200
    shop.settle([payout], "completed")
    assert sent(shop, payout) == [1]


def test_a_destination_that_is_taken_off_its_list_is_not_paid_without_a_second_person(
    make_bridge: StartBridge, shkeeper: PlayedShkeeper
) -> None:
    listed_only = {"BRIDGE_ALLOWED_DESTINATIONS_ONLY": "true", "BRIDGE_ALLOWED_DESTINATION_WAIT_HOURS": "0"}
    bridge = make_bridge(**settings_for(shkeeper) | {"BRIDGE_PAYOUT_LIMITS": limits(per_payout=50)} | listed_only)
    marketplace = Marketplace(bridge, shkeeper)
    seller_id = next(SELLERS)
    listed = {"sellerId": seller_id, "destination": destination("ETH-USDT", seller_id)}
    added = marketplace.client.post(
        "/api/payouts/destinations", json={**listed, "provider": "shkeeper", "coin": "ETH-USDT"}
    )
    assert added.status_code == 200, added.text
    hold = {"by": "Ada", "note": "an account may be stolen"}
    assert marketplace.client.post("/api/ops/hold", json=hold).status_code == 200
    going = {"coin": "ETH-USDT", "destination": added.json()["destination"]}
    ordered = [
        {"paymentId": sold(marketplace, sellerId=seller_id), "amount": amount, **going} for amount in ("40", "60")
    ]
    free, above = marketplace.client.post("/api/payouts", json={"payouts": ordered}).json()["payouts"]
    assert [one["status"] for one in (free, above)] == ["created", "awaiting_approval"]
    assert approve(marketplace, above).status_code == 200
    removed = marketplace.client.post(
        "/api/payouts/destinations/removal", json={**listed, "destination": added.json()["destination"]}
    )
    assert (removed.status_code, removed.json()["destinations"]) == (200, [])
    assert set(removed.json()["waiting"]) == {free["payoutId"], above["payoutId"]}
    assert resume(marketplace.client, by="Ada").status_code == 200
    waiting = on_the_list(marketplace)
    for one in (free, above):
        assert "is not among the destinations of" in waiting[one["payoutId"]]["detail"]
    assert "Bo approved it before what follows was known" in waiting[above["payoutId"]]["detail"]
    # What approved it before says nothing of that.
    assert approve(marketplace, above, "Cy").status_code == 409
    reasons = marketplace.payout(above["payoutId"])["approval"]["reasons"]
    seen = {"by": "Cy", "reasons": reasons}
    path = f"/api/ops/payouts/{above['payoutId']}/approval"
    assert marketplace.client.post(path, json=seen).status_code == 200
    marketplace.settle([above], "completed")
    assert sent(marketplace, free, above) == [0, 1]
    marketplace.client.close()


def test_two_services_that_use_one_idempotency_key_get_two_payouts(asking: BridgeProcess, shop: Marketplace) -> None:
    payment_id = sold(shop)
    other = Marketplace(asking, shop.shkeeper, "the-token-of-everything")
    to = destination("ETH-USDT", payment_id)
    order = {"paymentId": payment_id, "coin": "ETH-USDT", "amount": "10", "destination": to}

    def ask(service: Marketplace, amount: str) -> str:
        body = {"payouts": [{**order, "amount": amount}], "another": True}
        answer = service.client.post("/api/payouts", json=body, headers={"Idempotency-Key": "one-key"})
        assert answer.status_code == 202, answer.text
        [payout] = answer.json()["payouts"]
        payout_id: str = payout["payoutId"]
        return payout_id

    first, second = ask(shop, "28.9"), ask(other, "28.9")
    assert first != second
    # An amount is the same however it is written.
    assert (ask(shop, "28.90"), ask(other, "28.900")) == (first, second)
    other.client.close()
