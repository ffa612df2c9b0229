"""A chat that is told by an incoming webhook, as Slack, Mattermost and others have it. The webhook's address is
secret: whoever has it writes to the chat."""

import re
from functools import cached_property

import httpx

from bridge.workers.alerts.undelivered import UndeliveredError
from coordinator.attention.alert_messages import AlertMessage
from coordinator.attention.messages import as_mrkdwn
from providers.answers import NeighbourError, ask, neighbour
from providers.findings import is_this_machine
from providers.settings import SettingsError, web_root

__all__ = ["Chat"]

DEADLINE_SECONDS = 20.0
ANSWER_LIMIT_BYTES = 10_000
# What Slack calls its refusals. Anything else may repeat the address, which is not shown.
_REFUSAL = re.compile(rb"[a-z_]{3,60}")


class Chat:
    """One incoming webhook."""

    def __init__(self, url: str, where: str) -> None:
        """`where` is what sets it. Raises SettingsError."""
        try:
            is_usable = bool(web_root(url.partition("?")[0])) and "#" not in url
        except ValueError:
            is_usable = False
        if not is_usable or not (url.startswith("https://") or is_this_machine(url)) or not url.isprintable():
            raise SettingsError(f"{where}: expected an address that begins with https://, without user or fragment")
        self._url = url

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        return neighbour(keepalive_connections=0)

    async def send(self, message: AlertMessage, _name: str) -> None:
        """Writes to the chat. Raises UndeliveredError."""
        content = {
            "text": as_mrkdwn(message),
            "mrkdwn": True,
            "link_names": False,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        request = self._http.build_request("POST", self._url, json=content)
        try:
            answer = await ask(self._http, request, deadline_seconds=DEADLINE_SECONDS, limit_bytes=ANSWER_LIMIT_BYTES)
        except NeighbourError as error:
            raise UndeliveredError(f"the chat does not answer: {error}") from None
        if not answer.is_success:
            said = answer.content.strip()
            refusal = f" ({said.decode()})" if _REFUSAL.fullmatch(said) else ""
            raise UndeliveredError(f"the chat answers {answer.status}{refusal}")
