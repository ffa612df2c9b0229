"""The clients against a real bridge: what is published is in its journal, once, whatever happened on the way."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bridge.catalogue.chat import ParticipantRemoved
from bridge.catalogue.marketplace import NewOffer
from bridge.client import (
    AsyncBridgeClient,
    CheckoutShare,
    IdempotencyKeyReusedError,
    NotAllowedError,
    OffsetGoneError,
    PaymentConflictError,
    PaymentOverError,
    PayoutOrder,
    PayoutRefusedError,
    Publication,
    RequestRefusedError,
    TooLargeError,
)
from tests.asking import post
from tests.bridge.http.exchanges import notice, signed
from tests.waiting import GIVE_UP_SECONDS

MARKETPLACE, CHAT, READER = "the-token-of-the-marketplace", "the-token-of-the-chat", "the-token-of-who-reads"
OFFER = {"requestId": "r1", "offer": {"price": "99.50"}, "sellerId": "s1"}
BUYER = {"buyerId": "b1"}
NUMBERS = itertools.count()

Events = Callable[[], list[str]]


@pytest.fixture
def client(connect: Any, bridge: Any) -> Any:
    return connect(bridge.url, MARKETPLACE)


def place(offset: str) -> int:
    return int(offset.split("-")[1])


def payment(**changes: Any) -> dict[str, Any]:
    return {
        "provider": "shkeeper",
        "external_id": f"order-{next(NUMBERS)}",
        "request_id": "r1",
        "buyer_id": "b1",
        "seller_id": "s1",
        "amount": "49.90",
        "currency": "USD",
        **changes,
    }


def test_an_event_by_its_name_or_as_a_payload(client: Any, events: Events) -> None:
    before = events()
    by_name = client.publish("new-offer", OFFER, target=BUYER)
    as_payload = client.publish(NewOffer(request_id="r1", offer={"price": 1}, seller_id="s1"), target=BUYER)
    assert place(as_payload) == place(by_name) + 1
    assert events() == [*before, "new-offer", "new-offer"]


def test_a_batch_in_its_order(client: Any, events: Events) -> None:
    before = events()
    delivery = Publication("delivery-confirmed", {"requestId": "r1"})
    offsets = client.publish_all([Publication("new-offer", OFFER, BUYER), delivery])
    assert place(offsets[1]) == place(offsets[0]) + 1
    assert events() == [*before, "new-offer", "delivery-confirmed"]


def test_one_fault_in_a_batch_is_named_and_nothing_is_published(client: Any, events: Events) -> None:
    before = events()
    with pytest.raises(RequestRefusedError, match=r"events\.1\.target\.buyerId: missing") as caught:
        client.publish_all([Publication("new-offer", OFFER, BUYER), Publication("new-offer", OFFER)])
    assert [fault.field for fault in caught.value.faults] == ["events.1.target.buyerId"]
    assert events() == before


@pytest.mark.parametrize("size", [0, 501])
def test_a_batch_has_a_size(client: Any, size: int) -> None:
    with pytest.raises(RequestRefusedError, match="1 to 500"):
        client.publish_all([Publication("user-typing", {}, {})] * size)


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("the-token-of-nobody-at-all", 401), (CHAT, 403)])
def test_a_token_that_does_not_allow_it(
    connect: Any, bridge: Any, events: Events, token: str | None, status: int
) -> None:
    before = events()
    with pytest.raises(NotAllowedError) as caught:
        connect(bridge.url, token).publish("new-offer", OFFER, target=BUYER)
    assert caught.value.status == status
    assert token is None or token not in str(caught.value)
    assert events() == before


def test_a_token_with_its_line_end_and_another_service(connect: Any, bridge: Any) -> None:
    assert connect(bridge.url + "/", CHAT + "\n").publish(ParticipantRemoved(chat_id="c1", removed_user_id="u1"))


def test_what_is_too_large(client: Any, events: Events) -> None:
    before = events()
    with pytest.raises(TooLargeError):
        client.publish("new-offer", {**OFFER, "offer": {"text": "x" * 50_000}}, target=BUYER)
    assert events() == before


def test_a_key_of_the_callers_publishes_once_and_for_one_content(client: Any, events: Events) -> None:
    before = events()
    key = f"key-{next(NUMBERS)}"
    first = client.publish("new-offer", OFFER, target=BUYER, idempotency_key=key)
    # The same content in another order is the same request, as after a restart of the service.
    turned = dict(reversed(OFFER.items()))
    assert client.publish("new-offer", turned, target=BUYER, idempotency_key=key) == first
    with pytest.raises(IdempotencyKeyReusedError):
        client.publish("new-offer", {**OFFER, "requestId": "r2"}, target=BUYER, idempotency_key=key)
    assert len(events()) == len(before) + 1


def test_an_event_whose_answer_was_lost_is_in_the_journal_once(
    connect: Any, bridge: Any, events: Events, lossy_proxy: Any
) -> None:
    before = events()
    with lossy_proxy(bridge, answers_to_lose=2) as proxy:
        client = connect(proxy.url, MARKETPLACE)
        offset = client.publish("new-offer", OFFER, target=BUYER)
        assert proxy.lost == 2
        assert len(events()) == len(before) + 1
        following = client.publish_all([Publication("new-offer", OFFER, BUYER)] * 2)
    assert [place(one) - place(offset) for one in following] == [1, 2]
    assert len(events()) == len(before) + 3


def test_a_payment_whose_answer_was_lost_is_registered_once(connect: Any, bridge: Any, lossy_proxy: Any) -> None:
    wanted = payment()
    with lossy_proxy(bridge, 1) as proxy:
        registered = connect(proxy.url, MARKETPLACE).register_payment(**wanted)
        assert proxy.lost == 1
    assert connect(bridge.url, MARKETPLACE).register_payment(**wanted) == registered


def test_a_payment_is_registered_as_it_was_given(client: Any) -> None:
    wanted = payment(amount=Decimal("4.990E+1"), offer_id="offer-3")
    registered = client.register_payment(**wanted)
    assert {name: getattr(registered, name) for name in wanted} == wanted
    assert (registered.status, registered.escrow_state, registered.received) == ("pending", "none", 0)
    assert registered.missing == Decimal("49.90")
    assert registered.created_at.tzinfo is not None
    assert client.register_payment(**wanted).payment_id == registered.payment_id


def test_a_payment_that_is_registered_otherwise(client: Any) -> None:
    wanted = payment()
    registered = client.register_payment(**wanted)
    with pytest.raises(PaymentConflictError, match="another amount") as caught:
        client.register_payment(**{**wanted, "amount": "50"})
    assert caught.value.payment_id == registered.payment_id


def test_a_payment_of_a_sale_that_does_not_come_about_is_cancelled(client: Any) -> None:
    registered = client.register_payment(**payment())
    cancelled = client.cancel_payment(registered.payment_id, note="sold elsewhere")
    assert (cancelled.payment_id, cancelled.status) == (registered.payment_id, "cancelled")
    assert client.cancel_payment(registered.payment_id) == cancelled


def test_a_payment_that_is_completed_is_not_cancelled(client: Any, bridge: Any) -> None:
    registered = client.register_payment(**payment())
    body = notice(registered.external_id)
    assert post(f"{bridge.url}/webhooks/shkeeper", content=body, headers=signed(body)).json()["outcome"] == "applied"
    with pytest.raises(PaymentOverError, match="it cannot be cancelled any more"):
        client.cancel_payment(registered.payment_id)


@pytest.mark.parametrize(("token", "status"), [(None, 401), (CHAT, 403)])
def test_a_payment_cancelled_by_a_service_that_may_not(
    connect: Any, bridge: Any, client: Any, token: str | None, status: int
) -> None:
    registered = client.register_payment(**payment())
    with pytest.raises(NotAllowedError) as caught:
        connect(bridge.url, token).cancel_payment(registered.payment_id)
    assert caught.value.status == status


@pytest.mark.parametrize(("token", "status"), [(None, 401), (CHAT, 403)])
def test_a_payment_by_a_service_that_may_not(connect: Any, bridge: Any, token: str | None, status: int) -> None:
    with pytest.raises(NotAllowedError) as caught:
        connect(bridge.url, token).register_payment(**payment())
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("provider", {"provider": "nobody"}),
        ("buyerId", {"buyer_id": ""}),
        ("sellerId", {"seller_id": None}),
        ("amount", {"amount": "0"}),
    ],
)
def test_a_payment_with_a_wrong_field(client: Any, field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(RequestRefusedError) as caught:
        client.register_payment(**payment(**changes))
    assert [fault.field for fault in caught.value.faults] == [field]


def shares() -> list[CheckoutShare]:
    number = next(NUMBERS)
    return [
        CheckoutShare(request_id=f"r{number}-1", seller_id="s1", amount="49.90", offer_id="offer-3"),
        CheckoutShare(request_id=f"r{number}-2", seller_id="s2", amount=Decimal("20.00")),
    ]


def test_a_checkout_whose_answer_was_lost_is_registered_once(connect: Any, bridge: Any, lossy_proxy: Any) -> None:
    number, wanted = next(NUMBERS), shares()
    fields = {"provider": "shkeeper", "external_id": f"order-{number}", "checkout_id": f"checkout-{number}"}
    with lossy_proxy(bridge, 1) as proxy:
        registered = connect(proxy.url, MARKETPLACE).register_checkout(
            **fields, buyer_id="b1", currency="USD", shares=wanted
        )
        assert proxy.lost == 1
    assert (registered.checkout_id, registered.status, registered.reason) == (f"checkout-{number}", "pending", None)
    assert registered.payment.amount == Decimal("69.90")
    client = connect(bridge.url, MARKETPLACE)
    assert client.register_checkout(**fields, buyer_id="b1", currency="USD", shares=wanted) == registered
    with pytest.raises(PaymentConflictError) as caught:
        client.register_checkout(**fields, buyer_id="b2", currency="USD", shares=wanted)
    assert caught.value.payment_id == registered.payment.payment_id


def test_a_checkout_with_a_wrong_share(client: Any) -> None:
    first, second = shares()
    with pytest.raises(RequestRefusedError) as caught:
        client.register_checkout(
            provider="shkeeper",
            external_id=f"order-{next(NUMBERS)}",
            buyer_id="b1",
            currency="USD",
            shares=[first, replace(second, seller_id="")],
        )
    assert [fault.field for fault in caught.value.faults] == ["shares.1.sellerId"]


def test_a_payout_that_cannot_be_is_named_and_none_is_taken(connect: Any, client: Any, bridge: Any) -> None:
    order = PayoutOrder(payment_id="pay_unknown", coin="ETH-USDT", amount="1", destination="0x1")
    with pytest.raises(PayoutRefusedError, match="there is no payment") as caught:
        client.send_payouts([order])
    assert [fault.field for fault in caught.value.faults] == ["payouts.0"]
    with pytest.raises(RequestRefusedError) as refused:
        client.send_payouts([order, replace(order, coin="")])
    assert [fault.field for fault in refused.value.faults] == ["payouts.1.coin"]
    with pytest.raises(NotAllowedError):
        connect(bridge.url, CHAT).send_payouts([order])


async def test_many_events_at_once_through_one_client(bridge: Any, events: Events) -> None:
    before = events()
    patience = {"timeout_seconds": GIVE_UP_SECONDS, "give_up_after_seconds": GIVE_UP_SECONDS}
    async with AsyncBridgeClient(bridge.url, MARKETPLACE, **patience) as client:
        offsets = await asyncio.gather(*(client.publish("new-offer", OFFER, target=BUYER) for _ in range(50)))
    assert len(set(offsets)) == 50
    assert len(events()) == len(before) + 50


def test_all_events_are_read_once_and_in_order_also_through_a_cut_and_a_restart(
    connect: Any, bridge: Any, client: Any, lossy_proxy: Any
) -> None:
    first = [client.publish("new-offer", OFFER, target=BUYER) for _ in range(2)]
    with lossy_proxy(bridge, answers_to_lose=2) as proxy:
        told = connect(proxy.url, READER, timeout_seconds=2 * GIVE_UP_SECONDS).events(after=first[0])
        assert next(told).offset == first[1]
        bridge.kill()
        bridge.start()
        offset = client.publish("new-offer", OFFER, target=BUYER)
        heard = next(told)
        assert (heard.offset, heard.event, heard.data) == (offset, "new-offer", OFFER)
        told.close()
    assert proxy.lost == 2
    assert [one.offset for one in connect(bridge.url, READER).events(after=first[0], follow=False)] == [
        first[1],
        offset,
    ]


def test_only_who_reads_reads_all_events_and_only_after_an_offset_that_is_held(connect: Any, bridge: Any) -> None:
    with pytest.raises(NotAllowedError):
        next(connect(bridge.url, MARKETPLACE).events())
    with pytest.raises(OffsetGoneError):
        next(connect(bridge.url, READER).events(after="0123456789abcdef-5-5.0123456789abcdef"))
