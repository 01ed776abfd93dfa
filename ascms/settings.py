"""Settings, from the environment (`ASCMS_…`) or from files for secrets (`ASCMS_…_FILE`)."""

import re
import secrets
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, HttpUrl, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class OfficeSupportReading(StrEnum):
    """How the seed's *some access* for Office Support is read (see README)."""

    FIELDS = "fields"
    OWN_REQUESTS = "own-requests"
    REQUESTS = "requests"


class Execution(StrEnum):
    """How reads are served. Both mean the same; `plain` is the slow definition."""

    PLANNED = "planned"
    PLAIN = "plain"


class TrustedDocuments(StrEnum):
    """What a list of trusted documents is for: to be named by their hashes, or to be all that is answered."""

    BESIDE = "beside"
    ONLY = "only"


class LogFormat(StrEnum):
    """How log lines are written."""

    JSON = "json"
    TEXT = "text"


class LogLevel(StrEnum):
    """From which level on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class TokenAlgorithm(StrEnum):
    """Signatures by public key: nothing else can be chosen."""

    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    PS256 = "PS256"
    PS384 = "PS384"
    PS512 = "PS512"
    ES256 = "ES256"
    ES384 = "ES384"
    ES512 = "ES512"
    EDDSA = "EdDSA"
    ED25519 = "Ed25519"


class StorageKind(StrEnum):
    """Where the contents of files are kept."""

    LOCAL = "local"
    S3 = "s3"


SECRETS: Final = ("database_url", "secret_key", "audit_key", "storage_secret_key", "smtp_password")
"""What may be in a file of its own, named by the setting with `_file` at its end."""


def _separated(value: object) -> object:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_separated)]
"""Names in one variable, separated by commas or spaces."""
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")


class Settings(BaseSettings):
    """Everything that differs between installations. Times in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="ASCMS_", extra="ignore", use_attribute_docstrings=True)

    database_url: str = "sqlite+aiosqlite:///var/ascms.sqlite3"
    """`postgresql://user@host/name`, or `sqlite:///path`, which one process serves."""
    database_url_file: Path | None = None
    """A file with it, where it has a password."""
    state_directory: Path = Path("var/ascms.state")
    """Where keys kept by the demo, heads of the access log and stored files live: outside the database."""

    issuer: HttpUrl | None = None
    """The OpenID Connect issuer whose tokens are accepted; its discovery document is read from it."""
    former_issuers: tuple[str, ...] = ()
    """Issuer names that are accepted besides, with the same keys (the demo, when it moved to another port)."""
    audience: str = "ascms"
    """Whom tokens must be for (`aud`)."""
    token_algorithms: Annotated[tuple[TokenAlgorithm, ...], NoDecode, BeforeValidator(_separated)] = Field(
        default=(
            TokenAlgorithm.RS256,
            TokenAlgorithm.PS256,
            TokenAlgorithm.ES256,
            TokenAlgorithm.EDDSA,
            TokenAlgorithm.ED25519,
        ),
        min_length=1,
    )
    """How tokens may be signed, separated by commas; name the one of your issuer."""
    token_lifetime: float = Field(default=86_400, gt=0)
    """How far ahead a token may expire; and for how long known keys go on while the issuer is away."""
    issuer_keys_age: float = Field(default=3600, gt=0)
    """After how long the issuer's keys are read anew, so that a withdrawn one stops counting."""
    issuer_keys_pause: float = Field(default=30, gt=0)
    """How long after a look at the issuer's keys an unknown one leads to no other."""

    office_support: OfficeSupportReading = OfficeSupportReading.FIELDS
    execution: Execution = Execution.PLANNED

    secret_key: SecretStr | None = None
    """Encrypts cursors and signs file addresses. At least 32 random characters."""
    secret_key_file: Path | None = None
    audit_key: SecretStr | None = None
    """Chains the access log; never kept in the database. At least 32 random characters."""
    audit_key_file: Path | None = None

    maximum_tokens: int = Field(default=15_000, ge=1)
    """Of a document. This and all other limits: docs/limits.md."""
    maximum_depth: int = Field(default=25, ge=1)
    """How many fields of a document may lie below each other, fragments spread."""
    maximum_aliases: int = Field(default=200, ge=0)
    maximum_repeated_fields: int = Field(default=100, ge=0)
    """How often a document may ask for fields where they are asked for already."""
    maximum_directives: int = Field(default=100, ge=0)
    introspection: bool = True
    """Whether who is signed in may ask for the schema, and everyone for /schema.graphql."""
    suggestions: bool = True
    """Whether errors say which name may have been meant."""
    maximum_page_size: int = Field(default=100, ge=1)
    default_page_size: int = 20
    maximum_nodes: int = 100_000
    """How many nodes one operation may ask for, counted before it runs (connections multiply)."""
    allowed_hosts: Names = ()
    """Names that this server answers to, besides this machine's and public_url's, separated by commas; `*`: any."""
    allowed_origins: Names = ()
    """Origins of other sites whose pages may read answers (CORS), separated by commas: `https://portal.example.nz`."""
    strict_transport_seconds: int = Field(default=0, ge=0)
    """For how long browsers are to come by HTTPS only (HSTS); 0: they are not told."""
    maximum_body: int = 1_048_576
    """Of a request without its files."""
    maximum_persisted: int = Field(default=4_194_304, ge=0)
    """Of the documents that a process keeps for automatic persisted queries; 0: none, and clients are told so."""
    trusted_documents: Path | None = None
    """A file of documents that may be named by their hashes: persisted-documents.json of graphql-codegen."""
    trusted_documents_mode: TrustedDocuments = TrustedDocuments.BESIDE
    """`beside`: all others are answered too; `only`: no others are."""
    maximum_import: int = 1_073_741_824
    """Of a file that is imported (importEnrolments, importCases); any other has 25 MiB at most."""
    import_tolerance: float = Field(default=0.05, ge=0, le=1)
    """The share of bad lines with which a file is still imported, without them (up to 100 lines always)."""
    import_leavers: float = Field(default=0.3, ge=0, le=1)
    """The share of students on a roll whom one nightly file may take off every roll (100 always): more is a mistake."""
    points_a_minute: int = 5_000_000
    """What one person may ask in a minute, in nodes."""
    operation_seconds: float = Field(default=30, gt=0)
    """How long an operation may take, from when it is read; then it is stopped, in the database too."""
    maximum_at_once: int = Field(default=32, ge=1)
    """How many operations of one person are under way at a time in a process; subscriptions count apart."""

    header_seconds: float = Field(default=10, gt=0)
    """How long the head of a request may take to come."""
    body_seconds: float = Field(default=20, gt=0)
    """How long its body may; and a second more for each 1,000 bytes that come."""
    send_seconds: float = Field(default=30, gt=0)
    """Within how long 1,000 bytes a second must be taken of an answer; twice as long on a WebSocket."""

    maximum_under_way: int = Field(default=500, ge=1)
    """How many operations may be under way in a process; who comes then is answered 503, and when to come again."""
    database_connections: int = Field(default=20, ge=4)
    """To PostgreSQL, of a process: half of them to read. Three more listen and watch."""
    maximum_subscriptions: int = 50
    """How many one person may have open in a process; and how many WebSockets."""
    maximum_operations: int = 20
    """How many may be under way on one WebSocket, subscriptions among them."""
    maximum_message: int = 65_536
    """Of a message on a WebSocket."""
    connection_wait: float = 10
    """How long a WebSocket may take to sign in."""
    idle_seconds: float = Field(default=600, gt=0)
    """How long a WebSocket is kept on which nothing is under way."""
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
    """A file with it. Left out: what the machine itself may do (AWS_… variables, the role of the instance)."""

    smtp_url: SecretStr | None = None
    """The mail server: `smtp://user@host:587` (STARTTLS) or `smtps://…`. Without one e-mails wait in the outbox."""
    smtp_password: SecretStr | None = None
    smtp_password_file: Path | None = None
    mail_from: str | None = None
    """Whom e-mails are from, and who gets those that come back."""
    public_url: HttpUrl | None = None
    """Where people reach the portal: the links of e-mails lead there."""
    ending_notice: float = Field(default=0, ge=0)
    """For how long after the signal to end requests are still taken, while /readyz turns load balancers away."""
    ending_grace: float = Field(default=20, gt=0)
    """How long what is under way then may take until it is cancelled."""
    job_seconds: float = Field(default=60, ge=0)
    """How often periodic work is looked after; 0: never, by this process."""

    log_format: LogFormat = LogFormat.JSON
    """`json`: an object a line; `text`: for people in a terminal, and what the demo does unless told otherwise."""
    log_level: LogLevel = LogLevel.INFO
    log_requests: bool = True
    """A line for each request: its name, route, status, milliseconds, hash of the document, keys of who asked."""
    log_error_details: bool = False
    """The messages of unexpected errors too. They may quote people's data: never beside real data."""
    traces_url: HttpUrl | None = None
    """Where OpenTelemetry spans are sent by OTLP over HTTP: `https://collector/v1/traces`. Needs `ascms[telemetry]`."""
    traces_share: float = Field(default=1.0, ge=0, le=1)
    """How many of the traces that begin here are kept."""
    metrics_port: int | None = Field(default=None, ge=1, le=65_535)
    """Where metrics are told instead of at /metrics: each process takes the first free port from this one on."""
    metrics_host: str = "127.0.0.1"
    """The address that those ports are on."""

    support_phone: str = "0800 422 599"
    support_email: str = "service.desk@education.govt.nz"
    support_training: str | None = "https://applications.education.govt.nz/attendance-service"
    support_guidance: str | None = "https://applications.education.govt.nz/attendance-service"
    support_known_issues: str | None = None

    demo: bool = Field(default=False, exclude=True)

    @model_validator(mode="after")
    def _read_secret_files(self) -> Self:
        wrong = []
        for name in SECRETS:
            path: Path | None = getattr(self, f"{name}_file")
            if path is None or name in self.model_fields_set:
                continue
            try:
                text = path.read_text().strip()
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is no text"
                wrong.append(f"ASCMS_{name.upper()}_FILE is {path}, which cannot be read: {reason}")
            else:
                setattr(self, name, text if name == "database_url" else SecretStr(text))
        for name in ("secret_key", "audit_key"):
            key: SecretStr | None = getattr(self, name)
            if key is not None and len(key.get_secret_value()) < 32:
                wrong.append(f"ASCMS_{name.upper()} has fewer than 32 characters; give 32 random ones or more")
        wrong += [
            f"ASCMS_ALLOWED_ORIGINS has {origin!r}; give origins as browsers send them, in lower case and without a "
            "path: https://portal.example.nz"
            for origin in self.allowed_origins
            if not _ORIGIN.fullmatch(origin)
        ]
        if wrong:
            raise ValueError("\n".join(wrong))
        if self.trusted_documents_mode is TrustedDocuments.ONLY and self.trusted_documents is None:
            raise ValueError("ASCMS_TRUSTED_DOCUMENTS_MODE is only, but ASCMS_TRUSTED_DOCUMENTS names no file of them")
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
