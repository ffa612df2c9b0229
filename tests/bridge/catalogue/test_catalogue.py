"""The catalogue against a copy of the specification's tables: every event, field and room, and nothing else."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.catalogue import ADDITIONS, CATEGORIES, EVENTS, JOURNALED
from bridge.catalogue.publication import PUBLICATIONS_LIMIT, PublicationRefusedError, read_publications
from bridge.catalogue.session import BridgeStopping, SessionEnded
from bridge.catalogue.system import SystemStatus
from tests.specification import ROWS, Row

rows = pytest.mark.parametrize("row", ROWS, ids=[row.event for row in ROWS])


def publication(row: Row, **changes: Any) -> dict[str, Any]:
    return {"event": row.event, "target": row.target, "data": copy.deepcopy(row.payload), **changes}


def faults(body: object) -> dict[str, str]:
    with pytest.raises(PublicationRefusedError) as caught:
        read_publications(body)
    return {fault.field: fault.message for fault in caught.value.faults}


def fields(payload: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The dotted names of the specified fields: of the payload and of the objects in it that are no documents."""
    for name, value in payload.items():
        yield prefix + name
        if name in ("message", "notification") or (name == "data" and not prefix):
            yield from fields(value, f"{prefix}{name}.")


def owner(payload: dict[str, Any], field: str) -> tuple[dict[str, Any], str]:
    *path, name = field.split(".")
    for part in path:
        payload = payload[part]
    return payload, name


def test_the_catalogue_holds_exactly_the_events_of_the_specification() -> None:
    assert [row.event for row in ROWS] == list(EVENTS)
    assert {name: len(models) for name, models in CATEGORIES.items()} == {
        "marketplace": 13,
        "payment": 6,
        "chat": 8,
        "notification": 2,
        "points": 3,
    }


def test_every_event_is_of_one_category_that_services_can_be_granted_unless_no_journal_holds_it() -> None:
    of_the_moment = {SessionEnded.event_name, BridgeStopping.event_name, SystemStatus.event_name}
    names = [name for events in JOURNALED.values() for name in events]
    assert sorted(names) == sorted({*EVENTS, *(model.event_name for model in ADDITIONS)} - of_the_moment)


@rows
def test_an_event_goes_to_its_rooms_with_its_payload(row: Row) -> None:
    [event] = read_publications(publication(row))
    assert (event.name, event.audience.everyone, event.audience.rooms) == (row.event, row.everyone, row.rooms)
    assert event.payload == row.payload


@rows
def test_an_optional_field_may_be_left_out_and_no_other(row: Row) -> None:
    if row.event == "new-purchase-request":
        assert read_publications(publication(row, data={}))  # the whole payload is the marketplace's document
        return
    for field in fields(row.payload):
        without = publication(row)
        holder, name = owner(without["data"], field)
        del holder[name]
        if field in row.optional:
            [event] = read_publications(without)
            assert event.payload == without["data"]
        else:
            assert faults(without)[f"data.{field}"] == "Field required"


@rows
def test_a_field_of_the_wrong_type_or_unknown_is_named(row: Row) -> None:
    if row.event == "new-purchase-request":
        assert "data" in faults(publication(row, data="a document"))
        return
    for field in fields(row.payload):
        for wrong in (object_of_no_type, None) if field not in row.optional else (object_of_no_type,):
            if (row.event, field, wrong) == ("seller-offer-update", "data.offerId", None):
                continue  # null stands for a payment without an offer
            changed = publication(row)
            holder, name = owner(changed["data"], field)
            holder[name] = wrong
            assert any(name.startswith(f"data.{field}") for name in faults(changed))
    assert "data.colour" in faults(publication(row, data={**row.payload, "colour": "red"}))


object_of_no_type = [[{"of": "no type"}]]


def test_only_one_event_is_told_to_everyone_now_and_then() -> None:
    [row] = [row for row in ROWS if row.event == "seller-offer-update"]
    paid = publication(row, data={**row.payload, "eventType": "payment-completed"})
    [event] = read_publications(paid)
    assert (event.audience.everyone, event.audience.rooms) == (True, ("seller-s1",))


@rows
def test_the_target_names_what_the_payload_does_not_hold(row: Row) -> None:
    for name in row.target:
        without = {other: value for other, value in row.target.items() if other != name}
        if row.everyone:
            assert read_publications(publication(row, target=without))
        else:
            assert f"target.{name}" in faults(publication(row, target=without))
        assert f"target.{name}" in faults(publication(row, target={**row.target, name: 5}))
        assert f"target.{name}" in faults(publication(row, target={**row.target, name: ""}))
    for name in {"userId", "requestId", "sellerId", "buyerId", "chatId", "checkoutId"} - set(row.target):
        assert f"target.{name}" in faults(publication(row, target={**row.target, name: "x"}))


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (None, "body", "expected"),
        ([], "body", "expected"),
        ({}, "event", "expected the name"),
        ({"event": 5, "data": {}}, "event", "expected the name"),
        ({"event": "new-ofer", "data": {}}, "event", "did you mean new-offer?"),
        ({"event": "zzz", "data": {}}, "event", "no such event"),
        ({"event": "x" * 100_000, "data": {}}, "event", "no such event"),
        ({"event": "delivery-confirmed"}, "data", "an object"),
        ({"event": "delivery-confirmed", "data": []}, "data", "an object"),
        ({"event": "delivery-confirmed", "data": {"requestId": "r"}, "target": []}, "target", "object of ids"),
        ({"event": "delivery-confirmed", "data": {"requestId": "r"}, "room": "x"}, "room", "no such field"),
        ({"events": []}, "events", "1 to"),
        ({"events": {}}, "events", "1 to"),
        ({"events": [{}] * (PUBLICATIONS_LIMIT + 1)}, "events", "1 to"),
        ({"events": [{}], "event": "x"}, "events", "nothing beside it"),
        ({"events": [5]}, "events.0", "expected"),
    ],
)
def test_a_publication_of_another_form_is_refused(body: object, field: str, message: str) -> None:
    assert message in faults(body)[field]


def test_every_fault_of_a_batch_is_told_with_its_place() -> None:
    good = publication(ROWS[1])
    wrong = publication(ROWS[1], target={})
    assert set(faults({"events": [good, wrong, {"event": "nonsense"}, good]})) == {
        "events.1.target.buyerId",
        "events.2.event",
    }
    assert [event.name for event in read_publications({"events": [good, publication(ROWS[4])]})] == [
        "new-offer",
        "request-cancelled",
    ]


def test_the_page_for_service_authors_has_the_catalogues_table() -> None:
    page = (Path(__file__).parents[3] / "docs" / "services.md").read_text()
    table = [line for line in page.splitlines() if line.startswith("| `") and not line.startswith("| `POST")]
    expected = []
    for name, model in EVENTS.items():
        rule = model.audience_rule
        audience = ["everyone"] if rule.everyone else []
        audience += [f"`{room}`" for room in rule.fixed_rooms]
        audience += [f"`{room.make(f'<{room.id_name}>')}`" for room in rule.rooms]
        if name == "seller-offer-update":
            audience.append("and everyone when `payment-completed`")
        target = ", ".join(f"`{id_name}`" for id_name in model.target_ids())
        expected.append(f"| `{name}` | {', '.join(audience)} | {target} |")
    assert table == expected
