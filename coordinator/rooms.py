"""Every room name is made here, nowhere else, as the specification spells it."""

__all__ = ["BUYERS", "OPS", "SELLERS", "STAFF", "buyer", "chat", "request", "seller", "template_checkout", "user"]

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
