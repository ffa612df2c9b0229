"""Settings: the file documents the defaults, the environment wins, and a wrong one is named."""

import os
import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.environment import injected_variables
from bridge.settings import SettingsError, all_settings, load_settings
from providers.shkeeper.settings import ShkeeperSettings

CONFIG = Path(__file__).parents[2] / "config" / "bridge.toml"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("BRIDGE_") or name == "FRONTEND_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_file_holds_every_setting_but_secrets_with_its_default() -> None:
    written = tomllib.loads(CONFIG.read_text())
    assert set(written) == set(all_settings().model_fields) - {
        "shkeeper_api_keys",
        "shkeeper_password",
        "jwt_secrets",
        "oidc_client_secret",
    }
    assert dict(load_settings(CONFIG)) == dict(load_settings())


def test_the_environment_outranks_the_file_and_arguments_outrank_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text('port = 1\nhost = "127.0.0.2"\nfrontend_url = "https://file.example"\nlog_level = "error"\n')
    monkeypatch.setenv("BRIDGE_PORT", "2")
    monkeypatch.setenv("FRONTEND_URL", "https://environment.example/")
    settings = load_settings(file, host="127.0.0.3")
    assert (settings.port, settings.host, settings.log_level) == (2, "127.0.0.3", "error")
    assert settings.frontend_origins == ("https://environment.example",)
    monkeypatch.setenv("BRIDGE_CONFIG", str(file))
    assert load_settings().log_level == "error"


def test_keys_come_from_the_environment_or_else_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ShkeeperSettings.of(load_settings()).shkeeper_keys == ()
    (tmp_path / "keys").write_text("one\n\n two \n")
    monkeypatch.setenv("BRIDGE_SHKEEPER_API_KEYS_FILE", "keys")
    assert ShkeeperSettings.of(load_settings()).shkeeper_keys == ("one", "two")
    monkeypatch.setenv("BRIDGE_SHKEEPER_API_KEYS", "three, four,")
    settings = ShkeeperSettings.of(load_settings())
    assert settings.shkeeper_keys == ("three", "four")
    assert "three" not in repr(settings)


def test_a_password_in_the_database_url_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", "postgresql://bridge:hunter2@db.example/bridge")
    assert "hunter2" not in repr(load_settings())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port = 70000", "port: expected 65535 at most, such as 8000 (set in "),
        ('port = "many"', "port: expected a whole number, such as 8000 (set in "),
        ("retention_days = 0", "retention_days: expected more than 0, such as 90 (set in "),
        ("ping_timeout_seconds = 1e9", "ping_timeout_seconds: expected 3600 at most, such as 20 (set in "),
        ('shkeeper_url = "shkeeper.internal"', "expected an address such as https://shkeeper.example, without user"),
        ('public_url = "bridge.internal"', "expected an address such as https://bridge.example, without user"),
        ("prot = 1", "prot: there is no such setting; is it port?"),
        (
            "[alerts]\nport = 1",
            "alerts.port: there is no such setting; port is one, but stands below the table [alerts]",
        ),
        ('traces = "maybe"', "traces: expected true or false (set in "),
        ('[alerts.channels.a]\nkind = "sms"', "expected 'mail', 'chat' as kind"),
        ('database_url = "postgresql://b:k3y-value@h/d"', "set BRIDGE_DATABASE_URL, or a file of that name"),
        ('database_url = "postgresql://b@h/d?password=k3y-value"', "database_url has a password"),
        ('frontend_url = ""', "frontend_url: "),
        ('log_level = "loud"', "log_level: expected 'debug', 'info', 'warning' or 'error' (set in "),
        ('database_url = "oracle://x"', "database_url: "),
        ('shkeeper_api_keys = "k3y-value"', "does not belong in this file"),
        ('host = "0.0.0.0"', "open_to_network = true"),
        ('host = "bridge.internal"', "open_to_network = true"),
        (
            'host = "loclahost.invalid"',
            "host: loclahost.invalid is neither an address nor localhost; is it localhost?",
        ),
        (
            'trusted_proxies = "10.0.0.1, 0.0.0.0/0"',
            "trusted_proxies: 0.0.0.0/0 would let anybody on the internet say",
        ),
        ('trusted_proxies = "::/0"', "trusted_proxies: ::/0 would let anybody"),
        ('trusted_proxies = "::ffff:0:0/96"', "trusted_proxies: 0.0.0.0/0 would let anybody"),
        ('trusted_proxies = "64:ff9b::/96"', "trusted_proxies: 0.0.0.0/0 would let anybody"),
        ('trusted_proxies = "2002:800::/23"', "name your proxies alone"),
        ('trusted_proxies = "2001:0:1:2::/64"', "trusted_proxies: 0.0.0.0/0 would let anybody"),
        ('trusted_proxies = "8.0.0.0/7"', "name your proxies alone"),
        ('trusted_proxies = "8.0.0.0/8,9.0.0.0/32"', "name your proxies alone"),
        ('trusted_proxies = "*"', "trusted_proxies: * is no address and no network"),
        ('trusted_proxies = "proxy.internal"', "such as 10.0.0.7 or 10.0.0.0/24"),
        ('trusted_proxies = "10.0.0.7/8"', "write 10.0.0.0/8"),
        ("port = ", "; correct it there"),
        ("\udcff", "it is no text in UTF-8; save it as such"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_its_name(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bridge.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert message in str(caught.value)
    assert "k3y-value" not in str(caught.value)
    assert not re.search("Input|Extra|String|unable to", str(caught.value)), "the library's words"


def test_where_a_wrong_setting_is_set_is_said_and_no_other_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text("port = -1\n")
    with pytest.raises(SettingsError, match=f"set in {file}\\)"):
        load_settings(file)
    monkeypatch.setenv("BRIDGE_PORT", "many")
    with pytest.raises(SettingsError, match=r"set in BRIDGE_PORT\)"):
        load_settings(file)


def test_a_list_of_services_that_is_wrong_is_explained_in_the_same_words(tmp_path: Path) -> None:
    (tmp_path / "services.toml").write_text('[shop]\ntoken = "k3y-value"\nreads = true\nwrites = true\n')
    with pytest.raises(SettingsError) as caught:
        _ = load_settings(services_file=tmp_path / "services.toml").services
    assert "shop.token: expected 16 characters at least; shop.writes: there is no such setting" in str(caught.value)
    assert "k3y-value" not in str(caught.value)


def test_a_secret_file_with_a_name_of_nothing_is_named_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "BRIDGE_JWT_SECRET").write_text("k3y-value")
    monkeypatch.setenv("BRIDGE_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("BRIDGE_JWT_SECRET", "k3y-value")  # as it was taken from there
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value) == (
        f"the file {tmp_path}/BRIDGE_JWT_SECRET has the name of no setting of the bridge; is it BRIDGE_JWT_SECRETS?"
        " Rename it, or take it away"
    )


LIMITS = "{ per_payout = 50, per_seller_and_day = 60, per_day = 70, under_way = 80 }"


def test_limits_of_payouts_come_from_the_file_or_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = load_settings().payout_rules
    assert {"USD", "EUR", "USDT"} <= fresh.limits.keys()
    assert fresh.destination_wait is None
    file = tmp_path / "bridge.toml"
    cents = LIMITS.replace("50", '"49.90"')
    file.write_text(f"payout_limits.USD = {LIMITS}\npayout_limits.EUR = {cents}\n")
    limits = load_settings(file, allowed_destinations_only=True, allowed_destination_wait_hours=2).payout_rules
    assert (str(limits.limits["USD"].under_way), str(limits.limits["EUR"].per_payout)) == ("80", "49.90")
    assert limits.limits.keys() == {"USD", "EUR"}  # of the others nothing leaves by itself
    assert limits.destination_wait == timedelta(hours=2)
    of_one = '{"per_payout": "1", "per_seller_and_day": "2", "per_day": "3", "under_way": "4"}'
    monkeypatch.setenv("BRIDGE_PAYOUT_LIMITS", f'{{"GBP": {of_one}}}')
    # As of every map, what the environment names comes to what the file names.
    assert load_settings(file).payout_limits.keys() == {"USD", "EUR", "GBP"}
    monkeypatch.setenv("BRIDGE_PAYOUT_LIMITS", '{"USD": {"per_payout": "1"}}')
    of_usd = load_settings(file).payout_limits["USD"]
    assert (str(of_usd.per_payout), str(of_usd.per_day)) == ("1", "70")
    monkeypatch.setenv("BRIDGE_PAYOUT_LIMITS", "50 USD")
    with pytest.raises(SettingsError, match=r"payout_limits: this is no JSON; .*BRIDGE_PAYOUT_LIMITS"):
        load_settings(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("payout_limits.USD = { per_payout = 50 }", "payout_limits.USD.per_seller_and_day: it is missing (set in "),
        ("payout_limits.USD = 50", "payout_limits.USD: "),
        ("payout_limits = 50", "payout_limits: "),
        (
            f"payout_limits.USD = {LIMITS.replace('50', '49.9')}",
            "payout_limits.USD.per_payout: an amount is a decimal",
        ),
        (f"payout_limits.USD = {LIMITS.replace('50', '-1')}", "payout_limits.USD.per_payout: an amount is"),
        (f"payout_limits.USD = {LIMITS.replace('per_day', 'a_day')}", "payout_limits.USD.a_day: "),
        (f'payout_limits."U S D" = {LIMITS}', "payout_limits.U S D.[key]: "),
        ("allowed_destination_wait_hours = -1", "allowed_destination_wait_hours: "),
    ],
)
def test_limits_that_are_wrong_stop_the_start_with_their_place(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert message in str(caught.value)


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_PORT", "x")
    monkeypatch.setenv("BRIDGE_LOG_LEVEL", "x")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    "names",
    ["", "127.0.0.1,::1", "10.0.0.0/8, fc00::/7", "104.16.0.0/13,2606:4700::/32", "8.0.0.0/8", "::ffff:10.0.0.1"],
)
def test_proxies_may_be_named_by_networks_of_their_own(names: str) -> None:
    assert load_settings(trusted_proxies=names).trusted_proxies == names


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_permission(host: str) -> None:
    assert load_settings(host=host).is_loopback
    assert not load_settings(host="0.0.0.0", open_to_network=True).is_loopback


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("BRIDGE_ACESS", "is it BRIDGE_ACCESS?"),
        ("bridge_acess", "is it BRIDGE_ACCESS?"),
        ("BRIDGE_SERVICE_FILE", "is it BRIDGE_SERVICES_FILE?"),
        ("BRIDGE_FRONTEND_URL", "is it FRONTEND_URL?"),
        ("BRIDGE_WHATEVER_IT_IS", "see the comments in "),
    ],
)
def test_a_variable_that_is_no_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, hint: str) -> None:
    """`BRIDGE_ACESS=jwt` would leave the bridge open to anybody."""
    monkeypatch.setenv(name, "s3cret")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"{name} is set and is no setting of the bridge; {hint}")
    assert "s3cret" not in str(caught.value)


# What Kubernetes gives a pod beside a service named bridge, and one named bridge-metrics.
INJECTED = {
    "BRIDGE_SERVICE_HOST": "10.0.0.1",
    "BRIDGE_SERVICE_PORT": "8000",
    "BRIDGE_SERVICE_PORT_HTTP": "8000",
    "BRIDGE_PORT": "tcp://10.0.0.1:8000",
    "BRIDGE_PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "BRIDGE_PORT_8000_TCP_PROTO": "tcp",
    "BRIDGE_PORT_8000_TCP_PORT": "8000",
    "BRIDGE_PORT_8000_TCP_ADDR": "10.0.0.1",
    "BRIDGE_METRICS_SERVICE_HOST": "10.0.0.2",
    "BRIDGE_METRICS_PORT": "tcp://10.0.0.2:9000",
    "BRIDGE_METRICS_PORT_9000_TCP_ADDR": "10.0.0.2",
}


def test_what_an_orchestrator_injects_is_told_apart_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in INJECTED.items():
        monkeypatch.setenv(name, value)
    assert load_settings().port == 8000
    (tmp_path / "bridge.toml").write_text("port = 81\n")
    assert load_settings(tmp_path / "bridge.toml").port == 81
    assert injected_variables({**INJECTED, "BRIDGE_ACCESS": "jwt", "PORT": "tcp://10.0.0.1:1"}) == sorted(INJECTED)
    assert injected_variables({"BRIDGE_PORT": "8000"}) == []


@pytest.mark.parametrize(
    "setting", ["shkeeper_api_keys_file", "jwt_secrets_file", "jwt_jwks_file", "services_file", "chains_file"]
)
def test_a_file_that_is_named_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv(f"BRIDGE_{setting.upper()}", "missing.file")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"{setting}: there is no file {tmp_path}/missing.file; put it there")
    assert f"(set in BRIDGE_{setting.upper()})" in str(caught.value)
    monkeypatch.delenv(f"BRIDGE_{setting.upper()}")
    (tmp_path / "bridge.toml").write_text(f'{setting} = ""\n')  # names none
    load_settings(tmp_path / "bridge.toml")
    (tmp_path / "bridge.toml").write_text(f'{setting} = "."\n')
    with pytest.raises(SettingsError, match=f"{setting}: there is no file"):
        load_settings(tmp_path / "bridge.toml")


@pytest.mark.parametrize(
    "name",
    [
        "BRIDGE_SERVICES_FILE",
        "bridge_services_file",
        "BRIDGE_JWT_JWKS_FILE",
        "BRIDGE_CONFIG",
        "BRIDGE_JOURNAL_MARK_FILE",
    ],
)
@pytest.mark.parametrize("value", ["", " "])
def test_a_variable_that_is_set_and_names_no_file_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """An orchestrator makes it so of a value that is missing; the bridge would be open to whoever likes to write."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name} is set and names no file; name the one that is meant"):
        load_settings()


def test_a_pipe_in_the_place_of_a_file_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "keys")
    reading, writing = os.pipe()
    for name in (str(tmp_path / "keys"), f"/dev/fd/{reading}"):
        monkeypatch.setenv("BRIDGE_SHKEEPER_API_KEYS_FILE", name)
        with pytest.raises(SettingsError, match=f"shkeeper_api_keys_file: {name} is no regular file but a pipe"):
            load_settings()
    os.close(reading)
    os.close(writing)


def test_a_file_that_is_not_named_is_looked_for_at_its_usual_place(tmp_path: Path) -> None:
    assert len(load_settings().services.now()) == 0
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "services.toml").write_text('[shop]\ntoken = "0123456789abcdef"\nreads = true\n')
    assert len(load_settings().services.now()) == 1


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_authorities_that_are_named_must_be_there(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "/missing/authorities")
    with pytest.raises(SettingsError, match=f"{variable}: there is no /missing/authorities"):
        load_settings()


@pytest.mark.parametrize(
    ("host", "public_url", "origins"),
    [
        ("127.0.0.1", "", ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000")),
        ("0.0.0.0", "", ()),
        ("0.0.0.0", "https://Bridge.Example:443/behind/a/proxy", ("https://bridge.example",)),
        (
            "::1",
            "http://bridge.example:8080",
            (
                "http://bridge.example:8080",
                "http://127.0.0.1:8000",
                "http://localhost:8000",
                "http://[::1]:8000",
            ),
        ),
    ],
)
def test_the_bridges_own_pages_are_those_of_its_addresses(
    host: str, public_url: str, origins: tuple[str, ...]
) -> None:
    settings = load_settings(host=host, public_url=public_url, open_to_network=True)
    assert settings.own_origins == origins


def test_the_decimals_of_a_coin_are_named_in_the_file_or_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text("shkeeper_coin_decimals = { NEW-COIN = 6 }\n")
    assert ShkeeperSettings.of(load_settings(file)).shkeeper_coin_decimals == {"NEW-COIN": 6}
    monkeypatch.setenv("BRIDGE_SHKEEPER_COIN_DECIMALS", '{"NEW-COIN": 7}')
    assert ShkeeperSettings.of(load_settings(file)).shkeeper_coin_decimals == {"NEW-COIN": 7}
    file.write_text("shkeeper_coin_decimals = { NEW-COIN = -1 }\n")
    monkeypatch.delenv("BRIDGE_SHKEEPER_COIN_DECIMALS")
    with pytest.raises(SettingsError, match="shkeeper_coin_decimals"):
        load_settings(file)


CHAT = "[alerts.channels.ops]\nkind = 'chat'\n"
MAIL = "[alerts.channels.ops]\nkind = 'mail'\nhost = 'smtp.example'\nsender = 'a@b.example'\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{CHAT}url = 'https://chat.example/k3y-value'",
            "url does not belong here, being secret; name a file in url_",
        ),
        (f"{MAIL}to = ['a@b.example']\npassword = 'k3y-value'", "password does not belong here, being secret"),
        (f'{MAIL}to = ["a@b.example\\nBcc: c@d.example"]', "expected a mail address"),
        (f"{MAIL}to = []", "alerts.channels.ops.mail.to: "),
        ("[alerts]\nquiet_hours = '22:00-22:00'", 'expected hours such as "22:00-07:00"'),
        ("[alerts]\ntime_zone = 'Mars/Olympus'", "there is no time zone 'Mars/Olympus'"),
        ("[alerts]\nseverities = { payout-lost = 'critical' }", "there is no kind 'payout-lost'"),
        ("[alerts.channels.'a b']\nkind = 'chat'", "alerts.channels.a b"),
        (f"{CHAT}warning = 'soon'", "alerts.channels.ops.chat.warning: "),
        (f"{CHAT}url_file = '/nowhere'", "there is no file /nowhere"),
    ],
)
def test_channels_of_alerts_that_cannot_be_right_stop_the_start(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert message in str(caught.value)
    assert "k3y-value" not in str(caught.value)
