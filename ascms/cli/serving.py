"""An installation that serves, and its settings."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from .root import lines_of, main

if TYPE_CHECKING:
    from ascms.settings import Settings


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
        wrong = lines_of(error)
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
