"""python-socketio's own clients, without the deadlines that they have by default: one second for the bridge to let
them in, five for it to answer."""

from typing import Any

import socketio

from tests.waiting import GIVE_UP_SECONDS

__all__ = ["AsyncPythonClient", "PythonClient"]

PATIENT = {"request_timeout": GIVE_UP_SECONDS, "handle_sigint": False}


class PythonClient(socketio.Client):  # type: ignore[misc]
    def __init__(self, **options: Any) -> None:
        super().__init__(**PATIENT, **options)

    def connect(self, url: str, **options: Any) -> None:
        super().connect(url, **{**options, "wait_timeout": GIVE_UP_SECONDS})

    def call(self, event: str, *arguments: Any, **options: Any) -> Any:
        return super().call(event, *arguments, **{**options, "timeout": GIVE_UP_SECONDS})


class AsyncPythonClient(socketio.AsyncClient):  # type: ignore[misc]
    def __init__(self, **options: Any) -> None:
        super().__init__(**PATIENT, **options)

    async def connect(self, url: str, **options: Any) -> None:
        await super().connect(url, **{**options, "wait_timeout": GIVE_UP_SECONDS})

    async def call(self, event: str, *arguments: Any, **options: Any) -> Any:
        return await super().call(event, *arguments, **{**options, "timeout": GIVE_UP_SECONDS})
