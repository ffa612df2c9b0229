"""What services may: each right, and none besides."""

from collections.abc import Callable
from typing import Any

import pytest

from bridge.access.errors import NotPermittedError
from bridge.access.principals import ANYBODY, Principal
from bridge.access.services import ANY_SERVICE, Service

RIGHTS: dict[str, tuple[dict[str, Any], Callable[[Service], None]]] = {
    "payments": ({"registers_payments": True}, Service.require_payments),
    "payouts": ({"registers_payouts": True}, Service.require_payouts),
    "approvals": ({"approves_payouts": True}, Service.require_approvals),
    "access": ({"manages_access": True}, Service.require_access),
}
QUESTIONS: dict[str, Callable[[Principal], None]] = {
    "console": Principal.require_console,
    "all events": Principal.require_all_events,
    "all payouts": Principal.require_all_payouts,
    "strangers' money": Principal.require_strangers_money,
    "endpoints": Principal.require_endpoints,
    "a user's payments": lambda principal: principal.require_payments_of("u1"),
    "a user's payouts": lambda principal: principal.require_payouts_of("u1"),
    "where a refund goes": lambda principal: principal.require_word_where(buyer_id="u1", opened_through="shop"),
    "rooms": lambda principal: principal.require_rooms(["chat-1"]),
    "deliveries": lambda principal: principal.require_received(["new-offer"]),
}
MAY: list[tuple[Principal, set[str]]] = [
    (Service("shop").principal, set()),
    (Service("shop", registers_payments=True).principal, {"strangers' money", "a user's payments"}),
    (Service("desk", approves_payouts=True).principal, {"all payouts", "a user's payouts"}),
    (Service("shop", registers_payouts=True).principal, {"all payouts", "a user's payouts", "where a refund goes"}),
    (
        Service("ledger", reads=True).principal,
        {*QUESTIONS} - {"endpoints", "deliveries", "where a refund goes"},
    ),
    (Service("shop", receives=frozenset({"new-offer"})).principal, {"endpoints", "deliveries"}),
    (Service("shop", manages_access=True).principal, set()),
    (
        Principal("u1", user_id="u1"),
        {"a user's payments", "a user's payouts", "where a refund goes"} | {"endpoints", "deliveries"},
    ),
    (ANYBODY, {*QUESTIONS}),
]


def permits(ask: Callable[[Any], None], somebody: Service | Principal) -> bool:
    try:
        ask(somebody)
    except NotPermittedError:
        return False
    return True


@pytest.mark.parametrize("given", RIGHTS)
def test_a_service_has_the_rights_that_it_is_given_and_no_other(given: str) -> None:
    service = Service("shop", **RIGHTS[given][0])
    assert {right for right, (_, ask) in RIGHTS.items() if permits(ask, service)} == {given}
    assert all(permits(ask, ANY_SERVICE) for _, ask in RIGHTS.values())


@pytest.mark.parametrize(("somebody", "may"), MAY, ids=range(len(MAY)))
def test_who_reads_sees_what_follows_from_their_rights(somebody: Principal, may: set[str]) -> None:
    assert {question for question, ask in QUESTIONS.items() if permits(ask, somebody)} == may
