"""Comparisons of the books: what a journal that was restored, rewound, copied or promoted has forgotten, as the
providers and the chains tell it; a document that a person can read. Pure."""

from collections.abc import Iterator, Sequence

from pydantic import AwareDatetime, Field

from coordinator.models import FrozenModel
from coordinator.money import Amount, format_amount
from coordinator.payouts.observations import Stated

__all__ = ["Comparison", "ForgottenPayout", "UnknownTransfer"]

LISTED = 20


class ForgottenPayout(FrozenModel):
    """A payout that a provider has in its books and the journal has not."""

    external_id: str
    """Its name at the provider."""
    provider: str
    payment_id: str
    payee_id: str
    """The seller, or the buyer of what was refunded."""
    coin: str
    amount: Amount | None = None
    destination: str | None = None
    status: str
    """As the provider says it."""
    tx_hashes: tuple[str, ...] = ()
    is_unexplained: bool = Field(False, exclude_if=lambda value: not value)
    """Whether the journal is not known to have forgotten anything, so that nobody knows who asked for it."""
    is_plainly_named: bool = Field(False, exclude_if=lambda value: not value)
    """Whether its name has no installation in it, so that another that shares the provider may have asked for it."""

    @property
    def why_unknown(self) -> str:
        """How it comes that the journal has it not, as far as that is known."""
        if self.is_unexplained:
            return "which this journal never asked for"
        if self.is_plainly_named:
            return "which the journal forgot when it was restored, or another marketplace asked for there"
        return "which the journal forgot when it was restored"

    @property
    def is_doubtful(self) -> bool:
        """Whether it may be somebody else's, so that not even what is just like it is taken for it unseen."""
        return self.is_unexplained or self.is_plainly_named

    @property
    def stated(self) -> Stated:
        """What a payout has to be to be this one."""
        return Stated(coin=self.coin, amount=self.amount, destination=self.destination)

    @property
    def described(self) -> str:
        """What the provider says of it."""
        what = self.coin if self.amount is None else f"{format_amount(self.amount)} {self.coin}"
        to = "" if self.destination is None else f" to {self.destination}"
        by = f", by {', '.join(self.tx_hashes)}" if self.tx_hashes else ", by no transaction that it names"
        return f"{self.provider} has it in its books as {self.external_id}: {what}{to}, {self.status}{by}"


class UnknownTransfer(FrozenModel):
    """Money that a chain shows to have left a wallet, or to have come where somebody is paid, and that the journal
    does not know."""

    chain: str
    coin: str
    """As the chain calls it."""
    amount: Amount
    sender: str
    destination: str
    tx_hash: str
    block_number: int
    mined_at: AwareDatetime
    fits: tuple[str, ...] = ()
    """What it may have paid, in words."""

    @property
    def described(self) -> str:
        """What the chain says of it, and what it may have paid."""
        may = f"it may have paid {', or '.join(self.fits)}" if self.fits else "it fits nothing that anybody is owed"
        return (
            f"{format_amount(self.amount)} {self.coin} from {self.sender} to {self.destination} on {self.chain} by"
            f" {self.tx_hash}, in block {self.block_number} of {self.mined_at:%Y-%m-%d %H:%M:%S} UTC; {may}"
        )


class Comparison(FrozenModel):
    """How the books were found to stand."""

    at: AwareDatetime
    """When it was over."""
    payouts_asked: int = 0
    """Payouts of the journal that their providers were asked about."""
    moved: tuple[str, ...] = ()
    """What the providers knew of them that the journal had not."""
    names_asked: int = 0
    """Names under which a payout that the journal has forgotten would be known."""
    forgotten: tuple[ForgottenPayout, ...] = ()
    differing: tuple[str, ...] = ()
    """What else differs."""
    not_asked: tuple[str, ...] = ()
    """What could not be asked, and may be later."""
    left_out: tuple[str, ...] = ()
    """What is not asked by itself at all."""
    chains: tuple[str, ...] = ()
    """How far each chain was followed, and what of it was searched."""
    transfers: tuple[UnknownTransfer, ...] = ()
    """What the chains show to have left, and the journal does not know."""
    open_payments: int = 0
    """Payments that their providers are asked about now and then."""
    unknown_invoices: tuple[str, ...] = ()
    """Names of invoices that a provider has and the journal does not."""

    @property
    def is_complete(self) -> bool:
        """Whether all was asked that can be."""
        return not self.not_asked

    @property
    def agrees(self) -> bool:
        """Whether all was asked, and nothing differs."""
        return not (self.forgotten or self.transfers or self.differing or self.not_asked or self.left_out)

    def lines(self) -> Iterator[str]:
        """What was compared and what came of it, a sentence a line."""
        yield f"{self.payouts_asked} payouts of the journal and {self.names_asked} names of others were asked for."
        yield from _listed("A payout that the journal has forgotten", [one.described for one in self.forgotten])
        yield from _listed("A transfer that the journal does not know", [one.described for one in self.transfers])
        yield from _listed("What differs", self.differing)
        yield from _listed("What the providers knew and the journal did not", self.moved)
        yield from _listed("What could not be asked, and is asked again", self.not_asked)
        yield from _listed("What was not asked", self.left_out)
        yield from _listed("Chain", self.chains)
        if self.open_payments:
            yield f"{self.open_payments} open payments are looked up at their providers, beginning at the start."
        yield from _listed("An invoice that the provider has and the journal does not", self.unknown_invoices)
        if self.agrees:
            yield "Nothing differs."


def _listed(what: str, said: Sequence[str]) -> Iterator[str]:
    yield from (f"{what}: {one}." for one in said[:LISTED])
    if len(said) > LISTED:
        yield f"{what}: and {len(said) - LISTED} more."
