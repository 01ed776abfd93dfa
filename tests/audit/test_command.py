"""`verify_database`, which the command line calls."""

import asyncio
from pathlib import Path

import pytest

from ascms.audit import AccessLog, AccessRecord, verify_database
from ascms.database import engine_for, normalise_url, upgrade
from tests.audit.conftest import KEY, MAY
from tests.models import rows


def test_a_sound_log_is_told_in_two_lines(tmp_path: Path) -> None:
    database = normalise_url(tmp_path / "ascms.sqlite3")
    upgrade(database)

    async def one_entry() -> None:
        engine = engine_for(database)
        user = rows.user()
        await rows.save(engine, user)
        log = AccessLog(engine, KEY, tmp_path)
        await log.append(AccessRecord(MAY, user.id, None, ("ANALYST",), None, "ab" * 32, ("Case.number",), (), ()))
        await log.aclose()
        await engine.dispose()

    asyncio.run(one_entry())
    report = verify_database(database, tmp_path, KEY)
    assert report.ok
    assert report.render().splitlines() == [
        "1 chain with 1 entry and 1 disclosure checked.",
        "The log is sound.",
    ]


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "missing.sqlite3"
    with pytest.raises(LookupError, match="there is no database"):
        verify_database(normalise_url(missing), tmp_path, KEY)
    assert not missing.exists()


def test_a_database_without_tables_is_told(tmp_path: Path) -> None:
    empty = tmp_path / "empty.sqlite3"
    empty.touch()
    with pytest.raises(LookupError, match="ascms db upgrade"):
        verify_database(normalise_url(empty), tmp_path, KEY)
