"""python-socketio's clients come with its server and bring aiohttp and requests. Both are put off here until somebody
uses such a client, which a server never does.

The package imports this before anything else of python-socketio.
"""

from bridge.late_imports import put_off

# What it has no use for if it is not installed, it says itself.
with put_off("aiohttp", "requests", "websocket"):
    import socketio  # noqa: F401
