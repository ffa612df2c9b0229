"""The history of a restored journal as finance ops see it: what was compared, and what they do about it."""

from typing import Any

from tests.asking import client_of
from tests.conftest import BridgeProcess
from tests.resuming import resume
from tests.system.shkeeper.conftest import Document, Marketplace
from tests.waiting import wait_until

__all__ = ["attention", "compared", "do", "history", "is_held", "note_wallets", "settle"]


def attention(marketplace: Marketplace, kind: str) -> list[Document]:
    items = marketplace.client.get("/api/ops/attention").json()["items"]
    return [item for item in items if item["kind"] == kind]


def history(marketplace: Marketplace) -> Document:
    present: Document = marketplace.client.get("/api/ops/histories").json()["histories"][0]
    return present


def compared(marketplace: Marketplace) -> Document:
    """The present history, once its books were compared."""
    try:
        wait_until(lambda: history(marketplace)["comparedAt"] is not None)
    except AssertionError:
        found = history(marketplace)["comparison"] or {}
        raise AssertionError(f"the books are not compared: {found.get('notAsked', 'nobody has answered')}") from None
    return history(marketplace)


def note_wallets(bridge: BridgeProcess) -> None:
    """Has it noted what SHKeeper's wallets hold, as every day, so that after a restore it can be told what is
    missing."""
    with client_of(bridge.url) as client:
        client.post("/api/ops/reconciliation").raise_for_status()


def is_held(marketplace: Marketplace) -> bool:
    held: bool = marketplace.client.get("/api/payouts/hold").json()["held"]
    return held


def do(marketplace: Marketplace, path: str, **body: Any) -> None:
    answer = marketplace.client.post(f"/api/ops/{path}", json={"by": "Ada", **body})
    assert answer.status_code == 200, answer.text


def settle(marketplace: Marketplace) -> None:
    """Takes note of every payout that was forgotten, and has payouts sent again."""
    for item in attention(marketplace, "payout-forgotten"):
        do(marketplace, "attention/dismissal", id=item["id"], note="looked at")
    assert resume(marketplace.client, note="all is known now").status_code == 200
