"""Every room name is made here, nowhere else, as the specification spells it."""

from coordinator.ids import is_id

__all__ = [
    "BUYERS",
    "OPS",
    "SELLERS",
    "STAFF",
    "buyer",
    "chat",
    "chat_of",
    "is_granted",
    "is_part",
    "request",
    "seller",
    "template_checkout",
    "user",
    "user_of",
]

SELLERS = "sellers"
BUYERS = "buyers"
OPS = "ops"
STAFF = "staff"
"""Where a server that knows its clients puts staff, to hear what is confidential. No client can ask for it."""


def user(user_id: str) -> str:
    return f"user-{user_id}"


def request(request_id: str) -> str:
    return f"request-{request_id}"


def seller(seller_id: str) -> str:
    return f"seller-{seller_id}"


def buyer(buyer_id: str) -> str:
    return f"buyer-{buyer_id}"


def chat(chat_id: str) -> str:
    return f"chat-{chat_id}"


def template_checkout(checkout_id: str) -> str:
    return f"template-checkout-{checkout_id}"


def user_of(room: str) -> str | None:
    """Whose own room it is; None if it is no user's."""
    return _after(user(""), room)


def chat_of(room: str) -> str | None:
    """Which chat's room it is; None if it is no chat's."""
    return _after(chat(""), room)


def _after(prefix: str, room: str) -> str | None:
    return room.removeprefix(prefix) if room.startswith(prefix) else None


def is_granted(room: str) -> bool:
    """Whether it is a room that a user may be granted, by its name."""
    if room in (SELLERS, BUYERS):
        return True
    makes = (user, request, seller, buyer, chat, template_checkout)
    return any(is_id(_after(make(""), room) or "") for make in makes)


def is_part(room: str) -> bool:
    """Whether it is a room of something that several users have a part in, by its name: of a purchase request, a chat
    or a template checkout."""
    return any(is_id(_after(make(""), room) or "") for make in (request, chat, template_checkout))
