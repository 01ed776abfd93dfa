"""What a server refuses to start with, as an operator meets it: all of it at once, a line each, and no traceback."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ascms.database import upgrade
from ascms.server.safety import unsafe
from ascms.settings import Settings
from tests.support.commands import KEYS, run, settings_of
from tests.support.sql import execute

GOOD = KEYS["secret_key"]


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user of the machine gets to."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def refusals(monkeypatch: pytest.MonkeyPatch, host: str = "127.0.0.1", **given: str) -> list[str]:
    """What is wrong with otherwise safe settings."""
    for name, value in settings_of(**given).items():
        monkeypatch.setenv(f"ASCMS_{name.upper()}", value)
    return unsafe(Settings(), host)


def test_safe_settings_are_safe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert refusals(monkeypatch, "0.0.0.0", state_directory=str(tmp_path / "state")) == []


LOCAL = {"issuer": "http://127.0.0.1:8000", "public_url": "http://localhost:8000"}


@pytest.mark.parametrize(
    ("given", "host", "named"),
    [
        ({"issuer": "http://issuer.example.nz"}, "127.0.0.1", "ASCMS_ISSUER"),
        (LOCAL, "0.0.0.0", "ASCMS_ISSUER"),
        (LOCAL, "192.0.2.1", "ASCMS_ISSUER"),
        ({"former_issuers": '["http://former.example.nz"]'}, "127.0.0.1", "ASCMS_FORMER_ISSUERS"),
        ({"demo": "1"}, "127.0.0.1", "ASCMS_DEMO"),
        ({"public_url": "http://attendance.example.nz"}, "127.0.0.1", "ASCMS_PUBLIC_URL"),
        ({"storage_endpoint": "http://s3.example.nz"}, "127.0.0.1", "ASCMS_STORAGE_ENDPOINT"),
        ({"secret_key": "k" * 40}, "127.0.0.1", "ASCMS_SECRET_KEY"),
        ({"secret_key": "abcdefghijklmnop" * 3}, "127.0.0.1", "ASCMS_SECRET_KEY"),
        ({"audit_key": "changeme-9a8b7c6d5e4f3g2h1i0jklmnop"}, "127.0.0.1", "ASCMS_AUDIT_KEY"),
        ({"audit_key": GOOD}, "127.0.0.1", "ASCMS_AUDIT_KEY"),
        ({"smtp_url": "smtp://mail.example.nz"}, "127.0.0.1", "ASCMS_SMTP_URL"),
        ({"log_error_details": "1"}, "127.0.0.1", "ASCMS_LOG_ERROR_DETAILS"),
        ({"state_directory": "/tmp/ascms-that-is-not-there"}, "127.0.0.1", "ASCMS_STATE_DIRECTORY"),
    ],
)
def test_an_unsafe_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str], host: str, named: str
) -> None:
    [line] = refusals(monkeypatch, host, **({"state_directory": str(tmp_path)} | given))
    assert named in line
    assert "; " in line, "it says what to do"
    assert "\n" not in line


@pytest.mark.parametrize(
    "given",
    [
        LOCAL,
        {"smtp_url": "smtps://mail.example.nz"},
        {"smtp_url": "smtp://user@mail.example.nz:587"},
        {"smtp_url": "smtp://127.0.0.1:25"},
        {"storage_endpoint": "http://127.0.0.1:9000"},
        {"database_url": "postgresql://ascms:password@db.example.nz/ascms"},
    ],
)
def test_what_stays_on_this_machine_or_has_tls_is_safe(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str]
) -> None:
    assert refusals(monkeypatch, state_directory=str(tmp_path / "state"), **given) == []


def test_what_others_may_read_is_refused_until_they_may_not(
    monkeypatch: pytest.MonkeyPatch, public_folder: Path
) -> None:
    key, state, database = public_folder / "key", public_folder / "state", public_folder / "ascms.sqlite3"
    key.write_text(GOOD)
    state.mkdir()
    database.touch()
    places = {"secret_key_file": str(key), "state_directory": str(state), "database_url": f"sqlite:///{database}"}
    for path, closed, opened in ((key, 0o640, 0o644), (state, 0o700, 0o755), (database, 0o600, 0o644)):
        for other in (key, state, database):
            other.chmod(0o700 if other.is_dir() else 0o600)
        monkeypatch.delenv("ASCMS_SECRET_KEY", raising=False)
        given = settings_of(**places)
        del given["secret_key"]
        for name, value in given.items():
            monkeypatch.setenv(f"ASCMS_{name.upper()}", value)
        path.chmod(closed)
        assert unsafe(Settings(), "127.0.0.1") == []
        path.chmod(opened)
        [line] = unsafe(Settings(), "127.0.0.1")
        assert str(path) in line
        assert "chmod" in line


def test_all_that_is_wrong_is_told_at_once_and_no_secret(tmp_path: Path) -> None:
    ended = run(
        "serve", issuer="http://issuer.example.nz", secret_key=GOOD, audit_key=GOOD, smtp_url="smtp://mail.example.nz",
        public_url="http://attendance.example.nz", state_directory=str(tmp_path),
        database_url="postgresql://ascms:p4ssw0rd@db.example.nz/ascms",
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stdout == ""
    first, *lines = ended.stderr.splitlines()
    assert first == "ascms does not serve with these settings:"
    assert [line.split()[0].rstrip(":") for line in lines] == [
        "ASCMS_ISSUER", "ASCMS_PUBLIC_URL", "ASCMS_SECRET_KEY", "ASCMS_SMTP_URL",
    ]  # fmt: skip
    assert GOOD not in ended.stderr
    assert "p4ssw0rd" not in ended.stderr


def test_settings_that_are_none_are_told_alike(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    ended = run("serve", secret_key="short-and-secret", audit_key_file=str(missing))
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[1:] == [
        f"  ASCMS_AUDIT_KEY_FILE is {missing}, which cannot be read: No such file or directory",
        "  ASCMS_SECRET_KEY has fewer than 32 characters; give 32 random ones or more",
    ]
    ended = run("serve", **settings_of(maximum_body="much", log_level="loud"))
    assert ended.returncode == 2
    assert ["ASCMS_MAXIMUM_BODY" in ended.stderr, "ASCMS_LOG_LEVEL" in ended.stderr] == [True, True]
    assert "Traceback" not in ended.stderr


def test_the_settings_are_shown_without_secrets(tmp_path: Path) -> None:
    url = tmp_path / "url"
    url.write_text("postgresql://ascms:p4ssw0rd@db.example.nz/ascms\n")
    url.chmod(0o600)
    given = settings_of(
        database_url_file=str(url), smtp_url="smtps://user:s3same@mail.example.nz", state_directory=str(tmp_path / "s")
    )
    ended = run("settings", **given)
    assert (ended.returncode, ended.stderr) == (0, "")
    shown = dict(line.split("=", 1) for line in ended.stdout.splitlines())
    assert shown["ASCMS_DATABASE_URL"] == "postgresql://ascms:********@db.example.nz/ascms"
    assert shown["ASCMS_SECRET_KEY"] == shown["ASCMS_AUDIT_KEY"] == shown["ASCMS_SMTP_URL"] == "********"
    assert shown["ASCMS_PUBLIC_URL"] == "https://attendance.example.nz/"
    for secret in ("p4ssw0rd", "s3same", *KEYS.values()):
        assert secret not in ended.stdout
    unsafe_ones = run("settings", **(given | {"issuer": "http://issuer.example.nz"}))
    assert unsafe_ones.returncode == 2
    assert "ASCMS_ISSUER is http://issuer.example.nz" in unsafe_ones.stderr


def test_the_documentation_lists_the_settings_as_they_are() -> None:
    page = Path(__file__).parents[2] / "docs/settings.md"
    assert run("settings", "--format", "md").stdout == page.read_text(), "run `make settings`"


def test_the_demos_sign_in_never_stands_beside_other_rows(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/real.sqlite3"
    upgrade(database)
    columns = "number, name, name_folded, kind, status"
    execute(database, f"INSERT INTO organisation ({columns}) VALUES ('1', 'A', 'a', 'SCHOOL', 'OPEN')")
    ended = run("demo", "--database", f"{tmp_path}/real.sqlite3", "--port", "0")
    assert ended.returncode == 2
    assert "never serves beside real data" in ended.stderr
    assert "Traceback" not in ended.stderr
