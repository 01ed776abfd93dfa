"""What several commands share: which database, whose settings, and how far they are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from ascms.settings import Settings

DEMO_DATABASE: Final = "var/demo.sqlite3"


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


def settings_of(database: str | None) -> "Settings":
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


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error; gives the function that is told what is being made, how much is done, and of what."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda what, done, total: bar.update(task, description=f"{title}: {what}", completed=done, total=total)
