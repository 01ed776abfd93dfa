"""Writes the initial migration anew from the models. For use until the first release, which freezes it."""

import subprocess  # nosec B404 (runs ruff)
import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from ascms.database import alembic_config, migrations

INITIAL = migrations() / "versions" / "0001_initial.py"


def main() -> None:
    INITIAL.unlink(missing_ok=True)
    others = sorted(path.name for path in INITIAL.parent.glob("*.py"))
    if others:
        sys.exit(f"the initial migration is no longer alone ({', '.join(others)}): add a migration instead")
    INITIAL.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'empty.sqlite3'}")
        with engine.connect() as connection:
            command.revision(alembic_config(connection), message="initial", rev_id="0001", autogenerate=True)
        engine.dispose()
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--quiet", "--fix", "--select", "I", str(INITIAL)], check=True)  # nosec B603 (ruff, on one file)
    subprocess.run([*ruff, "format", "--quiet", str(INITIAL)], check=True)  # nosec B603 (ruff, on one file)


if __name__ == "__main__":
    main()
