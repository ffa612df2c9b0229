"""An attribute has one value: what follows from the facts of a payment or payout has no name that one of them has."""

import pytest

from coordinator.models import FrozenModel
from coordinator.payments.facts.facts import Facts
from coordinator.payments.payments import Payment
from coordinator.payouts.facts import PayoutFacts
from coordinator.payouts.payouts import Payout


@pytest.mark.parametrize(("model", "facts"), [(Payment, Facts), (Payout, PayoutFacts)])
def test_what_follows_from_the_facts_is_called_otherwise(model: type[FrozenModel], facts: type[FrozenModel]) -> None:
    own = {*dir(model), *model.model_fields} - {*dir(FrozenModel)}
    assert "status" in own
    assert own & facts.model_fields.keys() == set()
