"""What web3 brings along must not make the bridge fragile."""

import subprocess
import sys

PROGRAM = """
import json, sys
limit = sys.getrecursionlimit()
{imports}
try:
    json.loads("[" * 90_000)
except RecursionError:
    print("refused", sys.getrecursionlimit() == limit)
"""


def outcome(imports: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(imports=imports)], capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout.strip()


def test_a_deeply_nested_document_is_refused_with_the_chains_imported_too() -> None:
    assert outcome("import providers.onchain.nodes.rpc") == (0, "refused True")


def test_web3_by_itself_lets_such_a_document_end_the_process() -> None:
    """If this fails, `providers/onchain/nodes/web3_library.py` has done its work and can go."""
    assert outcome("import web3") != (0, "refused True")


KEY_FILES = """
import sys, providers.onchain.nodes.rpc
from eth_account import Account
known = "py_ecc" in sys.modules
account = Account.create()
print(known, Account.decrypt(account.encrypt("word", iterations=2), "word") == account.key)
"""


def test_what_key_files_need_is_imported_when_somebody_has_some() -> None:
    ended = subprocess.run([sys.executable, "-c", KEY_FILES], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False True"
