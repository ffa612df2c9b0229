"""The whole past of one payment or payout: from the webhook over what it moved to whom it was told, in one line."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from pydantic import AwareDatetime, Field

from bridge.compression import COMPRESSED
from bridge.http.documents.payments import PaymentDocument, payment_document
from bridge.http.documents.payouts import PayoutDocument, known_payout, payout_document
from bridge.http.front.dependencies import GivenJournal, GivenPayoutSender, GivenVitals
from bridge.http.front.openapi import problem_responses
from bridge.journal import Action, HistoryEntry, Journal, JournaledEvent, PayoutHistoryEntry
from bridge.workers.health.vitals import Vitals
from coordinator.events import unless_none
from coordinator.ids import is_id
from coordinator.models import FrozenModel
from coordinator.payments.facts.facts import MisfitKind
from coordinator.payments.observed.observations import Release, Standing, TransferSighted
from coordinator.payments.problems.lookalike_senders import lookalike_senders
from coordinator.payments.problems.problems import ProblemKind, problems_of
from coordinator.payments.problems.rulings import Ruling, open_rulings

__all__ = ["get_payment_story", "get_payout_story"]

# Observations that the bridge makes by itself, by asking or by the clock, or that people make.
# Others came by webhook.
_OWN_KEYS = (
    *(
        "look:",
        "network-fee",
        "lookup:",
        "deadline:",
        "escrow:",
        "hint:",
        "asked:",
        "outcome:",
        "refund:",
        "registered:",
        "sighting:",
    ),
    *("interrupted:", "booked:", "passed-on:", "withheld:", "taken-over:"),
    *("accepted:", "cancelled:", "waiting:", "contested:", "forgotten:", "approval:", "zones:"),
)

TITLES = {
    "transfer-seen": "A transfer was seen that is not confirmed",
    "invoice-snapshot": "The status of the invoice",
    "invoice-ended": "The invoice has ended",
    "invoice-forgotten": "The provider has forgotten the invoice",
    "invoice-found": "The provider knows the invoice again",
    "deadline-passed": "The time to pay ran out",
    "zones-ruled-out": "Other notices show in which zones its date is not",
    "request-cancelled": "Its purchase request was cancelled",
    "escrow-released": "A payout takes the money out of escrow",
    "refund-moved": "Money goes back to the buyer",
    "refunded-there": "The provider gave money back by itself",
    "payment-disputed": "A dispute at the buyer's bank",
    "transfer-sighted": "A transfer on the chain",
    "transaction-hinted": "Somebody named the transaction that pays",
    "payment-accepted": "It was accepted as paid",
    "payment-withdrawn": "It was cancelled for good",
    "waiting-prolonged": "It waits longer",
    "registration-contested": "Somebody wanted its id for another payment",
    "sibling-registered": "Another payment for the same purchase request",
    "sibling-refunded": "The other payment's money went back",
    "invoice-unreadable": "The provider answered what cannot be read",
    "transfers-taken-back": "The provider calls unconfirmed what it had told to be confirmed",
    "address-borrowed": "One of its addresses was another payment's before",
    "money-taken": "Money that was told of it is another payment's",
    "claim-contested": "Another payment claims what is this one's",
    "sibling-completed": "Its purchase request is paid twice",
    "payout-withheld": "It waits for somebody's approval",
    "payout-approved": "It was approved",
    "payout-rejected": "It was rejected",
    "payout-asked": "The provider is asked to send it",
    "payout-not-asked": "The question came to nothing",
    "payout-contradicted": "What the provider tells cannot be true",
    "payout-put-off": "The provider cannot be asked to send it",
    "payout-booked": "The provider has it in its books",
    "payout-name-passed-on": "Another payout was given its name at the provider",
    "payout-accepted": "The provider has taken it on",
    "payout-known": "Somebody is sending it already",
    "payout-unclear": "Nobody knows whether the provider sent it",
    "payout-sent": "It was sent",
    "payout-confirmed": "The provider says that it has arrived",
    "payout-failed": "It failed",
    "payout-in-doubt": "Nothing says whether it was sent",
    "payout-reverted": "Its transaction failed on the chain",
    "payout-returned": "It came back",
    "payout-sighted": "A transfer on the chain",
    "payout-settled": "A person found that it has arrived",
    "payout-network-fee": "What the network took for it",
    "payout-network-fee-unknown": "Nobody says what the network took for it",
}
ACTION_TITLES = {
    "replay": "A webhook was read again",
    "recheck": "It was re-checked",
    "resolution": "It was resolved",
    "approval": "Somebody else than who asked approved it",
    "rejection": "Somebody else than who asked rejected it",
    "payout-withdrawal": "Whoever asked for it withdrew it",
    "acceptance": "Somebody accepted it as paid",
    "cancellation": "Somebody cancelled it",
    "waiting": "Somebody had it wait longer",
    "transaction": "Somebody found a transaction that pays it",
    "hold": "Somebody held all payouts",
    "resume": "Somebody had payouts sent again",
    "refund": "Somebody opened a refund",
    "refund-withdrawal": "Somebody withdrew a refund",
    "settlement": "Somebody settled elsewhere what was wrong",
    "dismiss": "Somebody took what was wrong off the list",
}


# What is kept as a number, in words.
CODES = {
    "standing": dict(zip(map(str, Standing), ("nothing", "part", "all", "more"), strict=True)),
    "release": dict(zip(map(str, Release), ("under way", "came to nothing", "done"), strict=True)),
}

_PHASES = {"registered": 0, "webhook": 1, "observation": 1, "action": 2, "event": 3}


class Step(FrozenModel):
    """One step of a payment or payout."""

    at: AwareDatetime
    kind: Literal["registered", "webhook", "observation", "action", "event"]
    title: str
    detail: dict[str, str] = Field(description="What there is to know of it, by name.")
    status: str | None = Field(None, exclude_if=unless_none, description="Where it stood after it.")
    offset: str | None = Field(None, exclude_if=unless_none, description="Of an event.")
    event: str | None = Field(None, exclude_if=unless_none, description="The event's name.")
    rooms: list[str] | None = Field(
        None, exclude_if=unless_none, description="Where it was told, besides to everyone."
    )
    deliveries: int | None = Field(
        None,
        exclude_if=unless_none,
        description="To how many connections an event was written, as long as the bridge remembers it.",
    )
    delivered_after_ms: float | None = Field(None, exclude_if=unless_none, description="How long after its commit.")


class ProblemItem(FrozenModel):
    """One thing that is wrong with a payment."""

    kind: ProblemKind
    detail: str = Field(description="What happened, with its figures.")


class MisfitItem(FrozenModel):
    """Something that was told of a payment, and not counted."""

    kind: MisfitKind
    detail: str = Field(description="Why it cannot be about this payment.")


class PaymentStory(FrozenModel):
    """A payment, what is wrong with it, and how it came there, oldest step first."""

    document: PaymentDocument
    problems: list[ProblemItem] = Field(description="What is wrong with it, the most urgent first.")
    misfits: list[MisfitItem] = Field(description="What was not counted, and why: the first 20.")
    decisions: list[Ruling] = Field(description="What can be decided about it as it stands.")
    can_send_back: bool = Field(description="Whether the bridge can send money of it back: see `refundable`.")
    steps: list[Step]


class PayoutStory(FrozenModel):
    """A payout, and how it came there, oldest step first."""

    document: PayoutDocument
    steps: list[Step]


@get(
    "/payments/{payment_id:str}/story",
    summary="The whole past of a payment",
    middleware=COMPRESSED,
    responses=problem_responses({404: "No such payment"}),
)
async def get_payment_story(
    payment_id: FromPath[str], journal: GivenJournal, vitals: GivenVitals, sender: GivenPayoutSender
) -> PaymentStory:
    record = await journal.payment_record(payment_id) if is_id(payment_id) else None
    if record is None:
        raise NotFoundException(f"There is no payment {payment_id!r}.")
    document = payment_document(record)
    payment = record.payment
    agreed = None if payment.expires_at is None else f"{payment.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    registered = Step(
        at=document.created_at,
        kind="registered",
        title="The payment was registered",
        detail=_detail(
            {"provider": document.provider, "amount": f"{document.amount} {document.currency}"}
            | {"expiresAt": agreed}
        ),
        status="pending",
    )
    delivered_events = await journal.console.payment_events(payment_id)
    actions = await journal.console.actions_concerning(payment_id)
    steps = [
        registered,
        *map(partial(_observed, resembled=lookalike_senders(payment.facts.sightings)), record.history),
        *map(_acted, actions),
        *_event_steps(journal, vitals, delivered_events),
    ]
    return PaymentStory(
        document=document,
        problems=[ProblemItem(kind=one.kind, detail=one.detail) for one in problems_of(payment)],
        misfits=[MisfitItem(kind=one.kind, detail=one.detail) for one in payment.facts.misfits],
        decisions=list(open_rulings(payment)),
        can_send_back=sender.pays_buyers_of(payment.provider),
        steps=_in_order(steps),
    )


@get(
    "/payouts/{payout_id:str}/story",
    summary="The whole past of a payout",
    middleware=COMPRESSED,
    responses=problem_responses({404: "No such payout"}),
)
async def get_payout_story(payout_id: FromPath[str], journal: GivenJournal, vitals: GivenVitals) -> PayoutStory:
    record = await known_payout(journal, payout_id)
    holds = await journal.console.payout_holds()
    payout, document = record.payout, payout_document(record, journal.clock(), in_full=True, holds=holds)
    registered = Step(
        at=document.created_at,
        kind="registered",
        title="The payout was asked for",
        detail=_detail(
            {"amount": f"{document.amount} {document.coin}", "destination": document.destination}
            | {"paymentId": document.payment_id, "askedBy": payout.asked_by, "askedThrough": payout.asked_through}
        ),
        status="created",
    )
    delivered_events = [
        journaled
        for journaled in await journal.console.payment_events(document.payment_id)
        if journaled.event.payload.get("payoutId") == payout_id
    ]
    actions = await journal.console.actions_concerning(payout_id)
    steps = [
        registered,
        *map(_observed, record.history),
        *map(_acted, actions),
        *_event_steps(journal, vitals, delivered_events),
    ]
    return PayoutStory(document=document, steps=_in_order(steps))


def _in_order(steps: Iterable[Step]) -> list[Step]:
    """Oldest first; of one commit first what was observed, then what somebody did, then what was told."""
    return [step for _, step in sorted(enumerate(steps), key=lambda one: (one[1].at, _PHASES[one[1].kind], one[0]))]


def _observed(entry: HistoryEntry | PayoutHistoryEntry, resembled: Mapping[str, str] = MappingProxyType({})) -> Step:
    """`resembled`: of the transfers whose senders may be mistaken for one that sent before, for which."""
    observation = entry.observation
    detail = _detail(observation.model_dump(mode="json", exclude={"kind", "step"}))
    if isinstance(observation, TransferSighted) and observation.sighting.transfer.transfer_id in resembled:
        detail["senderResembles"] = f"{resembled[observation.sighting.transfer.transfer_id]}, which sent before"
    detail |= {name: words[detail[name]] for name, words in CODES.items() if detail.get(name) in words}
    if isinstance(entry, HistoryEntry) and entry.effect != "applied":
        detail["effect"] = entry.effect
    return Step(
        at=entry.at,
        kind="observation" if entry.key.startswith(_OWN_KEYS) else "webhook",
        title=TITLES[observation.kind],
        detail=detail,
        status=entry.status,
    )


def _acted(action: Action) -> Step:
    return Step(
        at=action.at,
        kind="action",
        title=ACTION_TITLES[action.action],
        detail={"by": action.by, "outcome": action.outcome},
    )


def _event_steps(journal: Journal, vitals: Vitals, delivered_events: Iterable[JournaledEvent]) -> Iterator[Step]:
    for journaled in delivered_events:
        event, delivery = journaled.event, vitals.delivery(journaled.offset)
        delay = None if delivery is None else delivery.delay_seconds
        yield Step(
            at=journaled.committed_at,
            kind="event",
            title=f"Told as {event.name}" + (" to everyone" if event.audience.everyone else ""),
            detail=_detail(event.payload),
            status=str(event.payload["status"]) if "status" in event.payload else None,
            offset=journal.offset_text(journaled.place),
            event=event.name,
            rooms=list(event.audience.rooms),
            deliveries=None if delivery is None else delivery.connections,
            delivered_after_ms=None if delay is None else round(delay * 1000, 3),
        )


def _detail(content: Mapping[str, Any]) -> dict[str, str]:
    """What a person reads of a document: its plain values by name, those within others included."""
    detail: dict[str, str] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            detail |= _detail(value)
        elif isinstance(value, list):
            texts = [str(one.get("transferId", "")) if isinstance(one, Mapping) else str(one) for one in value]
            detail[name] = ", ".join(filter(None, texts))
        elif value is not None:
            detail[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return {name: text for name, text in detail.items() if text}
