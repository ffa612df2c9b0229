"""Names of payouts at their provider: what each is asked for by, so that a journal that has forgotten one finds it.

The names of a share (a seller's part of a payment, or what goes back to its buyer) are derived from the installation
and the payment, and numbered: what another installation asks the same provider for never has one of them. A payout is
given one when its provider is first asked for it, and not when it is ordered: one that is never asked for uses none
up. One that has ended without coming into the provider's books leaves its name to the next.
So between two names that the provider knows there are never NAMES_BEYOND that it does not, and asking for the names
in order until so many are unknown finds everything that was sent. Pure.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from coordinator.ids import derived_id
from coordinator.payments.payments import Payment
from coordinator.payouts.comparisons import ForgottenPayout
from coordinator.payouts.decisions import contradiction
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus

__all__ = [
    "NAMES_BEYOND",
    "Installation",
    "NamedShare",
    "Naming",
    "is_known_here",
    "next_name",
    "payout_id_of",
    "share_of",
    "taken_over",
    "whose_name",
]

NAMES_BEYOND = 2
"""How many names in a row a provider must not know before no further one is asked for. It may not know one where an
order is under way, or where it has sent and never wrote it down; until that is settled one more goes out, and then
none."""

_ARRIVED = (PayoutStatus.COMPLETED, PayoutStatus.RETURNED)


def payout_id_of(payment: Payment, seller_id: str, ordinal: int, *ordered: str) -> str:
    """The bridge's own id of a payout to a seller; `ordinal` is how many were ordered for the same share before, and
    `ordered` what is to be sent where. It is nobody's name at a provider.

    A journal that has forgotten a payout gives the same order the same id. Another order has another: what somebody
    decided of the first, and may say once more, is said of no other.
    """
    return derived_id("out", payment.provider, payment.external_id, seller_id, "order", ordinal, *ordered)


@dataclass(frozen=True, slots=True)
class Installation:
    """Whose payouts have a name: those of one journal, with all bridges that share it, all its histories and all its
    backups. Several may have payouts sent through one provider, and know their payments by the same names."""

    key: str
    """Made once, when the journal was new, and the same in every copy of it."""
    has_plain_names: bool = False
    """Whether it may have asked for payouts by names that do not have this in them, as older bridges did."""


@dataclass(frozen=True, slots=True)
class NamedShare:
    """Whose names follow each other: a seller's of a payment, or those of all that goes back to its buyer."""

    payment: Payment
    seller_id: str | None
    """None for the buyer."""
    installation: Installation

    @property
    def payee_id(self) -> str:
        return self.payment.buyer_id if self.seller_id is None else self.seller_id

    def name(self, number: int) -> str:
        return derived_id("out", self.installation.key, *self._plainly, number)

    def plain_name(self, number: int) -> str:
        """By which older bridges asked for it. No payout is given one any more; those that have one keep it."""
        return derived_id("out", *self._plainly, number)

    def is_plain(self, name: str) -> bool:
        """Whether one of its names is one that another installation has too, if that knows the payment by the same
        name."""
        numbered = ((name == self.plain_name(number), name == self.name(number)) for number in count())
        return next(is_plain for is_plain, is_own in numbered if is_plain or is_own)

    @property
    def _plainly(self) -> tuple[str, ...]:
        sellers = () if self.seller_id is None else (self.seller_id,)
        return (self.payment.provider, self.payment.external_id, *sellers)

    def of(self, payouts: Iterable[Payout]) -> list[Payout]:
        """Those of some payouts of its payment that are made of it."""
        if self.seller_id is None:
            return [one for one in payouts if one.refund_id is not None]
        return [one for one in payouts if one.refund_id is None and one.seller_id == self.seller_id]

    def next_to_ask(self, payouts: Collection[Payout], known: Mapping[str, bool]) -> str | None:
        """The name by which its provider is asked next for what the journal may have forgotten; None when all were
        asked for. `payouts` are those that the journal has of it, `known` what the provider has said so far.

        A name that the journal has given is asked for as well, unless its payout is in the books by it: that one may
        have ended since, and left the name to another in another coin.
        """
        series = (self.name, self.plain_name) if self.installation.has_plain_names else (self.name,)
        left = (self._next_of(name_of, payouts, known) for name_of in series)
        return next((name for name in left if name is not None), None)

    def _next_of(
        self, name_of: Callable[[int], str], payouts: Collection[Payout], known: Mapping[str, bool]
    ) -> str | None:
        unknown = 0
        for number in count():
            name = name_of(number)
            if any(name in one.facts.booked for one in payouts):
                unknown = 0
                continue
            if name not in known:
                return name
            unknown = 0 if known[name] or any(one.holds(name) for one in payouts) else unknown + 1
            if unknown == NAMES_BEYOND:
                return None
        return None


def share_of(payment: Payment, payout: Payout, installation: Installation) -> NamedShare:
    return NamedShare(payment, payout.seller_id if payout.refund_id is None else None, installation)


@dataclass(frozen=True, slots=True)
class Naming:
    """What a payout is asked for by."""

    external_id: str
    arrived: str | None = None
    """The payout that was asked for by this name before, and has arrived although the provider did not seem to
    know it: if it does by now, the name belongs to that one."""
    takes_over: bool = False
    """Whether it is that of a forgotten payout, which is not sent again."""
    is_anothers: bool = False
    """Whether another payout is in the provider's books by it, in another coin: unless this one is too, it leaves the
    name to that one."""
    is_new: bool = False
    """Whether nobody here has asked for anything by it, as far as the journal knows: if the provider knows it all the
    same, that is no answer to a question of ours."""


def next_name(
    payout: Payout, share: NamedShare, payouts: Collection[Payout], forgotten: Sequence[ForgottenPayout]
) -> Naming | None:
    """The name by which a payout is asked for next; None while it has to wait, because too many before it may or
    may not still come into the provider's books. `share` is its own, `payouts` are all of its payment; `forgotten`
    those that the provider has of it and the journal had not, when it was restored."""
    own = share.of(payouts)
    booked = {name for one in own for name in one.facts.booked} | {one.external_id for one in forgotten}
    if payout.external_id is not None and payout.external_id not in payout.facts.booked:
        return Naming(payout.external_id, is_anothers=payout.external_id in booked)
    again = taken_over(payout, own, forgotten)
    if again is not None:
        return Naming(again, takes_over=True)
    for number in count():
        name = share.name(number)
        if name in booked or any(one.holds(name) for one in own):
            continue
        before = [share.name(one) for one in range(number - NAMES_BEYOND, number)]
        if number >= NAMES_BEYOND and booked.isdisjoint(before):
            return None
        arrived = (one.payout_id for one in own if one.external_id == name and one.status in _ARRIVED)
        is_new = not any(name in one.facts.external_ids.values() for one in own)
        return Naming(name, next(arrived, None), is_new=is_new)
    return None


def whose_name(called: Iterable[Payout], name: str, coin: str | None) -> Payout | None:
    """The one that a provider means by a name, out of those that it was ever asked for by it: of the coin, if it says
    of which; the one that was asked for last."""
    meant = [one for one in called if name not in one.facts.passed_on]
    of_coin = [one for one in meant if one.coin == coin]
    return max(of_coin or meant, key=lambda one: (one.facts.asked_at or one.created_at, one.payout_id), default=None)


def is_known_here(forgotten: ForgottenPayout, payouts: Iterable[Payout]) -> bool:
    """Whether one of some payouts is a forgotten one: the books of a provider are apart for each coin."""
    return any(one.coin == forgotten.coin and one.holds(forgotten.external_id) for one in payouts)


def taken_over(payout: Payout, own: Collection[Payout], forgotten: Sequence[ForgottenPayout]) -> str | None:
    """The name of the forgotten payout that this one is, wanted again: of the same coin, amount and destination. One
    is taken over by one, the earliest first. `own` are those of the same share."""
    left = [one for one in forgotten if one.payee_id == payout.payee_id and not is_known_here(one, own)]
    nameless = {one.payout_id: one for one in (*own, payout) if one.is_unasked and one.external_id is None}
    for wanted in sorted(nameless.values(), key=lambda one: (one.created_at, one.payout_id)):
        match = next((one for one in left if contradiction(wanted, one.stated) is None), None)
        if wanted.payout_id == payout.payout_id:
            return None if match is None else match.external_id
        if match is not None:
            left.remove(match)
    return None
