"""What the log and readiness say of webhooks that are refused."""

import logging

import pytest

from bridge.http.refused_webhooks import LOG_EVERY_SECONDS, SIGNED_REMEMBERED_SECONDS, RefusedWebhooks


def test_of_many_that_are_refused_for_one_reason_one_line_a_minute_tells(caplog: pytest.LogCaptureFixture) -> None:
    now = 1_000.0
    refused = RefusedWebhooks(lambda: now)
    with caplog.at_level(logging.WARNING, "bridge.webhooks"):
        for _ in range(1_000):
            refused.note("shkeeper", "unsigned", "X-Signature is missing")
        refused.note("shkeeper", "too-large", "it is larger than 10 bytes")
        now += LOG_EVERY_SECONDS
        refused.note("shkeeper", "unsigned", "X-Signature is missing")
    assert caplog.messages == [
        "refused a webhook of shkeeper: X-Signature is missing",
        "refused a webhook of shkeeper: it is larger than 10 bytes",
        "refused a webhook of shkeeper: X-Signature is missing (999 more since this was last said)",
    ]


def test_what_a_provider_has_signed_is_trouble_while_all_of_it_is_refused() -> None:
    now = 1_000.0
    refused = RefusedWebhooks(lambda: now)
    refused.note("shkeeper", "bad-signature", "compare the keys")  # as anybody can have it
    assert refused.trouble() is None
    refused.note("shkeeper", "stale-timestamp", "compare the clocks", is_signed=True)
    assert refused.trouble() == "shkeeper's are refused: compare the clocks"
    refused.note_admitted("shkeeper")
    assert refused.trouble() is None
    refused.note("shkeeper", "stale-timestamp", "compare the clocks", is_signed=True)
    now += SIGNED_REMEMBERED_SECONDS + 1
    assert refused.trouble() is None
