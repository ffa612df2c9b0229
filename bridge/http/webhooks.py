"""Where webhooks enter: read the bytes, let the provider verify and read them, write down what they say.

202 leaves after the commit, never before. A provider repeats what was answered otherwise, so a webhook that could
not be committed is not lost.
"""

import functools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring as quoted
from time import perf_counter
from typing import Any

from litestar import Request, Response, Router, post
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Operation
from litestar.params import FromPath
from pydantic import Field

from bridge.arrival_times import arrival_of
from bridge.histograms import Histogram
from bridge.http.front.fast_path import PlainPost
from bridge.http.front.openapi import json_body, problem_responses
from bridge.http.front.problems import problem
from bridge.http.refused_webhooks import WEBHOOKS, refused_webhooks
from bridge.journal import Journal, JournalUnavailableError, KeyedObservation, Outcome, UnreadableRowError
from coordinator.ids import is_id
from coordinator.models import FrozenModel
from coordinator.payouts.observations import PayoutBooked
from coordinator.payouts.payouts import Payout
from providers import known
from providers.contract import AskFirst, PayoutReading, Reading, WebhookReaders
from providers.errors import ProviderError, WebhookRefusedError, WebhookUnreadableError

__all__ = ["NOT_ASKED_FOR", "Accepted", "plain_webhooks", "reported_payout", "webhook_router"]

logger = logging.getLogger("bridge.webhooks")

COMMITTED = Histogram(
    "bridge_webhook_commit_seconds", "From a webhook's arrival until what it says is on disk", ["provider"]
)

_counter, _committed = functools.cache(WEBHOOKS.labels), functools.cache(COMMITTED.of)

NOT_ASKED_FOR = "a payout that the bridge did not ask for"
"""Why a webhook is kept that could be read."""


class Accepted(FrozenModel):
    """A webhook that is on disk, and what it did."""

    outcome: Outcome = Field(
        description=(
            "`applied`: it moved its payment; `unchanged`: it said nothing new; `duplicate`: it came before; "
            "`kept`: its payment is not registered yet; `other-currency`: it does not count towards the payment; "
            "`none-of-ours`: it is about nothing that this bridge has to do with, and is not stored"
        )
    )
    payment_id: str | None

    def as_json(self) -> str:
        """What the model says, without the way through Python that it takes for a member of an enumeration."""
        payment_id = "null" if self.payment_id is None else quoted(self.payment_id)
        return f'{{"outcome":"{self.outcome}","paymentId":{payment_id}}}'


DESCRIPTION = "\nVerified over the raw bytes, committed, then answered.\n" + "".join(
    provider.webhook.text for provider in known.PROVIDERS
)


@dataclass
class WebhookOperation(Operation):
    """The route reads raw bytes, so what they should be is said here."""

    def __post_init__(self) -> None:
        examples = {provider.name: provider.webhook.example for provider in known.PROVIDERS}
        self.request_body = json_body("A webhook exactly as the provider sends it.", examples)


@post(
    "/{provider:str}",
    status_code=202,
    summary="Take a provider's webhook",
    description=DESCRIPTION,
    operation_class=WebhookOperation,
    responses={
        202: ResponseSpec(
            Accepted, description="On disk; it is not lost, and not counted twice", generate_examples=False
        ),
        **problem_responses(
            {
                400: "Signed well, but unreadable; stored for a person to review",
                401: "The signature is wrong; nothing is stored",
                404: "No such provider",
                413: "Too large",
                500: "What is stored of its payment or payout cannot be read; send it again",
                503: "Not known to be stored, or the provider cannot be asked what it is about; send it again",
            }
        ),
    },
    tags=["Webhooks"],
)
async def receive_webhook(request: Request[Any, Any, State], provider: FromPath[str]) -> Response[Any]:
    # No dependencies, which cost about as much as all that is done here.
    readers: WebhookReaders = request.app.state.readers
    if provider not in readers:
        raise NotFoundException(f"There is no provider {provider!r}; known: {', '.join(sorted(readers))}.")
    journal: Journal = request.app.state.engine.journal
    refusal = refused_webhook(readers, provider, request.headers)
    if refusal is not None:
        return refusal
    arrived = arrival_of(request.scope)
    taken = await take_webhook(readers, provider, journal, request.headers, await request.body(), arrived)
    return Response(taken, status_code=202) if isinstance(taken, Accepted) else taken


def refused_webhook(
    readers: WebhookReaders, provider: str, headers: Mapping[str, str]
) -> Response[dict[str, object]] | None:
    """How a webhook is answered that is refused by its headers alone; None if its body decides."""
    try:
        readers[provider].require(headers)
    except WebhookRefusedError as error:
        return _refused(provider, error)
    return None


def _refused(provider: str, error: WebhookRefusedError) -> Response[dict[str, object]]:
    refused_webhooks.note(provider, error.reason, str(error), is_signed=error.is_signed)
    return problem(401, "Webhook refused", str(error))


async def take_webhook(
    readers: WebhookReaders, provider: str, journal: Journal, headers: Mapping[str, str], body: bytes, arrived: float
) -> Accepted | Response[dict[str, object]]:
    """Writes down what a webhook of a known provider says; gives a problem if it is refused or unreadable, or if the
    provider has to be asked what it says, and does not answer.

    Raises JournalUnavailableError if it could not be committed, UnreadableRowError if what is stored of the payment
    or payout cannot be read.
    """
    try:
        reading = readers[provider].read(headers, body, journal.clock())
        if isinstance(reading, AskFirst):
            reading = await reading.ask()
    except ProviderError as error:
        WEBHOOKS.labels(provider, "not-asked").inc()
        logger.warning("a webhook of %s has to come again: %s", provider, error)
        return problem(
            503, "Provider not reached", f"{provider} was asked what this is about: {error}. Send it again."
        )
    except WebhookRefusedError as error:
        return _refused(provider, error)
    except WebhookUnreadableError as error:
        refused_webhooks.note_admitted(provider)
        return await _store_unreadable(journal, provider, body, str(error))
    refused_webhooks.note_admitted(provider)
    if isinstance(reading, Reading):
        external_id, observation, key = reading
        try:
            recorded = await journal.record_observation(
                provider=provider, external_id=external_id, key=key, observation=observation
            )
        except (JournalUnavailableError, UnreadableRowError):
            WEBHOOKS.labels(provider, "not-committed").inc()
            raise
        outcome, payment = recorded.outcome, recorded.payment
        _committed(provider).observe(perf_counter() - arrived)
        _counter(provider, outcome).inc()
        return Accepted.of_checked(outcome=outcome, payment_id=payment and payment.payment_id)
    if isinstance(reading, PayoutReading):
        accepted = await _record_payout(journal, provider, body, reading)
        _committed(provider).observe(perf_counter() - arrived)
        return accepted
    _counter(provider, Outcome.NONE_OF_OURS).inc()
    return Accepted(outcome=Outcome.NONE_OF_OURS, payment_id=None)


async def _record_payout(journal: Journal, provider: str, body: bytes, reading: PayoutReading) -> Accepted:
    reported = await reported_payout(journal, provider, reading)
    if reported is None:
        # Sent by somebody else's hand; it is kept, and there is nothing that could be said better next time.
        await journal.store_unreadable_webhook(provider=provider, body=body, reason=NOT_ASKED_FOR)
        WEBHOOKS.labels(provider, "kept").inc()
        return Accepted(outcome=Outcome.STORED, payment_id=None)
    payout, keyed = reported
    recorded = await journal.payouts.record_observations(payout.payout_id, keyed)
    outcome = Outcome.APPLIED if recorded.moved else Outcome.UNCHANGED
    WEBHOOKS.labels(provider, outcome).inc()
    return Accepted(outcome=outcome, payment_id=payout.payment_id)


async def reported_payout(
    journal: Journal, provider: str, reading: PayoutReading
) -> tuple[Payout, list[KeyedObservation]] | None:
    """The payout that a message is about, and what it says of it; None if the bridge did not ask for it."""
    name = reading.external_id or ""
    payout = await journal.payouts.called(provider, name, reading.coin) if is_id(name) else None
    if payout is None:
        return None
    keyed = [(f"{reading.key}:{number}", one) for number, one in enumerate(reading.observations)]
    # The name of one that has failed may be another's, which was given it before the journal was restored.
    failed = bool(payout.facts.failures)
    return payout, [(key, one) for key, one in keyed if not (failed and isinstance(one, PayoutBooked))]


async def _store_unreadable(journal: Journal, provider: str, body: bytes, reason: str) -> Response[dict[str, object]]:
    await journal.store_unreadable_webhook(provider=provider, body=body, reason=reason)
    WEBHOOKS.labels(provider, "unreadable").inc()
    logger.warning("stored an unreadable webhook of %s: %s", provider, reason)
    return problem(400, "Webhook unreadable", f"{reason}. The webhook is stored for a person to review.")


def plain_webhooks(readers: WebhookReaders, max_body_bytes: int) -> dict[str, PlainPost]:
    """The webhooks that need no route, by their paths."""
    return {
        f"/webhooks/{provider}": PlainPost(
            "/webhooks/{provider}",
            functools.partial(take_webhook, readers, provider),
            max_body_bytes,
            require=functools.partial(refused_webhook, readers, provider),
        )
        for provider in readers
    }


def webhook_router(max_body_bytes: int) -> Router:
    """The routes under `/webhooks`, which refuse a larger body."""

    def too_large(request: Request[Any, Any, State], _error: Exception) -> Response[dict[str, object]]:
        provider = request.path_params["provider"]
        refused_webhooks.note(provider, "too-large", f"it is larger than {max_body_bytes} bytes")
        return problem(
            413, "Too large", f"A webhook has at most {max_body_bytes} bytes here; max_webhook_bytes raises that."
        )

    return Router(
        "/webhooks",
        route_handlers=[receive_webhook],
        request_max_body_size=max_body_bytes,
        exception_handlers={413: too_large},
    )
