"""Senders that may be mistaken for one that sent to a payment before: it is said of each, with both in full."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coordinator.attention.payments import payment_attention
from coordinator.payments.facts.facts import Facts
from coordinator.payments.observed.observations import Sighting, Stage, Transfer
from coordinator.payments.problems.lookalike_senders import lookalike_senders
from coordinator.payments.problems.problems import ProblemKind
from tests.coordinator.agreed import PAYMENT

START = datetime(2026, 1, 1, tzinfo=UTC)
BUYER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
LOOKALIKE = "0x7099797aaaaaaaaaaaaaaaaaaaaaaaaaaaaa79C8"
SOMEBODY = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"


def sighting(number: int, sender: str | None, amount: str = "1") -> Sighting:
    transfer = Transfer(
        transfer_id=f"0x{number:064x}#0@0x1",
        asset="USDT",
        amount=Decimal(amount),
        occurred_at=START + timedelta(minutes=number),
    )
    return Sighting(transfer=transfer, stage=Stage.FINAL, view=number, block_number=number, sender=sender)


@pytest.mark.parametrize(
    ("senders", "expected"),
    [
        ([BUYER, LOOKALIKE], {1: BUYER}),
        ([LOOKALIKE, BUYER], {1: LOOKALIKE}),
        ([BUYER, SOMEBODY, BUYER], {}),
        ([None, BUYER, None, LOOKALIKE], {3: BUYER}),
    ],
)
def test_whoever_comes_later_is_held_against_who_sent_before(
    senders: list[str | None], expected: dict[int, str]
) -> None:
    sightings = [sighting(number, sender) for number, sender in enumerate(senders)]
    found = lookalike_senders(sightings[::-1])
    assert found == {sightings[number].transfer.transfer_id: other for number, other in expected.items()}


def test_the_list_says_it_of_a_payment_that_a_person_decides_about() -> None:
    came = sighting(0, BUYER, "150"), sighting(1, LOOKALIKE, "0.01")
    payment = PAYMENT.model_copy(update={"currency": "USDT", "facts": Facts(sightings=came)})
    items = {item.kind: item.detail for item in payment_attention(payment, START)}
    assert f"{LOOKALIKE} is not {BUYER}, which sent before" in items[ProblemKind.OVER]
    alone = payment.model_copy(update={"facts": Facts(sightings=came[:1])})
    items = {item.kind: item.detail for item in payment_attention(alone, START)}
    assert "which sent before" not in items[ProblemKind.OVER]
