"""A provider that is no gateway to a chain, by one line beside the others: a whole sale with it, as its buyer, its
seller and finance live it, however badly it behaves."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.asking import client_of, get, post
from tests.commands import run_command
from tests.conftest import BridgeProcess
from tests.resuming import resume
from tests.system.cards.double import FORGERS_SECRET, REGISTERED, BridgeWithCards, CardsDouble, playing_cards
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def cards() -> Iterator[CardsDouble]:
    with playing_cards() as double:
        yield double


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, cards: CardsDouble) -> BridgeProcess:
    running: BridgeProcess = make_bridge(BridgeWithCards, **cards.variables)
    return running


class Sale:
    """A payment of 49.90, registered by the shop, and the checkout that its buyer is sent to."""

    def __init__(self, bridge: BridgeProcess, cards: CardsDouble, number: int) -> None:
        self._url = bridge.url
        order = {
            "provider": "cards",
            "coin": "USD",
            "requestId": f"r{number}",
            "buyerId": f"b{number}",
            "sellerId": f"s{number}",
            "offerId": f"o{number}",
            "amount": "49.90",
            "currency": "USD",
        }
        registered = post(f"{bridge.url}/api/payments", json=order)
        assert registered.status_code == 201, registered.text
        [invoice] = registered.json()["invoices"]
        assert (invoice["address"], invoice["paymentUri"], invoice["coinAmount"]) == (None, None, "49.90")
        self.payment_id: str = registered.json()["paymentId"]
        self.session = cards.session_at(invoice["checkoutUrl"])

    @property
    def payment(self) -> dict[str, Any]:
        found: dict[str, Any] = get(f"{self._url}/api/payments/{self.payment_id}").json()
        return found

    @property
    def problems(self) -> list[tuple[str, str]]:
        listed = get(f"{self._url}/api/ops/attention").json()["items"]
        return [(one["kind"], one["detail"]) for one in listed if one["paymentId"] == self.payment_id]

    def pay_out(self, amount: str, account: str, *, another: bool = False) -> Any:
        item = {"paymentId": self.payment_id, "coin": "USD", "amount": amount, "destination": account}
        return post(f"{self._url}/api/payouts", json={"payouts": [item], "another": another})

    def paid_out(self, amount: str, account: str, *, another: bool = False) -> str:
        answer = self.pay_out(amount, account, another=another)
        assert answer.status_code == 202, answer.text
        payout_id: str = answer.json()["payouts"][0]["payoutId"]
        return payout_id

    def payout(self, payout_id: str) -> dict[str, Any]:
        found: dict[str, Any] = get(f"{self._url}/api/payouts/{payout_id}").json()
        return found

    def wait_for(self, payout_id: str, status: str) -> dict[str, Any]:
        return wait_until(lambda: found if (found := self.payout(payout_id))["status"] == status else None) or {}


def outcome(answer: Any) -> str:
    assert answer.status_code == 202, answer.text
    told: str = answer.json()["outcome"]
    return told


def test_a_whole_sale_by_card_is_told_by_the_events_of_any_other(
    bridge: BridgeProcess, cards: CardsDouble, listen: Any
) -> None:
    buyer = listen(bridge.url, [["join-user-room", "b1"], ["join-request-room", "r1"]])
    seller = listen(bridge.url, [["join-user-room", "s1"]])
    sale = Sale(bridge, cards, 1)
    assert outcome(cards.tell(cards.authorise(sale.session))) == "applied"
    assert (sale.payment["status"], sale.payment["received"]) == ("confirming", "0.00")
    captured = cards.capture(sale.session)
    assert [outcome(cards.tell(captured)) for _ in range(2)] == ["applied", "duplicate"]
    paid = sale.payment
    assert (paid["status"], paid["escrowState"], paid["received"]) == ("completed", "funded", "49.90")
    assert paid["transfers"][0]["txHash"] == sale.session["charge"]

    payout_id = sale.paid_out("40.00", "acct_seller")
    wait_until(lambda: sale.payout(payout_id)["taskId"] == "po_1")
    reference = sale.payout(payout_id)["externalId"]
    assert outcome(cards.tell(cards.payout_is(reference, "paid"))) == "applied"
    assert sale.wait_for(payout_id, "completed")["txHashes"] == []
    assert outcome(cards.tell(cards.payout_is(reference, "returned", returned_as="pr_1", reason="no such account")))
    returned = sale.wait_for(payout_id, "returned")
    assert returned["reasons"] == ["pr_1 brought it back", "no such account"]
    assert [kind for kind, _ in sale.problems] == ["payout-returned"]
    wait_until(lambda: sale.payment["escrow"]["held"] == "49.90")
    assert sale.paid_out("49.90", "acct_other", another=True) != payout_id

    for listener in (buyer, seller):
        listener.fence()
    about = {"paymentId": sale.payment_id}
    told = {name: arguments[0] for name, arguments in buyer.events}
    assert told["payment-created"]["provider"] == "cards"
    updates = [arguments[0] for name, arguments in buyer.events if name == "payment-update"]
    assert updates[:2] == [
        {**about, "status": "confirming", "escrowState": "none"},
        {**about, "status": "completed", "escrowState": "funded"},
    ]
    assert told["purchase-request-update"] == {
        **about,
        "type": "payment-completed",
        "requestId": "r1",
        "status": "completed",
        "provider": "cards",
    }
    of_seller = [name for name, _ in seller.events]
    assert of_seller.count("payment-received") == 1
    assert of_seller.count("seller-offer-update") == 1
    of_payout = [
        (name, arguments[0])
        for name, arguments in seller.events
        if name.startswith("payout") and arguments[0]["payoutId"] == payout_id and name != "payout-progress"
    ]
    assert of_payout == [
        (
            "payout-created",
            {"payoutId": payout_id, "taskId": "po_1", "sellerId": "s1", "amount": "40.00", "currency": "USD"},
        ),
        ("payout-updated", {"payoutId": payout_id, "status": "completed"}),
        ("payout-completed", {"payoutId": payout_id, "taskId": "po_1", "txHash": payout_id}),
        ("payout-updated", {"payoutId": payout_id, "status": "returned"}),
    ]


def test_money_that_goes_back_or_is_disputed_stays_out_of_payouts(
    bridge: BridgeProcess, cards: CardsDouble, listen: Any
) -> None:
    sale = Sale(bridge, cards, 2)
    seller = listen(bridge.url, [["join-user-room", "s2"]])
    cards.tell(cards.capture(sale.session))
    # It gives money back the way that it came, and nobody has to say where to.
    wanted = {"paymentId": sale.payment_id, "amount": "9.90", "reason": "scratched"}
    answer = post(f"{bridge.url}/api/refunds", json=wanted)
    assert (answer.status_code, "cards: refund it there" in answer.text) == (409, True)
    assert outcome(cards.tell(cards.refund(sale.session, 990))) == "applied"
    assert (sale.payment["status"], sale.payment["refunded"]) == ("completed", "9.90")
    assert sale.pay_out("40.01", "acct_seller").status_code == 409

    # The message names the dispute alone, so it cannot be taken while the provider does not answer.
    opened = cards.dispute(sale.session, 3000)
    cards.is_down = True
    assert cards.tell(opened).status_code == 503
    cards.is_down = False
    assert [outcome(cards.tell(opened)) for _ in range(2)] == ["applied", "duplicate"]
    [(kind, detail)] = sale.problems
    assert (kind, detail) == (
        "payment-disputed",
        f"the buyer's bank disputes 30.00 USD (dp_{sale.session['id']}: fraudulent)",
    )
    refused = sale.pay_out("5.00", "acct_seller")
    assert refused.status_code == 409
    assert "the buyer's bank disputes 30.00 USD" in refused.text
    assert sale.payment["escrow"]["underWay"] == "30.00"
    dispute = {"disputeId": f"dp_{sale.session['id']}", "amount": "30.00", "reason": "fraudulent"}
    assert sale.payment["disputes"] == [{**dispute, "status": "open"}]

    # Repeated at last, the first message is about what the dispute has become.
    won = cards.dispute(sale.session, 3000, "won")
    assert outcome(cards.tell(won)) == "applied"
    assert sale.problems == []
    assert sale.payment["escrow"]["held"] == "40.00"
    assert sale.payment["disputes"] == [{**dispute, "status": "won"}]
    sale.wait_for(sale.paid_out("40.00", "acct_seller"), "created")
    seller.fence()
    reasons = [arguments[0].get("reason") for name, arguments in seller.events if name == "payment-progress"]
    assert reasons[-2:] == ["the buyer's bank disputes it", "the dispute was won"]


def test_a_dispute_that_is_lost_gives_the_money_back(bridge: BridgeProcess, cards: CardsDouble) -> None:
    sale = Sale(bridge, cards, 3)
    cards.tell(cards.capture(sale.session))
    lost = cards.dispute(sale.session, 4990, "lost")
    assert outcome(cards.tell(lost)) == "applied"
    assert (sale.payment["status"], sale.payment["refunded"]) == ("refunded", "49.90")


def test_what_is_told_as_sent_and_by_the_provider_as_well_counts_once_and_as_much_by_another_name_is_looked_at(
    bridge: BridgeProcess, cards: CardsDouble
) -> None:
    sale = Sale(bridge, cards, 8)
    cards.tell(cards.capture(sale.session))
    wanted = {"paymentId": sale.payment_id, "amount": "9.90", "reason": "scratched"}
    for count, refunded in ((1, "9.90"), (2, "29.70")):
        told = cards.refund(sale.session, 990)
        named = sale.session["refunds"][0]["id"] if count == 1 else "by_bank_transfer"
        sent = {"txHash": named, "destination": "acct_buyer", "coinAmount": "9.90"}
        answer = post(f"{bridge.url}/api/refunds", json={**wanted, "sent": sent})
        assert answer.status_code == 201, answer.text
        assert cards.tell(told).status_code == 202
        assert sale.payment["refunded"] == refunded
    [(kind, detail)] = sale.problems
    assert (kind, "by by_bank_transfer" in detail) == ("payment-refund-told-twice", True)


def test_what_goes_back_between_an_order_and_its_sending_does_not_leave(
    bridge: BridgeProcess, cards: CardsDouble
) -> None:
    sale = Sale(bridge, cards, 7)
    cards.tell(cards.capture(sale.session))
    ops = f"{bridge.url}/api/ops"
    assert post(f"{ops}/hold", json={"by": "Ada", "note": "to look at the books"}).status_code == 200
    payout_id = sale.paid_out("49.90", "acct_seller")
    cards.tell(cards.refund(sale.session, 990))
    with client_of(bridge.url) as client:
        assert resume(client, by="Ada").status_code == 200
    [reason] = sale.wait_for(payout_id, "awaiting_approval")["approval"]["reasons"]
    assert reason.startswith("with it more leaves for s7 than the 40.00 USD that came and does not go back: ")
    approved = post(f"{ops}/payouts/{payout_id}/approval", json={"by": "Bo"})
    assert (approved.status_code, "40.00 USD are left to be paid out" in approved.text) == (409, True)
    assert post(f"{ops}/payouts/{payout_id}/rejection", json={"by": "Bo", "note": "less"}).status_code == 200
    assert sale.wait_for(sale.paid_out("40.00", "acct_other"), "created")


def test_what_is_forged_old_or_none_of_ours_moves_nothing_and_alarms_nobody(
    bridge: BridgeProcess, cards: CardsDouble
) -> None:
    sale = Sale(bridge, cards, 4)
    captured = cards.capture(sale.session)
    refused = [
        cards.tell(captured, secret=FORGERS_SECRET),
        cards.tell(captured, old=timedelta(hours=1)),
        cards.tell(captured, old=timedelta(hours=-1)),
        cards.tell(captured, signature="v1"),
        cards.tell(captured, signature="v1,é"[:3]),
        cards.tell(captured, signature="v2,AAAA"),
    ]
    assert [answer.status_code for answer in refused] == [401] * len(refused)
    assert outcome(cards.tell(cards.of_another_shop(sale.session))) == "none-of-ours"
    assert outcome(cards.tell(cards.of_no_money())) == "none-of-ours"
    assert (sale.payment["status"], sale.problems) == ("pending", [])
    stored = get(f"{bridge.url}/api/ops/attention").json()["items"]
    assert not [one for one in stored if one["kind"].startswith("webhook-")]

    # It says so of other money than was agreed, which is seen and not counted.
    other = {**sale.session, "currency": "EUR"}
    assert outcome(cards.tell(cards.capture(other))) == "other-currency"
    assert sale.payment["status"] == "pending"
    assert outcome(cards.tell(captured)) == "applied"
    assert sale.payment["status"] == "completed"


def test_what_was_told_of_a_killed_bridge_counts_once_whatever_its_order(
    bridge: BridgeProcess, cards: CardsDouble
) -> None:
    sale = Sale(bridge, cards, 5)
    cards.tell(cards.authorise(sale.session))
    # It takes a payout on and says nothing of it, and then nobody is there to be told.
    cards.tell(cards.capture(sale.session))
    cards.hangs_up_on_payouts = True
    payout_id = sale.paid_out("20.00", "acct_seller")
    reference = sale.wait_for(payout_id, "ambiguous")["externalId"]
    bridge.kill()
    cards.hangs_up_on_payouts = False
    cards.tell_when_there(
        cards.refund(sale.session, 1000),
        cards.dispute(sale.session, 500, "won"),
        cards.payout_is(reference, "paid"),
        cards.payout_is(reference, "returned", returned_as="pr_5", reason="closed"),
    )
    bridge.start()
    # Who has asked by then knows some of it already.
    assert {answer.status_code for answer in cards.deliver()} == {202}
    assert sale.wait_for(payout_id, "returned")["reasons"] == ["pr_5 brought it back", "closed"]
    assert (sale.payment["status"], sale.payment["refunded"]) == ("completed", "10.00")
    assert len([one for one in cards.payouts if one == reference]) == 1


def test_what_a_provider_refuses_is_told_in_its_own_words(bridge: BridgeProcess, cards: CardsDouble) -> None:
    order = {"provider": "cards", "coin": "EUR", "requestId": "r6", "buyerId": "b6", "sellerId": "s6"}
    wrong_coin = post(f"{bridge.url}/api/payments", json={**order, "amount": "1", "currency": "USD"})
    assert wrong_coin.status_code == 400
    assert "a payment in USD is paid in USD" in wrong_coin.text
    sale = Sale(bridge, cards, 6)
    cards.tell(cards.capture(sale.session))
    assert "such as acct_1NWoodcarver" in sale.pay_out("1.00", "0xAb").text
    closed = sale.paid_out("1.00", "acct_closed")
    assert sale.wait_for(closed, "failed")["reasons"] == ["this account takes no money any more"]


def test_its_settings_documentation_and_findings_are_its_own(
    bridge: BridgeProcess, cards: CardsDouble, tmp_path: Path
) -> None:
    # SHKeeper is known here too, and nobody has set it up.
    assert f"  webhooks  {bridge.url}/webhooks/cards\n" in bridge.log.read_text()
    environment = {"PATH": "/usr/bin:/bin", "BRIDGE_PORT": "0", **cards.variables}
    examined = run_command("doctor", cwd=tmp_path, env=environment, beside=REGISTERED)
    assert "cards are taken in EUR, USD, with news to" in examined.stdout
    slip = run_command("doctor", cwd=tmp_path, env={**environment, "BRIDGE_CARDS_URI": "x"}, beside=REGISTERED)
    assert "BRIDGE_CARDS_URI" in slip.stdout
    (tmp_path / "bridge.toml").write_text('cards_key = "in the open"\n')
    told = run_command("doctor", "--config", "bridge.toml", cwd=tmp_path, env=environment, beside=REGISTERED)
    assert "cards_key does not belong in this file, being secret; set BRIDGE_CARDS_KEY" in " ".join(
        told.stdout.split()
    )
    contract = ("contract", "--format", "openapi")
    document = subprocess.run(
        [sys.executable, "-c", f"import {REGISTERED}; from bridge.cli import main; main()", *contract],
        capture_output=True,
        check=True,
        text=True,
    )
    assert "The provider of cards signs by Standard Webhooks." in document.stdout


def test_what_waits_at_a_provider_that_is_not_set_up_any_more_is_on_the_list(
    make_bridge: Any, cards: CardsDouble
) -> None:
    bridge: BridgeProcess = make_bridge(BridgeWithCards, **cards.variables)
    sale = Sale(bridge, cards, 20)
    cards.tell(cards.capture(sale.session))
    assert post(f"{bridge.url}/api/ops/hold", json={"by": "Ada", "note": "maintenance"}).status_code == 200
    sale.paid_out("40.00", "acct_seller")
    Sale(bridge, cards, 21)
    bridge.stop()
    unset: BridgeProcess = make_bridge(BridgeWithCards, BRIDGE_DATABASE_URL=f"sqlite:///{bridge.database}")
    items = get(f"{unset.url}/api/ops/attention").json()["items"]
    [detail] = [one["detail"] for one in items if one["kind"] == "provider-unset"]
    assert detail == (
        "1 payment waits to be asked about, and this bridge asks cards nothing (is cards_url set?); 1 payout waits to"
        " be sent, and this bridge sends nothing through cards (is cards_url set, and cards_pays_out?)"
    )
    assert get(f"{unset.url}/health/ready").json()["checks"]["providers"] == f"degraded: {detail}"
