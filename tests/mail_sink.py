"""A mail server on loopback, as unkind as real ones are: it greylists, refuses, breaks off, and says nothing for as
long as a test wants. It speaks over sockets, so that whoever writes to it does what they would anywhere."""

import base64
import socketserver
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from threading import Thread
from typing import Any

__all__ = ["MailSink", "running_mail_sink"]


class MailSink:
    """What it does to whoever writes, and what it has taken."""

    def __init__(self) -> None:
        self.port = 0
        self.greylisted: Counter[str] = Counter()
        """How often each recipient is put off (451) before mail for them is taken."""
        self.refused: set[str] = set()
        """Recipients that are unknown here (550)."""
        self.drops_in_data = 0
        """How many times it breaks off when it has the mail, and before it says so."""
        self.dropped: list[tuple[str, EmailMessage]] = []
        """What it had then."""
        self.says_nothing: set[str] = set()
        """At which commands it falls silent for good; `connect` is one."""
        self.goes_on: dict[str, bytes] = {}
        """The line that it says at a command without an end; `connect` is one."""
        self.tls: ssl.SSLContext | None = None
        """With it STARTTLS is offered, and login, which is needed then."""
        self.login = ("", "")
        self.mails: list[tuple[str, EmailMessage]] = []
        """Of each, who it is for, and what it says."""
        self.seen: list[str] = []
        """What it was told, but for what is secret."""
        self.silent_at: list[str] = []
        """Where it has fallen silent."""
        self.is_connected = False
        """Whether who found it silent is still there."""

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for recipient, mail in self.mails if recipient == address]


class _Session(socketserver.StreamRequestHandler):
    """One connection."""

    sink: MailSink

    def handle(self) -> None:
        with suppress(OSError):
            if self._falls_silent("connect"):
                return
            self._say("220 sink.test ESMTP")
            self.is_safe = self.is_known = False
            while line := self.rfile.readline():
                if not self._answer(line.rstrip(b"\r\n").decode("ascii")):
                    return

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.connection.close()

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def _falls_silent(self, command: str) -> bool:
        if (line := self.sink.goes_on.get(command)) is not None:
            self.sink.is_connected = True
            while True:  # until who reads it hangs up
                self.wfile.write(line * 20)
        if command not in self.sink.says_nothing:
            return False
        self.sink.is_connected = True
        self.sink.silent_at.append(command)
        while self.rfile.read1():
            pass
        self.sink.is_connected = False
        return True

    def _answer(self, line: str) -> bool:
        command = line.split(" ")[0].split(":")[0].lower()
        self.sink.seen.append(command)
        if self._falls_silent(command):
            return False
        answer: Any = getattr(self, f"_{command}", None)
        if answer is None:
            self._say("502 what?")
            return True
        return answer(line) is not False

    def _ehlo(self, _line: str) -> None:
        self._say("250-sink.test")
        if self.sink.tls is not None:
            self._say("250-AUTH PLAIN" if self.is_safe else "250-STARTTLS")
        self._say("250 SIZE 1000000")

    def _starttls(self, _line: str) -> None:
        assert self.sink.tls is not None
        self._say("220 go on")
        self.connection = self.request = self.sink.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.is_safe = True

    def _auth(self, line: str) -> None:
        given = base64.b64decode(line.split(" ")[2]).decode().split("\0")[1:]
        self.is_known = tuple(given) == self.sink.login
        self._say("235 come in" if self.is_known else f"535 no {line}")

    def _mail(self, _line: str) -> None:
        self._say("530 log in first" if self.sink.tls is not None and not self.is_known else "250 ok")

    def _rcpt(self, line: str) -> None:
        self.recipient = line.partition("<")[2].rstrip(">")
        if self.recipient in self.sink.refused:
            self._say("550 5.1.1 nobody here\tis called that")
        elif self.sink.greylisted[self.recipient]:
            self.sink.greylisted[self.recipient] -= 1
            self._say("451 4.7.1 greylisted, come back later")
        else:
            self._say("250 ok")

    def _data(self, _line: str) -> bool:
        self._say("354 go on")
        content = b""
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            content += line[1:] if line.startswith(b"..") else line
        mail = message_from_bytes(content, policy=default)
        if self.sink.drops_in_data:
            self.sink.drops_in_data -= 1
            self.sink.dropped.append((self.recipient, mail))
            return False
        self.sink.mails.append((self.recipient, mail))
        self._say("250 taken")
        return True

    def _rset(self, _line: str) -> None:
        self._say("250 ok")

    def _quit(self, _line: str) -> bool:
        self._say("221 bye")
        return False


@contextmanager
def running_mail_sink() -> Iterator[MailSink]:
    sink = MailSink()
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), type("Session", (_Session,), {"sink": sink}))
    server.daemon_threads = True
    sink.port = server.server_address[1]
    serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
