"""What staff and services may: every case, without a route."""

from typing import Any

import pytest

from bridge.access import ANYBODY, Principal, Role, StaffAccess
from bridge.access.services import Service


@pytest.mark.parametrize("names_services", [False, True])
@pytest.mark.parametrize(
    "roles", [frozenset(), frozenset({Role.VIEW}), frozenset({Role.ACT}), frozenset({Role.APPROVE})]
)
def test_where_tokens_are_asked_for_a_role_decides(roles: frozenset[Role], names_services: bool) -> None:
    access = StaffAccess(asks_for_tokens=True, names_services=lambda: names_services)
    somebody = Principal("somebody", user_id="somebody", roles=roles)
    assert access.may_act(somebody) == (Role.ACT in roles)
    assert access.may_approve(somebody) == (Role.APPROVE in roles)
    assert not access.may_act(ANYBODY)


@pytest.mark.parametrize("names_services", [False, True])
def test_where_nobody_is_asked_anybody_may_unless_services_are_named(names_services: bool) -> None:
    access = StaffAccess(asks_for_tokens=False, names_services=lambda: names_services)
    assert access.may_act(ANYBODY) == access.may_approve(ANYBODY) == (not names_services)
    reads: dict[str, Any] = {"registers_payments": True, "registers_payouts": True, "approves_payouts": True}
    assert not access.may_act(Service("shop", reads=True, **reads).principal)


def test_a_service_sees_what_it_works_on() -> None:
    payments = Service("shop", registers_payments=True).principal
    assert payments.may_see_strangers_money
    assert not payments.has_payouts_sent
    assert not payments.may_see_console
    approvals = Service("desk", approves_payouts=True).principal
    assert approvals.has_payouts_sent
    assert not approvals.may_say_where(buyer_id="buyer-1", opened_through=approvals.name)
    payouts = Service("till", registers_payouts=True).principal
    assert payouts.may_say_where(buyer_id="buyer-1", opened_through=payouts.name)
    assert not payouts.may_say_where(buyer_id="buyer-1", opened_through=approvals.name)
    reader = Service("ledger", reads=True).principal
    assert reader.may_see_console
    assert reader.may_see_confidential
