"""Settings with which a server must not start: each is told in a line, with what to do.

What is looked at is what an operator can get wrong without noticing, as all would seem to work: keys that others know
or can read, addresses without TLS, the demo's sign-in beside real data.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from stat import S_IMODE
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from ascms.database import sqlite_path
from ascms.settings import SECRETS, Settings

KEYS: Final = ("secret_key", "audit_key")
SHORTEST: Final = 32
FEWEST_CHARACTERS: Final = 10
"""Different ones in a key."""
WELL_KNOWN: Final = ("changeme", "change-me", "change_me", "secret", "password", "example", "insert", "0123456789")
MAKE_ONE: Final = "make one with `openssl rand -base64 48`"


def unsafe(settings: Settings, host: str) -> list[str]:
    """What is unsafe about serving with these settings on `host`, a sentence each."""
    return [
        *_of_identity(settings, host),
        *_of_addresses(settings),
        *_of_keys(settings),
        *_of_mail(settings),
        *_of_places(settings),
        *_of_logs(settings),
    ]


def is_loopback(host: str | None) -> bool:
    """Whether only this machine gets there."""
    if host is None:
        return False
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _in_the_clear(url: object) -> bool:
    parts = urlsplit(str(url))
    return parts.scheme != "https" and not is_loopback(parts.hostname)


def _of_identity(settings: Settings, host: str) -> Iterator[str]:
    if settings.demo:
        yield "ASCMS_DEMO is set, and the demo's sign-in asks for no password; unset it (`ascms demo` serves a demo)"
    issuer = settings.issuer
    if issuer is None:
        yield "ASCMS_ISSUER is not set; give the https address of the OpenID Connect issuer"
        return
    if _in_the_clear(issuer):
        yield f"ASCMS_ISSUER is {_shown(issuer)}: keys read without TLS may be anybody's; give an https address"
    if is_loopback(urlsplit(str(issuer)).hostname) and not is_loopback(host):
        here = f"ASCMS_ISSUER is {_shown(issuer)}, on this machine as the demo's is"
        yield f"{here}, but the server would listen on {host} for others; give the issuer that they sign in with"
    for former in settings.former_issuers:
        if _in_the_clear(former):
            yield f"ASCMS_FORMER_ISSUERS has {_shown(former)}; give https addresses"


def _of_addresses(settings: Settings) -> Iterator[str]:
    for name, what in (("public_url", "people's tokens"), ("storage_endpoint", "files"), ("traces_url", "spans")):
        url = getattr(settings, name)
        if url is not None and _in_the_clear(url):
            yield f"ASCMS_{name.upper()} is {_shown(url)}: {what} would travel without TLS; give an https address"
    if "*" in getattr(settings, "allowed_origins", ()):
        yield "ASCMS_ALLOWED_ORIGINS is `*`: every site's pages could read answers; name the origins of your clients"


def _of_keys(settings: Settings) -> Iterator[str]:
    values: dict[str, str] = {}
    for name in KEYS:
        key: SecretStr | None = getattr(settings, name)
        variable = f"ASCMS_{name.upper()}"
        if key is None:
            yield f"{variable}_FILE is not set; give a file with at least {SHORTEST} random characters: {MAKE_ONE}"
            continue
        value = values[name] = key.get_secret_value()
        if len(value) < SHORTEST:
            yield f"{variable} has fewer than {SHORTEST} characters; {MAKE_ONE}"
        elif is_guessable(value):
            yield f"{variable} is well known or easy to guess; {MAKE_ONE}"
    if len(values) > 1 and len(set(values.values())) < len(values):
        yield f"ASCMS_SECRET_KEY and ASCMS_AUDIT_KEY are equal: who learns the one has the other; {MAKE_ONE}"
    for name in SECRETS:
        file: Path | None = getattr(settings, f"{name}_file")
        if file is not None and file.exists() and S_IMODE(file.stat().st_mode) & 0o027:
            yield f"ASCMS_{name.upper()}_FILE: others may read or change {file}; run `chmod 600 {file}`"


def is_guessable(key: str) -> bool:
    """Whether a long key is one that somebody would try: few characters, a pattern, or words from instructions."""
    plain = key.casefold()
    repeats = plain in (plain + plain)[1:-1]
    return repeats or len(set(key)) < FEWEST_CHARACTERS or any(word in plain for word in WELL_KNOWN)


def _of_mail(settings: Settings) -> Iterator[str]:
    if settings.smtp_url is None:
        return
    url = urlsplit(settings.smtp_url.get_secret_value())
    if url.scheme == "smtp" and url.username is None and not is_loopback(url.hostname):
        yield "ASCMS_SMTP_URL: e-mails could travel without TLS; give smtps://…, or a user (then STARTTLS is a must)"


def _of_places(settings: Settings) -> Iterator[str]:
    state = settings.state_directory.absolute()
    if not state.exists():
        around = next(parent for parent in state.parents if parent.exists())
        if S_IMODE(around.stat().st_mode) & 0o002:
            yield f"ASCMS_STATE_DIRECTORY is in {around}, where everybody writes; give a folder of the server's own"
    elif S_IMODE(state.parent.stat().st_mode) & 0o002 and _is_reached(state):
        yield f"ASCMS_STATE_DIRECTORY is in {state.parent}, where everybody writes; give a folder of the server's own"
    elif _is_open(state):
        yield f"ASCMS_STATE_DIRECTORY: others may read {state}, which has files and keys; run `chmod 700 {state}`"
    database = sqlite_path(settings.database_url)
    if database is not None and database.exists() and _is_open(database.absolute()):
        yield f"ASCMS_DATABASE_URL: others may read {database}; run `chmod 600 {database}`"


def _is_open(path: Path) -> bool:
    """Whether every user of the machine can read there, or change something."""
    return bool(S_IMODE(path.stat().st_mode) & 0o006) and _is_reached(path)


def _is_reached(path: Path) -> bool:
    """Whether every user of the machine gets as far as the path."""
    return all(S_IMODE(parent.stat().st_mode) & 0o001 for parent in path.parents)


def _of_logs(settings: Settings) -> Iterator[str]:
    if settings.log_error_details:
        yield "ASCMS_LOG_ERROR_DETAILS is set: messages of errors may quote people's data; unset it"


def _shown(url: object) -> str:
    """An address without who signs in there."""
    parts = urlsplit(str(url))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
