"""What the contract says in words about an event: what it is, whom it goes to, and whether it is an addition."""

import inspect

from bridge.catalogue import ADDITIONS
from bridge.catalogue.client_events import ClientEvent
from coordinator.events import Payload

__all__ = ["describe_client_event", "describe_event", "rooms_of", "summary_of"]

ADDITION = "The bridge adds it to the specification."


def rooms_of(model: type[Payload]) -> list[str]:
    """The rooms that receive an event, as in `user-<sellerId>`."""
    rule = model.audience_rule
    return [*rule.fixed_rooms, *(room.make(f"<{room.id_name}>") for room in rule.rooms)]


def summary_of(model: type[Payload]) -> str:
    return inspect.cleandoc(model.__doc__ or "")


def describe_event(model: type[Payload]) -> list[str]:
    """What an event means, and who hears it: a few paragraphs."""
    paragraphs = [summary_of(model), _audience(model)]
    if model.audience_rule.confidential:
        paragraphs.append(
            "It is confidential: where clients bring tokens, only its rooms and staff receive it, unless the bridge"
            " is configured otherwise."
        )
    if model in ADDITIONS:
        paragraphs.append(ADDITION)
    return paragraphs


def _audience(model: type[Payload]) -> str:
    rooms = " and ".join(", ".join(f"`{room}`" for room in rooms_of(model)).rsplit(", ", 1))
    if model.audience_rule.everyone:
        return "Goes to everyone" + (f", among them {rooms}." if rooms else ".")
    if not rooms:
        return "Goes to the one client that it is about."
    if model.audience_rule.everyone_if is not None:
        return f"Goes to {rooms}, and to everyone in the case that is named above."
    return f"Goes to {rooms}."


def describe_client_event(event: ClientEvent) -> list[str]:
    """What a client's event does."""
    return [event.effect, ADDITION] if event.is_addition else [event.effect]
