"""A running bridge beside a SHKeeper that misbehaves, and killed at each step: nothing is paid or opened twice."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import httpx
import pytest

from providers.shkeeper.simulator.faults import Call, Happens, What
from tests.system.shkeeper.conftest import ORDER, Document, Marketplace
from tests.waiting import wait_until

PAYMENTS = 20


def test_while_shkeeper_is_down_a_payment_is_taken_and_its_invoice_follows(marketplace: Marketplace) -> None:
    marketplace.shkeeper.goes_wrong(Call.ANY, What.GARBAGE)
    payment = marketplace.create(status=202)
    assert payment["invoices"][0]["address"] is None
    marketplace.bridge.kill()
    marketplace.shkeeper.works_again()
    marketplace.bridge.start()
    assert wait_until(lambda: marketplace.address(payment["paymentId"]))


@pytest.mark.parametrize("happens", [Happens.BEFORE, Happens.AFTER, None])
def test_a_bridge_that_is_killed_at_any_step_opens_no_invoice_twice(
    marketplace: Marketplace, happens: Happens | None
) -> None:
    shkeeper = marketplace.shkeeper
    asked = shkeeper.count(Call.PAYMENT_REQUEST)
    order = {**ORDER, "requestId": f"killed-{happens}"}
    if happens is not None:
        shkeeper.goes_wrong(Call.PAYMENT_REQUEST, What.TIMEOUT, happens)
    with ThreadPoolExecutor(1) as thread:
        creating = thread.submit(marketplace.client.post, "/api/payments", json=order)
        wait_until(lambda: shkeeper.count(Call.PAYMENT_REQUEST) > asked)
        if happens is None:
            assert creating.result().status_code == 201
        marketplace.bridge.kill()
        if happens is not None:
            with pytest.raises(httpx.TransportError):
                creating.result()
    shkeeper.works_again()
    marketplace.bridge.start()
    query = {"requestId": order["requestId"]}
    # If nobody had answered yet, the bridge asks again before it registers it.
    [payment] = wait_until(lambda: marketplace.client.get("/api/payments", params=query).json()["payments"])
    payment_id = payment["paymentId"]
    address = wait_until(lambda: marketplace.address(payment_id))
    known = [one for one in shkeeper.gateway.invoices.invoices if one.external_id == payment_id]
    assert [list(invoice.addresses.values()) for invoice in known] == [[address]]


STEPS: dict[str, tuple[What, Happens] | None] = {
    "asked-nothing-sent": (What.TIMEOUT, Happens.BEFORE),
    "sent-not-answered": (What.TIMEOUT, Happens.AFTER),
    "answered": None,
    "not-even-asked": None,
}


@pytest.mark.parametrize(("step", "number"), list(product(STEPS, [1, 3])))
def test_a_bridge_that_is_killed_at_any_step_sends_no_payout_twice(
    marketplace: Marketplace, step: str, number: int
) -> None:
    shkeeper, call = marketplace.shkeeper, Call.PAYOUT if number == 1 else Call.MULTIPAYOUT
    payment_ids = [marketplace.paid() for _ in range(number)]
    asked, fault = shkeeper.count(call), STEPS[step]
    if fault is not None:
        shkeeper.goes_wrong(call, *fault)
    payouts = marketplace.pay_out(*payment_ids)
    if step != "not-even-asked":
        wait_until(lambda: shkeeper.count(call) > asked)
    marketplace.bridge.kill()
    shkeeper.works_again()
    marketplace.bridge.start()

    def sent_and_status() -> set[tuple[int, str]]:
        return {(len(marketplace.sent(one["payoutId"])), marketplace.payout_status(one)) for one in payouts}

    # What was sent is found out in the end; of what was not, nobody can tell, and it is not sent again.
    wait_until(lambda: sent_and_status() <= {(1, "completed"), (0, "ambiguous")})
    sent = [len(marketplace.sent(payout["payoutId"])) for payout in payouts]
    expected = {"asked-nothing-sent": [0] * number, "sent-not-answered": [1] * number, "answered": [1] * number}
    assert sent == expected.get(step, sent)
    assert shkeeper.count(call) <= asked + 1


def test_when_every_notice_is_lost_every_payment_and_payout_still_ends_right(marketplace: Marketplace) -> None:
    shkeeper = marketplace.shkeeper
    shkeeper.goes_wrong(Call.NOTICE, What.LOST)
    expected: dict[str, tuple[str, str]] = {}
    for number in range(PAYMENTS):
        payment = marketplace.create(requestId=f"lost-{number}")
        parts, status, received = [
            (["100"], "completed", "100"),
            (["40", "60"], "completed", "100"),
            (["40"], "partially_paid", "40"),
            (["150"], "completed", "150"),
        ][number % 4]
        for part in parts:
            shkeeper.transfer(payment["invoices"][0]["address"], part)
        expected[payment["paymentId"]] = status, received

    def found() -> dict[str, tuple[str, str]]:
        documents: list[Document] = [marketplace.payment(payment_id) for payment_id in expected]
        return {one["paymentId"]: (one["status"], one["received"]) for one in documents}

    wait_until(lambda: found() == expected)
    completed = [payment_id for payment_id, (status, _) in expected.items() if status == "completed"]
    payouts = marketplace.pay_out(*completed)
    marketplace.settle(payouts, "completed")
    assert [len(marketplace.sent(payout["payoutId"])) for payout in payouts] == [1] * len(payouts)
    assert not any(notice.is_accepted for notice in shkeeper.gateway.outbox.notices if notice.txid in str(expected))


@pytest.mark.parametrize("what", [What.DUPLICATE, What.REORDERED, What.WRONG_KEY, What.SLOW])
def test_notices_that_misbehave_are_counted_once_and_end_right(
    marketplace: Marketplace, what: What, listen: Any
) -> None:
    shkeeper = marketplace.shkeeper
    page = listen(marketplace.bridge.url, [["join-request-room", f"notices-{what}"]])
    shkeeper.goes_wrong(Call.NOTICE, what, times=4, seconds=0.3)
    payment = marketplace.create(requestId=f"notices-{what}")
    for part in ("20", "30", "50", "60"):
        shkeeper.transfer(payment["invoices"][0]["address"], part)
    marketplace.wait_for(payment["paymentId"], "completed")
    shkeeper.transfer(payment["invoices"][0]["address"], "1")  # posts whatever is held back
    wait_until(lambda: marketplace.payment(payment["paymentId"])["received"] == "161")
    page.fence()
    told = [args[0]["status"] for name, args in page.events if name == "purchase-request-update"]
    assert told in (["partially_paid", "completed"], ["completed"])
