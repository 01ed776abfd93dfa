"""A real SMTP server on loopback, which takes, refuses or drops what it is given as a test says."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session

from tests.support.postgres import free_port

TAKEN = "250 OK"


@dataclass(frozen=True)
class Mail:
    """A message as it arrived. `content` is all of it, as bytes."""

    sender: str
    recipient: str
    content: bytes
    message: EmailMessage = field(repr=False)

    @property
    def key(self) -> str:
        """By which a recipient knows that they have it already."""
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        """What is read: the subject and the body."""
        return f"{self.message['Subject']}\n{self.message.get_content()}".replace("\r\n", "\n")


class MailServer:
    """A mail server. Use it as a context manager; what it took is in `mails`, in the order of arrival.

    `on_recipient` and `on_data` give the answer to an address and to a message, or None to cut the connection.
    """

    def __init__(self, *, port: int | None = None, tls: ssl.SSLContext | None = None, **options: Any) -> None:
        self.port = free_port() if port is None else port
        self.mails: list[Mail] = []
        self.logins: list[tuple[str, str]] = []
        self.on_recipient: Callable[[str], str] = lambda address: TAKEN
        self.on_data: Callable[[Mail], str | None] = lambda mail: TAKEN
        self.delay = 0.0
        if options.get("auth_required"):
            options["authenticator"] = self._log_in
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, tls_context=tls, server_hostname="localhost", **options
        )

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    # What aiosmtpd calls -------------------------------------------------------------------------------------

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.on_recipient(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        message = BytesParser(policy=default).parsebytes(content)
        assert isinstance(message, EmailMessage)
        mail = Mail(str(envelope.mail_from), envelope.rcpt_tos[0], content, message)
        await asyncio.sleep(self.delay)
        answer = self.on_data(mail)
        self.mails.append(mail)
        if answer is None:
            server.transport.abort()
            return TAKEN
        return answer

    def _log_in(self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"secret of the mail server", handled=False)
