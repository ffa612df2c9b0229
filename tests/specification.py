"""A copy of the specification's tables of events, made by hand, against which the catalogue and the wire are held.

Each row: the event, whether it goes to everyone, the rooms it goes to for the sample, the target a publisher gives,
a sample payload with every field, and the names of the fields that may be left out (dotted where nested).
"""

from typing import Any, NamedTuple

__all__ = ["ROWS", "Row"]


class Row(NamedTuple):
    event: str
    everyone: bool
    rooms: tuple[str, ...]
    target: dict[str, str]
    payload: dict[str, Any]
    optional: tuple[str, ...] = ()


WHEN = "2026-05-01T12:00:00.000Z"
HASH = "0x518a"

ROWS = (
    # Marketplace
    Row(
        "new-purchase-request", False, ("sellers",), {}, {"_id": "r1", "title": "A bicycle", "budget": {"max": 120.5}}
    ),
    Row(
        "new-offer",
        False,
        ("buyer-b1",),
        {"buyerId": "b1"},
        {"requestId": "r1", "offer": {"_id": "o1", "price": 99.5, "notes": None}, "sellerId": "s1"},
    ),
    Row(
        "seller-offer-update",
        False,
        ("seller-s1",),
        {},
        {
            "sellerId": "s1",
            "requestId": "r1",
            "eventType": "offer-rejected",
            "data": {
                "offerId": "o1",
                "isSelected": False,
                "paymentId": "p1",
                "transactionHash": HASH,
                "reason": "too dear",
            },
        },
        ("data.paymentId", "data.transactionHash", "data.reason"),
    ),
    Row(
        "purchase-request-update",
        False,
        ("request-r1",),
        {},
        {
            "type": "status",
            "requestId": "r1",
            "status": "open",
            "paymentId": "p1",
            "txHash": HASH,
            "provider": "shkeeper",
        },
        ("status", "paymentId", "txHash", "provider"),
    ),
    Row(
        "request-cancelled",
        False,
        ("user-b1", "user-s1"),
        {"buyerId": "b1", "sellerId": "s1"},
        {"requestId": "r1", "reason": "changed my mind"},
    ),
    Row(
        "transaction-completed",
        False,
        ("user-b1", "user-s1"),
        {"buyerId": "b1", "sellerId": "s1"},
        {"requestId": "r1", "paymentId": "p1", "amount": "49.90", "currency": "USD"},
    ),
    Row("delivery-code-generated", False, ("request-r1",), {}, {"requestId": "r1", "deliveryCode": "4711"}),
    Row(
        "delivery-update",
        False,
        ("request-r1",),
        {},
        {"requestId": "r1", "status": "shipped", "carrier": "Post", "trackingNumber": "X1"},
        ("carrier", "trackingNumber"),
    ),
    Row("delivery-confirmed", False, ("request-r1",), {}, {"requestId": "r1"}),
    Row("buyer-confirmed-delivery", False, ("user-s1",), {"sellerId": "s1"}, {"requestId": "r1", "buyerId": "b1"}),
    Row(
        "template-checkout-payment-confirmed",
        True,
        ("template-checkout-c1",),
        {},
        {"checkoutId": "c1", "requestIds": ["r1", "r2"], "paymentId": "p1"},
    ),
    Row("template-checkout-payment-pending", True, ("template-checkout-c1",), {}, {"checkoutId": "c1"}),
    Row(
        "template-checkout-payment-failed",
        True,
        ("template-checkout-c1",),
        {},
        {"checkoutId": "c1", "reason": "the time ran out"},
    ),
    # Payment
    Row(
        "payment-created",
        True,
        ("request-r1", "user-b1", "user-s1"),
        {},
        {
            "paymentId": "p1",
            "provider": "shkeeper",
            "requestId": "r1",
            "buyerId": "b1",
            "sellerId": "s1",
            "amount": "49.90",
            "currency": "USD",
        },
    ),
    Row(
        "payment-received",
        False,
        ("user-s1",),
        {"sellerId": "s1"},
        {"purchaseRequestId": "r1", "amount": "49.90", "currency": "USD", "buyerId": "b1"},
    ),
    Row(
        "payment-update",
        True,
        ("request-r1", "user-b1", "user-s1"),
        {"requestId": "r1", "buyerId": "b1", "sellerId": "s1"},
        {"paymentId": "p1", "status": "completed", "escrowState": "funded", "txHash": HASH},
        ("escrowState", "txHash"),
    ),
    Row(
        "payout-created",
        True,
        ("user-s1",),
        {},
        {"payoutId": "x1", "taskId": "t1", "sellerId": "s1", "amount": "49.90", "currency": "USD"},
    ),
    Row(
        "payout-completed",
        True,
        ("user-s1",),
        {"sellerId": "s1"},
        {"payoutId": "x1", "taskId": "t1", "txHash": HASH},
    ),
    Row("payout-updated", True, ("user-s1",), {"sellerId": "s1"}, {"payoutId": "x1", "status": "confirming"}),
    # Chat
    Row(
        "new-message",
        False,
        ("chat-c1",),
        {},
        {
            "chatId": "c1",
            "message": {
                "_id": "m1",
                "content": "Hello",
                "senderId": "b1",
                "createdAt": WHEN,
                "attachments": [{"url": "/a.png", "size": 12}],
            },
            "senderId": "b1",
        },
        ("message.attachments",),
    ),
    Row(
        "messages-read",
        False,
        ("chat-c1",),
        {},
        {"chatId": "c1", "userId": "b1", "upToMessageId": "m1", "modifiedCount": 3},
    ),
    Row(
        "message-edited",
        False,
        ("chat-c1",),
        {},
        {"chatId": "c1", "messageId": "m1", "content": "Hello!", "editedAt": WHEN},
    ),
    Row("message-deleted", False, ("chat-c1",), {}, {"chatId": "c1", "messageId": "m1", "deletedAt": WHEN}),
    Row("participants-added", False, ("chat-c1",), {}, {"chatId": "c1", "addedUserIds": ["u1", "u2"]}),
    Row("participant-removed", False, ("chat-c1",), {}, {"chatId": "c1", "removedUserId": "u1"}),
    Row(
        "user-typing",
        False,
        ("chat-c1",),
        {"chatId": "c1"},
        {"userId": "b1", "userName": "Bea", "isTyping": True},
        ("userName",),
    ),
    Row("user-status-change", True, (), {}, {"userId": "b1", "status": "online", "lastSeen": WHEN}),
    # Notification
    Row(
        "new-notification",
        False,
        ("user-u1",),
        {"userId": "u1"},
        {
            "notification": {
                "_id": "n1",
                "type": "offer",
                "title": "An offer",
                "body": "You have an offer.",
                "data": {"offerId": "o1", "amount": 99.5},
                "createdAt": WHEN,
            }
        },
    ),
    Row("unread-count-update", False, ("user-u1",), {"userId": "u1"}, {"unreadCount": 7}),
    # Points
    Row(
        "level-up",
        False,
        ("user-u1",),
        {"userId": "u1"},
        {"oldLevel": 1, "newLevel": 2, "lifetimePoints": 500, "perks": ["free delivery"]},
    ),
    Row(
        "referral-reward",
        False,
        ("user-u1",),
        {"userId": "u1"},
        {"referredUserId": "u2", "points": 50, "transactionId": "t1"},
    ),
    Row(
        "referral-signup",
        False,
        ("user-u1",),
        {"userId": "u1"},
        {"referredUserId": "u2", "name": "Uwe", "joinedAt": WHEN},
    ),
)
