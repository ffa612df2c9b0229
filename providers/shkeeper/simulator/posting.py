"""Posts the local SHKeeper's notices, and misbehaves at it on demand."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import httpx

from providers.certificates import certificates
from providers.shkeeper.simulator.books.outbox import Notice, Subject
from providers.shkeeper.simulator.faults import Call, Fault, What
from providers.shkeeper.simulator.gateway import LocalGateway
from providers.shkeeper.simulator.notices import signed_headers

__all__ = ["keep_posting"]

TIMEOUT_SECONDS = 30.0
ROUND_SECONDS = 0.05
WRONG_KEY = "not-the-key"


async def keep_posting(gateway: LocalGateway) -> None:
    """Posts what is due, until it is cancelled."""
    held: list[Notice] = []
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False, verify=certificates())
        )
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        while True:
            for notice in gateway.due(datetime.now(UTC)):
                fault = gateway.faults.take(Call.NOTICE)
                if fault is not None and fault.what is What.REORDERED:
                    held.append(notice)
                    continue
                tasks.create_task(_post(gateway, client, [notice, *reversed(held)], fault))
                held.clear()
            await asyncio.sleep(ROUND_SECONDS)


async def _post(gateway: LocalGateway, client: httpx.AsyncClient, notices: list[Notice], fault: Fault | None) -> None:
    """Posts notices one after the other; the fault is the first one's."""
    for place, notice in enumerate(notices):
        what = fault.what if fault is not None and place == 0 else None
        if fault is not None and what is What.SLOW:
            await asyncio.sleep(fault.seconds)
        status = None
        for _ in range({What.LOST: 0, What.DUPLICATE: 2}.get(what, 1) if what else 1):
            status = await _try(gateway, client, notice, is_signed_well=what is not What.WRONG_KEY)
        noted = None if what is What.NOT_NOTED else status
        gateway.outbox.answered(notice, noted, datetime.now(UTC))


async def _try(
    gateway: LocalGateway, client: httpx.AsyncClient, notice: Notice, *, is_signed_well: bool
) -> int | None:
    now = datetime.now(UTC)
    body = gateway.body(notice)
    key = gateway.configuration.api_key if is_signed_well else WRONG_KEY
    headers = signed_headers(key, body, now, with_key=notice.subject is not Subject.PAYOUT)
    try:
        response = await client.post(notice.url, content=body, headers=headers)
    except httpx.HTTPError:
        return None
    return response.status_code
