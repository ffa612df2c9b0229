"""Recording: writes down what was observed of a payment and moves it, with the events that follow. Decides inside a
batch and stages what follows, as all requests do."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from bridge.journal.wakeups import following_chain
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.outcomes import Outcome, Recorded
from coordinator.addresses import address_key
from coordinator.payments.deciding.decisions import Decision, decide, not_counted
from coordinator.payments.deciding.siblings import Sibling, known_siblings
from coordinator.payments.facts.facts import Misfit
from coordinator.payments.observed.claims import MoneyClaim, address_claim, money_claims
from coordinator.payments.observed.observations import (
    AddressBorrowed,
    ClaimContested,
    InvoiceEnded,
    InvoiceSnapshot,
    MoneyTaken,
    Observation,
    PaymentAccepted,
    SiblingCompleted,
    SiblingRefunded,
    SiblingRegistered,
    TransferSeen,
    TransferSighted,
)
from coordinator.payments.payments import Effect, Payment, PaymentStatus

__all__ = [
    "SIBLINGS_LIMIT",
    "claim_addresses",
    "link_siblings",
    "move",
    "record_misfit",
    "record_observation",
    "record_report",
    "siblings_of",
    "with_addresses",
    "with_claims",
    "with_holders_money",
]

# Of the payments for one purchase request: there are two or three. Who makes thousands of them must not make every
# message about one of them dear.
SIBLINGS_LIMIT = 20
# A payment that is younger is asked about soon in any case.
ASKED_OFTEN_FOR = timedelta(minutes=10)
_OUTCOMES = {effect: Outcome(effect) for effect in Effect}


def record_observation(
    batch: Batch, *, provider: str, external_id: str, key: str, observation: Observation
) -> Recorded:
    """Writes an observation down and moves its payment, with the events that follow."""
    if batch.is_recorded(provider, key, external_id):
        return Recorded(Outcome.DUPLICATE, batch.payments.named(provider, external_id))
    payment = batch.payments.named(provider, external_id)
    if payment is not None and isinstance(observation, _ABOUT_AN_ADDRESS):
        collected = batch.collected_claims.get((provider, key))
        payment = with_claims(batch, with_addresses(batch, payment), observation, collected)
    siblings = [] if payment is None else siblings_of(batch, payment)
    decision = None if payment is None else decide(payment, observation, _recorded_at(batch, payment), siblings)
    batch.add_observation(
        provider=provider, key=key, external_id=external_id, observation=observation, decision=decision
    )
    if decision is None:
        return Recorded(Outcome.STORED)
    moved = move(batch, decision, siblings)
    if moved.direct is not None and not isinstance(observation, TransferSighted):
        batch.wakeups.add(following_chain(moved.direct.chain))
    if moved.facts.contested_by:
        _take_from_contenders(batch, moved)
    return Recorded(_OUTCOMES[decision.effect], moved)


def record_report(batch: Batch, *, provider: str, external_id: str, key: str, observation: Observation) -> Recorded:
    """As `record_observation`, of what a provider said: where that leaves something open, it is to be looked up."""
    recorded = record_observation(batch, provider=provider, external_id=external_id, key=key, observation=observation)
    if recorded.payment is not None and _leaves_open(recorded, observation, batch.now):
        batch.due_look_ups.add(recorded.payment.payment_id, provider)
    return recorded


def _leaves_open(recorded: Recorded, observation: Observation, now: datetime) -> bool:
    """Whether who told something of a payment is to be asked about it, whenever it is due: it did not fit, it is an
    ending, or money of an old one is not confirmed yet."""
    if recorded.outcome is Outcome.NOT_COUNTED:
        return True
    payment = recorded.payment
    if payment is None or recorded.outcome is Outcome.DUPLICATE:
        return False
    match observation:
        case InvoiceEnded(is_looked_up=False):
            return True
        case TransferSeen(is_looked_up=False) | InvoiceSnapshot(agreed=None):
            return now >= payment.created_at + ASKED_OFTEN_FOR and bool(payment.in_flight)
    return False


def record_misfit(batch: Batch, *, payment_id: str, key: str, misfit: Misfit, observation: Observation) -> Recorded:
    """Notes what a provider reported of a payment and cannot be about it."""
    payment = batch.payments.get(payment_id)
    if payment is None:
        raise LookupError(f"there is no payment {payment_id}")
    if batch.is_recorded(payment.provider, key, payment.external_id):
        return Recorded(Outcome.DUPLICATE, payment)
    siblings = siblings_of(batch, payment)
    decision = not_counted(payment, misfit, observation, batch.now, siblings)
    batch.add_observation(
        provider=payment.provider,
        key=key,
        external_id=payment.external_id,
        observation=observation,
        decision=decision,
    )
    return Recorded(_OUTCOMES[decision.effect], move(batch, decision, siblings))


def claim_addresses(batch: Batch, payment: Payment, addresses: Collection[str]) -> Payment:
    """Gives a payment the addresses at which it is to be paid, and has both know of it where one was another's."""
    claims = {address_claim(payment.provider, address): address for address in addresses}
    for claim, holder_id in batch.claims.taken(claims, payment.payment_id).items():
        address = claims[claim]
        borrowed = AddressBorrowed(address=address, payment_id=holder_id)
        payment = decide(payment, borrowed, batch.now).payment
        _contest(batch, holder_id, ClaimContested(what=address, payment_id=payment.payment_id))
    batch.claims.claim(claims, payment.payment_id)
    return payment


def with_claims(
    batch: Batch, payment: Payment, observation: Observation, collected: Mapping[str, MoneyClaim] | None = None
) -> Payment:
    """A payment that knows what of the money that is reported for it was reported as another's before. `told` is what
    names all of that money, where somebody has put it together already."""
    if payment.facts.borrowed:
        return with_holders_money(batch, payment, observation)
    booked = payment.facts.booked
    # Whoever is asked may say only now where money came that was told of before.
    is_looked_up = isinstance(observation, InvoiceSnapshot) and observation.agreed is not None
    known = () if is_looked_up or not booked else {one.transfer.key for one in booked}
    claims = collected if collected is not None and not known else money_claims(payment.provider, observation, known)
    if not claims:
        return payment
    taken = batch.claims.taken([name for claim in claims.values() for name in claim], payment.payment_id)
    for key, claim in claims.items() if taken else ():
        holder_id = taken.get(claim.address) or taken.get(claim.output)
        if holder_id is not None:
            payment = decide(payment, MoneyTaken(transfer_key=key, payment_id=holder_id), batch.now).payment
            _contest(batch, holder_id, ClaimContested(what=key, payment_id=payment.payment_id))
    # What comes to an address that was given out for it is claimed with that.
    if not payment.facts.given:
        own = [claim.output for claim in claims.values() if claim.address not in taken]
        batch.claims.claim(own, payment.payment_id)
    return payment


def with_holders_money(batch: Batch, payment: Payment, observation: Observation | None = None) -> Payment:
    """A payment at whose addresses others were to be paid before, that knows which of its money they have."""
    own = _keys_of(payment)
    if isinstance(observation, InvoiceSnapshot):
        own |= {transfer.key for transfer in observation.transfers}
    claims = [address_claim(payment.provider, address) for address in payment.facts.borrowed]
    for holder_id in sorted(set(batch.claims.taken(claims, payment.payment_id).values())):
        holder = batch.payments.get(holder_id)
        if holder is None:
            continue
        for key in sorted(own & _money_of(holder) - payment.facts.taken):
            payment = decide(payment, MoneyTaken(transfer_key=key, payment_id=holder_id), batch.now).payment
    return payment


def _take_from_contenders(batch: Batch, payment: Payment) -> None:
    """Has those that were given an address of a payment after it know which of their money it is told of by now."""
    given = {address_key(address) for address in payment.facts.given}
    for contender_id in sorted(payment.facts.contested_by):
        contender = batch.payments.get(contender_id)
        if contender is None or given.isdisjoint(map(address_key, contender.facts.borrowed)):
            continue
        for key in sorted(_keys_of(contender) & _money_of(payment) - contender.facts.taken):
            taken = MoneyTaken(transfer_key=key, payment_id=payment.payment_id)
            siblings = siblings_of(batch, contender)
            contender = move(batch, decide(contender, taken, batch.now, siblings), siblings)


def _money_of(payment: Payment) -> set[str]:
    """The transfers that were reported as a payment's, and as nobody's before it, by their keys."""
    return _keys_of(payment) - payment.facts.taken


def _keys_of(payment: Payment) -> set[str]:
    """The transfers that were ever reported as a payment's, by their keys."""
    facts = payment.facts
    return {one.transfer.key for one in facts.booked} | {one.transfer.key for one in facts.seen}


def _recorded_at(batch: Batch, payment: Payment) -> datetime:
    """When something was told of a payment that is registered: after that, whatever clocks said then or say now."""
    return max(batch.now, payment.created_at)


def _contest(batch: Batch, payment_id: str, contested: ClaimContested) -> None:
    """Has the payment that something was first know that another claims it too."""
    holder = batch.payments.get(payment_id)
    if holder is not None:
        batch.payments.move(decide(holder, contested, batch.now).payment)


_ABOUT_AN_ADDRESS = (InvoiceSnapshot, TransferSeen, InvoiceEnded, PaymentAccepted)
"""Of these, acceptance is about all of them: what is another's is not this payment's by it."""


def with_addresses(batch: Batch, payment: Payment) -> Payment:
    """A payment that knows where its buyer was asked to pay: one that an older bridge opened does not."""
    if payment.facts.given or not payment.is_opened_here:
        return payment
    given = batch.invoices.addresses(payment.payment_id)
    return payment.with_facts(payment.facts.model_copy(update={"given": given})) if given else payment


def link_siblings(batch: Batch, payment_id: str) -> None:
    """Has a payment that could not be read for a while, and the others for its purchase requests, know of each other
    what happened meanwhile."""
    payment = batch.payments.get(payment_id)
    others = [] if payment is None else _others_of_requests(batch, payment)
    if payment is None or not others:
        return
    for other in known_siblings(others):
        if not other.facts.shares_request:
            batch.payments.move(decide(other, SiblingRegistered(payment_id=payment_id), batch.now).payment)
        if other.status is PaymentStatus.REFUNDED and other.payment_id in payment.facts.completed_siblings:
            payment = move(batch, decide(payment, SiblingRefunded(payment_id=other.payment_id), batch.now), ())
    siblings = _others_of_requests(batch, payment)
    move(batch, decide(payment, SiblingRegistered(payment_id=others[0].payment_id), batch.now), siblings)


def siblings_of(batch: Batch, payment: Payment) -> list[Sibling]:
    """The other payments for its purchase requests; of many the completed and the oldest."""
    return _others_of_requests(batch, payment) if payment.facts.shares_request else []


def _others_of_requests(batch: Batch, payment: Payment) -> list[Sibling]:
    request_ids = {share.request_id for share in payment.shares}
    found = batch.payments.of_requests(request_ids, limit=SIBLINGS_LIMIT)
    return [sibling for sibling in found if sibling.payment_id != payment.payment_id]


def move(batch: Batch, decision: Decision, siblings: Sequence[Sibling]) -> Payment:
    """Stages what was decided. If it completed a payment of a purchase request that is paid already, both know it;
    and if the money of one of them went back, the other does. One that cannot be read is told when it can be."""
    moved = decision.payment
    batch.payments.move(moved)
    batch.add_events(decision.events, payment_id=moved.payment_id)
    if moved.status is PaymentStatus.REFUNDED:
        for sibling in known_siblings(siblings):
            known = sibling.facts
            if moved.payment_id in known.completed_siblings - known.refunded_siblings:
                gone = SiblingRefunded(payment_id=moved.payment_id)
                batch.payments.move(decide(sibling, gone, batch.now).payment)
    if moved.status is not PaymentStatus.COMPLETED:
        return moved
    for other in siblings:
        if other.status is PaymentStatus.COMPLETED and other.payment_id not in moved.facts.completed_siblings:
            if isinstance(other, Payment):
                sibling_completed = SiblingCompleted(payment_id=moved.payment_id)
                batch.payments.move(decide(other, sibling_completed, batch.now).payment)
            moved = decide(moved, SiblingCompleted(payment_id=other.payment_id), batch.now).payment
            batch.payments.move(moved)
    return moved
