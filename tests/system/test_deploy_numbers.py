"""The numbers in the configurations of deploy/, which are those of the bridge's own settings."""

import re

import pytest

from bridge.settings import all_settings
from tests.proxies import DEPLOY


@pytest.mark.parametrize("file", ["nginx.conf", "haproxy.cfg", "traefik.yaml", "Caddyfile"])
def test_the_numbers_are_those_of_the_bridge(file: str) -> None:
    fields = all_settings().model_fields
    named = set()
    for line in (DEPLOY / file).read_text().splitlines():
        said, _, comment = line.partition("# ")
        numbers = [int(number) for number in re.findall(r"\b(\d+)s?\b", said)]
        for name in re.findall(r"\w+", comment if numbers else ""):
            if name not in fields or name == "body_timeout_seconds":  # which is of the whole, and theirs of a part
                continue
            named.add(name)
            default = fields[name].default
            if name == "ping_interval_seconds":
                assert max(numbers) > default + fields["ping_timeout_seconds"].default
            elif name == "idle_timeout_seconds":
                assert max(numbers) < default
            else:
                assert default in numbers, line
    assert {"ping_interval_seconds"} | ({"connections_per_address"} if file != "Caddyfile" else set()) <= named
