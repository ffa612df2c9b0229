"""Names of payouts at SHKeeper, its `external_id`: the bridge's own id, with a number where one name does not do.

SHKeeper writes a payout down under the name that it was asked with even if its wallet refused it, and takes no name
twice. So what was refused together with others is asked for under another name.
"""

import re

from coordinator.payouts import Payout

__all__ = ["external_id_of", "external_ids_of", "payout_id_of"]

_NUMBER = re.compile(r"-[0-9]+$")


def external_id_of(payout: Payout) -> str:
    refused = len(payout.facts.refused_attempts)
    return f"{payout.payout_id}-{refused + 1}" if refused else payout.payout_id


def external_ids_of(payout: Payout) -> tuple[str, ...]:
    """Its name, and the one that it has had if the journal has forgotten that it was refused together with others: a
    restored one has."""
    name = external_id_of(payout)
    return (name,) if payout.facts.refused_attempts else (name, f"{name}-2")


def payout_id_of(external_id: str) -> str:
    """The id of the payout that SHKeeper calls so, if it is one of the bridge's."""
    return _NUMBER.sub("", external_id)
