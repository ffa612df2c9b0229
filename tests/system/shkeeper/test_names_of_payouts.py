"""What a payout is called at SHKeeper, where that decides whether money leaves twice: orders that were rejected or
failed use no names up, so that a restored journal finds all that was sent after them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.shkeeper.simulator.faults import Call, Happens, What
from tests.conftest import BridgeProcess, StartBridge
from tests.made_destinations import destination
from tests.played_shkeeper import PlayedShkeeper, played_shkeeper
from tests.resuming import resume
from tests.system.shkeeper.conftest import Document, Marketplace, limits, settings_for
from tests.system.shkeeper.histories import attention, compared, is_held, settle
from tests.system.shkeeper.test_restored_journal import Backup
from tests.waiting import wait_until

HIGH = "90"
"""An amount that a second person has to approve."""


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper(coins=("ETH", "ETH-USDT", "TRX")) as shkeeper:
        yield shkeeper


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, shkeeper: PlayedShkeeper) -> BridgeProcess:
    return make_bridge(**settings_for(shkeeper) | {"BRIDGE_PAYOUT_LIMITS": limits(per_payout=80)})


@pytest.fixture
def backup(bridge: BridgeProcess, tmp_path: Path) -> Callable[[], Backup]:
    return lambda: Backup(bridge, tmp_path)


@pytest.fixture(autouse=True)
def nothing_goes_wrong(shkeeper: PlayedShkeeper) -> Iterator[None]:
    yield
    shkeeper.works_again()


def sent_to(shkeeper: PlayedShkeeper, payment_id: str) -> int:
    """How often money left for the seller of a payment."""
    place = destination("ETH-USDT", payment_id).lower()
    return sum(money.destination.lower() == place for money in list(shkeeper.gateway.payouts.sent))


def decided(marketplace: Marketplace, payout: Document, decision: str) -> None:
    said: dict[str, Any] = {"by": "Bo", "note": "looked at it"}
    if decision == "approval":
        said["reasons"] = marketplace.payout(payout["payoutId"])["approval"]["reasons"]
    answer = marketplace.client.post(f"/api/ops/payouts/{payout['payoutId']}/{decision}", json=said)
    assert answer.status_code == 200, answer.text


def ordered(marketplace: Marketplace, payment_id: str, amount: str = "70", **changes: Any) -> Document:
    """One that somebody has let go, where one before it failed at a person's word or was rejected."""
    [payout] = marketplace.pay_out(payment_id, amount=amount, **changes)
    if payout["status"] == "awaiting_approval":
        decided(marketplace, payout, "approval")
    return payout


def rejected(marketplace: Marketplace, payment_id: str) -> None:
    [payout] = marketplace.pay_out(payment_id, amount=HIGH)
    marketplace.settle([payout], "awaiting_approval")
    decided(marketplace, payout, "rejection")
    marketplace.settle([payout], "failed")


def refused(marketplace: Marketplace, payment_id: str) -> None:
    """Shkeeper looks at the order, refuses it and writes nothing down."""
    words = "Unknown crypto: ETH-USDT"
    marketplace.shkeeper.goes_wrong(Call.PAYOUT, What.ERROR_500, times=1, words=words)
    [payout] = marketplace.pay_out(payment_id, amount="70")
    marketplace.settle([payout], "failed")


def found_by_nobody(marketplace: Marketplace, payment_id: str) -> None:
    """Nobody hears what became of it, and a person finds that it was not sent."""
    marketplace.shkeeper.goes_wrong(Call.PAYOUT, What.RESET, times=1)
    payout = ordered(marketplace, payment_id)
    marketplace.settle([payout], "ambiguous")
    answer = marketplace.client.post(
        f"/api/payouts/{payout['payoutId']}/resolution",
        json={"outcome": "not-sent", "foundBy": "Ada", "note": "the wallet"},
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("in_vain", "number"), [(rejected, 5), (refused, 2), (found_by_nobody, 5)])
def test_what_was_sent_after_orders_that_came_to_nothing_is_not_sent_again_by_a_restored_journal(
    backup: Callable[[], Backup],
    shkeeper: PlayedShkeeper,
    marketplace: Marketplace,
    in_vain: Callable[[Marketplace, str], None],
    number: int,
) -> None:
    payment_id = marketplace.paid()
    kept = backup()
    for _ in range(number):
        in_vain(marketplace, payment_id)
    payout = ordered(marketplace, payment_id)
    marketplace.settle([payout], "completed")
    assert sent_to(shkeeper, payment_id) == 1
    kept.restore()
    forgotten = compared(marketplace)["comparison"]["forgotten"]
    assert [(one["paymentId"], one["amount"]) for one in forgotten] == [(payment_id, "70")]
    assert is_held(marketplace)
    settle(marketplace)
    [again] = marketplace.pay_out(payment_id, amount="70")
    marketplace.settle([again], "completed")
    assert marketplace.payout(again["payoutId"])["externalId"] == forgotten[0]["externalId"]
    assert sent_to(shkeeper, payment_id) == 1
    assert attention(marketplace, "payout-forgotten") == []


def test_an_order_that_waited_when_the_backup_was_taken_is_not_sent_beside_the_one_that_was_sent_for_it(
    backup: Callable[[], Backup], shkeeper: PlayedShkeeper, marketplace: Marketplace
) -> None:
    payment_id = marketplace.paid()
    [waiting] = marketplace.pay_out(payment_id, amount=HIGH)
    kept = backup()
    decided(marketplace, waiting, "approval")
    marketplace.settle([waiting], "completed")
    kept.restore()
    [forgotten] = compared(marketplace)["comparison"]["forgotten"]
    settle(marketplace)
    decided(marketplace, waiting, "approval")
    marketplace.settle([waiting], "completed")
    assert marketplace.payout(waiting["payoutId"])["externalId"] == forgotten["externalId"]
    assert sent_to(shkeeper, payment_id) == 1


def test_another_amount_than_what_was_forgotten_waits_for_a_second_person_and_is_another_payout(
    backup: Callable[[], Backup], shkeeper: PlayedShkeeper, marketplace: Marketplace
) -> None:
    payment_id = marketplace.paid()
    kept = backup()
    rejected(marketplace, payment_id)
    payout = ordered(marketplace, payment_id, "40")
    marketplace.settle([payout], "completed")
    kept.restore()
    [forgotten] = compared(marketplace)["comparison"]["forgotten"]
    settle(marketplace)
    [other] = marketplace.pay_out(payment_id, amount="30")
    marketplace.settle([other], "awaiting_approval")
    assert sent_to(shkeeper, payment_id) == 1
    decided(marketplace, other, "approval")
    marketplace.settle([other], "completed")
    assert marketplace.payout(other["payoutId"])["externalId"] != forgotten["externalId"]
    assert sent_to(shkeeper, payment_id) == 2
    # The one that was forgotten is still told of by nobody else.
    assert [item["paymentId"] for item in attention(marketplace, "payout-forgotten")] in ([], [payment_id])


def test_a_name_that_shkeeper_was_never_seen_to_know_is_the_next_payouts(
    shkeeper: PlayedShkeeper, marketplace: Marketplace
) -> None:
    payment_id = marketplace.paid()
    refused(marketplace, payment_id)
    [first] = marketplace.client.get("/api/payouts", params={"paymentId": payment_id}).json()["payouts"]
    name = first["externalId"]
    [second] = marketplace.pay_out(payment_id, amount="40")
    marketplace.settle([second], "completed")
    assert marketplace.payout(second["payoutId"])["externalId"] == name != first["payoutId"]
    assert marketplace.payout(first["payoutId"])["externalId"] is None
    [third] = marketplace.pay_out(payment_id, amount="30", another=True)
    marketplace.settle([third], "completed")
    assert marketplace.payout(third["payoutId"])["externalId"] not in (name, None)
    wait_until(lambda: sent_to(shkeeper, payment_id) == 2)


def test_what_was_ordered_before_and_was_forgotten_meanwhile_waits_and_what_is_ordered_again_does_not(
    backup: Callable[[], Backup], shkeeper: PlayedShkeeper, marketplace: Marketplace
) -> None:
    payment_id = marketplace.paid()
    assert marketplace.client.post("/api/payouts/hold", json={"note": "not now"}).status_code == 200
    [before] = marketplace.pay_out(payment_id, amount="10")
    kept = backup()
    decided(marketplace, marketplace.pay_out(payment_id, amount=HIGH, another=True)[0], "rejection")
    resume(marketplace.client, note="on").raise_for_status()
    later = [ordered(marketplace, payment_id, amount, another=True) for amount in ("20", "30")]
    # One to the same destination was rejected meanwhile.
    marketplace.settle([before], "awaiting_approval")
    decided(marketplace, before, "approval")
    marketplace.settle([before, *later], "completed")
    kept.restore()
    forgotten = compared(marketplace)["comparison"]["forgotten"]
    own = [one for one in forgotten if one["paymentId"] == payment_id]
    assert sorted(one["amount"] for one in own) == ["10", "20", "30"]
    settle(marketplace)
    # That one is forgotten too, and is the very same; another that was ordered before would wait.
    marketplace.settle([before], "completed")
    again = [marketplace.pay_out(payment_id, amount=amount, another=True)[0] for amount in ("30", "20")]
    marketplace.settle(again, "completed")
    assert sent_to(shkeeper, payment_id) == 3
    assert payment_id not in [item["paymentId"] for item in attention(marketplace, "payout-forgotten")]


def test_an_order_of_before_that_is_unlike_what_was_sent_since_waits_for_a_second_person(
    backup: Callable[[], Backup], shkeeper: PlayedShkeeper, marketplace: Marketplace
) -> None:
    payment_id = marketplace.paid()
    assert marketplace.client.post("/api/payouts/hold", json={"note": "not now"}).status_code == 200
    [before] = marketplace.pay_out(payment_id, amount="10")
    kept = backup()
    # It came to nothing, and something else was sent for it.
    marketplace.shkeeper.goes_wrong(Call.PAYOUT, What.ERROR_500, times=1, words="Unknown crypto: ETH-USDT")
    resume(marketplace.client, note="on").raise_for_status()
    marketplace.settle([before], "failed")
    [sent] = marketplace.pay_out(payment_id, amount="70")
    marketplace.settle([sent], "completed")
    kept.restore()
    compared(marketplace)
    settle(marketplace)
    marketplace.settle([before], "awaiting_approval")
    assert sent_to(shkeeper, payment_id) == 1
    decided(marketplace, before, "rejection")
    [again] = marketplace.pay_out(payment_id, amount="70")
    marketplace.settle([again], "completed")
    assert sent_to(shkeeper, payment_id) == 1


def test_one_that_may_have_been_paid_by_what_is_taken_for_anothers_is_looked_at_by_a_second_person(
    backup: Callable[[], Backup], shkeeper: PlayedShkeeper, marketplace: Marketplace
) -> None:
    payment_id = marketplace.paid()
    # It is sent, and neither does anybody hear of that, nor is it written down.
    for what, happens in ((What.NOT_WRITTEN_DOWN, Happens.BEFORE), (What.RESET, Happens.AFTER)):
        marketplace.shkeeper.goes_wrong(Call.PAYOUT, what, happens, times=1)
    [first] = marketplace.pay_out(payment_id, amount="20")
    marketplace.settle([first], "ambiguous")
    kept = backup()
    tx_hash = shkeeper.gateway.payouts.sent[-1].txid
    arrived = {"outcome": "arrived", "txHash": tx_hash, "foundBy": "Ada", "note": "on the chain"}
    marketplace.client.post(f"/api/payouts/{first['payoutId']}/resolution", json=arrived).raise_for_status()
    [second] = marketplace.pay_out(payment_id, amount="20", another=True)
    marketplace.settle([second], "completed")
    assert sent_to(shkeeper, payment_id) == 2
    kept.restore()
    compared(marketplace)
    marketplace.settle([first], "completed")  # by what is the second's
    [again] = marketplace.pay_out(payment_id, amount="20", another=True)
    assert again["status"] == "awaiting_approval"
    [reason] = again["approval"]["reasons"]
    assert all(one in reason for one in (first["payoutId"], "one transfer arrived"))
    decided(marketplace, again, "rejection")
    assert sent_to(shkeeper, payment_id) == 2
