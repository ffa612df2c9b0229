"""web3.py without what comes with it for key files, which a bridge does not have: py_ecc, which takes a third of a
second to import, and sets the whole process's recursion limit to 100,000. At that depth the stack of C is gone before
Python notices, and a JSON document that somebody nests deeply enough would end the bridge. So web3 is imported here
alone, and the limit set back whatever it imports.
"""

import logging
import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any


class _KeyFiles(ModuleType):
    """Stands for eth_keyfile in what is imported here: its functions are imported when one is called."""

    KDFType = str

    @staticmethod
    def create_keyfile_json(*arguments: Any, **named: Any) -> Any:
        return import_module("eth_keyfile").create_keyfile_json(*arguments, **named)

    @staticmethod
    def decode_keyfile_json(*arguments: Any, **named: Any) -> Any:
        return import_module("eth_keyfile").decode_keyfile_json(*arguments, **named)


_recursion_limit = sys.getrecursionlimit()
_stand_ins = {name: _KeyFiles(name) for name in ("eth_keyfile", "eth_keyfile.keyfile") if name not in sys.modules}
sys.modules.update(_stand_ins)
with suppress(ImportError):  # a version that wants more of it has it below
    import_module("web3")
for _name in _stand_ins:
    del sys.modules[_name]

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
