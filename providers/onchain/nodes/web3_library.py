"""web3.py without what comes with it: one of its dependencies, py_ecc, sets the whole process's recursion limit to
100,000. At that depth the stack of C is gone before Python notices, and a JSON document that somebody nests deeply
enough would end the bridge. So web3 is imported here alone, and the limit set back.
"""

import logging
import sys

_recursion_limit = sys.getrecursionlimit()

from web3 import AsyncWeb3, Web3, WebSocketProvider  # noqa: E402
from web3.exceptions import Web3RPCError  # noqa: E402
from web3.providers.async_base import AsyncJSONBaseProvider  # noqa: E402
from web3.types import RPCEndpoint, RPCRequest, RPCResponse  # noqa: E402

sys.setrecursionlimit(_recursion_limit)
# It logs the URLs of endpoints, which hold keys.
logging.getLogger("web3").propagate = False
logging.getLogger("web3").addHandler(logging.NullHandler())

__all__ = [
    "AsyncJSONBaseProvider",
    "AsyncWeb3",
    "RPCEndpoint",
    "RPCRequest",
    "RPCResponse",
    "Web3",
    "Web3RPCError",
    "WebSocketProvider",
]
