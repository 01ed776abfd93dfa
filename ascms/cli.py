"""The command line: thin commands over the rooms, which it imports only when a command needs them.

What a person can mend (a wrong number, a missing file) is one line on standard error, without a traceback.
"""

import difflib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import click

DEMO_DATABASE = "var/demo.sqlite3"
SCHEMA = Path("schema.graphql")


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

    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{'ASCMS_' + str(part['loc'][0]).upper() + ' ' if part['loc'] else ''}is {part['input']!r}: {part['msg']}"
        if part["loc"] and "key" not in str(part["loc"][0])
        else part["msg"]
        for part in error.errors(include_url=False)
    )


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
def serve(host: str, port: int) -> None:
    """Serve the API, set up by ASCMS_… variables (see docs and ascms/settings.py)."""
    from ascms.server.app import create_app
    from ascms.server.serving import Server
    from ascms.settings import Settings

    server = Server(create_app(Settings()), host=host, port=port)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)


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


def _build_world(database: str, schools: int, students: int | None, cases: int | None) -> bool:
    """Build the demo world in `database` unless it has one. Whether it was built now."""
    from ascms.database import is_populated, normalise_url, upgrade

    upgrade(database)
    if is_populated(database):
        return False
    from ascms.demo.world import build

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
def check(against: Path) -> None:
    """Compare the contract with the code; print the difference and fail where there is one."""
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
def verify(database: str) -> None:
    """Check the access log and the change log: nothing removed, changed or cut off.

    The key and the chains' heads are the demo's, beside its database; where ASCMS_AUDIT_KEY (or its _FILE) is set,
    that key, and the heads in ASCMS_STATE_DIRECTORY.
    """
    from ascms.audit import verify_database
    from ascms.database import normalise_url, state_directory
    from ascms.settings import Settings

    settings = Settings()
    if settings.audit_key is not None:
        state, key = settings.state_directory, settings.require_key("audit_key")
    else:
        state = state_directory(database)
        kept = state / "audit_key"
        if not kept.exists():
            raise LookupError(f"there is no {kept}: {database} was never served as a demo; or set ASCMS_AUDIT_KEY_FILE")
        key = kept.read_text().strip().encode()
    report = verify_database(normalise_url(database), state, key)
    click.echo(report)
    if not report.ok:
        sys.exit(1)


if __name__ == "__main__":
    main()
