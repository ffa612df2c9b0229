"""python-socketio on Litestar and uvicorn, as their documentation has it."""

import sys
from typing import Any

import socketio
import uvicorn
from litestar import Litestar, post

sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")


@post("/emit", status_code=202)
async def emit(data: dict[str, Any]) -> None:
    for _ in range(data.get("times", 1)):
        await sio.emit("payment-update", data["data"])


app = socketio.ASGIApp(sio, other_asgi_app=Litestar([emit]))

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", loop="uvloop")
