"""Settings, from the environment (`ASCMS_…`) or from files for secrets (`ASCMS_…_FILE`)."""

import secrets
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, HttpUrl, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class OfficeSupportReading(StrEnum):
    """How the seed's *some access* for Office Support is read (see README)."""

    FIELDS = "fields"
    OWN_REQUESTS = "own-requests"
    REQUESTS = "requests"


class Execution(StrEnum):
    """How reads are served. Both mean the same; `plain` is the slow definition."""

    PLANNED = "planned"
    PLAIN = "plain"


class StorageKind(StrEnum):
    """Where the contents of files are kept."""

    LOCAL = "local"
    S3 = "s3"


class Settings(BaseSettings):
    """Everything that differs between installations. Times in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="ASCMS_", extra="ignore")

    database_url: str = "sqlite+aiosqlite:///var/ascms.sqlite3"
    state_directory: Path = Path("var/ascms.state")
    """Where keys kept by the demo, heads of the access log and stored files live: outside the database."""

    issuer: HttpUrl | None = None
    """The OpenID Connect issuer whose tokens are accepted; its discovery document is read from it."""
    former_issuers: tuple[str, ...] = ()
    """Issuer names that are accepted besides, with the same keys (the demo, when it moved to another port)."""
    audience: str = "ascms"

    office_support: OfficeSupportReading = OfficeSupportReading.FIELDS
    execution: Execution = Execution.PLANNED

    secret_key: SecretStr | None = None
    secret_key_file: Path | None = None
    """Encrypts cursors and signs file addresses. At least 32 bytes."""
    audit_key: SecretStr | None = None
    audit_key_file: Path | None = None
    """Chains the access log; never kept in the database."""

    maximum_page_size: int = 100
    default_page_size: int = 20
    maximum_nodes: int = 100_000
    """How many nodes one operation may ask for, counted before it runs (connections multiply)."""
    maximum_body: int = 1_048_576
    """Of a request without its files."""
    maximum_import: int = 1_073_741_824
    """Of a file that is imported (importEnrolments, importCases); any other has 25 MiB at most."""
    import_tolerance: float = Field(default=0.05, ge=0, le=1)
    """The share of bad lines with which a file is still imported, without them (up to 100 lines always)."""
    points_a_minute: int = 5_000_000
    """What one person may ask in a minute, in nodes."""

    maximum_subscriptions: int = 50
    """How many one person may have open in a process; and how many WebSockets."""
    maximum_operations: int = 20
    """How many may be under way on one WebSocket, subscriptions among them."""
    maximum_message: int = 65_536
    """Of a message on a WebSocket."""
    connection_wait: float = 10
    """How long a WebSocket may take to sign in."""
    keep_alive: float = 12
    """After how long a silence an open subscription says that it lives."""
    subscriber_patience: float = 30
    """For how long a subscriber may take nothing while more waits than is kept; then it is ended."""

    storage: StorageKind = StorageKind.LOCAL
    """`local` keeps files below the state directory, `s3` in a bucket. Several machines need `s3`, or one folder."""
    storage_bucket: str | None = None
    storage_endpoint: HttpUrl | None = None
    """Where the S3 service is. Left out: Amazon's, by region."""
    storage_region: str | None = None
    storage_access_key: str | None = None
    storage_secret_key: SecretStr | None = None
    storage_secret_key_file: Path | None = None
    """Left out: what the machine itself may do (AWS_… variables, the role of the instance)."""

    smtp_url: SecretStr | None = None
    """The mail server: `smtp://user@host:587` (STARTTLS) or `smtps://…`. Without one e-mails wait in the outbox."""
    smtp_password: SecretStr | None = None
    smtp_password_file: Path | None = None
    mail_from: str | None = None
    """Whom e-mails are from, and who gets those that come back."""
    public_url: HttpUrl | None = None
    """Where people reach the portal: the links of e-mails lead there."""
    job_seconds: float = Field(default=60, ge=0)
    """How often periodic work is looked after; 0: never, by this process."""

    support_phone: str = "0800 422 599"
    support_email: str = "service.desk@education.govt.nz"
    support_training: str | None = "https://applications.education.govt.nz/attendance-service"
    support_guidance: str | None = "https://applications.education.govt.nz/attendance-service"
    support_known_issues: str | None = None

    demo: bool = Field(default=False, exclude=True)

    @model_validator(mode="after")
    def _read_secret_files(self) -> Self:
        for name in ("secret_key", "audit_key", "storage_secret_key", "smtp_password"):
            path: Path | None = getattr(self, f"{name}_file")
            if path is not None and getattr(self, name) is None:
                setattr(self, name, SecretStr(path.read_text().strip()))
        for name in ("secret_key", "audit_key"):
            key: SecretStr | None = getattr(self, name)
            if key is not None and len(key.get_secret_value()) < 32:
                raise ValueError(f"ASCMS_{name.upper()} has fewer than 32 characters; give 32 random ones or more")
        return self

    def require_key(self, name: str) -> bytes:
        """The key `name` as bytes. Raises ValueError naming the setting where it is missing."""
        key: SecretStr | None = getattr(self, name)
        if key is None:
            raise ValueError(f"ASCMS_{name.upper()} (or ASCMS_{name.upper()}_FILE) is not set")
        return key.get_secret_value().encode()


def kept_secret(path: Path) -> str:
    """The secret kept in `path`, made there (readable by its owner alone) when it is not."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text().strip()
