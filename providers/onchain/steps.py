"""Steps along a chain: what comes together until it is committed, all of it at once."""

from dataclasses import dataclass, field

from providers.onchain.matching.following import Progress
from providers.onchain.matching.matching import Subject
from providers.onchain.matching.position import CountedByOne, Following, Sighted
from providers.onchain.store import Alarm, Assigned, ChainStep, RecordedTransfer

__all__ = ["Step"]


@dataclass(slots=True)
class Step:
    """What is committed next."""

    following: Following
    reported: dict[tuple[Subject, str], Sighted] = field(default_factory=dict)
    transfers: dict[tuple[str, str, str], Assigned] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    agreed_blocks: set[int] = field(default_factory=set)
    """Those about which endpoints had contradicted each other, and do no more."""
    forgotten: set[str] = field(default_factory=set)
    counted_by_one: list[CountedByOne] = field(default_factory=list)
    """What counts with it by the word of one endpoint."""
    answered: set[str] = field(default_factory=set)
    """Of what counted so before, the transfers of which another endpoint has said what it has, by their ids."""

    def take(self, reported: Progress) -> None:
        self.following, sightings = reported
        # Of several sightings of one transfer the last is enough.
        self.reported |= {(one.subject, one.sighting.transfer.transfer_id): one for one in sightings}

    def assign(self, assigned: Assigned) -> None:
        transfer = assigned.transfer
        self.transfers[transfer.transfer_id, transfer.token.symbol, transfer.recipient] = assigned

    @property
    def recorded(self) -> list[RecordedTransfer]:
        """What this step is about to write down."""
        return [
            RecordedTransfer(
                one.tx_hash,
                one.transfer_id,
                one.token.symbol,
                one.recipient,
                assigned.subject,
                assigned.mined_at,
            )
            for assigned in self.transfers.values()
            for one in [assigned.transfer]
        ]

    @property
    def has_news(self) -> bool:
        """Whether there is anything to commit besides where the chain is followed to."""
        return bool(self.reported or self.transfers or self.alarms or self.agreed_blocks or self.answered)

    def finished(self) -> ChainStep:
        return ChainStep(
            self.following,
            tuple(self.reported.values()),
            tuple(self.transfers.values()),
            tuple(self.alarms),
            tuple(sorted(self.agreed_blocks)),
            tuple(sorted(self.forgotten)),
        )
