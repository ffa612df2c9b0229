"""Compression of answers, for routes that have `middleware=COMPRESSED`: lists, reports and files of many rows, where
whoever asks takes gzip. No other route has it: an answer with a secret in it must not be compressed together with
what a stranger chose, and webhooks' answers are a line.
"""

from litestar.config.compression import CompressionConfig
from litestar.datastructures import Headers
from litestar.enums import CompressionEncoding
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from litestar.types import Receive, Scope, Send

__all__ = ["COMPRESSED", "takes_gzip"]

# Less than that fits into one packet anyway.
MINIMUM_BYTES = 1_024
# A list of a thousand rows takes 3 ms of the event loop, and a sixth of its bytes; level 9 takes four times as long,
# to save a tenth of those.
LEVEL = 1
EVENT_STREAM = "text/event-stream"


class _Compression(CompressionMiddleware):
    """What the framework compresses, but for whoever takes gzip with a weight of nothing, and for streams of events,
    of which there are long ones, and whose events are not to wait for each other. What is answered in pieces is
    compressed piece by piece."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers.from_scope(scope)
        if takes_gzip(headers.get("accept-encoding", "")) and EVENT_STREAM not in headers.get("accept", ""):
            send = self.create_compression_send_wrapper(send, CompressionEncoding.GZIP, scope)
        await self.app(scope, receive, send)


_CONFIGURED = CompressionConfig("gzip", minimum_size=MINIMUM_BYTES, gzip_compress_level=LEVEL)
COMPRESSED = (DefineMiddleware(_Compression, config=_CONFIGURED),)


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` has gzip, and not with a weight of nothing."""
    for part in accepted.lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";q=")
        if name == "gzip":
            return weight.strip("0.") != "" or not weight
    return False
