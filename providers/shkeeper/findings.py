"""What `bridge doctor` looks at for SHKeeper: the keys, whether it answers, and whether it lets the bridge in."""

from collections.abc import Iterator, Sequence

from coordinator.errors import BridgeError
from providers.findings import Finding, fetch_json, is_this_machine, readable_by_others
from providers.shkeeper.settings import ShkeeperSettings

__all__ = ["shkeeper_doubts", "shkeeper_findings"]

SHORT_KEY_CHARACTERS = 16
NO_KEY = (
    "no SHKeeper key is configured, so every webhook will be answered 401; set BRIDGE_SHKEEPER_API_KEYS"
    " to the API key of your wallet"
)


SHORT_KEY = f"an SHKeeper key is shorter than {SHORT_KEY_CHARACTERS} characters: it can be guessed"
NO_PASSWORD = "shkeeper_user is set without BRIDGE_SHKEEPER_PASSWORD, so no payout will be sent"  # noqa: S105 (a sentence)
NO_USER = "BRIDGE_SHKEEPER_PASSWORD is set without shkeeper_user, so no payout will be sent; set both, or neither"


def shkeeper_doubts(settings: ShkeeperSettings) -> Iterator[str]:
    """What can be seen of its settings alone."""
    keys, password = settings.shkeeper_keys, settings.shkeeper_password.get_secret_value()
    if not keys:
        yield NO_KEY
    if _are_short(keys):
        yield SHORT_KEY
    if settings.shkeeper_user and not password:
        yield NO_PASSWORD
    if password and not settings.shkeeper_user:
        yield NO_USER


def _are_short(keys: Sequence[str]) -> bool:
    return any(len(key) < SHORT_KEY_CHARACTERS for key in keys)


def shkeeper_findings(settings: ShkeeperSettings, callback_url: str) -> Iterator[Finding]:
    yield from _keys(settings)
    if settings.shkeeper_password.get_secret_value() and not settings.shkeeper_user:
        yield Finding("warning", NO_USER)
    yield from _gateway(settings, callback_url)


def _keys(settings: ShkeeperSettings) -> Iterator[Finding]:
    try:
        keys = settings.shkeeper_keys
    except BridgeError as error:
        yield Finding("error", str(error))
        return
    if not keys:
        yield _no_key(settings)
        return
    yield Finding("ok", f"webhooks may be signed with {len(keys)} SHKeeper key{'s' if len(keys) > 1 else ''}")
    if len(set(keys)) < len(keys):
        yield Finding("warning", "one SHKeeper key is named twice; was the other meant?")
    if _are_short(keys):
        yield Finding("warning", SHORT_KEY)
    if not settings.shkeeper_api_keys:
        yield from readable_by_others(settings.shkeeper_keys_file)
    if settings.shkeeper_accept_api_key_only:
        yield Finding(
            "warning", "unsigned webhooks with a bare API key are accepted; whoever sees one can forge the next"
        )


def _no_key(settings: ShkeeperSettings) -> Finding:
    """Who has named a place for keys meant to have one."""
    if (path := settings.shkeeper_keys_file) is not None:
        return Finding(
            "error", f"shkeeper_api_keys_file: {path} holds no key; write the API key of your wallet into it"
        )
    if "shkeeper_api_keys" in settings.model_fields_set:
        return Finding(
            "error", "BRIDGE_SHKEEPER_API_KEYS is set, and holds no key; set it to the API key of your wallet"
        )
    return Finding("warning", NO_KEY)


def _gateway(settings: ShkeeperSettings, callback_url: str) -> Iterator[Finding]:
    """What the bridge asks SHKeeper for: invoices, and payouts."""
    if not settings.shkeeper_url:
        return
    try:
        coins = fetch_json(f"{settings.shkeeper_url}/api/v1/crypto", within_seconds=15)["crypto"]
        yield Finding("ok", f"SHKeeper answers on {settings.shkeeper_url} and offers {', '.join(map(str, coins))}")
        yield from _credentials(settings, [str(coin) for coin in coins])
    except (BridgeError, ValueError, LookupError, TypeError):
        yield Finding("warning", f"no SHKeeper answers on {settings.shkeeper_url}; invoices wait until it does")
    yield Finding("ok", f"SHKeeper is told to send its webhooks to {callback_url}")
    if is_this_machine(callback_url) and not is_this_machine(settings.shkeeper_url):
        yield Finding("warning", "SHKeeper is on another machine and cannot reach that; set public_url")
    if settings.shkeeper_user and not settings.shkeeper_password.get_secret_value():
        yield Finding("error", NO_PASSWORD)
    elif settings.shkeeper_user:
        yield Finding("ok", f"payouts are sent in the name of {settings.shkeeper_user}")


def _credentials(settings: ShkeeperSettings, coins: Sequence[str]) -> Iterator[Finding]:
    """Whether SHKeeper accepts the key and the password, which nothing shows before money is to move."""
    import asyncio

    from providers.shkeeper.asking.api import ShkeeperApi
    from providers.shkeeper.asking.credentials import CredentialCheck

    password = settings.shkeeper_password.get_secret_value()

    async def ask() -> tuple[str, ...]:
        api = ShkeeperApi(url=settings.shkeeper_url, api_keys=settings.shkeeper_keys, timeout_seconds=15)
        try:
            check = CredentialCheck(api, user=settings.shkeeper_user if password else "", password=password)
            return tuple(await check.ask(coins))
        finally:
            await api.aclose()

    for fault in asyncio.run(ask()) if settings.shkeeper_keys else ():
        yield Finding("error", fault)
