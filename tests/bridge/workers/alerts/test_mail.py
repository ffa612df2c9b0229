"""Mail over a real conversation: nothing is told over a line that others could read, and nothing waits for ever."""

import asyncio
import ssl
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from bridge.workers.alerts.mail import DEADLINE_SECONDS, MailServer, _Conversation
from bridge.workers.alerts.settings import MailSettings
from bridge.workers.alerts.undelivered import DoubtfulError, UndeliveredError
from coordinator.attention.alert_messages import AlertMessage
from providers.certificates import certificates
from tests.clock import pass_seconds
from tests.mail_sink import MailSink, running_mail_sink
from tests.waiting import GIVE_UP_SECONDS, until

MESSAGE = AlertMessage("A test ☃", [], "one\r\n.\r\nQUIT", [], None, "https://bridge.example/ops")
ADA = "ada@shop.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a server on loopback, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sink.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificates") / "sink.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*plain))
    return path


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with running_mail_sink() as sink:
        yield sink


@pytest.fixture
def safe_sink(sink: MailSink, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailSink]:
    """One with STARTTLS, whose certificate is trusted."""
    sink.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    sink.tls.load_cert_chain(certificate)
    sink.login = ("bridge", "pass word")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    certificates.cache_clear()
    yield sink
    certificates.cache_clear()


async def send(sink: MailSink, *, password: str = "", **changes: Any) -> None:
    fields = {"kind": "mail", "host": "127.0.0.1", "port": sink.port, "sender": "bridge@shop.example", "to": [ADA]}
    settings = MailSettings.model_validate(fields | changes)
    await MailServer(settings, password).to(ADA)(MESSAGE, "a-name")


async def test_a_mail_goes_over_tls_with_a_login_and_says_what_it_is_to_say(safe_sink: MailSink) -> None:
    await send(safe_sink, user="bridge", password="pass word")
    [mail] = safe_sink.to(ADA)
    assert (mail["Subject"], mail["Message-ID"]) == ("A test ☃", "<a-name@shop.example>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().splitlines()[:3] == ["one", ".", "QUIT"]
    assert safe_sink.seen == ["ehlo", "starttls", "ehlo", "auth", "mail", "rcpt", "data", "quit"]


async def test_a_login_that_is_refused_is_said_without_a_word_of_it(safe_sink: MailSink) -> None:
    with pytest.raises(UndeliveredError, match=r"^127\.0\.0\.1 does not let bridge in: 535$"):
        await send(safe_sink, user="bridge", password="wrong")
    with pytest.raises(UndeliveredError, match=r"^127\.0\.0\.1 refuses the mail: 530 log in first$"):
        await send(safe_sink)


async def test_nothing_is_told_to_a_server_without_tls_or_with_a_certificate_of_nobody_known(
    sink: MailSink, certificate: Path
) -> None:
    with pytest.raises(UndeliveredError, match="offers no STARTTLS"):
        await send(sink, user="bridge", password="pass word")
    assert sink.seen == ["ehlo"]
    sink.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    sink.tls.load_cert_chain(certificate)
    with pytest.raises(UndeliveredError, match="is not reached, or not safely: SSLCertVerificationError"):
        await send(sink, user="bridge", password="pass word")
    assert set(sink.seen) <= {"ehlo", "starttls"}
    with pytest.raises(ValidationError, match="for a mail server on this machine alone"):
        await send(sink, host="smtp.example", security="none")


@pytest.mark.parametrize("command", ["connect", "ehlo", "rcpt", "data"])
async def test_a_server_that_says_nothing_more_is_given_up(
    sink: MailSink, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.workers.alerts.mail.STEP_SECONDS", 100 * GIVE_UP_SECONDS)
    sink.says_nothing.add(command)
    sending = asyncio.create_task(send(sink, security="none"))
    await until(lambda: command in sink.silent_at)
    await pass_seconds(DEADLINE_SECONDS)
    with pytest.raises(UndeliveredError, match=r"127\.0\.0\.1 has not taken the mail within 30 s"):
        await sending
    await until(lambda: not sink.is_connected)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("connect", b"220-" + b"x" * 8_000 + b"\r\n"),
        ("ehlo", b"250-\r\n"),
        ("ehlo", b"x" * 80),
        ("data", b"250-x\r\n"),
    ],
)
async def test_a_reply_that_never_ends_is_read_up_to_a_bound(sink: MailSink, command: str, line: bytes) -> None:
    sink.goes_on[command] = line
    tracemalloc.start()
    try:
        with pytest.raises(UndeliveredError, match=r"replies with more than 100 lines|refuses the mail: 500") as told:
            await send(sink, security="none")
        most_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most_bytes < 2_000_000
    assert isinstance(told.value, DoubtfulError) == (command == "data")


async def test_a_reply_that_goes_on_ends_when_the_conversation_is_cut_off(
    sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("REPLY_LIMIT_LINES", "REPLY_LIMIT_BYTES"):
        monkeypatch.setattr(f"bridge.workers.alerts.mail.{bound}", 10**12)
    held: list[Exception | None] = []

    class Held(_Conversation):
        def hold(self, *mail: Any) -> None:
            try:
                super().hold(*mail)
            except UndeliveredError as error:
                held.append(error)

    monkeypatch.setattr("bridge.workers.alerts.mail._Conversation", Held)
    sink.goes_on["connect"] = b"220-\r\n"
    sending = asyncio.create_task(send(sink, security="none"))
    await until(lambda: sink.is_connected)
    sending.cancel()
    await until(lambda: held)
    assert "broke off" in str(held[0])


async def test_nobody_at_all_is_said_too(sink: MailSink) -> None:
    with running_mail_sink() as gone:
        pass
    with pytest.raises(UndeliveredError, match=r"127\.0\.0\.1 is not reached, or not safely: ConnectionRefusedError"):
        await send(gone, security="none")
