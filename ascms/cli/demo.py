"""The demo: its world, its server, and its people's tokens."""

import sys

import click

from .data import db
from .root import main
from .shared import Command, demo_database, progress_bar


def world_size(command: Command) -> Command:
    """The options that say how large a demo world is."""
    command = click.option("--cases", type=int, metavar="N", help="Left out: 20 for every three schools.")(command)
    command = click.option("--students", type=int, metavar="N", help="Left out: 25 a school.")(command)
    return click.option("--schools", default=60, show_default=True, metavar="N", help="2536 is the nation.")(command)


@main.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@demo_database
@world_size
def demo(port: int, database: str, schools: int, students: int | None, cases: int | None) -> None:
    """Serve an invented world with its own sign-in. The world is built where there is none."""
    from ascms.demo.app import serve_demo

    _build_world(database, schools, students, cases)
    serve_demo(database, port)


@db.command()
@demo_database
@world_size
def seed(database: str, schools: int, students: int | None, cases: int | None) -> None:
    """Fill an empty database with the demo world."""
    if not _build_world(database, schools, students, cases):
        raise click.ClickException(f"{database} already has rows; remove it, or name another database")


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


_NOT_BESIDE = (
    "{} has rows that are not the demo's. Its sign-in asks for no password, so it never serves beside real data; "
    "name another database with --database."
)


def _build_world(database: str, schools: int, students: int | None, cases: int | None) -> bool:
    """Build the demo world in `database` unless it has one. Whether it was built now."""
    from ascms.database import is_populated, normalise_url, upgrade, without_password

    upgrade(database)
    from ascms.demo.world import build, is_demo

    if is_populated(database):
        if not is_demo(database):
            click.echo(_NOT_BESIDE.format(without_password(database)), err=True)
            sys.exit(2)
        return False

    with progress_bar("Building the demo world") as progress:
        build(normalise_url(database), schools=schools, students=students, cases=cases, progress=progress)
    return True
