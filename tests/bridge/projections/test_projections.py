"""What past events amount to, decided without a journal."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.projections import chats
from bridge.projections.purchase_requests import SOURCE_EVENTS, purchase_request
from coordinator.compact_json import compact_json
from coordinator.events import Audience, Event
from tests.specification import ROWS

WHEN = "2026-05-01T12:00:00.000Z"
IDS = ("m1", "m2", "m3")


def event(name: str, **payload: Any) -> Event:
    return Event(name, Audience(), compact_json(payload))


def written(message_id: str, content: str, chat_id: str = "c1") -> Event:
    message = {"_id": message_id, "content": content, "senderId": "u1", "createdAt": WHEN}
    return event("new-message", chatId=chat_id, message=message, senderId="u1")


def edited(message_id: str, content: str, chat_id: str = "c1") -> Event:
    return event("message-edited", chatId=chat_id, messageId=message_id, content=content, editedAt=WHEN)


def deleted(message_id: str, chat_id: str = "c1") -> Event:
    return event("message-deleted", chatId=chat_id, messageId=message_id, deletedAt=WHEN)


def test_a_message_reads_as_it_was_edited_last_unless_it_was_deleted() -> None:
    found = chats.messages(
        [written("m1", "one"), written("m2", "two"), written("m3", "three"), written("m1", "again")],
        [edited("m1", "1"), edited("m1", "eins"), deleted("m2"), edited("m2", "zwei"), edited("m9", "?")],
    )
    assert [(message["_id"], message["content"], "editedAt" in message) for message in found] == [
        ("m1", "eins", True),
        ("m3", "three", False),
    ]


def test_a_message_of_another_chat_with_the_same_id_changes_nothing() -> None:
    [message] = chats.messages([written("m1", "one")], [edited("m1", "other", "c2"), deleted("m1", "c2")])
    assert message["content"] == "one"


@given(
    st.lists(st.sampled_from(IDS), max_size=5),
    st.lists(st.tuples(st.sampled_from(("edit", "delete")), st.sampled_from(IDS)), max_size=12),
)
def test_changes_amount_to_what_applying_them_one_by_one_does(ids: list[str], steps: list[tuple[str, str]]) -> None:
    model = dict.fromkeys(ids, "as written")
    changes = []
    for number, (step, message_id) in enumerate(steps):
        content = f"edit {number}"
        changes.append(edited(message_id, content) if step == "edit" else deleted(message_id))
        if step == "delete":
            model.pop(message_id, None)
        elif message_id in model:
            model[message_id] = content
    before = [written(message_id, "as written") for message_id in ids]
    found = chats.messages(before, changes)
    assert [(message["_id"], message["content"]) for message in found] == list(model.items())
    assert before == [written(message_id, "as written") for message_id in ids]  # what was given is left as it was


def test_a_purchase_request_stands_as_it_was_told_last() -> None:
    assert purchase_request("r1", []) is None
    state = purchase_request(
        "r1",
        [
            event("new-purchase-request", _id="r1", title="A bicycle"),
            event("purchase-request-update", type="payment-confirming", requestId="r1", status="confirming"),
            event("purchase-request-update", type="payment-completed", requestId="r1", paymentId="p1", txHash="0x1"),
            event("delivery-code-generated", requestId="r1", deliveryCode="1234"),
            event("delivery-update", requestId="r1", status="packed", carrier="DHL"),
            event("delivery-update", requestId="r1", status="sent", trackingNumber="5"),
        ],
    )
    assert state is not None
    assert state.model_dump(mode="json") == {
        "requestId": "r1",
        "document": {"_id": "r1", "title": "A bicycle"},
        "type": "payment-completed",
        "status": "confirming",
        "paymentId": "p1",
        "txHash": "0x1",
        "provider": None,
        "delivery": {"code": "1234", "status": "sent", "carrier": "DHL", "trackingNumber": "5", "confirmed": False},
        "cancelled": False,
        "cancelReason": None,
    }


def test_a_purchase_request_can_be_cancelled_and_its_delivery_confirmed() -> None:
    state = purchase_request(
        "r1",
        [event("delivery-confirmed", requestId="r1"), event("request-cancelled", requestId="r1", reason="too late")],
    )
    assert state is not None
    assert state.delivery is not None
    assert state.delivery.confirmed
    assert (state.cancelled, state.cancel_reason) == (True, "too late")


def test_every_event_of_a_request_that_its_projection_reads_is_in_the_specification() -> None:
    samples = [Event(row.event, Audience(), compact_json(row.payload)) for row in ROWS if row.event in SOURCE_EVENTS]
    assert len(samples) == len(SOURCE_EVENTS)
    assert purchase_request("r1", samples) is not None
