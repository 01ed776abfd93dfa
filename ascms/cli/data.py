"""What an installation holds: its tables, imports into them, backups, and the logs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .root import main
from .shared import DEMO_DATABASE, Command, demo_database, progress_bar, settings_of

if TYPE_CHECKING:
    from ascms.settings import Settings


@main.group()
def db() -> None:
    """The database: its tables, and the demo world's rows."""


@db.command()
@click.option("--database", metavar="PATH", help="Left out: ASCMS_DATABASE_URL.")
def upgrade(database: str | None) -> None:
    """Create the tables, or bring them up to date."""
    from ascms.database import upgrade as upgrade_database
    from ascms.settings import Settings

    upgrade_database(database or Settings().database_url)


@main.group("import")
def import_() -> None:
    """Files from outside. A server may run meanwhile."""


def imported_file(command: Command) -> Command:
    """What the commands that import a file share."""
    path = click.Path(exists=True, dir_okay=False, path_type=Path)
    command = click.argument("file", type=path)(command)
    return click.option(
        "--database", metavar="PATH", help="Left out: ASCMS_DATABASE_URL with ASCMS_AUDIT_KEY set; else the demo's."
    )(command)


@import_.command()
@imported_file
def enrolments(file: Path, database: str | None) -> None:
    """Import ENROL's nightly FILE (docs/imports.md)."""
    _import("ENROLMENTS", file, database)


@import_.command()
@imported_file
def cases(file: Path, database: str | None) -> None:
    """Import the former system's cases from FILE (docs/imports.md)."""
    _import("CASES", file, database)


def _import(kind: str, file: Path, database: str | None) -> None:
    import asyncio

    from ascms.database import is_current
    from ascms.imports import AlreadyRunningError, ImportKind
    from ascms.resolvers.importing import import_file

    settings, size = settings_of(database), file.stat().st_size
    if not is_current(settings.database_url):
        raise LookupError("the database is not there or not up to date; run `ascms db upgrade`")
    with progress_bar("Importing") as progress:
        try:
            report = asyncio.run(
                import_file(
                    settings,
                    ImportKind(kind),
                    file,
                    lambda lines, done: progress(f"{lines:,} lines, bytes", done, size),
                )
            )
        except AlreadyRunningError as error:
            raise click.ClickException(str(error)) from error
    click.echo(report)
    if not report.done:
        sys.exit(1)


def backed_up(command: Command) -> Command:
    """Which database, for backup and restore."""
    return click.option("--database", metavar="PATH", help="Left out: ASCMS_DATABASE_URL; without it, the demo's.")(
        command
    )


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@backed_up
def backup(path: Path, database: str | None) -> None:
    """Write the database, the logs' heads and stored files to PATH, one archive. Servers may run (docs/backup.md)."""
    from ascms.backups import take

    settings = _place_of(database)
    with progress_bar("Backing up") as progress:
        manifest = take(settings, path, progress)
    size = sum(part.size for part in manifest.parts.values())
    click.echo(f"{path}: {len(manifest.parts)} parts, {size:,} bytes, {manifest.database}, {manifest.taken_at}.")
    click.echo(f"Not in it, to be kept apart: {'; '.join(manifest.kept_apart)}.")
    if manifest.files != "archive":
        click.echo(f"Stored files are in the {manifest.files}, and are to be kept there.")


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@backed_up
def restore(path: Path, database: str | None) -> None:
    """Put the backup in PATH into an empty database and state directory (docs/backup.md)."""
    from ascms.backups import restore as restore_backup

    settings = _place_of(database)
    with progress_bar("Restoring") as progress:
        manifest = restore_backup(settings, path, progress)
    click.echo(f"Restored {path}, taken at {manifest.taken_at}. Check it with `ascms audit verify`; then serve it.")
    click.echo(f"Needed besides: {'; '.join(manifest.kept_apart)}.")


def _place_of(database: str | None) -> "Settings":
    """Where database and state are: as set up, or those of the demo. Their keys are not needed."""
    from ascms.database import normalise_url, state_directory
    from ascms.settings import Settings

    settings = Settings()
    if settings.audit_key is not None or "database_url" in settings.model_fields_set:
        return settings if database is None else settings.model_copy(update={"database_url": normalise_url(database)})
    database = database or DEMO_DATABASE
    return Settings(database_url=normalise_url(database), state_directory=state_directory(database))


@main.group()
def audit() -> None:
    """The access log and the change log."""


@audit.command()
@demo_database
@click.pass_context
def verify(context: click.Context, database: str) -> None:
    """Check the access log and the change log: nothing removed, changed or cut off.

    The key and the chains' heads are the demo's, beside its database; where ASCMS_AUDIT_KEY (or its _FILE) is set,
    that key, the heads in ASCMS_STATE_DIRECTORY and, unless --database is given, ASCMS_DATABASE_URL.
    """
    from ascms.audit import verify_database

    given = context.get_parameter_source("database") is not click.core.ParameterSource.DEFAULT
    settings = settings_of(database if given else None)
    report = verify_database(settings.database_url, settings.state_directory, settings.require_key("audit_key"))
    click.echo(report)
    if not report.ok:
        sys.exit(1)
