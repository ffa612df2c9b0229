"""How the bridge is doing. Over the sockets `system-status` tells it once a second to whoever watches."""

from litestar import get

from bridge.catalogue.system import SystemStatus
from bridge.http.front.dependencies import GivenPulse

__all__ = ["get_system_status"]


@get("/system", summary="How the bridge is doing", description="The same as the event `system-status` tells.")
async def get_system_status(pulse: GivenPulse) -> SystemStatus:
    return await pulse.status()
