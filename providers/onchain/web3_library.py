"""web3.py without what comes with it: one of its dependencies, py_ecc, sets the whole process's recursion limit to
100,000. At that depth the stack of C is gone before Python notices, and a JSON document that somebody nests deeply
enough would end the bridge. So web3 is imported here alone, and the limit set back.
"""

import sys

_recursion_limit = sys.getrecursionlimit()

from web3 import AsyncHTTPProvider, AsyncWeb3, Web3, WebSocketProvider  # noqa: E402
from web3.exceptions import Web3RPCError  # noqa: E402
from web3.types import RPCEndpoint  # noqa: E402

sys.setrecursionlimit(_recursion_limit)

__all__ = ["AsyncHTTPProvider", "AsyncWeb3", "RPCEndpoint", "Web3", "Web3RPCError", "WebSocketProvider"]
