"""Imports from the command line, as an operator makes them."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ascms.cli import main
from ascms.database import state_directory
from ascms.settings import kept_secret
from tests.imports.files import content, student
from tests.support.sql import rows

LINE = {"nsn": "0009999999", "full_name": "Aroha New", "school_number": "1235", "started_on": "2026-05-04"}


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["import", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def installed(world_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installation over the demo world, set up by variables."""
    monkeypatch.setenv("ASCMS_DATABASE_URL", world_url)
    monkeypatch.setenv("ASCMS_STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("ASCMS_AUDIT_KEY", "k" * 32)
    return world_url


def test_a_nightly_file_is_imported_and_reported(installed: str, tmp_path: Path) -> None:
    file = tmp_path / "nightly.csv"
    file.write_text(content(LINE, {**LINE, "nsn": "bad"}))
    result = run("enrolments", str(file))
    assert result.exit_code == 0
    report = result.stdout.splitlines()
    assert report[:2] == ["line 3: nsn is not nine or ten digits", "2 lines read, 1 of them bad."]
    assert "studentsAdded: 1" in report
    assert report[-1] == "Done."
    assert file.exists()
    assert rows(installed, "SELECT kind, state, started_by_id, lines_read FROM import_run") == [
        ("ENROLMENTS", "DONE", None, 2)
    ]
    assert rows(installed, "SELECT full_name FROM student WHERE nsn = '0009999999'") == [("Aroha New",)]


def test_a_file_that_fails_says_why(installed: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_text(content(student()))
    result = run("cases", str(file))
    assert result.exit_code == 1
    assert "FAILED: The header's column" in result.stdout


def test_without_an_installation_it_is_the_demos(tmp_path: Path) -> None:
    missing = tmp_path / "demo.sqlite3"
    file = tmp_path / "nightly.csv"
    file.write_text(content(LINE))
    result = run("enrolments", str(file), "--database", str(missing))
    assert result.exit_code == 1
    assert "was never served as a demo" in result.output
    kept_secret(state_directory(missing) / "audit_key")
    result = run("enrolments", str(file), "--database", str(missing))
    assert result.output == "Error: the database is not there or not up to date; run `ascms db upgrade`\n"
