"""The mail server: where it is, and what its answers mean for a message. Nothing that is kept names an address."""

import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

from ascms.settings import Settings

TIMEOUT: Final = 20.0
"""Seconds for each answer of the server."""

_POLICY: Final = re.compile(r"^5\.7\.")
_ENHANCED: Final = re.compile(r"^[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")


class RefusedError(Exception):
    """The server refuses this message for good."""


class LaterError(Exception):
    """The message was not taken now. `away`: neither would any other be."""

    def __init__(self, reason: str, *, away: bool) -> None:
        super().__init__(reason)
        self.away = away


@dataclass(frozen=True)
class Server:
    """The mail server of the settings: `smtps://` speaks TLS from the start, `smtp://` as soon as it may.

    With a user it must: a password never travels in the clear. Certificates are checked.
    """

    host: str
    port: int | None
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The server of the settings, if there is one. Raises ValueError where they do not fit together."""
        if settings.smtp_url is None:
            return None
        for name in ("mail_from", "public_url"):
            if getattr(settings, name) is None:
                raise ValueError(f"ASCMS_SMTP_URL is set, but not ASCMS_{name.upper()}; set both, or none")
        url = urlsplit(settings.smtp_url.get_secret_value())
        try:
            port = url.port
        except ValueError:
            port = 0
        if url.scheme not in {"smtp", "smtps"} or not url.hostname or port == 0 or url.path.strip("/"):
            raise ValueError("ASCMS_SMTP_URL is no address of a mail server; give smtp://user@host:587 or smtps://…")
        user = unquote(url.username) if url.username else None
        given = unquote(url.password) if url.password else None
        password = settings.smtp_password.get_secret_value() if settings.smtp_password is not None else given
        if (user is None) != (password is None):
            raise ValueError("the mail server needs a user with a password, or neither: see ASCMS_SMTP_PASSWORD_FILE")
        return cls(url.hostname, port, url.scheme == "smtps", user, password)


class Post:
    """One connection to the server for several messages, opened with the first. A context manager that closes it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._smtp: aiosmtplib.SMTP | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close(politely=kind is None)

    async def send(self, message: EmailMessage, address: str, sender: str) -> None:
        """Have the server take over the message. Raises RefusedError or LaterError where it does not."""
        smtp = await self._connected()
        try:
            await smtp.send_message(message, sender=sender, recipients=[address])
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            await self._close(politely=False)
            raise judged(error) from None
        except BaseException:
            await self._close(politely=False)
            raise

    async def _connected(self) -> aiosmtplib.SMTP:
        """The connection, signed in. Whatever is wrong with it is no message's fault."""
        if self._smtp is not None and self._smtp.is_connected:
            return self._smtp
        server = self._server
        self._smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            start_tls=False if server.tls else True if server.user is not None else None,
            timeout=TIMEOUT,
        )
        try:
            await self._smtp.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            await self._close(politely=False)
            raise away(error) from None
        return self._smtp

    async def _close(self, *, politely: bool) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            if politely and smtp.is_connected:
                await smtp.quit()
        except (aiosmtplib.SMTPException, OSError):
            pass  # everything was taken over before
        finally:
            smtp.close()


def judged(error: Exception) -> RefusedError | LaterError:
    """What became of a message, without the server's own words: they may name the address."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[refused, *_]):
            return _answer("recipient", refused)
        case aiosmtplib.SMTPDataError():
            return _answer("message", error)
        case aiosmtplib.SMTPNotSupported() | ValueError():
            return RefusedError("the server takes no mail for an address like the recipient's")
    return away(error)


def away(error: Exception) -> LaterError:
    """That the server serves nobody now."""
    code = f" {error.code}" if isinstance(error, aiosmtplib.SMTPResponseException) else ""
    return LaterError(f"the server does not serve us ({type(error).__name__}{code})", away=True)


def _answer(what: str, refused: aiosmtplib.SMTPResponseException) -> RefusedError | LaterError:
    """A refusal of the recipient or the message: for good, unless it is about us (5.7.x) or for now."""
    enhanced = _ENHANCED.match(refused.message)
    said = f"{refused.code} {enhanced[0]}" if enhanced else str(refused.code)
    about_us = enhanced is not None and _POLICY.match(enhanced[0]) is not None
    if 500 <= refused.code < 600 and not about_us:
        return RefusedError(f"the server refuses the {what}: {said}")
    return LaterError(f"the server does not take the {what} now: {said}", away=refused.code == 421)
