"""Whether the bridge lives, whether it can do its work, and its figures for Prometheus."""

import asyncio
from contextlib import suppress

from litestar import Response, get
from litestar.openapi import ResponseSpec
from pydantic import Field

from bridge.http.attention_figures import GivenAttentionFigures
from bridge.http.front.dependencies import (
    GivenChains,
    GivenJournal,
    GivenPayoutSender,
    GivenProviderAlarms,
    GivenReadinessChecks,
)
from bridge.journal import JournalUnavailableError
from bridge.metrics import CONTENT_TYPE, exposition
from bridge.workers.health.checks import Check, DegradedError
from bridge.workers.health.disk_figures import measure_disk
from bridge.workers.health.money_figures import measure_money
from coordinator.models import FrozenModel

__all__ = ["Readiness", "live", "metrics", "ready"]


class Readiness(FrozenModel):
    """`ready`, or which part is not and why; a part that is degraded is not needed for it."""

    status: str
    checks: dict[str, str] = Field(
        description=(
            "Of each part `ok`, `degraded` or `failed`, and why. `journal`: a row was written, committed and read. "
            "`files`: the files of an SQLite journal are those that are open. `disk`: there is room on its disk. "
            "`descriptors`: files and connections can be opened. `loop`: the bridge comes to answer. `dispatcher`: "
            "events are handed on. `drain`: where several share the journal, this one is not stopping. "
            "`settings`: the others have the same. `polling`: clients of others do not come here. `connections`: "
            "nobody is turned away. `unread`: clients read what they are sent. `keys` and `services`: their files "
            "can be read. `webhooks`, `presence`, `alerts`, `grants`, `sign-in`, `prices` and `providers`: what they "
            "need of others is there. `dates`: those in SHKeeper's webhooks are in UTC. Then each provider and chain "
            "that it asks, which it can do without for a while."
        )
    )


@get("/health/live", tags=["Health"], summary="Is the process alive")
async def live() -> dict[str, str]:
    return {"status": "alive"}


@get(
    "/health/ready",
    tags=["Health"],
    summary="Can it commit and deliver",
    description="It answers within seconds, whatever hangs. For it a row is committed, once a second at most.",
    responses={503: ResponseSpec(Readiness, description="A part does not work", generate_examples=False)},
)
async def ready(checks: GivenReadinessChecks) -> Response[Readiness]:
    results = dict(zip(checks, await asyncio.gather(*map(_said_of, checks.values())), strict=True))
    is_ready = not any(result.startswith("failed") for result in results.values())
    return Response(
        Readiness(status="ready" if is_ready else "not ready", checks=results),
        status_code=200 if is_ready else 503,
    )


async def _said_of(check: Check) -> str:
    try:
        said = await check()
    except DegradedError as error:
        return f"degraded: {error}"
    except Exception as error:  # whatever it is, the answer is that this part does not work
        return f"failed: {error}"
    return "ok" if said is None else f"ok: {said}"


@get("/metrics", include_in_schema=False)
async def metrics(
    journal: GivenJournal,
    chains: GivenChains,
    sender: GivenPayoutSender,
    figures: GivenAttentionFigures,
    provider_alarms: GivenProviderAlarms,
) -> Response[bytes]:
    await figures.refresh(journal, provider_alarms())
    await measure_disk(journal.folder)
    with suppress(JournalUnavailableError):  # these figures stay as they were
        await chains.measure()
        await sender.measure()
        await measure_money(journal)
    # As a header: of a media type that is text the framework says once more which characters it has.
    return Response(exposition(), headers={"content-type": CONTENT_TYPE})
