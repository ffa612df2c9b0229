"""The routes of the console, for finance ops alone: `/api/ops/…`."""

from litestar import Router

from bridge.http.ops_session import get_ops_session

__all__ = ["ops_router"]

ops_router = Router("/api/ops", route_handlers=[get_ops_session], tags=["Console"])
