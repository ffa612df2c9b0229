"""Whether the bridge lives, whether it can do its work, and its figures for Prometheus."""

from litestar import MediaType, Response, get
from litestar.openapi import ResponseSpec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bridge.http.attention_figures import GivenAttentionFigures
from bridge.http.dependencies import GivenJournal, GivenReadinessChecks
from coordinator.errors import BridgeError
from coordinator.models import FrozenModel

__all__ = ["DegradedError", "Readiness", "live", "metrics", "ready"]


class DegradedError(BridgeError):
    """Something does not work that the bridge can do without for a while."""


class Readiness(FrozenModel):
    """`ready`, or which part is not and why; a part that is degraded is not needed for it."""

    status: str
    checks: dict[str, str]


@get("/health/live", tags=["Health"], summary="Is the process alive")
async def live() -> dict[str, str]:
    return {"status": "alive"}


@get(
    "/health/ready",
    tags=["Health"],
    summary="Can it commit and deliver",
    responses={503: ResponseSpec(Readiness, description="A part does not work", generate_examples=False)},
)
async def ready(checks: GivenReadinessChecks) -> Response[Readiness]:
    results: dict[str, str] = {}
    for name, check in checks.items():
        try:
            said = await check()
        except DegradedError as error:
            results[name] = f"degraded: {error}"
        except Exception as error:  # whatever it is, the answer is that this part does not work
            results[name] = f"failed: {error}"
        else:
            results[name] = "ok" if said is None else f"ok: {said}"
    is_ready = not any(result.startswith("failed") for result in results.values())
    return Response(
        Readiness(status="ready" if is_ready else "not ready", checks=results),
        status_code=200 if is_ready else 503,
    )


@get("/metrics", media_type=MediaType.TEXT, include_in_schema=False)
async def metrics(journal: GivenJournal, figures: GivenAttentionFigures) -> Response[bytes]:
    await figures.refresh(journal)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
