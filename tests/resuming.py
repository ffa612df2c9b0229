"""Resumptions as whoever has just looked at who holds payouts has them: with all holds seen."""

import httpx

from bridge.journal import Action, Journal
from coordinator.payouts.holds import Resumption

__all__ = ["resume", "resumed", "seen_holds"]


def seen_holds(client: httpx.Client) -> list[str]:
    """The ids of all holds, as somebody sees them now."""
    return [hold["holdId"] for hold in client.get("/api/payouts/hold").raise_for_status().json()["holds"]]


def resume(client: httpx.Client, *, by: str | None = "Ada", **said: object) -> httpx.Response:
    """What the console is answered to a resumption by somebody who has seen all holds."""
    content = {"seen": seen_holds(client), **({} if by is None else {"by": by}), **said}
    return client.post("/api/ops/resumption", json=content)


async def resumed(
    journal: Journal, *, by: str, note: str | None = None, without_comparison: bool = False
) -> Action | None:
    """What is on record of a resumption by somebody who has seen all holds."""
    seen = frozenset(hold.hold_id for hold in await journal.console.payout_holds())
    wanted = Resumption(by, note, seen, without_comparison=without_comparison)
    return (await journal.console.resume_payouts(wanted)).action
