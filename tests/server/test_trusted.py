"""What a list of trusted documents must be, told before anything is served; and the command that tells it earlier."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import HttpUrl, SecretStr

from ascms.cli import main
from ascms.server.app import create_app
from ascms.settings import Settings, TrustedDocuments

ROLES, PHONE = "query Roles { viewer { roles } }", "query Phone { support { phone } }"


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


FLAWED = [
    ({"a" * 40: "query {"}, "a" * 40, "Syntax Error"),
    ({"a" * 40: ""}, "a" * 40, "Syntax Error"),
    ({"b" * 40: "{ viewer { nothing } }"}, "b" * 40, "Cannot query field 'nothing'"),
    ({"c": "{ " + "a " * 20_000 + "}"}, "c", "tokens"),
    ({"d": "{ a " * 5_000}, "d", "nested too deeply"),
    ({"fragments": "fragment A on Case { id }"}, "fragments", "never used"),
    ({f"sha256:{hash_of(PHONE)}": ROLES}, f"sha256:{hash_of(PHONE)}", f"which is sha256:{hash_of(ROLES)}"),
    ({f"sha256:{hash_of(ROLES).upper()}": ROLES}, hash_of(ROLES).upper(), "not the SHA-256"),
    ({hash_of(PHONE): ROLES, "phone": PHONE}, hash_of(PHONE), "the SHA-256 of another document, phone"),
]
"""A file's content, the key that is named, and why."""
NO_LISTS = {
    "[]": "no JSON object",
    "": "no JSON",
    '{"a": 1}': "has no text for 'a'",
    '{"a": {"query": "x"}}': "has no text for 'a'",
    '{"format": "apollo-persisted-query-manifest", "version": 1}': "has no text for 'version'",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "persisted-documents.json"


def start(tmp_path: Path, path: Path | None, mode: str = "beside") -> Any:
    """The application, as `ascms serve` makes it before it serves."""
    return create_app(
        Settings(
            database_url=f"sqlite+aiosqlite:///{tmp_path}/none.sqlite3",
            state_directory=tmp_path,
            issuer=HttpUrl("https://issuer.example"),
            secret_key=SecretStr("s" * 32),
            audit_key=SecretStr("a" * 32),
            trusted_documents=path,
            trusted_documents_mode=TrustedDocuments(mode),
        )
    )


def check(path: Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["documents", "check", str(path)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize(("content", "key", "reason"), FLAWED)
def test_a_document_that_does_not_hold_is_named_and_nothing_is_served(
    tmp_path: Path, path: Path, content: dict[str, str], key: str, reason: str
) -> None:
    path.write_text(json.dumps({hash_of(ROLES): ROLES} | content))
    for mode in ("beside", "only"):
        with pytest.raises(ValueError, match="ASCMS_TRUSTED_DOCUMENTS") as refusal:
            start(tmp_path, path, mode)
        for told in (str(path), key, reason):
            assert told in str(refusal.value)
    code, output = check(path)
    assert code == 1
    assert key in output
    assert reason in output
    assert f"1 of {len(json.loads(path.read_text()))} documents" in output


@pytest.mark.parametrize(("content", "reason"), NO_LISTS.items())
def test_a_file_that_is_no_list_is_told_so(tmp_path: Path, path: Path, content: str, reason: str) -> None:
    path.write_text(content)
    with pytest.raises(ValueError, match=f"ASCMS_TRUSTED_DOCUMENTS: .*{reason}"):
        start(tmp_path, path)
    code, output = check(path)
    assert code == 1
    assert reason in output


def test_a_file_that_is_missing_is_told_so(tmp_path: Path, path: Path) -> None:
    with pytest.raises(ValueError, match=r"ASCMS_TRUSTED_DOCUMENTS: .*persisted-documents\.json"):
        start(tmp_path, path)
    assert check(path)[0] == 2


def test_to_trust_only_a_list_needs_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ASCMS_TRUSTED_DOCUMENTS names no file"):
        start(tmp_path, None, "only")


def test_of_many_flaws_ten_are_told_at_the_start_and_all_by_the_command(tmp_path: Path, path: Path) -> None:
    path.write_text(json.dumps({f"key-{number:02}": "{ nothing }" for number in range(25)}))
    with pytest.raises(ValueError, match="and 15 more") as refusal:
        start(tmp_path, path)
    assert str(refusal.value).count("key-") == 10
    code, output = check(path)
    assert code == 1
    assert output.count("key-") == 25


def test_a_list_that_holds_is_taken(tmp_path: Path, path: Path) -> None:
    """Two keys may name one text, and an empty list is one."""
    for content in ({}, {hash_of(ROLES): ROLES, f"sha256:{hash_of(ROLES)}": ROLES, "roles": ROLES, "phone": PHONE}):
        path.write_text(json.dumps(content))
        start(tmp_path, path, "only")
        assert check(path) == (0, f"All {len(content)} documents hold.\n")
