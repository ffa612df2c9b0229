"""Mail over SMTP. The conversation with a server is held in a thread, and cut off from outside when its time is up,
however slowly the server goes on; of a reply no more is read than is bounded.

A name, a reference or an address from outside never comes into a head as it is, and never begins a line.
"""

import asyncio
import smtplib
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import IO, Any

from bridge.workers.alerts.settings import MailSettings
from bridge.workers.alerts.undelivered import DoubtfulError, MessageRefusedError, UndeliveredError
from coordinator.attention.alert_messages import AlertMessage
from coordinator.attention.lines import one_line
from coordinator.attention.messages import as_plain_text
from providers.certificates import certificates

__all__ = ["MailServer", "mail_of"]

DEADLINE_SECONDS = 30.0
STEP_SECONDS = 10.0
# Of one reply. Servers offer some twenty extensions, of a line each.
REPLY_LIMIT_LINES = 100
REPLY_LIMIT_BYTES = 65_536
SAID_LIMIT_CHARACTERS = 200


def mail_of(message: AlertMessage, *, sender: str, to: str, name: str, at: datetime) -> EmailMessage:
    """A message as a mail; one that is sent again has the same `name`, by which mailboxes know it."""
    mail = EmailMessage(SMTP)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = one_line(message.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{name}@{sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(as_plain_text(message), charset="utf-8", cte="quoted-printable")
    return mail


class MailServer:
    """A server that takes mail for others."""

    def __init__(self, settings: MailSettings, password: str, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._settings = settings
        self._password = password
        self._deadline_seconds = deadline_seconds

    def to(self, address: str) -> Callable[[AlertMessage, str], Awaitable[None]]:
        """What writes to somebody."""

        async def send(message: AlertMessage, name: str) -> None:
            now = datetime.now(UTC)
            await self._send(mail_of(message, sender=self._settings.sender, to=address, name=name, at=now), address)

        return send

    async def _send(self, mail: EmailMessage, address: str) -> None:
        conversation = _Conversation(self._settings, self._password)
        held = asyncio.create_task(asyncio.to_thread(conversation.hold, mail, address))
        held.add_done_callback(_retrieve)
        try:
            async with asyncio.timeout(self._deadline_seconds):
                await asyncio.shield(held)
        except TimeoutError:
            raise conversation.broken(
                f"{self._settings.host} has not taken the mail within {self._deadline_seconds:g} s"
            ) from None
        finally:
            conversation.cut()


def _retrieve(held: asyncio.Task[None]) -> None:
    """Nobody waits any more for a conversation that was cut off, and its failure is no news."""
    if not held.cancelled():
        held.exception()


class _TooMuchSaidError(Exception):
    """A reply goes on beyond its bounds. As an error of smtplib's it would be taken for a lost connection there."""


class _Replies:
    """What a server says, as smtplib reads it, which gathers the lines of a reply for as long as it goes on."""

    def __init__(self, conversation: "_Conversation", file: IO[bytes]) -> None:
        self._conversation = conversation
        self._file = file
        self.begin()

    def begin(self) -> None:
        """The next reply is to be read."""
        self._left_lines, self._left_bytes = REPLY_LIMIT_LINES, REPLY_LIMIT_BYTES

    def readline(self, size: int) -> bytes:
        # What was cut off may be full of what has come already.
        self._conversation.require_uncut()
        if not self._left_lines or not self._left_bytes:
            raise _TooMuchSaidError
        line = self._file.readline(min(size, self._left_bytes))
        self._left_lines -= 1
        self._left_bytes -= len(line)
        return line

    def close(self) -> None:
        self._file.close()


class _Known:
    """A client that is known before it connects, since its server may take for ever to greet it. What is cut off goes
    no further than the next line of an answer."""

    file: _Replies | None
    sock: Any

    def __init__(self, conversation: "_Conversation", *where: Any, **options: Any) -> None:
        self._conversation = conversation
        conversation.client = self
        super().__init__(*where, **options)

    def getreply(self) -> tuple[int, bytes]:
        self._conversation.require_uncut()
        if self.file is None:
            self.file = _Replies(self._conversation, self.sock.makefile("rb"))
        self.file.begin()
        reply: tuple[int, bytes] = super().getreply()  # type: ignore[misc]
        return reply

    def data(self, msg: Any) -> tuple[int, bytes]:
        self._conversation.has_begun = True
        answer: tuple[int, bytes] = super().data(msg)  # type: ignore[misc]
        return answer


class _Client(_Known, smtplib.SMTP):
    """Over a connection that is plain at first."""


class _TlsClient(_Known, smtplib.SMTP_SSL):
    """Over TLS from the first byte on."""


class _Conversation:
    """One with a mail server, in a thread."""

    def __init__(self, settings: MailSettings, password: str) -> None:
        self._settings = settings
        self._password = password
        self.client: Any = None
        self.is_cut = False
        self.has_begun = False
        """Whether the server may have the mail."""

    def broken(self, problem: str) -> UndeliveredError:
        """What is wrong where nobody says what has become of the mail."""
        return DoubtfulError(problem) if self.has_begun else UndeliveredError(problem)

    def cut(self) -> None:
        """Ends it, wherever it is; also where it has ended."""
        self.is_cut = True
        sock = None if self.client is None else self.client.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def require_uncut(self) -> None:
        if self.is_cut:
            raise smtplib.SMTPServerDisconnected("cut off")

    def hold(self, mail: EmailMessage, address: str) -> None:
        """Hands a mail over. Raises UndeliveredError."""
        host = self._settings.host
        try:
            self._hand_over(mail.as_bytes(), address)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise UndeliveredError(f"{host} refuses {address}: {code} {_said(said)}") from None
        except smtplib.SMTPAuthenticationError as error:
            raise UndeliveredError(f"{host} does not let {self._settings.user} in: {error.smtp_code}") from None
        except smtplib.SMTPDataError as error:
            kind = MessageRefusedError if error.smtp_code >= 500 else UndeliveredError
            raise kind(f"{host} refuses the mail: {error.smtp_code} {_said(error.smtp_error)}") from None
        except smtplib.SMTPResponseException as error:
            raise UndeliveredError(f"{host} refuses the mail: {error.smtp_code} {_said(error.smtp_error)}") from None
        except smtplib.SMTPNotSupportedError:
            raise UndeliveredError(
                f"{host} offers no STARTTLS, or takes no such login; nothing was told to it"
            ) from None
        except _TooMuchSaidError:
            raise self.broken(
                f"{host} replies with more than {REPLY_LIMIT_LINES} lines or {REPLY_LIMIT_BYTES} bytes at once"
            ) from None
        except smtplib.SMTPException:
            raise self.broken(f"{host} broke off before it had taken the mail") from None
        except OSError as error:
            raise self.broken(f"{host} is not reached, or not safely: {type(error).__name__}") from None
        finally:
            if self.client is not None:
                self.client.close()

    def _hand_over(self, mail: bytes, address: str) -> None:
        client = self._connected()
        client.ehlo_or_helo_if_needed()
        if self._settings.security == "starttls":
            client.starttls(context=certificates())
            client.ehlo()
        if self._settings.user:
            client.login(self._settings.user, self._password)
        client.sendmail(self._settings.sender, [address], mail)
        with suppress(
            smtplib.SMTPException, OSError, _TooMuchSaidError
        ):  # it has taken the mail, however it says goodbye
            client.quit()

    def _connected(self) -> smtplib.SMTP:
        host, port, name = self._settings.host, self._settings.port, socket.gethostname()
        if self._settings.security == "tls":
            context = certificates()
            return _TlsClient(self, host, port, local_hostname=name, timeout=STEP_SECONDS, context=context)
        return _Client(self, host, port, local_hostname=name, timeout=STEP_SECONDS)


def _said(text: object) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return one_line(said)[:SAID_LIMIT_CHARACTERS]
