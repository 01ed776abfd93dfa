"""The command line: thin commands over the rooms, which it imports only when a command needs them.

What a person can mend (a wrong number, a missing file) is one line on standard error, without a traceback.
"""

import difflib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pydantic import ValidationError

    from ascms.settings import Settings

DEMO_DATABASE = "var/demo.sqlite3"
SCHEMA = Path("schema.graphql")
RELEASED = Path("schema.released.graphql")


class _Main(click.Group):
    """Turns what was given wrongly into one line. A KeyError is a mistake of ours and keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyError, IndexError):
            raise
        except (ValueError, LookupError, OSError) as error:
            raise click.ClickException(_in_words(error)) from error


def _in_words(error: Exception) -> str:
    """What is wrong, settings by the names that people give them."""
    from pydantic import ValidationError

    return "; ".join(_lines(error)) if isinstance(error, ValidationError) else str(error)


def _lines(error: "ValidationError") -> list[str]:
    """What is wrong with settings, one by one. What may be secret is not repeated."""
    lines = []
    for part in error.errors(include_url=False, include_context=False):
        said = part["msg"].removeprefix("Value error, ")
        if not part["loc"]:
            lines += said.splitlines()
            continue
        name = str(part["loc"][0])
        given = "" if any(word in name for word in ("key", "password", "url", "issuer")) else f" is {part['input']!r}"
        lines.append(f"ASCMS_{name.upper()}{given}: {said}")
    return lines


Command = TypeVar("Command", bound=Callable[..., Any])


def demo_database(command: Command) -> Command:
    """The option --database with the default that all commands about the demo share."""
    return click.option(
        "--database",
        default=DEMO_DATABASE,
        show_default=True,
        metavar="PATH",
        help="An SQLite file, or the URL of a PostgreSQL database.",
    )(command)


def world_size(command: Command) -> Command:
    """The options that say how large a demo world is."""
    command = click.option("--cases", type=int, metavar="N", help="Left out: 20 for every three schools.")(command)
    command = click.option("--students", type=int, metavar="N", help="Left out: 25 a school.")(command)
    return click.option("--schools", default=60, show_default=True, metavar="N", help="2536 is the nation.")(command)


@click.group(cls=_Main, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ascms")
def main() -> None:
    """The attendance service case management API."""


@main.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@demo_database
@world_size
def demo(port: int, database: str, schools: int, students: int | None, cases: int | None) -> None:
    """Serve an invented world with its own sign-in. The world is built where there is none."""
    from ascms.demo.app import serve_demo

    _build_world(database, schools, students, cases)
    serve_demo(database, port)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes that serve.")
def serve(host: str, port: int, workers: int) -> None:
    """Serve the API, set up by ASCMS_… variables (docs/settings.md).

    Prints `ready` and the address once requests are accepted.
    """
    from ascms.server.workers import serve as serve_by

    settings, started = _safe_settings(host), False
    with suppress(KeyboardInterrupt):
        started = serve_by(settings, host, port, workers)
    if not started:
        sys.exit(1)


def _safe_settings(host: str) -> "Settings":
    """The settings, with which a server may listen on `host`. Otherwise says why not, a line each, and ends with 2."""
    from pydantic import ValidationError

    from ascms.server.safety import unsafe
    from ascms.settings import Settings

    settings: Settings | None = None
    try:
        settings = Settings()
        wrong = unsafe(settings, host)
    except ValidationError as error:
        wrong = _lines(error)
    except ValueError as error:
        wrong = [str(error)]
    if wrong or settings is None:
        click.echo("ascms does not serve with these settings:", err=True)
        for line in wrong:
            click.echo(f"  {line}", err=True)
        sys.exit(2)
    return settings


@main.command("settings")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where `ascms serve` is to listen.")
@click.option("--format", "form", type=click.Choice(["table", "md"]), default="table", show_default=True)
def show_settings(host: str, form: str) -> None:
    """Show the settings that have effect, secrets masked; and say which are unsafe, then ending with 2.

    With --format md: the list of all settings and their defaults, as in docs/settings.md.
    """
    from ascms.server.effective import effective, reference
    from ascms.settings import Settings

    if form == "md":
        click.echo(reference(), nl=False)
        return
    with suppress(ValueError):
        for variable, value in effective(Settings()):
            click.echo(f"{variable}={value}")
    _safe_settings(host)


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


@db.command()
@demo_database
@world_size
def seed(database: str, schools: int, students: int | None, cases: int | None) -> None:
    """Fill an empty database with the demo world."""
    if not _build_world(database, schools, students, cases):
        raise click.ClickException(f"{database} already has rows; remove it, or name another database")


_NOT_BESIDE = (
    "{} has rows that are not the demo's. Its sign-in asks for no password, so it never serves beside real data; "
    "name another database with --database."
)


def _without_password(database: str) -> str:
    scheme, at, rest = database.partition("://")
    return f"{scheme}{at}{rest.rpartition('@')[2]}"


def _build_world(database: str, schools: int, students: int | None, cases: int | None) -> bool:
    """Build the demo world in `database` unless it has one. Whether it was built now."""
    from ascms.database import is_populated, normalise_url, upgrade

    upgrade(database)
    from ascms.demo.world import build, is_demo

    if is_populated(database):
        if not is_demo(database):
            click.echo(_NOT_BESIDE.format(_without_password(database)), err=True)
            sys.exit(2)
        return False

    with _progress("Building the demo world") as progress:
        build(normalise_url(database), schools=schools, students=students, cases=cases, progress=progress)
    return True


@contextmanager
def _progress(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error; gives the function that is told what is being made, how much is done, and of what."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda what, done, total: bar.update(task, description=f"{title}: {what}", completed=done, total=total)


def backed_up(command: Command) -> Command:
    """Which database, for backup and restore."""
    return click.option("--database", metavar="PATH", help="Left out: ASCMS_DATABASE_URL; without it, the demo's.")(
        command
    )


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

    settings, size = _settings_of(database), file.stat().st_size
    if not is_current(settings.database_url):
        raise LookupError("the database is not there or not up to date; run `ascms db upgrade`")
    with _progress("Importing") as progress:
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


def _settings_of(database: str | None) -> "Settings":
    """The installation's settings; those of the demo over `database` where none is set up."""
    from ascms.database import normalise_url, state_directory
    from ascms.settings import Settings

    settings = Settings()
    if settings.audit_key is not None:
        return settings if database is None else settings.model_copy(update={"database_url": normalise_url(database)})
    database = database or DEMO_DATABASE
    state = state_directory(database)
    kept = state / "audit_key"
    if not kept.exists():
        raise LookupError(f"there is no {kept}: {database} was never served as a demo; or set ASCMS_AUDIT_KEY_FILE")
    return Settings(database_url=normalise_url(database), state_directory=state, audit_key_file=kept)


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@backed_up
def backup(path: Path, database: str | None) -> None:
    """Write the database, the logs' heads and stored files to PATH, one archive. Servers may run (docs/backup.md)."""
    from ascms.backups import take

    settings = _place_of(database)
    with _progress("Backing up") as progress:
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
    with _progress("Restoring") as progress:
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
def schema() -> None:
    """The published contract, schema.graphql."""


@schema.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=SCHEMA, show_default=True)
def export(output: Path) -> None:
    """Write the contract from the code."""
    from ascms.schema.export import sdl

    output.write_text(sdl(), encoding="utf-8")


@schema.command()
@click.option("--against", type=click.Path(dir_okay=False, path_type=Path), default=SCHEMA, show_default=True)
@click.option("--released", type=click.Path(dir_okay=False, path_type=Path), default=RELEASED, show_default=True)
def check(against: Path, released: Path) -> None:
    """Compare the contract with the code, and with the last release (docs/changing-the-contract.md).

    Prints what differs from the code, and what would break clients of the release; fails where something does.
    """
    from ascms.schema.export import sdl

    published = against.read_text(encoding="utf-8") if against.exists() else ""
    difference = list(
        difflib.unified_diff(
            published.splitlines(), sdl().splitlines(), fromfile=str(against), tofile="the code", lineterm=""
        )
    )
    if difference:
        click.echo("\n".join(difference))
        raise click.ClickException(f"{against} is not what the code says; run `ascms schema export` and review it")
    _check_released(published, released)


def _check_released(published: str, released: Path) -> None:
    """Fail where clients of the released contract would break; tell what they may notice."""
    from ascms.schema.compatibility import broken, noticeable

    if not released.exists():
        raise LookupError(f"there is no {released}, the contract of the last release; name it with --released")
    before = released.read_text(encoding="utf-8")
    for sentence in noticeable(before, published):
        click.echo(f"Since the last release: {sentence}")
    breaks = broken(before, published)
    for sentence in breaks:
        click.echo(f"Breaks clients of the last release: {sentence}")
    if breaks:
        raise click.ClickException(
            "what was released stays, or is @deprecated for one release first (docs/changing-the-contract.md)"
        )


@main.group()
def documents() -> None:
    """Trusted documents, as clients name them by hash (docs/persisted-operations.md)."""


@documents.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check_documents(file: Path) -> None:
    """Say what in FILE (persisted-documents.json) does not hold under the schema; fail where something does not."""
    from ascms.schema import build_schema
    from ascms.server.trusted import check

    number, flaws = check(file, build_schema().core)
    for flaw in flaws:
        click.echo(flaw)
    if flaws:
        raise click.ClickException(f"{len({flaw.key for flaw in flaws})} of {number} documents do not hold")
    click.echo(f"All {number} documents hold.")


@main.command()
@click.option("--format", "form", type=click.Choice(["table", "csv", "md"]), default="table", show_default=True)
def permissions(form: str) -> None:
    """Print who sees and does what, as the code has it under ASCMS_OFFICE_SUPPORT's reading."""
    from ascms.permissions.matrix import render
    from ascms.schema import build_schema
    from ascms.settings import Settings

    policy = build_schema(Settings().office_support).policy
    click.echo(render(policy, form).rstrip("\n"))


@main.command()
@click.argument("email")
@click.option("--organisation", metavar="NUMBER", help="May be left out where the person has one organisation.")
@demo_database
def token(email: str, organisation: str | None, database: str) -> None:
    """Print a bearer token of the demo for EMAIL."""
    from ascms.database import is_current
    from ascms.demo.tokens import issue

    if not is_current(database):
        raise LookupError(f"there is no demo in {database}; start one with `ascms demo --database {database}`")
    click.echo(issue(database, email, organisation))


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
    settings = _settings_of(database if given else None)
    report = verify_database(settings.database_url, settings.state_directory, settings.require_key("audit_key"))
    click.echo(report)
    if not report.ok:
        sys.exit(1)


if __name__ == "__main__":
    main()
