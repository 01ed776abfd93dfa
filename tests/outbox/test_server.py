"""Which mail server, and how it is spoken to: the settings, and TLS before any password."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ascms.outbox import Outbox
from ascms.outbox.smtp import Server
from ascms.settings import Settings
from tests.outbox.conftest import PUBLIC_URL, Box, mailing
from tests.support.mail import MailServer

PASSWORD = "secret of the mail server"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.nz", Server("mail.example.nz", None, tls=False)),
        ("smtps://mail.example.nz", Server("mail.example.nz", None, tls=True)),
        ("smtp://a%40b.nz:p%2Fq@mail.example.nz:587", Server("mail.example.nz", 587, False, "a@b.nz", "p/q")),
    ],
)
def test_the_address_of_a_mail_server(url: str, server: Server) -> None:
    assert Server.of(mailing(url)) == server


def test_the_password_can_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    server = Server.of(mailing("smtp://user@mail.example.nz", smtp_password_file=file))
    assert server is not None
    assert server.password == PASSWORD
    assert PASSWORD not in repr(server)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"smtp_url": "smtp://h", "public_url": PUBLIC_URL}, "ASCMS_MAIL_FROM"),
        ({"smtp_url": "smtp://h", "mail_from": "a@b.nz"}, "ASCMS_PUBLIC_URL"),
        ({"smtp_url": "https://h:p4ss@h"}, "ASCMS_SMTP_URL is no address of a mail server"),
        ({"smtp_url": "smtp://u:p4ss@h:99999"}, "ASCMS_SMTP_URL is no address of a mail server"),
        ({"smtp_url": "smtp://"}, "ASCMS_SMTP_URL is no address of a mail server"),
        ({"smtp_url": "smtp://u@h"}, "a user with a password, or neither"),
        ({"smtp_url": "smtp://h", "smtp_password": "p4ss"}, "a user with a password, or neither"),
    ],
)
def test_settings_that_do_not_fit_are_refused_without_telling_the_password(
    settings: dict[str, str], message: str
) -> None:
    if len(settings) == 1 or "smtp_password" in settings:
        settings = {"mail_from": "a@b.nz", "public_url": PUBLIC_URL, **settings}
    with pytest.raises(ValueError, match=message) as refused:
        Server.of(Settings(**settings))  # type: ignore[arg-type]
    assert "p4ss" not in str(refused.value)


# A password ---------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a mail server on loopback shows, and what this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def with_user(mail: MailServer, password: str = PASSWORD) -> Settings:
    return mailing(mail.url.replace("//", "//user@"), smtp_password=password)


async def test_a_password_is_told_once_the_connection_is_private(box: Box, certificate: ssl.SSLContext) -> None:
    key = await box.put()
    with MailServer(tls=certificate, auth_required=True) as mail:
        async with Outbox(box.engine, with_user(mail)):
            await box.settled(key)
    assert mail.logins == [("user", PASSWORD)]
    assert len(mail.mails) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_password_is_not_told_to_a_server_without_tls(box: Box) -> None:
    key = await box.put()
    with MailServer(auth_required=True, auth_require_tls=False) as mail:
        async with Outbox(box.engine, with_user(mail)):
            row = await box.put_off(key)
    assert mail.logins == []
    assert (row.delivered_at, row.dropped_at) == (None, None)


async def test_a_password_is_not_told_to_a_server_whose_certificate_is_not_trusted(
    box: Box, certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    key = await box.put()
    with MailServer(tls=certificate, auth_required=True) as mail:
        async with Outbox(box.engine, with_user(mail)):
            row = await box.put_off(key)
    assert mail.logins == []
    assert (row.delivered_at, row.dropped_at) == (None, None)


async def test_a_wrong_password_loses_nothing(box: Box, certificate: ssl.SSLContext) -> None:
    key = await box.put()
    with MailServer(tls=certificate, auth_required=True) as mail:
        async with Outbox(box.engine, with_user(mail, "another")):
            row = await box.put_off(key)
    assert row.last_error == "the server does not serve us (SMTPAuthenticationError 535)"
    assert (row.delivered_at, row.dropped_at) == (None, None)
