"""Facts of a payout: all that is known of one, from which its status follows."""

from collections.abc import Mapping

from pydantic import AwareDatetime, Field

from coordinator.ids import StoredId
from coordinator.models import FrozenModel
from coordinator.money import Amount
from coordinator.payments.observed.observations import Sighting

__all__ = ["NetworkFee", "PayoutFacts", "PutOff", "SecondWord"]


class SecondWord(FrozenModel):
    """What somebody else than who asked has decided about a payout, and when."""

    by: StoredId
    through: StoredId | None = None
    """The service that told of it; None where they said so themselves."""
    at: AwareDatetime


class PutOff(FrozenModel):
    """That it could not be asked for, though it was its turn for some time."""

    at: AwareDatetime
    reason: str


class NetworkFee(FrozenModel):
    """What the network took for a transaction, and out of which wallet."""

    wallet: str
    """As the books call it."""
    coin: str
    amount: Amount
    """Nothing where it stands with another payout that the same transaction carried."""


class PayoutFacts(FrozenModel):
    """All that is known of one payout. Every part only grows."""

    attempts: int = 0
    """How often the provider was, or was about to be, asked to send it."""
    void_attempts: frozenset[int] = frozenset()
    """Those that certainly came to nothing."""
    refused_attempts: frozenset[int] = frozenset()
    """Those of them that the provider refused as a whole, where it was asked for others too."""
    put_off: PutOff | None = None
    """Why it could not be asked for when that was last written down."""
    asked_at: AwareDatetime | None = None
    """When the provider was asked last."""
    external_ids: Mapping[int, str] = {}
    """What it was called in each attempt to ask the provider."""
    booked: frozenset[str] = frozenset()
    """Those of the names under which the provider has it in its books."""
    records: Mapping[str, tuple[str, ...]] = {}
    """By those names, the numbers of the records there: each is one payment of it."""
    passed_on: frozenset[str] = frozenset()
    """Those that another payout was given since."""
    task_id: str | None = None
    parts: int | None = None
    """How many payouts the task is for, where that is known."""
    over_no_chain: bool = False
    """No transaction carries it."""
    expected_within_seconds: int | None = None
    """The longest that the provider said it may take."""
    known: bool = False
    """The provider has taken it on, or has spoken of it."""
    unclear: frozenset[str] = frozenset()
    """Why it is not known what became of the question."""
    doubts: frozenset[str] = frozenset()
    """Why it is not known what became of it after the provider had taken it on."""
    contradictions: frozenset[str] = frozenset()
    """What was told of it and is not what was asked for."""
    tx_hashes: tuple[str, ...] = ()
    tellings: tuple[tuple[str, ...], ...] = ()
    """Those by which the provider says that its whole amount left, together where it names them together."""
    reverted_hashes: tuple[str, ...] = ()
    """Those of them that are in a block and moved nothing."""
    disowned_hashes: tuple[str, ...] = ()
    """Those of which a person said that they are not its own."""
    confirmed: bool = False
    failures: frozenset[str] = frozenset()
    found_by: frozenset[str] = frozenset()
    """Persons at whose word it was not sent, or came back: its money can be paid out again by that."""
    found_through: frozenset[str] = frozenset()
    """The services that told of their word."""
    withheld: tuple[str, ...] = ()
    """Why it needs somebody's approval; nothing where it needs none."""
    approved: SecondWord | None = None
    """The last approval."""
    approved_reasons: tuple[str, ...] = ()
    """Those of the reasons that whoever approved it knew."""
    rejected: SecondWord | None = None
    returns: tuple[str, ...] = ()
    """Transactions that brought it back, or the provider's names for its return."""
    return_reasons: tuple[str, ...] = ()
    """Why it came back, as the provider says."""
    sightings: tuple[Sighting, ...] = ()
    """The last of each transfer on the chain that carries it, or should; in order of its id."""
    settled: frozenset[str] = frozenset()
    """Who has made sure that it arrived, and how."""
    network_fees: Mapping[str, NetworkFee] = Field(default={}, exclude_if=lambda value: not value)
    """What the network took for its transactions, by what `transfer_key` makes of each."""
    network_fee_unknown: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """Why nobody says what the network took; None where somebody does, or was not asked yet."""
