"""The command line as a person meets it: the commands are there, and what they mistype is one helpful line."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from ascms import __version__
from ascms.cli import main
from ascms.database import is_current


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_the_version_is_that_of_the_package() -> None:
    code, output = run("--version")
    assert code == 0
    assert __version__ in output


@pytest.mark.parametrize(
    "command",
    [
        "demo", "serve", "db upgrade", "db seed", "import enrolments", "import cases", "schema export", "schema check",
        "documents check", "permissions", "token", "audit verify", "settings",
    ],
)  # fmt: skip
def test_every_command_explains_itself(command: str) -> None:
    code, output = run(*command.split(), "--help")
    assert code == 0
    assert len(output.splitlines()) > 4


def test_demo_token_and_audit_speak_of_the_same_database() -> None:
    for command in ("demo", "db seed", "token", "audit verify"):
        _, output = run(*command.split(), "--help")
        assert "[default: var/demo.sqlite3]" in " ".join(output.split()), command


def test_a_database_is_made_and_brought_up_to_date(tmp_path: Path) -> None:
    database = tmp_path / "ascms.sqlite3"
    assert run("db", "upgrade", "--database", str(database)) == (0, "")
    assert is_current(database)


def test_a_wrong_database_is_told_in_one_line() -> None:
    code, output = run("db", "upgrade", "--database", "mysql://host/ascms")
    assert code == 1
    assert output.splitlines() == [
        "Error: mysql is no database that ascms knows; give an SQLite path or postgresql://user@host/name"
    ]


def test_a_database_server_that_does_not_answer_is_told_without_a_traceback() -> None:
    code, output = run("db", "upgrade", "--database", "postgresql://127.0.0.1:1/ascms")
    assert code == 1
    assert output.startswith("Error: ")


@pytest.mark.nightly
def test_a_database_server_that_takes_too_long_is_told_in_words() -> None:
    """After ten seconds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/ascms"
        code, output = run("db", "upgrade", "--database", address)
    assert code == 1
    assert output == "Error: the database has not answered in time; look whether it runs, and is not overloaded\n"


def test_a_contract_that_differs_from_the_code_is_shown_and_fails(tmp_path: Path) -> None:
    published = tmp_path / "schema.graphql"
    assert run("schema", "export", "--output", str(published)) == (0, "")
    assert run("schema", "check", "--against", str(published)) == (0, "")
    published.write_text(published.read_text() + "\ntype Surprise { id: ID! }\n")
    code, output = run("schema", "check", "--against", str(published))
    assert code == 1
    assert "-type Surprise { id: ID! }" in output
    assert "ascms schema export" in output


def test_the_demo_world_is_built_into_an_empty_database_only(tmp_path: Path) -> None:
    database = str(tmp_path / "demo.sqlite3")
    code, _ = run("db", "seed", "--database", database, "--schools", "4")
    assert code == 0
    code, output = run("db", "seed", "--database", database, "--schools", "4")
    assert code == 1
    assert "already has rows" in output


def test_a_token_for_nobody_names_the_people_there_are(tmp_path: Path) -> None:
    database = str(tmp_path / "demo.sqlite3")
    run("db", "seed", "--database", database, "--schools", "4")
    code, output = run("token", "lead@test-college.school.nz", "--database", database)
    assert code == 0
    assert output.count(".") == 2
    code, output = run("token", "nobody@example.nz", "--database", database)
    assert code == 1
    assert "lead@test-college.school.nz" in output


def test_the_matrix_is_printed_under_the_reading_of_office_support_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {}
    for reading in ("fields", "own-requests"):
        monkeypatch.setenv("ASCMS_OFFICE_SUPPORT", reading)
        code, output = run("permissions", "--format", "csv")
        assert code == 0
        rows[reading] = dict(line.split(",", 2)[1:] for line in output.splitlines() if line.startswith("Student,"))
    assert rows["fields"]["ethnicities"] == "V,V,H,V,V,H,H,V,H,H"
    assert rows["own-requests"]["ethnicities"] == "V,V,V,V,V,H,H,V,H,H"


def test_verifying_a_log_makes_no_key_of_its_own(tmp_path: Path) -> None:
    code, output = run("audit", "verify", "--database", str(tmp_path / "demo.sqlite3"))
    assert code == 1
    assert "never served" in output
    assert list(tmp_path.iterdir()) == []


def test_a_token_without_a_demo_is_refused_and_makes_nothing(tmp_path: Path) -> None:
    code, output = run("token", "lead@test-college.school.nz", "--database", str(tmp_path / "demo.sqlite3"))
    assert code == 1
    assert "ascms demo" in output
    assert list(tmp_path.iterdir()) == []
