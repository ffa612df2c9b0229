"""docs/onchain.md to the letter, on a node of one's own: whoever copies its commands sees payments completed and paid
out."""

from pathlib import Path
from typing import Any

from tests.anvil import Anvil
from tests.asking import get
from tests.conftest import StartBridge
from tests.documented import ask, blocks_of, commands_of
from tests.waiting import wait_until

HERE, NODE = "http://127.0.0.1:8000", "http://127.0.0.1:8545"
CHAPTER = "On your own machine"
# Accounts of anvil's: the one that the page pays to, and another.
MARKETPLACE, SELLER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"


def test_payments_are_completed_and_paid_out_by_what_the_page_says(
    anvil: Anvil, make_bridge: StartBridge, tmp_path: Path
) -> None:
    [table] = [block.text for block in blocks_of("onchain.md", CHAPTER) if block.first_line == "[anvil]"]
    chains = tmp_path / "chains.toml"
    chains.write_text(table.replace(NODE, anvil.url))
    bridge = make_bridge(BRIDGE_CHAINS_FILE=str(chains))

    def asked(command: str, **values: str) -> Any:
        place = {HERE: bridge.url} if HERE in command else {NODE: anvil.url}
        answer = ask(command, {**place, **values})
        assert answer.is_success, (command, answer.text)
        return answer.json()

    def wait_until_completed(payment: dict[str, Any]) -> None:
        def is_completed() -> bool:
            anvil.mine()
            found = {one["paymentId"]: one["status"] for one in asked(question)["payments"]}
            return bool(found[payment["paymentId"]] == "completed")

        wait_until(is_completed)

    registration, transfer, question = commands_of("onchain.md", CHAPTER, "curl ")
    payment = asked(registration)
    assert payment["status"] == "pending"
    assert "result" in asked(transfer)
    wait_until_completed(payment)

    # What the page asks of Ethereum, asked of this chain.
    registration, report = commands_of("onchain.md", "Payments", "curl ")
    theirs = '"chain": "ethereum", "currency": "USDT", "amount": "49.90"'
    here = {theirs: '"chain": "anvil", "currency": "ETH", "amount": "0.05"'}
    payment = asked(registration, **here, **{"0x…": MARKETPLACE})
    transaction = asked(transfer)["result"]
    asked(report, **{"pay_…": payment["paymentId"], "0x…": transaction})
    wait_until_completed(payment)

    sent = asked(transfer, **{MARKETPLACE: SELLER, "0xb1a2bc2ec50000": hex(4 * 10**16)})["result"]
    [order] = commands_of("onchain.md", "Payouts", "curl ")
    here = {
        '"chain": "ethereum", "coin": "USDT", "amount": "48.90"': '"chain": "anvil", "coin": "ETH", "amount": "0.04"',
        '"destination": "0x…"': f'"destination": "{SELLER}"',
        '"txHash": "0x…"': f'"txHash": "{sent}"',
    }
    [payout] = asked(order, **here, **{"pay_…": payment["paymentId"]})["payouts"]

    def is_paid_out() -> bool:
        anvil.mine()
        return bool(get(f"{bridge.url}/api/payouts/{payout['payoutId']}").json()["status"] == "completed")

    wait_until(is_paid_out)
