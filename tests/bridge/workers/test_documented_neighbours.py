"""The table of neighbours in docs/security.md: its numbers are those of the code."""

import re
from pathlib import Path

from bridge.access import grant_lookup, identity_provider
from bridge.traces import collector
from bridge.workers.alerts import chat, mail
from bridge.workers.endpoints import feeds, names, sending
from coordinator.endpoints.endpoints import EndpointRules
from providers.circuit import ONE_OF_A_KIND
from providers.onchain.nodes import endpoints, http_provider, pool
from providers.shkeeper.asking import api, circuits

SECURITY = Path(__file__).parents[3] / "docs" / "security.md"


def numbers() -> dict[str, list[int]]:
    """Of each neighbour those that stand in its row."""
    table = (
        SECURITY.read_text(encoding="utf-8").partition("| neighbour | under way at once |")[2].partition("\n\n")[0]
    )
    rows = [line.strip("|").split("|", 1) for line in table.splitlines()[2:]]
    return {
        name.strip(): [
            int(digits.replace(",", "")) * (1_000_000 if mega else 1)
            for digits, mega in re.findall(r"(\d[\d,]*)( MB)?", rest)
        ]
        for name, rest in rows
    }


def test_every_neighbour_is_paced_as_the_table_says() -> None:
    gateway, coin, first = circuits.GATEWAY, circuits.COIN, endpoints._SUSPENDED_SECONDS
    after_failures = [ONE_OF_A_KIND.failures, ONE_OF_A_KIND.open_seconds]
    assert numbers() == {
        "SHKeeper": [
            *(circuits.CALLS_OF_A_COIN, api.TIMEOUT_SECONDS, api.ANSWER_LIMIT_BYTES, api.LIST_LIMIT_BYTES),
            *(gateway.failures, gateway.open_seconds, coin.open_seconds),
        ],
        "a node of a chain, over HTTP": [
            *(http_provider.CONNECTIONS, pool.TIMEOUT_SECONDS, http_provider.ANSWER_LIMIT_BYTES),
            *(endpoints.FIRST_SUSPENSION_SECONDS, first[endpoints.Fault.THROTTLED]),
            endpoints.LONGEST_SUSPENSION_SECONDS,
        ],
        "the marketplace that grants": [
            *(grant_lookup.QUESTIONS_AT_ONCE, grant_lookup.WAITING_LIMIT, 5, grant_lookup.ANSWER_LIMIT_BYTES),
            *after_failures,
        ],
        "the identity provider": [
            *(identity_provider.QUESTIONS_AT_ONCE, identity_provider.WAITING_LIMIT, 10),
            *(identity_provider.ANSWER_LIMIT_BYTES, *after_failures),
        ],
        "an endpoint": [
            *(feeds.AT_ONCE, feeds.AGAIN_AT_ONCE, EndpointRules().timeout_seconds, sending.ANSWER_LIMIT_BYTES)
        ],
        "names of endpoints": [names.PLACES, names.SLOW_PLACES],
        "a chat": [chat.DEADLINE_SECONDS, chat.ANSWER_LIMIT_BYTES],
        "a mail server": [mail.DEADLINE_SECONDS, mail.REPLY_LIMIT_LINES, mail.REPLY_LIMIT_BYTES],
        "a collector of traces": [10, collector.ANSWER_LIMIT_BYTES],
    }
