"""What the command line says of chains: an endpoint of another one, one that does not answer, one that is well."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.journal import Journal
from coordinator.payments.agreed.agreements import DirectPayment
from coordinator.payments.payments import Payment
from tests.anvil import BOB, CHAIN_ID, Anvil, running_anvil
from tests.providers.onchain.liar import Liar, Refusal
from tests.scripted_gateway import scripted_gateway

SECRET = "the-key-of-the-endpoint"


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


def chains_file(folder: Path, chain_id: int, confirmations: int | str = 3) -> str:
    path = folder / "chains.toml"
    path.write_text(
        f"[anvil]\nchain_id = {chain_id}\nconfirmations = {confirmations}\nblock_seconds = 1\n"
        "tokens.ETH = { decimals = 18 }\n"
    )
    return str(path)


def test_doctor_asks_every_endpoint_and_shows_no_key(run: Any, anvil: Anvil, tmp_path: Path) -> None:
    examined = run(
        "doctor",
        BRIDGE_CHAINS_FILE=chains_file(tmp_path, CHAIN_ID),
        BRIDGE_ENDPOINTS_ANVIL=f"{anvil.url}/?key={SECRET},http://127.0.0.1:9/{SECRET}",
        BRIDGE_PORT="0",
    )
    assert examined.returncode == 0, examined.stdout
    assert f"anvil: {anvil.url.removeprefix('http://')} is at block" in examined.stdout
    assert "anvil: 127.0.0.1:9 does not answer (ConnectError)" in examined.stdout
    assert SECRET not in examined.stdout + examined.stderr
    assert "BRIDGE_ENDPOINTS_ANVIL" not in examined.stdout + examined.stderr  # it is not misspelt


def test_an_endpoint_of_another_chain_is_an_error_at_the_start(run: Any, anvil: Anvil, tmp_path: Path) -> None:
    wrong = {
        "BRIDGE_CHAINS_FILE": chains_file(tmp_path, 1),
        "BRIDGE_ENDPOINTS_ANVIL": f"{anvil.url}/?key={SECRET}",
        "BRIDGE_PORT": "0",
    }
    for command in ("doctor", "serve"):
        examined = run(command, **wrong)
        said = " ".join((examined.stdout + examined.stderr).split())
        assert examined.returncode == 1
        assert f"is a node of chain {CHAIN_ID}, not of anvil (1); set its endpoints right" in said
        assert SECRET not in said
        assert "Traceback" not in said


def test_endpoints_of_no_chain_are_an_error(run: Any, tmp_path: Path) -> None:
    examined = run(
        "serve",
        BRIDGE_CHAINS_FILE=chains_file(tmp_path, 1),
        BRIDGE_ENDPOINTS_ETHEREM="http://127.0.0.1:9",
        BRIDGE_PORT="0",
    )
    assert examined.returncode == 1
    assert "BRIDGE_ENDPOINTS_ETHEREM names no chain" in " ".join(examined.stderr.split())


def test_wherever_it_is_started_the_chains_that_come_with_it_are_known(run: Any, anvil: Anvil) -> None:
    """Commands run in a folder of their own, where there is no file of chains."""
    for command in ("doctor", "serve"):
        examined = run(command, BRIDGE_ENDPOINTS_ETHEREM="http://127.0.0.1:9", BRIDGE_PORT="0")
        said = " ".join((examined.stdout + examined.stderr).split())
        assert examined.returncode == 1
        assert "BRIDGE_ENDPOINTS_ETHEREM names no chain; known: ethereum, bnb, polygon" in said
    wrong = run("doctor", BRIDGE_ENDPOINTS_ETHEREUM=anvil.url, BRIDGE_PORT="0")
    assert f"is a node of chain {CHAIN_ID}, not of ethereum (1)" in " ".join(wrong.stdout.split())


def test_all_slips_of_a_file_of_chains_are_said_at_once(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "chains.toml"
    path.write_text("[moon]\nchain_id = 5\nconfirmation = 3\ntokens.MOON = { decimals = 18 }\n")
    slips = [
        "chains_file: moon.confirmations is missing; write confirmations = 12",
        "chains_file: moon.block_seconds is missing; write block_seconds = 12",
        "chains_file: moon.confirmation: there is no such setting; did you mean confirmations?",
    ]
    examined = run("doctor", BRIDGE_CHAINS_FILE=str(path), BRIDGE_PORT="0")
    assert examined.returncode == 1
    assert [slip for slip in slips if f"✗ {slip}" not in examined.stdout] == []
    started = run("serve", BRIDGE_CHAINS_FILE=str(path), BRIDGE_PORT="0")
    assert started.returncode == 1
    assert [slip for slip in slips if slip not in started.stderr] == []


def test_a_file_of_chains_that_is_named_and_not_there_is_an_error(run: Any, tmp_path: Path) -> None:
    examined = run("serve", BRIDGE_CHAINS_FILE=str(tmp_path / "none.toml"), BRIDGE_PORT="0")
    assert examined.returncode == 1
    assert "there is no file" in " ".join(examined.stderr.split())


def test_doctor_says_what_one_endpoint_means_and_what_two_do(run: Any, anvil: Anvil, tmp_path: Path) -> None:
    chains = chains_file(tmp_path, CHAIN_ID)
    one = run("doctor", BRIDGE_CHAINS_FILE=chains, BRIDGE_ENDPOINTS_ANVIL=anvil.url, BRIDGE_PORT="0")
    assert "money counts by its word alone, whatever it says" in " ".join(one.stdout.split())
    same = run(
        "doctor",
        BRIDGE_CHAINS_FILE=chains,
        BRIDGE_ENDPOINTS_ANVIL=f"{anvil.url},{anvil.websocket_url}",
        BRIDGE_PORT="0",
    )
    assert "they are one word" in " ".join(same.stdout.split())
    with running_anvil() as other:
        two = run(
            "doctor", BRIDGE_CHAINS_FILE=chains, BRIDGE_ENDPOINTS_ANVIL=f"{anvil.url},{other.url}", BRIDGE_PORT="0"
        )
        with running_anvil() as another:
            all_three = f"{anvil.url},{other.url},{another.url}"
            three = run("doctor", BRIDGE_CHAINS_FILE=chains, BRIDGE_ENDPOINTS_ANVIL=all_three, BRIDGE_PORT="0")
    said = "money counts once a second endpoint says the same of its block; "
    assert f"{said}while that says nothing for a minute, it counts by one word" in " ".join(two.stdout.split())
    assert f"{said}it waits as long as none does" in " ".join(three.stdout.split())
    assert "may be of one operator" in " ".join(two.stdout.split())
    dead = run(
        "doctor", BRIDGE_CHAINS_FILE=chains, BRIDGE_ENDPOINTS_ANVIL=f"{anvil.url},http://127.0.0.1:9", BRIDGE_PORT="0"
    )
    assert "money counts once a second endpoint" not in " ".join(dead.stdout.split())


async def test_doctor_says_of_an_endpoint_that_it_gives_no_receipts(run: Any, anvil: Anvil, tmp_path: Path) -> None:
    anvil.send(BOB, 1)
    anvil.mine()
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        liar.answers["eth_getTransactionReceipt"] = None
        examined = await asyncio.to_thread(
            run,
            "doctor",
            BRIDGE_CHAINS_FILE=chains_file(tmp_path, CHAIN_ID),
            BRIDGE_ENDPOINTS_ANVIL=f"{liar.url},{anvil.url}",
            BRIDGE_PORT="0",
        )
    said = " ".join(examined.stdout.split())
    assert f"{liar.url.removeprefix('http://')} gives no receipts" in said
    assert f"{anvil.url.removeprefix('http://')} gives no receipts" not in said


async def test_doctor_says_of_an_endpoint_what_it_does_not_offer(run: Any, anvil: Anvil, tmp_path: Path) -> None:
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        liar.answers["eth_getBlockByNumber"] = lambda asked: None if asked[0] == "finalized" else ...
        liar.answers["debug_traceBlockByHash"] = Refusal(-32601, "the method does not exist")
        examined = await asyncio.to_thread(
            run,
            "doctor",
            BRIDGE_CHAINS_FILE=chains_file(tmp_path, CHAIN_ID, '"finalized"'),
            BRIDGE_ENDPOINTS_ANVIL=f"{liar.url},{anvil.url}",
            BRIDGE_PORT="0",
        )
    said = " ".join(examined.stdout.split())
    without, other = (url.removeprefix("http://") for url in (liar.url, anvil.url))
    assert f"{without} does not say what is finalized ({without} calls no block finalized)" in said
    assert f"{without} shows no traces (the method does not exist), so ETH that contracts send is not found" in said
    assert f"{other} does not say what is finalized" not in said
    assert f"{other} shows no traces" not in said


def test_doctor_says_of_a_token_that_it_has_other_decimals(run: Any, anvil: Anvil, tmp_path: Path) -> None:
    six, silent = anvil.deploy("Token"), anvil.deploy("SilentToken")  # which does not tell
    chains = Path(chains_file(tmp_path, CHAIN_ID))
    for decimals, returncode in ((6, 0), (18, 1)):
        tokens = f'tokens.USDT = {{ address = "{six}", decimals = {decimals} }}\n'
        tokens += f'tokens.OLD = {{ address = "{silent}", decimals = 9 }}\n'
        chains.write_text(chains.read_text().partition("tokens.USDT")[0] + tokens)
        examined = run("doctor", BRIDGE_CHAINS_FILE=str(chains), BRIDGE_ENDPOINTS_ANVIL=anvil.url, BRIDGE_PORT="0")
        assert examined.returncode == returncode
        assert (f"USDT ({six}) has 6 decimals by the word of" in " ".join(examined.stdout.split())) == (
            decimals == 18
        )


def test_doctor_says_of_a_token_that_nothing_is_at_its_address(run: Any, anvil: Anvil, tmp_path: Path) -> None:
    nowhere = "0x6B175474E89094C44Da98b954EedeAC495271d0F"
    chains = Path(chains_file(tmp_path, CHAIN_ID))
    chains.write_text(f'{chains.read_text()}tokens.DAI = {{ address = "{nowhere}", decimals = 18 }}\n')
    examined = run("doctor", BRIDGE_CHAINS_FILE=str(chains), BRIDGE_ENDPOINTS_ANVIL=anvil.url, BRIDGE_PORT="0")
    assert (examined.returncode, f"there is no contract at {nowhere}" in " ".join(examined.stdout.split())) == (
        1,
        True,
    )


async def test_doctor_says_of_a_coin_that_it_is_waited_for_and_not_followed(run: Any, tmp_path: Path) -> None:
    database_url = f"sqlite:///{tmp_path / 'journal.db'}"
    journal = await Journal.open(database_url)
    await journal.register_payment(
        Payment(
            payment_id="pay_1",
            provider="onchain",
            external_id="pay_1",
            request_id="r1",
            buyer_id="b1",
            seller_id="s1",
            amount=Decimal(100),
            currency="USDT",
            created_at=datetime.now(UTC),
            direct=DirectPayment(chain="anvil", recipient=BOB),
        )
    )
    await journal.close()
    examined = await asyncio.to_thread(run, "doctor", BRIDGE_DATABASE_URL=database_url, BRIDGE_PORT="0")
    assert "anvil: 1 payment waits for USDT; the configuration does not follow" in " ".join(examined.stdout.split())
