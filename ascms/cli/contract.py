"""What clients rely on: the schema, trusted documents, and who may do what."""

import difflib
from pathlib import Path
from typing import Final

import click

from .root import main

SCHEMA: Final = Path("schema.graphql")
RELEASED: Final = Path("schema.released.graphql")


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
